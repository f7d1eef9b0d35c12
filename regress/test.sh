# shellcheck shell=bash disable=SC2154
# `./dev test`: every suite, counted into one closing line. Sourced by ./dev, whose functions and variables it uses.

# shellcheck source=/dev/null
. regress/fuzz.sh

passed=0 failed=0
kept=build/test-output # what a failed test left: diffs, results, logs

count() { # SUITE PASSED FAILED SECONDS
    passed=$((passed + $2)) failed=$((failed + $3))
    printf '%-10s %4d passed %4d failed %5d s\n' "$1" "$2" "$3" "$4"
}

keep() { # FOLDER-NAME FILE...: for a look after the temporary folder is gone
    mkdir -p "$kept/$1"
    cp -r "${@:2}" "$kept/$1" 2>/dev/null || true
    echo "    kept in $kept/$1"
}

# Unit tests that CTest knows: of the extension's pure files and, if it is built, of the client.
test_unit() {
    local log=$work/unit.log begin=$SECONDS status=0 bad=0 total=0
    PG_CONFIG=$bindir/pg_config run logged "$log" ctest --test-dir "$build" -j "$(nproc)" --output-on-failure || status=$?
    if grep -q 'No tests were found' "$log"; then
        status=0
    else
        read -r bad total < <(sed -n 's/.* \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$log") || true
    fi
    [ "$status" -eq 0 ] || cat "$log"
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || { bad=1 total=$((total + 1)); }
    count unit $((total - bad)) "$bad" $((SECONDS - begin))
}

# Unit tests and fuzz targets in one build, of clang where it can be had.
build_sanitized() {
    local release=$build status=0
    sanitizing=("${fuzz_options[@]}")
    ! have_fuzzer || sanitizing+=(-DCMAKE_CXX_COMPILER=clang++)
    locked configure_and_build sanitize ON || status=$?
    sanitized=$build build=$release
    return "$status"
}
sanitized=

# Programs in regress/checks/ that read the source tree and the module; each says in its head what it checks.
test_checks() {
    local check begin=$SECONDS good=0 bad=0
    for check in regress/checks/*; do
        if run logged "$work/check.log" "$check" "$build/extension/dbperf.so"; then
            good=$((good + 1))
        else
            bad=$((bad + 1))
            echo "check ${check##*/} failed:"
        fi
        sed 's/^/    /' "$work/check.log"
    done
    count checks "$good" "$bad" $((SECONDS - begin))
}

# pg_regress and its isolation variant, over all files of a folder.
regress_suite() { # SUITE FOLDER SUFFIX PROGRAM OUTPUT-FOLDER
    local begin=$SECONDS log=$work/$1.log status=0 good bad names=() file
    for file in regress/"$2"/*."$3"; do
        [ ! -e "$file" ] || names+=("$(basename "$file" ."$3")")
    done
    if [ ${#names[@]} -gt 0 ]; then
        # shellcheck disable=SC2016
        run logged "$log" as_server_user sh -c 'cd regress && exec "$@"' sh "$("$bindir/pg_config" --pkglibdir)/pgxs/src/test/$4" \
            --bindir="$bindir" --host="$work" --port=5432 --user=postgres --inputdir=. --outputdir="$5" \
            --dbname="dbperf_$1" --load-extension=dbperf "${names[@]}" || status=$?
    fi
    # Up to 15: "test NAME ... ok 12 ms"; later: "ok 1 - NAME 12 ms".
    good=$(grep -cE '^(test .*\.\.\. ok|ok [0-9]+ )' "$log" 2>/dev/null) || true
    bad=$((${#names[@]} - ${good:-0}))
    if [ "$bad" -ne 0 ] || [ "$status" -ne 0 ]; then
        [ "$bad" -ne 0 ] || { bad=1 good=$((good - 1)); }
        cat "$log"
        cat "$work/source/regress/$5/regression.diffs" 2>/dev/null || tail -n 50 "$work/server.log"
        keep "$1" "$work/source/regress/$5/results" "$work/source/regress/$5/regression.diffs" "$work/server.log"
    fi
    count "$1" "${good:-0}" "$bad" $((SECONDS - begin))
}
test_regress() { regress_suite regress sql sql regress/pg_regress .; }
test_isolation() {
    # Results are kept in one database of a server, by itself the first one in which dbperf is used.
    "$bindir/psql" -qX -h "$work" -p 5432 -U postgres -d postgres -c "ALTER SYSTEM SET dbperf.database = 'dbperf_isolation'" -c 'SELECT pg_reload_conf()' >/dev/null
    regress_suite isolation specs spec isolation/pg_isolation_regress output_isolation
}

# A crash of the shared test server fails the run even when every test file passed.
test_server_log() {
    if grep -nE 'PANIC:|TRAP:|was terminated by signal|exited with exit code [^01]' "$work/server.log"; then
        echo "the server of regress and isolation did not live through the tests"
        keep server "$work/server.log"
        count server 0 1 0
    fi
}

# The suites whose tests wait more than they work are played together, and those that only work beside them: one processor's
# time is another one's wait. plays: SUITE/NAME of each, played by SUITE_play NAME. The seconds of a suite are its tests' in all.
plays=()
played=(sanitize tap client fuzz) # what is long first: short ones fill what is left
is_played() { case " ${played[*]} " in *" $1 "*) ;; *) return 1 ;; esac; }

# The unit tests under the address and undefined-behaviour sanitizers; the module itself is not built for them.
# Few processes: a sanitizer's look for leaks at each one's end costs more than most tests.
prepare_sanitize() {
    local shard
    if build_sanitized; then
        for shard in 0 1 2 3; do
            plays+=("sanitize/extension-$shard")
        done
        [ "$with_client" = OFF ] || plays+=(sanitize/client-0)
    else
        echo "the unit tests cannot be built with sanitizers"
    fi
}
sanitize_play() { # PROGRAM-SHARD: leaves its output and, once it has come to its end, its status
    local status=0 program=extension/dbperf_unit_tests shards=4
    [ "${1%-*}" = extension ] || program=client/dbperf_client_tests shards=1
    PG_CONFIG=$bindir/pg_config GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=${1#*-} UBSAN_OPTIONS=print_stacktrace=1 \
        logged "$work/sanitize-$1.log" nice "$sanitized/$program" --gtest_color=no || status=$?
    echo "$status" >"$work/sanitize-$1.status"
}
close_sanitize() {
    local good=0 bad=0 name log ok red=0
    for name in $(names_of sanitize); do
        log=$work/sanitize-$name.log
        ok=$(grep -c '^\[       OK \]' "$log") || true
        red=$(sed -n 's/^ *\([0-9]*\) FAILED TESTS\?$/\1/p' "$log")
        if [ "$(cat "$work/sanitize-$name.status" 2>/dev/null)" != 0 ]; then
            red=${red:-1}
            echo "unit tests, $name, failed:"
            grep -vE '^\[(       OK |----------| RUN     )\]' "$log"
        fi
        good=$((good + ok)) bad=$((bad + ${red:-0}))
    done
    [ $((good + bad)) -gt 0 ] || bad=1
    count sanitize "$good" "$bad" "$1"
}

# Tests that need servers of their own (restart, crash, standby), written with PostgreSQL::Test::Cluster.
prepare_tap() { plays_of tap regress/t/*.pl; }
close_tap() {
    local good=0 bad=0 name
    for name in $(names_of tap); do
        tap_count "$name"
    done
    count tap "$good" "$bad" "$1"
}

# Scripts client/tests/*.sh: each is one test, run as the developer, with DBPERF and PG_CONFIG (with dbperf installed).
prepare_client() { plays_of client client/tests/*.sh; }
close_client() {
    local good=0 bad=0 name
    for name in $(names_of client); do
        client_count "$name"
    done
    count client "$good" "$bad" "$1"
}

plays_of() { # SUITE FILE...
    local file
    for file in "${@:2}"; do
        [ ! -e "$file" ] || { file=${file##*/} && plays+=("$1/${file%.*}"); }
    done
}
names_of() { printf '%s\n' "${plays[@]}" | sed -n "s,^$1/,,p"; } # SUITE
play() { # SUITE/NAME
    local begin=$SECONDS
    "${1%%/*}_play" "${1#*/}"
    echo $((SECONDS - begin)) >"$work/${1/\//-}.seconds"
}
seconds_of() { cat /dev/null "$work/$1"-*.seconds 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'; } # SUITE

play_suites() { # SUITE...
    local suite
    for suite in "$@"; do
        "prepare_$suite"
    done
    run some_at_once 3 8 play "${plays[@]}" || true
    for suite in "$@"; do
        "close_$suite" "$(seconds_of "$suite")"
    done
}

# More than LEAST of them only while a processor has nothing to do.
some_at_once() { # LEAST MOST FUNCTION NAME...
    local name
    set +m # all in one process group
    for name in "${@:4}"; do
        until has_room "$1" "$2"; do :; done
        "$3" "$name" &
    done
    wait
}
has_room() { # LEAST MOST: of the jobs of this shell
    local running
    running=$(jobs -rp | wc -l)
    [ "$running" -ge "$1" ] || return 0
    [ "$running" -lt "$2" ] && processor_was_idle || { sleep 0.1 && return 1; }
}
processor_was_idle() { # in the last half second, most of the time
    local before after
    before=$(idle_ticks) && sleep 0.5 && after=$(idle_ticks) && [ $(((after - before) * 2)) -gt "$(($(getconf CLK_TCK) * 7 / 10))" ]
}
idle_ticks() { awk '$1 == "cpu" { print $5 + $6 }' /proc/stat; }

# What some tests need besides the server; a test whose programs cannot be had says that it is left out.
wish_for_tap() {
    wish pgbouncer python3-sqlalchemy python3-psycopg2 python3-pytest ruby-pg ruby-minitest \
        golang-go golang-github-lib-pq-dev golang-github-jackc-pgx-v4-dev junit5 libpostgresql-jdbc-java \
        ruby ruby-activerecord ruby-sequel ruby-rspec \
        python3-pip python3-setuptools python3-wheel python3-psycopg python3-django python3-pytest-django python3-pytest-xdist
    command -v javac >/dev/null || wish default-jdk-headless
    export NODE_PATH=$root/build/npm/node_modules
    node_has_pg || {
        if command -v npm >/dev/null; then
            run logged build/npm.log npm install --prefix build/npm --cache build/npm/cache --no-audit --no-fund pg@8 vitest@4 jest@30 typescript@5 knex@3 drizzle-orm || tail -n 3 build/npm.log >&2
        else
            wish nodejs node-pg
        fi
    }
}
node_has_pg() { (cd / && node -e 'require("pg"); require("knex")' 2>/dev/null); } # not one of a folder around the repository

# What knows the files that run elsewhere: compose, workflows.
wish_for_checks() {
    wish yamllint docker-compose
    export DBPERF_WORKFLOW_PARSER=$root/build/npm/workflows
    if command -v npm >/dev/null && node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)'; then
        mkdir -p "$DBPERF_WORKFLOW_PARSER"
        cmp -s regress/workflows/package-lock.json "$DBPERF_WORKFLOW_PARSER/package-lock.json" && [ -d "$DBPERF_WORKFLOW_PARSER/node_modules" ] || {
            cp regress/workflows/package*.json "$DBPERF_WORKFLOW_PARSER"
            run logged build/npm.log npm ci --prefix "$DBPERF_WORKFLOW_PARSER" --cache build/npm/cache --no-audit --no-fund || tail -n 3 build/npm.log >&2
        }
        cp regress/workflows/validate.mjs "$DBPERF_WORKFLOW_PARSER"
    fi
    [ -d "$DBPERF_WORKFLOW_PARSER/node_modules" ] || unset DBPERF_WORKFLOW_PARSER
}

# What reads the reports of the client, to say whether they are what they should be.
wish_for_client() {
    local pack=@microsoft/jest-sarif@1.0.0-beta.0
    wish libxml2-utils python3-jsonschema python3-prometheus-client cmark-gfm prometheus chromium man-db mandoc zsh fish
    export PLAYWRIGHT=$root/build/npm/node_modules/playwright-core
    if [ ! -d "$PLAYWRIGHT" ] && command -v npm >/dev/null; then
        run logged build/npm.log npm install --prefix build/npm --cache build/npm/cache --no-audit --no-fund playwright-core@1.52.0 ||
            tail -n 3 build/npm.log >&2
    fi
    export MCP_SDK=$root/build/npm/node_modules/@modelcontextprotocol/sdk
    export OTLP_COLLECTOR=$root/build/npm/node_modules/autotel-mcp
    if [ ! -d "$MCP_SDK" ] || [ ! -d "$OTLP_COLLECTOR" ] && command -v npm >/dev/null; then
        run logged build/npm.log npm install --prefix build/npm --cache build/npm/cache --no-audit --no-fund @modelcontextprotocol/sdk@1.32.2 autotel-mcp@0.8.0 ||
            tail -n 3 build/npm.log >&2
    fi
    export SARIF_SCHEMA=$root/build/npm/sarif-2.1.0.json
    [ ! -s "$SARIF_SCHEMA" ] && command -v npm >/dev/null || return 0
    mkdir -p build/npm
    run logged build/npm.log npm pack "$pack" --pack-destination build/npm --cache build/npm/cache &&
        tar -xzOf build/npm/microsoft-jest-sarif-*.tgz package/lib/schemas/sarif-2.1.0-rtm.5.json >"$SARIF_SCHEMA" ||
        tail -n 3 build/npm.log >&2
}

tap_play() { # NAME ARGUMENT...: leaves its output and, once it has come to its end, its status
    local name=$1 status=0 pgxs file
    file=regress/t/$1.pl
    [ -f "$file" ] || file=regress/soak/$1.pl
    shift
    pgxs=$("$bindir/pg_config" --pkglibdir)/pgxs/src/test
    as_server_user mkdir -p "$work/tap/$name/tmp_check/log" "$work/tap/$name/log"
    # A session in the background has this long from its beginning, however long the machine takes.
    logged "$work/$name.log" as_server_user env -u PGHOST -u PGUSER PG_TEST_TIMEOUT_DEFAULT=900 PATH="$bindir:$PATH" PERL5LIB="$pgxs/perl" PG_REGRESS="$pgxs/regress/pg_regress" \
        PG_CONFIG="$bindir/pg_config" TESTDIR="$work/tap/$name" TESTDATADIR="$work/tap/$name/tmp_check" \
        TESTLOGDIR="$work/tap/$name/log" prove --verbose "$file" :: "$@" || status=$?
    echo "$status" >"$work/$name.status"
}

tap_count() { # NAME: adds to good and bad
    local name=$1 status ok notok skipped
    status=$(cat "$work/$name.status" 2>/dev/null || echo 1)
    ok=$(grep -c '^ok ' "$work/$name.log") || true
    notok=$(grep -c '^not ok ' "$work/$name.log") || true
    if [ "$status" -ne 0 ]; then
        [ "$notok" -gt 0 ] || notok=1
        echo "regress/t/$name.pl failed:"
        grep -v '^ok ' "$work/$name.log"
        keep tap "$work/tap/$name/log" "$work/tap/$name/tmp_check/log" "$work/$name.log"
    fi
    skipped=$(sed -nE 's/^(ok [0-9]+|1\.\.0) # skip //Ip' "$work/$name.log" | sort -u)
    [ -z "$skipped" ] || sed "s|^|$name left out: |" <<<"$skipped"
    rm -rf "$work/tap/$name"
    good=$((good + ok)) bad=$((bad + notok))
}

client_count() { # NAME: adds to good and bad
    local name=$1
    sed -nE "s/^ok [0-9]+ - (.*) # SKIP (.*)/$name left out: \\1: \\2/p" "$work/client-$name.log"
    if [ "$(cat "$work/client-$name.status" 2>/dev/null)" = 0 ]; then
        good=$((good + 1))
    else
        bad=$((bad + 1))
        echo "client/tests/$name.sh failed:"
        sed 's/^/    /' "$work/client-$name.log"
    fi
}

client_play() { # NAME: leaves its output and, once it has come to its end, its status
    local status=0
    logged "$work/client-$1.log" env -u PGHOST -u PGUSER DBPERF="$bindir/dbperf" PG_CONFIG="$bindir/pg_config" bash "client/tests/$1.sh" || status=$?
    echo "$status" >"$work/client-$1.status"
}

# Recorded traffic kept outside the repository, if DBPERF_CORPUS names its folder: regress/corpus/run replays it.
test_corpus() {
    local begin=$SECONDS
    if [ ! -x regress/corpus/run ] || [ ! -d "${DBPERF_CORPUS:-}" ]; then
        return
    fi
    if run logged "$work/corpus.log" env PG_CONFIG="$bindir/pg_config" regress/corpus/run "$DBPERF_CORPUS"; then
        cat "$work/corpus.log"
        count corpus 1 0 $((SECONDS - begin))
    else
        cat "$work/corpus.log"
        count corpus 0 1 $((SECONDS - begin))
    fi
}

for file in regress/soak/*.sh; do
    # shellcheck source=/dev/null
    . "$file"
done

# Not part of the tests because of their length. A soak test is a function soak_NAME: it prepares what it needs, adds to good
# and bad, and is shown in the usage of ./dev.
soak_command() { # [TEST [ARGUMENT...]]
    local good=0 bad=0 begin=$SECONDS test tests=("${1:-n_plus_one_sessions}")
    [ $# -gt 0 ] || tests+=(random_deadlocks)
    declare -F "soak_${tests[0]}" >/dev/null && [ "${tests[0]}" != command ] ||
        die "no such test: $1; there are$(declare -F | sed -n 's/^declare -f soak_/ /p' | grep -v '^ command$' | tr -d '\n')" 2
    trap closing_line EXIT
    for test in "${tests[@]}"; do
        "soak_$test" "${@:2}"
    done
    count soak "$good" "$bad" $((SECONDS - begin))
}
soak_n_plus_one_sessions() { soak n_plus_one_sessions "${1:-64}" "${2:-60}"; }
soak_n_plus_one_interleaved() { soak n_plus_one_interleaved "${1:-1000}" ${2:+"$2"}; }
soak_crash() { soak random_kills "$((${1:-5} * 60))" ${2:+"$2"}; } # MINUTES SEED
soak_random_deadlocks() { soak random_deadlocks "${1:-8}" "${2:-300}"; }

soak() { # TEST SESSIONS SECONDS: a TAP file; shows what it has to say besides
    if [ -z "$stage" ]; then
        packages+=(perl libipc-run-perl)
        build_and_stage "$preset" OFF
    fi
    run tap_play "$@" || true
    sed -n 's/^# /    /p' "$work/$1.log"
    tap_count "$1"
}

closing_line() { # prints it whatever ended the script, an unfinished run being a failure
    local status=$?
    cleanup
    [ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ] || exit "$((status > 0 ? status : 1))"
}

test_command() {
    local suite
    [ $# -gt 0 ] || set -- checks sanitize fuzz regress isolation tap client corpus
    for suite in "$@"; do
        is_played "$suite" || declare -F "test_$suite" >/dev/null || die "no such suite: $suite" 2
    done
    trap closing_line EXIT
    rm -rf "$kept"
    packages+=(perl libipc-run-perl)
    case " $* " in *" tap "*) packages+=(python3) ;; esac
    case " $* " in *" corpus "*) [ ! -d "${DBPERF_CORPUS:-}" ] || packages+=(python3-psycopg) ;; esac
    mkdir -p build
    case " $* " in *" tap "*) wish_for_tap ;; esac
    case " $* " in *" checks "*) wish_for_checks ;; esac
    case " $* " in *" client "*) wish_for_client ;; esac
    case " $* " in
        *" unit "*) build_and_stage "$preset" ON ;;
        *" sanitize "* | *" fuzz "*) packages+=(libgtest-dev) && build_and_stage "$preset" OFF ;;
        *) build_and_stage "$preset" OFF ;;
    esac
    if [ -d "${NODE_PATH:-}" ]; then # the server's user may not be able to enter the repository
        cp -rl "$NODE_PATH" "$work/node_modules" 2>/dev/null || { rm -rf "$work/node_modules" && cp -r "$NODE_PATH" "$work/node_modules"; }
        export NODE_PATH=$work/node_modules
    fi
    say "testing with $("$pg_config" --version)"
    case " $* " in *" regress "* | *" isolation "* | *" corpus "*) start_server ;; esac
    local together=()
    for suite in "$@"; do
        is_played "$suite" || "test_$suite"
    done
    for suite in "${played[@]}"; do
        [ "$suite" = client ] && [ "$with_client" = OFF ] && continue
        case " $* " in *" $suite "*) together+=("$suite") ;; esac
    done
    [ ${#together[@]} -eq 0 ] || play_suites "${together[@]}"
    [ ! -e "$work/server.log" ] || test_server_log
}
