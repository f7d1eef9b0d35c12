#!/usr/bin/env bash
# Fills the sample shop and lets happen in it what dbperf finds, so that every dashboard has something to show: three runs of the
# monitored queries (an index comes and goes), an N+1, a deadlock and a predicted one, test databases, and statements outside runs.
# Works on the database of DBPERF_DATABASE_URL, which must be named shop, as a superuser. --traffic SECONDS goes on with
# statements for so long and keeps a test database; --repeat N is how often a run executes each query.
set -euo pipefail
traffic=0 repeat=60
while [ $# -gt 0 ]; do
    case $1 in
        --traffic) traffic=$2 ;;
        --repeat) repeat=$2 ;;
        *)
            echo "usage: sample.sh [--traffic SECONDS] [--repeat N]" >&2
            exit 2
            ;;
    esac
    shift 2
done
dbperf=${DBPERF:-dbperf}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
shop=$here # as installed
[ -d "$shop/migrations" ] || shop=$here/..
url=${DBPERF_DATABASE_URL:?the database named shop}
sql() { "${PSQL:-psql}" -XqAt -v ON_ERROR_STOP=1 "$url" "$@"; }
quiet() { "$@" >/dev/null; }
monitored() { quiet "$dbperf" -q run --label "$1" --queries "$shop/benchmarks/queries" --repeat "$repeat"; }

# Once: a second start finds the shop as it is, and adds to its history.
sql -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION IF NOT EXISTS dbperf'
if [ -z "$(sql -c "SELECT to_regclass('orders')")" ]; then
    sql -f "$shop/migrations/001_baseline.sql" -f "$shop/benchmarks/data/seed.sql" -c 'VACUUM ANALYZE' >/dev/null
    sql -c "INSERT INTO dbperf.budgets VALUES ('', 'order_history', 'p95_ms', 20), ('', 'order_history', 'avg_ms', 5) ON CONFLICT DO NOTHING"
    sql -c "SELECT dbperf.set_unit_budget('GET /*', 'statements', 12)" >/dev/null
    sql -c 'CREATE TABLE transfers (id integer PRIMARY KEY, balance integer NOT NULL)' -c 'INSERT INTO transfers VALUES (1, 100), (2, 100)'
fi

# An index comes and goes; the query that needs it is faster and slower.
sql -c 'SET client_min_messages = warning' -c 'DROP INDEX IF EXISTS idx_orders_user_created'
monitored before
sql -f "$shop/migrations/002_add_indexes.sql"
monitored 002_add_indexes
# The run that is judged: without the index again, and with a page of orders that asks for the user of each.
sql -c 'DROP INDEX idx_orders_user_created'
orders=$(sql -c 'SELECT user_id FROM orders ORDER BY created_at DESC, id DESC LIMIT 30')
buyers=$(sql -c "SELECT user_id FROM orders GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT $repeat")
order_history=$(grep -v '^--' "$shop/benchmarks/queries/order_history.sql")
page_of_orders() {
    {
        echo "SET dbperf.scope = 'GET /orders';"
        echo 'SELECT id, user_id FROM orders ORDER BY created_at DESC, id DESC LIMIT 30;'
        for user in $orders; do echo "SELECT id, email, display_name FROM users WHERE id = $user;"; done
    } | quiet sql
}
histories() {
    {
        echo "SET dbperf.query_name = 'order_history';"
        for user in $buyers; do echo "${order_history/:user_id/$user}"; done
    } | quiet sql
}
sql -c "SELECT dbperf.start_run('evening')" >/dev/null
page_of_orders
histories
transfer() { # FROM TO: two statements of one transaction
    sql -c 'SET dbperf.track_locks = on' -c 'SET application_name = worker' -c BEGIN \
        -c "UPDATE transfers SET balance = balance - 1 WHERE id = $1" ${3:+-c "SELECT pg_sleep($3)"} \
        -c "UPDATE transfers SET balance = balance + 1 WHERE id = $2" -c COMMIT
}
transfer 1 2 # one after the other: a deadlock is predicted
transfer 2 1
{ transfer 1 2 0.3 & transfer 2 1 0.3 & wait; } >/dev/null 2>&1 || true # at once: one happens
sql -c "SELECT dbperf.finish_run('evening')" >/dev/null

# Test databases: one that was only read, one with rows to put back, one with a new column.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo 'CREATE TABLE note (id integer PRIMARY KEY, content text); INSERT INTO note SELECT i, i::text FROM generate_series(1, 100) i;' >"$folder/001_note.sql"
quiet "$dbperf" -q testdb prepare --migrations "$folder" --template sample_app
for change in 'SELECT count(*) FROM note' 'UPDATE note SET content = 1' 'ALTER TABLE note ADD author text'; do
    quiet "$dbperf" -q testdb exec --template sample_app -- "${PSQL:-psql}" -Xq -c "$change"
done

# What the application does when nobody measures.
visit() {
    page_of_orders
    histories
}
visit
sql -c 'SELECT dbperf.flush()' >/dev/null
: >"${TMPDIR:-/tmp}/dbperf-sample-filled"
if [ "$traffic" -gt 0 ]; then
    end=$((SECONDS + traffic))
    while [ "$SECONDS" -lt "$end" ]; do
        visit
        sleep 1
    done
fi
