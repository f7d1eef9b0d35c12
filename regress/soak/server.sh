# shellcheck shell=bash disable=SC2154
# `./dev soak server [SUITE...]`: PostgreSQL 15 from Debian's source package, built with assertions and the address sanitizer, dbperf
# too; on it the suites of dbperf and PostgreSQL's own, the latter with dbperf preloaded, a run under way and everything recorded.
# Sourced by regress/test.sh.

asan_home=$root/build/soak # the source, the objects, the installed server: made once
asan_image=$asan_home/image/usr/local/pgsql
asan_flags='-O1 -g1 -fsanitize=address -fno-omit-frame-pointer'
# An error aborts, so that the server's log says that a process was terminated; the report goes to a file.
asan_options='detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1:disable_coredump=1:allocator_may_return_null=1:quarantine_size_mb=16'
asan_alarm='PANIC:|TRAP:|was terminated by signal|exited with exit code [^01]|AddressSanitizer|runtime error:|stuck spinlock'

# Source packages are read with lists of our own: the system's stay as they are. The newest version may not be on the mirror any more.
asan_source() {
    local apt=$asan_home/apt options version versions
    [ ! -e "$asan_home/source/.unpacked" ] || return 0
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    if compgen -G '/etc/apt/sources.list.d/*.sources' >/dev/null; then
        awk '/^Types:/ { print "Types: deb-src"; next } { print } ENDFILE { print "" }' /etc/apt/sources.list.d/debian*.sources >"$apt/own.sources"
        options=(-o "Dir::Etc::sourcelist=$apt/own.sources")
    else
        sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$apt/own.list"
        options=(-o "Dir::Etc::sourcelist=$apt/own.list")
    fi
    options+=(-q -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)")
    run aside apt-get "${options[@]}" update || die "apt-get update of source packages failed"
    mapfile -t versions < <(apt-cache "${options[@]}" showsrc postgresql-15 | sed -n 's/^Version: //p' | sort -rV)
    [ ${#versions[@]} -gt 0 ] || die "apt offers no source package postgresql-15"
    for version in "${versions[@]}"; do
        (cd "$asan_home" && apt-get "${options[@]}" source --download-only "postgresql-15=$version") >&2 || continue
        rm -rf "$asan_home/source"
        # PostgreSQL's archive brings the grammars made, so neither flex nor bison is needed.
        run logged "$asan_home/unpack.log" dpkg-source --no-check -x "$asan_home/postgresql-15_$version.dsc" "$asan_home/source" ||
            { tail "$asan_home/unpack.log" >&2; die "cannot unpack the source package" 1; }
        echo "$version" >"$asan_home/source/.unpacked"
        return
    done
    die "no source package of PostgreSQL 15 could be had"
}

# What the suites need, in an order in which each finds what it is made of.
asan_parts=(src/backend src/backend/utils/mb/conversion_procs src/backend/snowball src/include src/interfaces/libpq
    src/backend/replication/libpqwalreceiver src/backend/replication/pgoutput src/fe_utils src/bin/initdb src/bin/pg_ctl
    src/bin/pg_config src/bin/psql src/pl/plpgsql src/test/regress src/test/isolation contrib/spi)
asan_contrib=(postgres_fdw dblink btree_gist pg_stat_statements test_decoding citext)

asan_server() { # builds it; what was built stays
    local stamp part
    need dpkg-dev gcc make perl zlib1g-dev
    asan_source
    stamp="$(cat "$asan_home/source/.unpacked") $asan_flags ${asan_parts[*]} ${asan_contrib[*]} $(gcc -dumpfullversion) $(sha256sum <regress/soak/asan/valgrind/memcheck.h)"
    [ "$(cat "$asan_home/built" 2>/dev/null)" != "$stamp" ] || return 0
    say "building PostgreSQL $(cat "$asan_home/source/.unpacked") with assertions and the address sanitizer; this takes a while, once"
    mkdir -p "$asan_home/objects"
    (
        cd "$asan_home/objects"
        export ASAN_OPTIONS=$asan_options
        jobs=$(nproc)
        [ -e config.status ] || nice ../source/configure -q --prefix=/usr/local/pgsql --enable-cassert --without-readline --without-icu \
            --with-system-tzdata=/usr/share/zoneinfo CC="$(command -v ccache || true) gcc" CFLAGS="$asan_flags" \
            CPPFLAGS="-DUSE_VALGRIND -I$root/regress/soak/asan"
        rm -rf "$asan_home/image"
        for part in "${asan_parts[@]}" "${asan_contrib[@]/#/contrib/}"; do
            nice make -s -j "$jobs" -C "$part" all
            make -s -C "$part" install DESTDIR="$asan_home/image"
        done
    ) >"$asan_home/make.log" 2>&1 </dev/null || { tail -n 30 "$asan_home/make.log" >&2; die "building the server failed; all of it: $asan_home/make.log" 1; }
    echo "$stamp" >"$asan_home/built"
}

# Builds both and makes a copy in the temporary folder, which the server's user can enter; from then on $bindir is this server.
asan_stage() {
    local extension share
    with_client=OFF pg_config=$asan_image/bin/pg_config major=15
    packages+=(g++ cmake ninja-build)
    need "${packages[@]}"
    { mkdir -p build && : >>build/.lock; } 2>/dev/null || die "cannot write to build/; does it belong to another user?"
    locked asan_server
    export ASAN_OPTIONS=$asan_options # pg_config itself leaks what it prints
    temporary_folder
    locked configure_and_build asan OFF
    stage=$work/stage bindir=$work/stage/bin
    cp -r "$asan_image" "$stage"
    extension=$build/extension share=$("$bindir/pg_config" --sharedir)/extension
    cp "$extension/dbperf.so" "$("$bindir/pg_config" --pkglibdir)"
    cp "$extension"/dbperf*.sql "$extension/dbperf.control" "$share"
    mkdir "$work/asan"
    cp -r regress benchmarks migrations "$work/source"
    for suite in regress isolation; do
        mkdir -p "$work/source/postgres/$suite"
        cp -r "$asan_home/source/src/test/$suite/." "$work/source/postgres/$suite"
    done
    cp "$asan_home"/objects/{src/test/regress/regress,contrib/spi/autoinc,contrib/spi/refint}.so "$work/source/postgres/regress"
    cp -r "$asan_home/source/contrib" "$work/source/postgres/contrib"
    [ "$(id -u)" -ne 0 ] || chown -R "$server_user:" "$work"
    # The reports' symbols are read by a program; the server's own libpq is the one with the sanitizer in it.
    export ASAN_OPTIONS="$asan_options:log_path=$work/asan/report" LD_LIBRARY_PATH=$stage/lib
}

# A server for PostgreSQL's own suites: as initdb makes it, but for dbperf with all it can record.
asan_cluster() { # NAME PRELOADED
    local data=$work/$1
    run logged "$work/$1-initdb.log" as_server_user "$bindir/initdb" -D "$data" -U postgres -A trust --no-locale --no-sync ||
        { cat "$work/$1-initdb.log" >&2; die "initdb failed" 1; }
    cat >>"$data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$work'
fsync = off
wal_level = logical
max_wal_senders = 10
max_prepared_transactions = 10
shared_preload_libraries = '$2'
END
    case $2 in *dbperf*)
        cat >>"$data/postgresql.conf" <<END
dbperf.database = 'dbperf_results'
dbperf.track_locks = on
dbperf.keep_parameters = on
dbperf.capture_plans = all
dbperf.max_statements = 50000
dbperf.max_plans = 50000
dbperf.flush_timeout = '10min'
END
    esac
    run logged "$work/pg_ctl.log" as_server_user env PGHOST="$work" "$bindir/pg_ctl" -D "$data" -l "$work/$1.log" -w -t 300 start ||
        { cat "$work/pg_ctl.log" "$work/$1.log" >&2; die "the server does not start" 1; }
    export PGHOST=$work PGUSER=postgres
    case $2 in *dbperf*)
        "$bindir/psql" -qX -d postgres -c 'CREATE DATABASE dbperf_results' # what the recorder does there is not the tests'
        case $2 in *pg_stat_statements*) "$bindir/psql" -qX -d postgres -c 'ALTER DATABASE dbperf_results SET pg_stat_statements.track = none' ;; esac
        "$bindir/psql" -qX -d dbperf_results -c 'CREATE EXTENSION dbperf' -c "SELECT dbperf.start_run('postgres')" >/dev/null
    esac
}

asan_stop() { run logged "$work/pg_ctl.log" as_server_user "$bindir/pg_ctl" -D "$work/$1" -w -t 300 -m fast stop || cat "$work/pg_ctl.log"; }

# What is wrong even when every answer was right.
asan_reports() { # NAME LOG
    local reports=0 report
    if grep -nE "$asan_alarm" "$2"; then
        reports=$((reports + 1))
        keep "soak-$1" "$2"
    fi
    for report in "$work"/asan/report.*; do
        [ -e "$report" ] || continue
        reports=$((reports + 1))
        head -n 40 "$report"
        keep "soak-$1" "$report"
        rm "$report"
    done
    printf '    %s: %d reports of the sanitizer, assertions and crashes\n' "$1" "$reports"
    bad=$((bad + reports))
}

# One suite with PostgreSQL's own files. Results are in postgres/FOLDER/out-WHERE.
asan_play() { # FOLDER PROGRAM WHERE DATABASE TEST-OR-OPTION...
    local folder=$1 program=$2 where=$3 database=$4
    shift 4
    # shellcheck disable=SC2016
    run logged "$work/${folder//\//-}-$where.log" as_server_user sh -c 'cd "postgres/$0" && mkdir -p "$1" && shift && exec "$@"' "$folder" "out-$where" \
        "$("$bindir/pg_config" --pkglibdir)/pgxs/src/test/$program" --bindir="$bindir" --host="$work" --port=5432 --user=postgres \
        --inputdir=. --outputdir="out-$where" --dlpath=. --dbname="$database" "$@" || true
}
asan_differing() { sed -nE 's/^(test|    ) *(\S+) +\.\.\. .*FAILED.*/\2/p' "$work/${1//\//-}-$2.log"; }

# What the server's own identifiers of queries are made of, OIDs, is another number in each cluster, and as wide.
asan_comparable() { sed -e '/^ *Query Identifier: /d' -e '/^ *QUERY PLAN *$/d' -e '/^--*$/d' "$work/source/postgres/$1/out-$2/results/$3.out"; } # FOLDER WHERE TEST

# A suite with dbperf against the expected files; tests that differ are also compared with the same suite without dbperf.
asan_compared() { # FOLDER PROGRAM PRELOADED DATABASE TEST-OR-OPTION...
    local folder=$1 program=$2 preloaded=$3 database=$4 name=${1//\//-} differing=() test log total failed=0 without
    shift 4
    without=${preloaded%dbperf}
    asan_cluster "with-$name" "$preloaded"
    asan_play "$folder" "$program" with "$database" "$@"
    log=$work/$name-with.log
    total=$(grep -cE '\.\.\. .*(ok|FAILED)' "$log") || true
    mapfile -t differing < <(asan_differing "$folder" with)
    "$bindir/psql" -qXAt -d dbperf_results -c "SELECT 'recorded: ' || string_agg(item || ' ' || value, ', ') FROM dbperf.status() WHERE item IN
        ('statements', 'plans', 'dropped_executions', 'dropped_records', 'records_left_out')" -c "SELECT 'the run is stored: ' || (dbperf.finish_run('postgres') IS NOT NULL)" 2>&1 |
        sed 's/^/    /' || bad=$((bad + 1))
    asan_stop "with-$name"
    asan_reports "$name" "$work/with-$name.log"
    if [ ${#differing[@]} -gt 0 ]; then
        asan_cluster "without-$name" "${without%,}"
        asan_play "$folder" "$program" without "$database" "$@"
        asan_stop "without-$name"
        for test in "${differing[@]}"; do
            if cmp -s <(asan_comparable "$folder" with "$test") <(asan_comparable "$folder" without "$test"); then
                echo "    $test: not as expected, but the same without dbperf"
                continue
            fi
            failed=$((failed + 1))
            echo "    $test differs:"
            { diff <(asan_comparable "$folder" without "$test") <(asan_comparable "$folder" with "$test") || true; } | sed -n '1,40s/^/        /p'
            keep "soak-$name" "$work/source/postgres/$folder"/out-*/results/"$test".out
        done
    fi
    if [ "$total" -eq 0 ]; then
        cat "$log"
        failed=1
    fi
    printf '    %s: %d tests, %d differ from the server without dbperf\n' "$name" "$total" "$failed"
    good=$((good + total - failed)) bad=$((bad + failed))
}

asan_dbperf() {
    local passed=0 failed=0
    start_server
    test_regress
    test_isolation
    good=$((good + passed)) bad=$((bad + failed))
    run logged "$work/pg_ctl.log" as_server_user "$bindir/pg_ctl" -D "$work/data" -w -t 300 -m fast stop || cat "$work/pg_ctl.log"
    asan_reports dbperf "$work/server.log"
}
asan_postgres() { asan_compared regress regress/pg_regress dbperf regression --schedule=parallel_schedule; }
asan_isolation() { asan_compared isolation isolation/pg_isolation_regress dbperf isolation_regression --schedule=isolation_schedule; }
asan_modules() {
    local part tests
    for part in "${asan_contrib[@]}"; do
        tests=$(sed -e ':next' -e '/\\$/{N;s/\\\n//;b next' -e '}' "$asan_home/source/contrib/$part/Makefile" | sed -n 's/^REGRESS = //p')
        # shellcheck disable=SC2086
        asan_compared "contrib/$part" regress/pg_regress pg_stat_statements,dbperf contrib_regression $tests
    done
}

soak_server() { # [dbperf|postgres|isolation|modules...]
    local suite
    [ $# -gt 0 ] || set -- dbperf postgres isolation modules
    for suite in "$@"; do
        case $suite in dbperf | postgres | isolation | modules) ;; *) die "no such suite: $suite" 2 ;; esac
    done
    packages+=(perl libipc-run-perl)
    asan_stage
    for suite in "$@"; do
        say "$suite on $("$bindir/pg_config" --version), assertions and address sanitizer"
        "asan_$suite"
    done
}
