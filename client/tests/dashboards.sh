# The dashboards of docker/: the sample shop filled as in the stack, every panel's query asked as the role that Grafana has, and what
# Prometheus scraped of it. Files of the stack that need no server are checked by regress/checks/deployment.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
docker=$here/../../docker
start_server --set dbperf.database=shop
export TMPDIR=$work PSQL=$psql
sql -c 'CREATE DATABASE shop'
server=${server/dbname=postgres/dbname=shop}
export DBPERF_DATABASE_URL=$server
ok "the sample shop is filled" eval 'bash "$docker/sample.sh" --repeat 30 >"$work/out" 2>"$work/err"'
ok "the role that reads is made" sql -v password=secret -f "$docker/reader_role.sql"

# As a reader with PG* in place of a connection string.
host=$(sed -E 's/.*host=([^ ]*).*/\1/' <<<"$server") port=$(sed -E 's/.*port=([^ ]*).*/\1/' <<<"$server")
as_reader() { env PGHOST="$host" PGPORT="$port" PGUSER=dbperf_reader PGDATABASE=shop "$@"; }
panels() { # ARGUMENT...: as the reader; leaves what it says in out
    as_reader "$docker/panels" "$@" >"$work/out" 2>&1
}
ok "every panel's query gives rows, with the columns Grafana wants" panels sql

# The same with a long history: by key, not by reading everything. The server counts sequential scans, those in functions too.
sql -f "$here/dashboards/history.sql" >/dev/null
big=(statement plan plan_node query_text deadlock_step)
ok "the history is long" [ "$(sql -c "SELECT min(reltuples) > 1000 FROM pg_class WHERE oid::regclass::text IN ($(printf "'dbperf.%s'," "${big[@]}")'')")" = t ]
scanned=()
for table in "${big[@]}"; do scanned+=(--scanned "$table"); done
ok "no panel reads all of the large tables" panels sql --set query=order_history "${scanned[@]}"

# What the role cannot do, nor in a transaction that may write.
refused() { ! as_reader "$psql" -Xq -v ON_ERROR_STOP=1 -c 'SET default_transaction_read_only = off' -c "$1" >"$work/out" 2>&1 && grep -qE 'permission denied|must be (owner|superuser)|must have CREATEROLE' "$work/out"; }
# shellcheck disable=SC2016
while read -r statement; do
    ok "refused: ${statement:0:50}" refused "$statement"
done <<'END'
DELETE FROM dbperf.statement
UPDATE dbperf.run SET label = 'x'
INSERT INTO dbperf.budgets VALUES ('', 'x', 'avg_ms', 1)
TRUNCATE dbperf.plan CASCADE
CREATE TABLE dbperf.mine (id int)
CREATE TABLE public.mine (id int)
SELECT * FROM orders
SELECT dbperf.start_run('x')
SELECT dbperf.reset()
SELECT dbperf.prune('0')
SELECT dbperf.accept('order_history', 'x', NULL)
SELECT dbperf.acknowledge_n_plus_one(1, 1, 'x')
SELECT dbperf.acquire_database('sample_app')
COPY dbperf.run TO PROGRAM 'true'
END
ok "what it writes, it cannot by default" eval '! as_reader "$psql" -Xqc "CREATE TEMPORARY TABLE x (id int)" >"$work/out" 2>&1 && grep -q "read-only transaction" "$work/out"'

# What comes from Prometheus: scraped from the exporter, as that role, while the shop is used.
if command -v prometheus >/dev/null; then
    env PGHOST="$host" PGPORT="$port" PGUSER=dbperf_reader PGDATABASE=shop DBPERF_DATABASE_URL= "$DBPERF" export --listen 127.0.0.1:0 >"$work/url" 2>"$work/err" </dev/null &
    exporter=$!
    for _ in {1..100}; do [ ! -s "$work/url" ] || break; sleep 0.05; done
    target=$(sed -nE 's,^http://(.*)/metrics$,\1,p' "$work/url")
    sed "s/15s/1s/; s/exporter:9630/$target/" "$docker/prometheus/prometheus.yml" >prometheus.yml
    prometheus --config.file=prometheus.yml --storage.tsdb.path="$work/tsdb" --web.listen-address=127.0.0.1:0 >"$work/prometheus.log" 2>&1 </dev/null &
    prometheus=$!
    for _ in {1..100}; do
        url=$(sed -nE 's/.*msg="Listening on" address=(.*)/http:\/\/\1/p' "$work/prometheus.log")
        [ -z "$url" ] || break
        sleep 0.1
    done
    for _ in {1..5}; do
        sql -c "SET dbperf.query_name = 'order_history'" -c 'SELECT count(*) FROM orders WHERE user_id = 1' >/dev/null
        sleep 0.6
    done
    ok "every panel of Prometheus gives rows" panels prometheus "$url" --set query=order_history --interval 8 --wait 10
    kill "$prometheus" "$exporter"
    wait "$prometheus" "$exporter" 2>/dev/null
else
    skip "every panel of Prometheus gives rows" "no prometheus"
fi

done_testing
