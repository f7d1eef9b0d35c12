# compare --workload on a live server: the statements of a run, with the parameters that it kept, on both copies.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
sql -c 'CREATE DATABASE app' -c 'CREATE DATABASE other'
export DBPERF_DATABASE_URL=${server/dbname=postgres/dbname=app}
sql -d app -c 'CREATE EXTENSION dbperf' -c 'CREATE SCHEMA shop' -c 'CREATE TYPE shop.state AS ENUM ($$new$$, $$done$$)' \
    -c 'CREATE TABLE shop.orders (id int PRIMARY KEY, user_id int NOT NULL, state shop.state, filler text)' \
    -c "INSERT INTO shop.orders SELECT g, g % 500, 'new', repeat('x', 100) FROM generate_series(1, 20000) g" \
    -c 'CREATE INDEX orders_user ON shop.orders (user_id)' -c 'VACUUM ANALYZE shop.orders'
echo 'DROP INDEX shop.orders_user;' >drop.sql
echo "COMMENT ON TABLE shop.orders IS 'of all users';" >comment.sql
clean_again() { no_temporary_databases && [ "$(sql -d app -c "SELECT count(*) FROM dbperf.runs WHERE state = 'active'")" = 0 ]; }

# What the application does: parameters of several types, constants, a search path of its own, writes, a name.
{
    cat <<'END'
SET search_path = shop;
PREPARE by_user (bigint, state) AS SELECT count(*) FROM orders WHERE user_id = $1 AND state = $2;
EXECUTE by_user (NULL, NULL);
PREPARE by_number (numeric) AS SELECT count(id) FROM orders WHERE user_id = $1;
EXECUTE by_number (7);
UPDATE orders SET state = 'done' WHERE id = 7;
INSERT INTO orders (id, user_id) VALUES (100000, 1);
END
    for i in {1..10}; do
        echo "EXECUTE by_user ($i, 'new');"
        echo "SET dbperf.query_name = 'one_order'; SELECT filler FROM orders WHERE id = $i; RESET dbperf.query_name;"
    done
    printf "SELECT count(*) AS is_long FROM orders WHERE filler = '%020000d';\n" 1
} >application.sql
begin_run() { sql -d app -c "SELECT dbperf.start_run('$1')" >/dev/null; }
finish_run() { sql -d app -c 'SELECT dbperf.finish_run()' >/dev/null; }
begin_run without
sql -d app -c 'SELECT count(*) FROM shop.orders WHERE user_id = 1' >/dev/null
finish_run
sql -c 'ALTER DATABASE app SET dbperf.keep_parameters = on'
begin_run real
sql -d app -f application.sql >/dev/null
finish_run
orders() { sql -d app -c "SELECT md5(string_agg(o::text, ',' ORDER BY id)) FROM shop.orders o"; }
before=$(orders)
ok "the run kept parameters" [ "$(sql -d app -c "SELECT count(*) FROM dbperf.workload WHERE run = 'real' AND statement LIKE '%user_id = \$1 AND%'")" = 11 ]

dbperf compare --from app --migration drop.sql --workload run:real --format json
of_answer() { # LIST MEMBER PATTERN: that member of what the list says of a query
    sql -v json="$(cat "$work/out")" -v list="$1" -v member="$2" -v query="$3" \
        <<<"SELECT q ->> :'member' FROM json_array_elements(:'json'::json -> :'list') q WHERE q ->> 'query' LIKE :'query'"
}
ok "a dropped index: exit 1" ended_with 1
ok "a statement by its text, with its parameters and their types" [ "$(of_answer queries verdict 'SELECT count(*) FROM orders WHERE user_id = $1 AND state = $2')" = regressed ]
ok "no index for a parameter of another type, before or after" [ "$(of_answer queries verdict 'SELECT count(id) FROM orders WHERE user_id = $1')" = unchanged ]
ok "a statement by its name" [ "$(of_answer queries verdict one_order)" = unchanged ]
ok "a statement that writes" [ "$(of_answer queries verdict 'UPDATE orders%')" = unchanged ]
ok "what is too long is left out, by name and with the reason" [ "$(of_answer left_out reason '%is_long%')" = 'its parameters were not kept: longer than 16 kB' ]
ok "so is what cannot be executed again" eval 'of_answer left_out reason "INSERT INTO orders%" | grep -q "^it fails: duplicate key value"'
ok "nothing else is" [ "$(of_answer left_out reason % | wc -l)" = 2 ]
ok "nothing is left behind" clean_again
ok "what the copies executed is not kept again" [ "$(sql -d app -c "SELECT string_agg(DISTINCT run, ' ') FROM dbperf.workload")" = real ]
ok "the database itself is as it was" [ "$(orders)" = "$before" ]

dbperf compare --from app --migration comment.sql --workload run:real --samples 20
ok "no change: exit 0" ended_with 0
ok "no change: unchanged" said '^[1-9][0-9]* queries unchanged'
ok "skipped in words" eval 'said "^skipped +INSERT INTO orders" && said "because +it fails: duplicate key"'
dbperf compare --migration comment.sql --workload run:real --samples 1
ok "without --from: the database of the connection" ended_with 0

# Who may copy the database and read all statistics need not be a superuser.
sql -d app -c 'CREATE ROLE developer LOGIN CREATEDB IN ROLE pg_monitor' -c 'ALTER DATABASE app OWNER TO developer' \
    -c 'ALTER SCHEMA shop OWNER TO developer' -c 'ALTER TABLE shop.orders OWNER TO developer' \
    -c 'GRANT EXECUTE ON FUNCTION dbperf.store_interleaved_times, dbperf.store_query_outcome TO developer'
begin_run theirs
"$psql" -Xq "${DBPERF_DATABASE_URL/user=postgres/user=developer}" -c 'SELECT count(*) AS theirs FROM shop.orders WHERE user_id = 3' >/dev/null
finish_run
DBPERF_DATABASE_URL=${DBPERF_DATABASE_URL/user=postgres/user=developer} dbperf compare --migration comment.sql --workload run:theirs --samples 1
ok "not a superuser" ended_with 0
DBPERF_DATABASE_URL=${DBPERF_DATABASE_URL/user=postgres/user=developer} dbperf compare --migration comment.sql --workload run:real --samples 1
failed_with "what a superuser executed is for superusers" 3 'the statement is of role "postgres"' 'superusers and members of that role'

# As the role that was seen, whose function would do otherwise as another; what cannot be that is left out by name.
sql -d app -c 'CREATE ROLE clerk LOGIN' -c 'CREATE ROLE guest LOGIN' -c 'CREATE SCHEMA of_clerk AUTHORIZATION clerk' \
    -c 'CREATE TABLE shop.seen (who text)' -c 'GRANT USAGE ON SCHEMA shop TO clerk, guest' -c 'GRANT ALL ON shop.seen TO PUBLIC'
as_role() { "$psql" -Xq "${DBPERF_DATABASE_URL/user=postgres/user=$1}" "${@:2}" >/dev/null; }
as_role clerk -c "CREATE FUNCTION of_clerk.check() RETURNS int LANGUAGE plpgsql AS 'BEGIN IF current_user <> ''clerk'' OR current_setting(''app.tenant'') <> ''7'' THEN PERFORM 1 / 0; END IF; RETURN 1; END'"
begin_run roles
as_role clerk -c "SET app.tenant = '7'" -c 'SELECT of_clerk.check() AS checked'
as_role guest -c 'SELECT 1 AS of_guest'
finish_run
sql -d app -c 'DROP OWNED BY guest' -c 'DROP ROLE guest'
dbperf compare --from app --migration comment.sql --workload run:roles --samples 20 --format json
ok "as the role it was seen from, under its settings" [ "$(of_answer queries verdict '%checked')" = unchanged ]
ok "a role that is gone: left out" [ "$(of_answer left_out reason '%of_guest')" = 'role "guest" does not exist' ]

# As a driver sends them: parameters beside the statement.
printf -- '-- name: by_id\n-- params: SELECT id, state FROM shop.orders ORDER BY id LIMIT 5\nSELECT filler FROM shop.orders WHERE id = :id AND state = :state\n' >driver.sql
dbperf run --queries driver.sql --label driver --repeat 1
ok "parameters of the extended protocol" [ "$(sql -d app -c "SELECT string_agg(concat_ws(' ', parameter_types::text, parameter_values::text, calls > 0), '|' ORDER BY parameter_values) FROM dbperf.workload WHERE run = 'driver' AND query_name = 'by_id'" | tr '|' '\n' | head -n 1)" = '{integer,shop.state} {1,new} t' ]
dbperf compare --migration comment.sql --workload run:driver --samples 1
ok "they are executed again" eval 'ended_with 0 && said "^by_id "'

dbperf compare --from app --migration drop.sql --workload run:nowhere
failed_with "no such run" 3 'no finished run with the label "nowhere"'
dbperf compare --from app --migration drop.sql --workload run:without
failed_with "a run without parameters" 3 'the run "without" kept no parameters' 'SET dbperf.keep_parameters = on'
dbperf compare --from other --migration drop.sql --workload run:real
failed_with "a run of another database" 3 'no statements of the database "other"' 'kept parameters in: app'
ok "errors leave no copies" clean_again
dbperf compare --from app --migration drop.sql --workload real
failed_with "no kind of workload" 2 '"real" names no workload' 'run:LABEL'
dbperf compare --from app --migration drop.sql --workload run:real --queries .
failed_with "two sources of queries" 2 'either --queries or --workload'
dbperf compare --baseline real --candidate real --workload run:real
failed_with "stored runs and a workload" 2 'either --workload'
sql -d app -c 'ALTER TABLE shop.orders RENAME TO sales'
echo "COMMENT ON TABLE shop.sales IS 'of all users';" >comment.sql
dbperf compare --from app --migration comment.sql --workload run:real
failed_with "a database whose schema is another by now" 3 'no statement of the run "real" can be executed again: it fails: relation "orders" does not exist' 'schema'
ok "another schema: nothing is left behind" clean_again

done_testing
