# shellcheck shell=bash disable=SC2154
# `./dev package`: Debian packages, built in a bare folder of a release, looked at by lintian, installed, tried and removed there;
# and PGXN's archive. What is made lies in build/package/RELEASE. Sourced by ./dev, after regress/matrix.sh, whose folders of
# releases it uses.

package_name() { sed -n 's/^\([^ ]*\) (\([^-)]*\)-.*/\1-\2/p;q' debian/changelog; }

# The source as people would download it, of what is committed, with what npm bundles for the HTML report.
make_source_package() { # FOLDER
    local folder=$1 name
    name=$(package_name)
    rm -rf "$folder" && mkdir -p "$folder"
    git archive --prefix="$name/" HEAD | tar -x -C "$folder" --exclude="$name/debian"
    tar -c -C "$folder" --sort=name --owner=0 --group=0 "$name" | xz -1 >"$folder/${name/-/_}.orig.tar.xz"
    git archive HEAD debian | tar -x -C "$folder/$name"
    if make_report_assets && [ -d build/report ]; then
        mkdir "$folder/$name/debian/report"
        cp build/report/* "$folder/$name/debian/report"
    fi
}

# What runs inside: /package holds the source, and what was made at the end.
package_steps() {
    cat <<'END'
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
step() { echo "==> $*"; }
installed() { dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^ii *//p' | sort; }
files() { find / -xdev \( -path /proc -o -path /package -o -path /tmp -o -path /var/lib -o -path /var/cache -o -path /var/log -o -path /dbperf -o -path /run -o -path /dev -o -path /sys \) -prune -o -print | sort; }
apt-get -q update
apt-get -q install -y --no-install-recommends build-essential dpkg-dev lintian postgresql-server-dev-all
cd /package/*/
pg_buildext updatecontrol
apt-get -q build-dep -y --no-install-recommends ./
step build
begin=$(date +%s)
dpkg-buildpackage -us -uc -b
echo "built in $(($(date +%s) - begin)) s"
cd /package
ls -l ./*.deb | awk '{ print $5, $9 }'
step lintian
lintian --allow-root --fail-on error --suppress-tags bad-distribution-in-changes-file ./*.changes
step install
apt-get -q install -y --no-install-recommends postgresql-common python3 procps make perl libipc-run-perl
sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
version=$(ls ./postgresql-*-dbperf_*.deb | sed -n 's,^./postgresql-\([0-9]*\)-.*,\1,p')
apt-get -q install -y --no-install-recommends "postgresql-$version"
apt-get -q purge -y '^postgresql-[0-9]+-dbperf$' '^dbperf(-examples)?$' >/dev/null 2>&1 || true # of a run that failed
files >/package/before
apt-get -q install -y --no-install-recommends ./postgresql-*-dbperf_*.deb ./dbperf_*.deb ./dbperf-examples_*.deb
dbperf --version
for test in demo installcheck; do
    step "$test"
    (cd /package/*/ && debian/tests/$test)
done
step remove
apt-get -q purge -y "postgresql-$version-dbperf" dbperf dbperf-examples
files >/package/after
diff /package/before /package/after
END
}

package_release() { # NAME
    local folder=build/matrix/$1
    make_release "$1" || return
    rm -rf "$folder/package"
    make_source_package "$folder/package"
    package_steps >"$folder/package/steps"
    inside "$folder" sh /package/steps
}

# The archive for PGXN, of what is committed: unpacked elsewhere, `make && make install` makes of it what CMake installs from here.
package_pgxn() {
    local version archive folder place
    version=$(jq -r .version META.json)
    for place in "$(sed -n 's/^project(dbperf VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)" "$(jq -r .provides.dbperf.version META.json)"; do
        [ "$place" = "$version" ] || die "META.json, what it provides and CMakeLists.txt name different versions: $version, $place" 1
    done
    [ -e "$(jq -r .provides.dbperf.file META.json)" ] && [ -e "$(jq -r .provides.dbperf.docfile META.json)" ] ||
        die "META.json names a file that is not there" 1
    folder=$work/pgxn archive=build/package/pgxn/dbperf-$version.zip
    rm -rf build/package/pgxn && mkdir -p build/package/pgxn "$folder"
    git archive --format=zip --prefix="dbperf-$version/" -o "$archive" HEAD
    unzip -q "$archive" -d "$folder"
    make -s -C "$folder/dbperf-$version" PG_CONFIG="$pg_config"
    make -s -C "$folder/dbperf-$version" install PG_CONFIG="$pg_config" DESTDIR="$folder/image"
    for place in "$("$pg_config" --pkglibdir)/dbperf.so" "$("$pg_config" --sharedir)/extension/dbperf.control" \
        "$("$pg_config" --sharedir)/extension/dbperf--$version.sql"; do
        [ -e "$folder/image$place" ] || { echo "make install made no $place" && return 1; }
    done
    (cd build/package && du -b "${archive#build/package/}")
}

package_command() { # [RELEASE...]
    local release status log failed=0 begin releases=("${@:-}")
    [ $# -gt 0 ] || releases=(bookworm trixie pgxn)
    [ "$(id -u)" -eq 0 ] || [ "${releases[*]}" = pgxn ] || die "packages are built in folders of their own, with debootstrap and chroot; run: sudo ./dev package" 2
    command -v apt-get >/dev/null || die "packages need a Debian machine"
    git diff --quiet HEAD 2>/dev/null || say "packages are made of what is committed; there are changes beside it"
    mkdir -p build/matrix build/package
    exec 8>build/matrix/.lock
    flock -n 8 || die "a ./dev matrix or package is at work"
    for release in "${releases[@]}"; do
        say "packages for $release"
        log=build/package/$release.log status=0 begin=$SECONDS
        if [ "$release" = pgxn ]; then
            find_server
            need unzip jq g++ cmake make
            temporary_folder
            run logged "$log" package_pgxn 8>&- || status=$?
            if [ "$status" -eq 0 ]; then tail -n 1 "$log"; else tail -n 60 "$log" && failed=1; fi
            printf '%-10s %s in %d s\n' "$release" "$([ "$status" -eq 0 ] && echo "archive made, built and installed from" || echo failed)" $((SECONDS - begin))
            continue
        fi
        run logged "$log" package_release "$release" 8>&- || status=$?
        if [ "$status" -eq 0 ]; then
            rm -rf "build/package/$release" && mkdir -p "build/package/$release"
            cp build/matrix/"$release"/package/*.deb "build/package/$release"
            sed -n '/^==> lintian/,/^==> install/{/^[EWIN]: /p}; s/^built in/built in/p' "$log"
            (cd build/package && du -b "$release"/*.deb)
        else
            failed=1
            tail -n 60 "$log"
        fi
        printf '%-10s %s in %d s\n' "$release" "$([ "$status" -eq 0 ] && echo "built, installed, tried and removed" || echo failed)" $((SECONDS - begin))
    done
    [ "$failed" -eq 0 ]
}
