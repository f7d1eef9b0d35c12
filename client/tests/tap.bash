# Sourced by the tests beside it. Each needs DBPERF (the program) and PG_CONFIG (of a server with dbperf installed), prints
# TAP, and ends with 1 when anything was not ok. A test's files and private server are gone when it ends.
set -u
: "${DBPERF:?the program to test}" "${PG_CONFIG:?pg_config of a server with dbperf installed}"
export PG_CONFIG LC_ALL=C.UTF-8 NO_COLOR=1
for name in ${!PG*} ${!GITHUB_*} CI_COMMIT_SHA DBPERF_DATABASE_URL DBPERF_RESULTS_DATABASE_URL DATABASE_URL; do
    [ "$name" = PG_CONFIG ] || unset "$name"
done
psql=$("$PG_CONFIG" --bindir)/psql
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/dbperf-test.XXXXXX")
export XDG_STATE_HOME=$work/state
mkdir "$work/cwd" && cd "$work/cwd" || exit 1 # no project file of the repository is found from here
tests=0 failures=0 status=0 server=

finish() {
    [ -z "$server" ] || "$DBPERF" server stop --dir "$work/server" >/dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT

ok() { # DESCRIPTION COMMAND...: the command succeeds
    local description=$1
    shift
    tests=$((tests + 1))
    if "$@"; then
        echo "ok $tests - $description"
    else
        failures=$((failures + 1))
        echo "not ok $tests - $description"
        sed 's/^/#   status /; q' <<<"$status"
        sed 's/^/#   out: /' "$work/out" 2>/dev/null | head -n 30
        sed 's/^/#   err: /' "$work/err" 2>/dev/null | head -n 30
    fi
}

skip() { # DESCRIPTION REASON
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

done_testing() {
    echo "1..$tests"
    [ "$failures" -eq 0 ] || exit 1
    exit 0
}

dbperf() { # ARGUMENT...: leaves status, out and err
    "$DBPERF" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

# What the last dbperf gave.
ended_with() { [ "$status" -eq "$1" ]; }
said() { grep -qE -- "$1" "$work/out"; }
did_not_say() { ! said "$1"; }
complained() { grep -qE -- "$1" "$work/err"; }
silent() { [ ! -s "$work/err" ]; }

# DESCRIPTION STATUS MESSAGE [HINT]: the last dbperf failed with this status and said why, on stderr only.
failed_with() {
    ok "$1: exit $2" ended_with "$2"
    ok "$1: says why" complained "^dbperf: .*$3"
    [ $# -lt 4 ] || ok "$1: says what to do" complained "^hint: .*$4"
}

start_server() { # DBPERF-OPTION...
    dbperf server start --dir "$work/server" "$@" || true
    server=$(cat "$work/out")
    if [ "$status" -ne 0 ] || [ -z "$server" ]; then
        echo "Bail out! no private server: $(cat "$work/err")"
        exit 1
    fi
    export DBPERF_DATABASE_URL=$server
}

sql() { # [-d DATABASE] PSQL-OPTION...
    local target=$server
    if [ "$1" = -d ]; then
        target=${server/dbname=postgres/dbname=$2}
        shift 2
    fi
    "$psql" -XqAt -v ON_ERROR_STOP=1 "$target" "$@"
}

# Databases that a command made for itself and should have dropped.
no_temporary_databases() { [ "$(sql -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'dbperf\_%'")" = 0 ]; }

# Runs a dbperf in the background, sends it a signal when a condition holds, and waits for it.
interrupt_when() { # SIGNAL CONDITION(shell text) ARGUMENT...
    local signal=$1 condition=$2 pid i
    shift 2
    "$DBPERF" "$@" >"$work/out" 2>"$work/err" </dev/null &
    pid=$!
    for ((i = 0; i < 600; i++)); do
        ! eval "$condition" || break
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    kill -s "$signal" "$pid" 2>/dev/null
    { wait "$pid"; } 2>/dev/null
    status=$?
}
