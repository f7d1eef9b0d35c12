# shellcheck shell=bash disable=SC2154
# `./dev soak protocol` and `./dev soak sqlsmith`: random messages, random queries. On the server that `./dev soak server` has built,
# with its assertions and sanitizer, if there is one. Sourced by regress/test.sh.

# Builds and starts; everything that can be recorded is.
hammered_server() {
    if [ -e "$asan_home/built" ]; then
        asan_stage
    else
        say "no server with sanitizers is built (./dev soak server builds it); going on with PostgreSQL as it is"
        build_and_stage "$preset" OFF
    fi
    start_server
    "$bindir/psql" -qX -d postgres -v ON_ERROR_STOP=1 -c 'ALTER SYSTEM SET dbperf.track_locks = on' -c 'ALTER SYSTEM SET dbperf.keep_parameters = on' \
        -c "ALTER SYSTEM SET dbperf.capture_plans = 'all'" -c "ALTER SYSTEM SET deadlock_timeout = '20ms'" -c 'ALTER SYSTEM SET log_min_error_statement = panic' \
        -c "ALTER SYSTEM SET dbperf.database = 'dbperf_results'" -c 'SELECT pg_reload_conf()' -c 'CREATE DATABASE dbperf_results' >/dev/null
    "$bindir/psql" -qX -d dbperf_results -c 'CREATE EXTENSION dbperf'
}

judged() { # COMMAND...: clean or not
    if run "$@"; then good=$((good + 1)); else bad=$((bad + 1)); fi
}

soak_protocol() { # [MINUTES [SEED]]
    local minutes=${1:-5} seed=${2:-$RANDOM}
    packages+=(python3)
    hammered_server
    say "protocol fuzzer, seed $seed, $minutes minutes"
    judged as_server_user env PYTHONDONTWRITEBYTECODE=1 python3 regress/soak/protocol.py --host "$work" --log "$work/server.log" \
        --seed "$seed" --seconds $((minutes * 60)) --limit 120
    asan_reports protocol "$work/server.log"
}
