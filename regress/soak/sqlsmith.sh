# shellcheck shell=bash disable=SC2154
# `./dev soak sqlsmith [MINUTES]`: Debian's sqlsmith on PostgreSQL's regression database and on the sample shop, with dbperf in both,
# as a role that may read and write all and as one that may do nothing but log in. Queries that failed are replayed with and without
# dbperf. Sourced by regress/test.sh.

# Enough of PostgreSQL's own tests to fill a database with every kind of object; without the source package: none.
regression_database() {
    local tests='test_setup boolean char name varchar text int2 int4 int8 float4 float8 bit numeric enum money rangetypes
        point box polygon circle date timestamptz interval inet jsonb
        create_function_c create_misc create_operator create_procedure create_table create_type create_index create_view
        create_aggregate create_function_sql create_cast triggers inherit identity generated foreign_data collate rules
        matview domain plpgsql rowtypes xml partition_join'
    [ -d "$work/source/postgres/regress" ] || { say 'without the source package there is no regression database; sqlsmith gets the shop alone'; return 0; }
    # shellcheck disable=SC2086
    asan_play regress regress/pg_regress smith regression $tests
    databases+=(regression)
}

soak_sqlsmith() { # [MINUTES [SEED]]
    local minutes=${1:-30} seed=${2:-$RANDOM} databases=(shop) database role logs number=0 queries=0 errors=0
    packages+=(python3 sqlsmith)
    hammered_server
    "$bindir/psql" -qX -d postgres -v ON_ERROR_STOP=1 -c 'CREATE DATABASE shop' >/dev/null
    "$bindir/psql" -qX -d shop -v ON_ERROR_STOP=1 -f migrations/001_baseline.sql -f benchmarks/data/seed.sql -c ANALYZE >/dev/null
    regression_database
    for database in "${databases[@]}"; do
        "$bindir/psql" -qX -d "$database" -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION IF NOT EXISTS dbperf'
    done
    "$bindir/psql" -qX -d postgres -v ON_ERROR_STOP=1 -c 'CREATE ROLE smith_bare LOGIN' -c 'CREATE ROLE smith_rich LOGIN' \
        -c 'GRANT pg_read_all_data, pg_write_all_data, pg_monitor TO smith_rich'
    logs=$work/logs
    as_server_user mkdir "$logs"
    cat >>"$work/data/postgresql.conf" <<END
logging_collector = on
log_destination = 'stderr,jsonlog'
log_directory = '$logs'
log_rotation_size = 0
log_min_error_statement = error
log_parameter_max_length = 0
END
    "$bindir/psql" -qX -d postgres -c 'ALTER SYSTEM RESET log_min_error_statement' >/dev/null
    run logged "$work/pg_ctl.log" as_server_user "$bindir/pg_ctl" -D "$work/data" -l "$work/server.log" -w -t 300 restart || cat "$work/pg_ctl.log"
    "$bindir/psql" -qX -d dbperf_results -c "SELECT dbperf.start_run('soak')" >/dev/null
    say "sqlsmith, seed $seed, $minutes minutes: databases ${databases[*]}, roles smith_rich, smith_bare"
    run smiths "$minutes"
    for database in "${databases[@]}"; do
        for role in smith_rich smith_bare; do
            number=$(grep -c ';$' "$work/smith-$database-$role.log") || true
            queries=$((queries + number))
        done
    done
    echo "    queries: $queries"
    judged as_server_user env PYTHONDONTWRITEBYTECODE=1 python3 regress/soak/replay.py --socket "$work/.s.PGSQL.5432" --logs "$logs" --seconds $((minutes * 60)) 
    "$bindir/psql" -qXAt -d dbperf_results -c "SELECT '    ' || string_agg(item || ' ' || value, ', ') FROM dbperf.status() WHERE item IN ('statements', 'plans', 'dropped_executions', 'dropped_records')"
    cat "$logs"/*.log >>"$work/server.log"
    asan_reports sqlsmith "$work/server.log"
}

smiths() { # MINUTES: all at once; what connects is the system's libpq
    local database role
    set +m
    for database in "${databases[@]}"; do
        for role in smith_rich smith_bare; do
            logged "$work/smith-$database-$role.log" env -u LD_LIBRARY_PATH -u ASAN_OPTIONS timeout $((minutes * 60)) \
                sqlsmith --target="host=$work user=$role dbname=$database" --seed="$((++seed))" --dump-all-queries &
        done
    done
    wait
}
