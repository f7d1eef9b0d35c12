# compare --while: how long queries wait for a migration, as somebody else who reads meanwhile sees it, and behind what.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
sql -c 'CREATE DATABASE app' -c 'CREATE ROLE clerk LOGIN'
export DBPERF_DATABASE_URL=${server/dbname=postgres/dbname=app} # which holds the results, too
sql -d app -c 'CREATE EXTENSION dbperf' -c 'CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL, amount int, note text)' \
    -c "INSERT INTO orders SELECT g, g % 500, g, repeat('x', 100) FROM generate_series(1, 300000) g" -c 'CREATE INDEX orders_user ON orders (user_id)' \
    -c 'CREATE TABLE users (id int PRIMARY KEY, name text)' -c "INSERT INTO users SELECT g, 'n' || g FROM generate_series(1, 1000) g" -c 'VACUUM ANALYZE'
clean_again() { # nobody left behind
    no_temporary_databases && [ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'dbperf%'")" = 0 ]
}
json() { "$psql" -XqAt -v ON_ERROR_STOP=1 -v json="$(cat "$work/out")" "$server" <<<"SELECT $1 FROM (SELECT :'json'::jsonb -> 'while' AS w) s"; } # EXPRESSION over w
gives() { [ "$(json "$1")" = "$2" ] || { echo "# $1 is $(json "$1")"; return 1; }; }
query_of() { printf %s "(SELECT q FROM jsonb_array_elements(w -> ${2:-0} -> 'queries') q WHERE q ->> 'query' = '$1')"; }          # NAME [APPLICATION]
block_of() { printf %s "(SELECT b FROM jsonb_array_elements(w -> ${2:-0} -> 'statements' -> $1 -> 'blocks') b ORDER BY (b ->> 'ms')::float8 DESC LIMIT 1)"; } # STATEMENT [APPLICATION]
flat() { tr -s ' \n' ' ' <"$work/out" | grep -qE -- "$1"; } # as if on one line
compare() { dbperf compare --samples 2 --migration "$@"; }
mkdir queries
cat >queries/orders.sql <<'END'
-- name: list_orders
-- params: SELECT generate_series(1, 10) AS user_id
SELECT * FROM orders WHERE user_id = :user_id;
-- name: add_order
INSERT INTO orders (id, user_id) SELECT max(id) + 1, 1 FROM orders;
-- name: pay
UPDATE orders SET amount = 0 WHERE id = 7;
-- name: user
-- params: SELECT generate_series(1, 10) AS id
SELECT * FROM users WHERE id = :id;
END
cat >report.sql <<'END'
-- name: report
SELECT pg_sleep(0.5) FROM orders LIMIT 1;
-- name: list_orders
SELECT * FROM orders WHERE user_id = 5;
END

# The observer is a psql of its own in the same copy, which executes the same query again and again, each in its transaction. The
# migration begins to lock when it is there.
cat >rewrite.sql <<'END'
DO $$ BEGIN
    WHILE current_database() LIKE '%\_before' AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'observer') LOOP
        PERFORM pg_sleep(0.05), pg_stat_clear_snapshot();
    END LOOP;
    PERFORM pg_sleep(0.3);
END $$;

ALTER TABLE orders ALTER COLUMN amount TYPE bigint;
END
{ echo '\timing on' && echo '\o /dev/null' && for ((i = 0; i < 60000; i++)); do echo 'SELECT * FROM orders WHERE user_id = 5;'; done; } >observer.sql
( until copy=$(sql -c "SELECT datname FROM pg_stat_activity WHERE datname LIKE 'dbperf%\_before' AND query LIKE 'DO %' LIMIT 1") && [ -n "$copy" ]; do sleep 0.05; done
    PGAPPNAME=observer "$psql" -Xq "${server/dbname=postgres/dbname=$copy}" -f observer.sql >"$work/observed" 2>/dev/null ) &
observer=$!
compare rewrite.sql --queries queries/orders.sql --while --format json
wait "$observer"
seen=$(sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$work/observed" | sort -g | tail -n 1)
echo "# the observer waited $seen ms, list_orders $(json "$(query_of list_orders) ->> 'longest_ms'") ms, the block is $(json "$(block_of 1) ->> 'ms'") ms"
ok "a rewrite: exit 0" ended_with 0
ok "a rewrite: the block is within 10 % of what a client of its own sees" gives "($(block_of 1) ->> 'ms')::float8 / $seen BETWEEN 0.9 AND 1.1" t
ok "a rewrite: so is the longest execution of that query" gives "($(query_of list_orders) ->> 'longest_ms')::float8 / $seen BETWEEN 0.9 AND 1.1" t
ok "a rewrite: what is blocked, and by which statement" gives "$(block_of 1) ->> 'blocks'" 'reads and writes of orders'
ok "a rewrite: the lock that it waits for, and behind which" gives "concat_ws(', ', $(query_of list_orders) #>> '{wait,lock,mode}', $(query_of list_orders) #>> '{wait,lock,relation}', $(query_of list_orders) #>> '{wait,behind}', $(query_of list_orders) #>> '{wait,at,line}')" 'ACCESS SHARE, orders, ACCESS EXCLUSIVE, 8'
ok "a rewrite: many times the usual time" gives "($(query_of list_orders) ->> 'longest_ms')::float8 > 10 * ($(query_of list_orders) ->> 'usual_ms')::float8" t
ok "a rewrite: who reads another table does not wait" gives "$(query_of user) -> 'wait'" null
ok "a rewrite: and is executed all the time" gives "($(query_of user) ->> 'executions')::int > 20" t
ok "a rewrite: nobody fails" gives "(SELECT sum((q ->> 'failures')::int) FROM jsonb_array_elements(w -> 0 -> 'queries') q)" 0
ok "a rewrite: nothing is left behind" clean_again

echo 'CREATE INDEX orders_amount ON orders (amount, note, id);' >index.sql
compare index.sql --queries queries --while --format json
ok "CREATE INDEX blocks writes" gives "$(block_of 0) ->> 'blocks'" 'writes of orders'
ok "CREATE INDEX: by SHARE" gives "concat_ws(' behind ', $(query_of add_order) #>> '{wait,lock,mode}', $(query_of add_order) #>> '{wait,behind}')" 'ROW EXCLUSIVE behind SHARE'
ok "CREATE INDEX does not block reads" gives "$(query_of list_orders) -> 'wait'" null
echo 'CREATE INDEX CONCURRENTLY orders_amount ON orders (amount, note, id);' >concurrently.sql
compare concurrently.sql --queries queries --while --sessions 2
ok "CREATE INDEX CONCURRENTLY blocks nobody" eval 'ended_with 0 && did_not_say "blocks (reads|writes|changes|lock)" && said "^4 queries did not wait for it"'
printf 'UPDATE orders SET amount = 1 WHERE id = 7;\nSELECT pg_sleep(0.3);\n' >rows.sql
compare rows.sql --queries queries --while
ok "rows: who changes them waits, nobody else" eval 'flat "rows.sql:1 UPDATE orders SET amount = 1 WHERE id = 7 blocks changes of rows" && said "^3 queries did not wait for it"'

# Behind a long reader.
printf "SET lock_timeout = '100ms';\nALTER TABLE orders ADD COLUMN extra int;\n" >limit.sql
compare limit.sql --queries report.sql --while
ok "its own lock_timeout: it gives up" flat 'limit.sql:2 gave up after [0-9.]+ m?s: lock_timeout ended its wait; the migration has to be tried again'
ok "its own lock_timeout: it waited, and for whom" flat 'limit.sql:2 waited [0-9.]+ m?s itself for ACCESS EXCLUSIVE on orders, held by .*report'
ok "no line is wider than 100 columns" eval '! grep -qE "^.{101}" "$work/out"'
echo 'ALTER TABLE orders DROP COLUMN note;' >drop.sql
compare drop.sql --queries report.sql --while --lock-timeout 50ms --format json
ok "without and with lock_timeout: two applications" gives "concat_ws(', ', jsonb_array_length(w), coalesce(w -> 0 ->> 'lock_timeout', 'none'), w -> 1 ->> 'lock_timeout')" '2, none, 50ms'
ok "without: it waits for the reader" gives "concat_ws(' ', w #>> '{0,statements,0,waited_for,mode}', w #>> '{0,statements,0,waited_for,relation}', w #> '{0,statements,0,held_by}' ? 'report')" 'ACCESS EXCLUSIVE orders t'
ok "without: others queue behind it" gives "($(query_of list_orders) #>> '{wait,queued_ms}')::float8 > 0.5 * (w #>> '{0,statements,0,waited_ms}')::float8" t
ok "with: it gives up" gives "w #>> '{1,failure,lock_timeout}'" true
ok "with: others wait for a fraction of that" gives "($(query_of list_orders 1) #>> '{wait,ms}')::float8 < 0.5 * ($(query_of list_orders) #>> '{wait,ms}')::float8" t
printf -- '-- name: notes\nSELECT note FROM orders WHERE id = 7;\n-- name: user\nSELECT 1 FROM users LIMIT 1;\n' >notes.sql
compare drop.sql --queries notes.sql --while
ok "a column that is gone: the query fails from then on" flat 'fails notes fails from [0-9.]+ m?s on: column "note" does not exist'
ok "a column that is gone: others do not" eval 'did_not_say "user fails"'

# Statements of a run, as the role that was seen.
sql -d app -c 'GRANT SELECT, UPDATE ON orders TO clerk' -c "ALTER SYSTEM SET dbperf.keep_parameters = on" -c 'SELECT pg_reload_conf()' -c "SELECT dbperf.start_run('today')" >/dev/null
sleep 0.3
"$psql" -XqAt "${DBPERF_DATABASE_URL/user=postgres/user=clerk}" -c 'SELECT amount FROM orders WHERE id = 7' >/dev/null
sql -d app -c 'SELECT dbperf.finish_run()' >/dev/null
sql -c "ALTER SYSTEM RESET dbperf.keep_parameters" -c 'SELECT pg_reload_conf()' >/dev/null
printf 'ALTER TABLE orders ALTER COLUMN user_id TYPE bigint;\nREVOKE ALL ON orders FROM clerk;\n' >revoke.sql
compare revoke.sql --workload run:today --while --format json
ok "a workload: blocked" gives "(w #>> '{0,statements,0,blocks,0,ms}')::float8 > 10" t
ok "a workload: executed as its role, with its rights" gives "w #>> '{0,queries,0,error}'" 'permission denied for table orders'

# What ends it.
cat >sleeps.sql <<'END'
DO $$ BEGIN IF current_database() LIKE '%\_before' THEN PERFORM pg_sleep(60); END IF; END $$;
END
interrupt_when INT "[ -n \"\$(sql -c \"SELECT 1 FROM pg_stat_activity WHERE datname LIKE 'dbperf%\\_before' AND query LIKE 'DO %' AND now() - query_start > '0.3s'\")\" ]" \
    compare --samples 2 --migration sleeps.sql --queries queries --while
ok "Ctrl-C: exit 130" ended_with 130
ok "Ctrl-C: the verdicts are shown" said '^4 queries compared'
ok "Ctrl-C: what is missing" complained 'interrupted: the queries are judged, but --while is not done'
ok "Ctrl-C: nothing is left behind" clean_again

# What does not go together.
dbperf compare --baseline a --candidate b --while
failed_with "--while with stored runs" 2 '--while goes with --migration' 'name the migration'
compare drop.sql --queries queries --sessions 2
failed_with "--sessions alone" 2 '--while'
compare limit.sql --queries queries --while --lock-timeout 1s
failed_with "--lock-timeout beside the migration's own" 2 'limit.sql:1 sets lock_timeout itself' 'leave out --lock-timeout'
compare drop.sql --queries queries --while --sessions 0
failed_with "no session" 2 '--sessions'
done_testing
