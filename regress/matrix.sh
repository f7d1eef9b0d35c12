# shellcheck shell=bash disable=SC2154
# `./dev matrix`: the extension's tests on each Debian release, that is on each of their PostgreSQL versions. A release that
# is not this machine's own gets a folder build/matrix/NAME, made by debootstrap once and kept. The name docker stands for the
# steps of docker/Dockerfile. Sourced by ./dev.

matrix_source= # where this machine gets its Debian packages

# Asks apt itself, which knows every format of its configuration.
find_package_source() {
    # shellcheck disable=SC2016
    matrix_source=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk '$3 == "main" && $2 !~ /-/ && $1 !~ /security/ && $1 ~ /debian/ { print $1; exit }')
    case $matrix_source in
        mirror+file:*) matrix_source=$(grep -m 1 -oE '^(https?|file):[^[:space:]]*' "${matrix_source#mirror+file:}") ;;
    esac
    [ -n "$matrix_source" ] || die "apt's configuration names no Debian package source"
}

# In a folder, in namespaces of its own: mounts and processes are gone when it ends.
inside() { # FOLDER COMMAND...
    cp -L /etc/hosts /etc/resolv.conf "$1/etc/"
    # shellcheck disable=SC2016
    unshare --mount --pid --fork --kill-child sh -ec '
        mount --make-rprivate /
        mount -t proc proc "$1/proc"
        mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
        mount --rbind /dev "$1/dev"
        folder=$1
        shift
        exec chroot "$folder" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"' sh "$@"
}

# The folder of a release with its base system. experimental is sid with the server that is only there.
make_release() { # NAME
    local folder=build/matrix/$1 base=$1 trust=()
    [ "$base" != experimental ] || base=sid
    [ ! -e "$folder/.complete" ] || return 0
    need debootstrap debian-archive-keyring
    find_package_source
    say "debootstrap $1 into $folder"
    if [ -n "${DBPERF_MATRIX_UNVERIFIED:-}" ]; then
        trust=(--no-check-gpg)
    fi
    rm -rf "$folder"
    mkdir -p "$folder"
    if ! run logged "$folder.log" debootstrap --variant=minbase "${trust[@]}" "$base" "$folder" "$matrix_source"; then
        tail -n 5 "$folder.log" >&2
        if grep -qiE 'unknown key|NO_PUBKEY|signature' "$folder.log"; then
            echo "The keys in debian-archive-keyring cannot verify $1: upgrade that package, or accept unverified packages in" \
                "$folder by setting DBPERF_MATRIX_UNVERIFIED=1." >&2
        fi
        return 1
    fi
    [ -z "${DBPERF_MATRIX_UNVERIFIED:-}" ] || sed -i 's/^deb /deb [trusted=yes] /' "$folder/etc/apt/sources.list"
    # Proxies, retries and the like are this machine's, not the release's.
    apt-config dump | grep -E '^Acquire::(http|https|Retries|Check-Valid-Until|Check-Date|ForceIPv[46])\b' \
        >"$folder/etc/apt/apt.conf.d/90machine" || true
    if [ "$1" = experimental ]; then
        sed -n 's/ sid / experimental /p' "$folder/etc/apt/sources.list" >"$folder/etc/apt/sources.list.d/experimental.list"
        printf 'Package: postgresql-19 postgresql-server-dev-19 postgresql-client-19 libpq5 libpq-dev\nPin: release a=experimental\nPin-Priority: 900\n' \
            >"$folder/etc/apt/preferences.d/server"
        run logged "$folder-server.log" inside "$folder" sh -ec 'apt-get -q update
            DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends postgresql-19 postgresql-server-dev-19' ||
            { tail -n 20 "$folder-server.log" && return 1; }
    fi
    touch "$folder/.complete"
}

# Runs ./dev inside a release.
run_in_release() { # NAME COMMAND...
    local folder=$root/build/matrix/$1
    shift
    mkdir -p "$folder/dbperf"
    find "$folder/dbperf" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
    tar -c --exclude=./build --exclude=./.git . | tar -x -C "$folder/dbperf" # keeps times: ninja sees only real changes
    inside "$folder" env DBPERF_CLIENT=OFF "$@"
}

matrix_command() {
    local release status log begin own total_passed=0 total_failed=0 good bad version
    local releases=("${@:-}") summary=()
    [ $# -gt 0 ] || releases=(bookworm trixie sid experimental)
    [ "$(id -u)" -eq 0 ] || die "the matrix needs root, for debootstrap and chroot; run: sudo ./dev matrix" 2
    command -v apt-get >/dev/null || die "the matrix needs a Debian machine"
    own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    mkdir -p build/matrix
    exec 8>build/matrix/.lock
    flock -n 8 || die "another ./dev matrix is at work"
    for release in "${releases[@]}"; do
        log=build/matrix/$release-test.log
        begin=$SECONDS status=0
        say "$release"
        if [ "$release" = docker ]; then
            make_release bookworm 8>&- && run logged "$log" regress/docker_image build/matrix/bookworm build/matrix/docker 8>&- || status=$?
        elif [ "$release" = "$own" ]; then
            run logged "$log" env DBPERF_CLIENT=OFF ./dev test checks unit regress isolation tap 8>&- || status=$?
        elif make_release "$release" 8>&-; then
            run logged "$log" run_in_release "$release" /dbperf/dev test checks unit regress isolation tap 8>&- || status=$?
        else
            echo '0 passed, 1 failed' >"$log"
            status=1
        fi
        [ "$status" -eq 0 ] || tail -n 80 "$log"
        read -r good bad < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1) || good=0 bad=1
        version=$(sed -n 's/^==> testing with PostgreSQL \([^ ]*\).*/\1/p' "$log")
        summary+=("$(printf '%-10s PostgreSQL %-8s %4d passed %4d failed %5d s' "$release" "${version:-?}" "$good" "$bad" $((SECONDS - begin)))")
        total_passed=$((total_passed + good)) total_failed=$((total_failed + bad))
    done
    printf '%s\n' "${summary[@]}"
    printf '%d passed, %d failed\n' "$total_passed" "$total_failed"
    [ "$total_failed" -eq 0 ]
}
