# advise on a live server: indexes that are proved, those that are not, and nothing left behind.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
sql -c 'CREATE EXTENSION IF NOT EXISTS dbperf' -c 'CREATE DATABASE app' -c 'CREATE DATABASE empty'
sql -d app -c 'CREATE SCHEMA "The Shop"' -c 'CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL, placed timestamptz NOT NULL, status text NOT NULL, filler text)' \
    -c "INSERT INTO orders SELECT g, g % 500, timestamptz '2026-01-01' + g * interval '1 min', CASE WHEN g % 400 = 0 THEN 'open' ELSE 'closed' END, repeat('x', 100) FROM generate_series(1, 40000) g" \
    -c 'CREATE TABLE "The Shop"."Or""ders" (id int PRIMARY KEY, "user id" int NOT NULL, filler text)' \
    -c "INSERT INTO \"The Shop\".\"Or\"\"ders\" SELECT g, g % 500, repeat('x', 100) FROM generate_series(1, 20000) g" \
    -c 'CREATE TABLE small (id int, name text)' -c "INSERT INTO small VALUES (1, 'a')" \
    -c 'CREATE INDEX one ON orders (status, id)' -c 'CREATE INDEX two ON orders (status, id)' -c 'VACUUM ANALYZE'
mkdir queries none
cat >queries/orders.sql <<'END'
-- name: history
-- params: SELECT generate_series(1, 10) AS user_id
SELECT * FROM orders WHERE user_id = :user_id ORDER BY placed DESC LIMIT 10;
-- name: quoted
-- params: SELECT generate_series(1, 10) AS user_id
SELECT * FROM "The Shop"."Or""ders" WHERE "user id" = :user_id;
-- name: by_id
-- params: SELECT generate_series(1, 10) AS id
SELECT * FROM orders WHERE id = :id;
-- name: add
-- params: SELECT 100000 + generate_series(1, 10) AS id
INSERT INTO orders SELECT :id * 10 + g, g, now(), 'open', 'x' FROM generate_series(0, 9) g;
END
cat >none/small.sql <<'END'
-- name: small
SELECT * FROM small WHERE name = 'a';
-- name: most
SELECT count(*) FROM orders WHERE status = 'closed' AND filler <> '';
END
unchanged() { no_temporary_databases && [ "$(sql -d app -c "SELECT count(*) FROM pg_indexes WHERE schemaname NOT IN ('pg_catalog', 'dbperf')")" = 4 ] && [ "$(sql -c "SELECT count(*) FROM dbperf.runs WHERE state = 'active'")" = 0 ]; }
json() { sql -v json="$(cat "$work/out")" -v path="$1" <<<"SELECT string_agg(x #>> '{}', ' ' ORDER BY n) FROM jsonb_path_query(:'json'::jsonb, :'path') WITH ORDINALITY p(x, n)"; }

dbperf advise --from app --queries queries --format json --output advice.sql
cp "$work/out" report.json
ok "advice: exit 1" ended_with 1
ok "two indexes, both proven" eval '[ "$(json "$.indexes[*].verdict")" = "proven proven" ]'
ok "an order behind what is equal" eval '[ "$(json "$.indexes[*] ? (@.table == \"public.orders\").ddl")" = "CREATE INDEX CONCURRENTLY idx_orders_user_id_placed ON public.orders USING btree (user_id, placed)" ]'
ok "names with quotes" eval 'json "$.indexes[*].ddl" | grep -qF '\''ON "The Shop"."Or""ders" USING btree ("user id")'\'''
ok "each with the statement that it helps, measured" eval '[ "$(json "$.indexes[*].queries[*] ? (@.time_high < 0.8 && @.blocks_after < @.blocks_before).query" | tr " " "\n" | sort | xargs)" = "history quoted" ]'
ok "each with what writes pay" eval '[ "$(json "$.indexes[*] ? (@.table == \"public.orders\").writes[*].query")" = "add" ]'
ok "each with its size as it was built" eval '[ "$(json "$.indexes[*] ? (@.size_bytes > 100000 && @.size_bytes < 3000000).verdict")" = "proven proven" ]'
ok "a statement without: why" eval '[ "$(json "$.statements[*] ? (@.query == \"by_id\").reason")" = covered ]'
ok "a duplicate index" eval '[ "$(json "$.existing[*] ? (@.verdict == \"duplicate\").of")" = "public.one" ]'
ok "nothing is left behind" unchanged
ok "the migration has what proves it" eval 'grep -qE "^-- history: .* -> .*, x 0\.[0-9]+ \(0\.[0-9]+-0\.[0-9]+\), blocks [0-9,]+ -> [0-9]+" advice.sql'
sql -d app -f advice.sql
ok "the migration runs as it is" eval '[ "$(sql -d app -c "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE indisvalid AND relname LIKE '\''idx%'\''")" = 2 ]'
dbperf advise --from app --queries queries
ok "once they are there: nothing more" eval 'ended_with 0 && said "^no index is advised"'
ok "once they are there: served" said 'idx_orders_user_id_placed serves it'
sql -d app -c "SELECT format('DROP INDEX %I.%I;', schemaname, indexname) FROM pg_indexes WHERE indexname LIKE 'idx%'" | sql -d app

dbperf advise --from app --queries none
ok "none: exit 0" ended_with 0
ok "none: a small table" said 'fit a few pages'
ok "none: most of the rows" said 'no index to save|index one serves it'
dbperf advise --from app --queries queries --samples 20 --max-indexes 1 --format markdown
ok "no more than asked for" eval '[ "$(grep -c "^CREATE INDEX" "$work/out")" = 1 ]'
ok "markdown: a table" said '^\| history \| .* \| x 0'
dbperf advise --from app --queries queries --max-size 8kB
ok "no larger than asked for" eval 'ended_with 0 && said "^no index is advised"'
dbperf advise --from app --queries queries --samples 20 --index 'CREATE INDEX CONCURRENTLY worthless ON orders (filler)' --index 'CREATE INDEX useful ON orders (user_id)'
ok "what somebody thought of" eval 'ended_with 1 && said "1 index is advised, 1 tried and rejected"'
ok "what nobody uses is rejected" said 'no statement of the workload uses it'
ok "nothing is left behind of that either" unchanged

# Of a run, with parameters.
sql -c 'ALTER DATABASE app SET dbperf.keep_parameters = on' -c "SELECT dbperf.start_run('shop')" >/dev/null
for i in 1 2 3 4 5; do sql -d app -c "SELECT count(*) FROM orders WHERE user_id = $i" -c "SELECT * FROM small WHERE id = $i" >/dev/null; done
sql -c "SELECT dbperf.finish_run()" >/dev/null
dbperf advise --from app --workload run:shop --format json
ok "of a run" eval 'ended_with 1 && [ "$(json "$.indexes[*].ddl")" = "CREATE INDEX CONCURRENTLY idx_orders_user_id ON public.orders USING btree (user_id)" ]'
ok "nothing is left behind of a run" unchanged
sql -c 'ALTER DATABASE app RESET dbperf.keep_parameters' -c "SELECT dbperf.start_run('names alone')" >/dev/null
for i in {1..24}; do echo "SELECT count(*) FROM orders WHERE user_id = $i;"; done | sql -d app >/dev/null
sql -c "SELECT dbperf.finish_run()" >/dev/null
dbperf statistics export -d app
mv "$work/out" app.json
dbperf advise --from app --workload 'run:names alone' --statistics app.json --format json
ok "of a run without parameters, whose tables are those of the usual path" eval '[ "$(json "$.indexes[*].ddl")" = "CREATE INDEX CONCURRENTLY idx_orders_user_id ON public.orders USING btree (user_id)" ]'

# A finding names the index that its statement lacks.
echo 'slow_query_threshold_ms = 0.001' >dbperf.toml
dbperf check --run 'names alone'
ok "a slow statement: of a database without the extension, nothing more" eval 'ended_with 1 && silent && said "^  slow_query" && did_not_say "CREATE INDEX"'
sql -d app -c 'CREATE EXTENSION dbperf'
formats=()
for format in json sarif html markdown junit tap; do formats+=(--report "$format=found.$format"); done
dbperf check --run 'names alone' "${formats[@]}"
ok "a slow statement: with the index that it lacks" eval 'ended_with 1 && said "^    index +CREATE INDEX CONCURRENTLY idx_orders_user_id ON public.orders USING btree \(user_id\)$"'
for format in json sarif html markdown junit tap; do
    ok "a slow statement: in $format" grep -q 'CREATE INDEX CONCURRENTLY idx_orders_user_id ON' "found.$format"
done
# The same for a role that may read results and is no superuser: its own statements are planned as itself.
sql -d app -c 'CREATE ROLE ci LOGIN IN ROLE pg_monitor' -c 'GRANT SELECT ON orders TO ci'
sql -c "SELECT dbperf.start_run('of ci')" >/dev/null
for i in {1..24}; do echo "SELECT count(*) FROM orders WHERE user_id = $i;"; done | "$psql" -XqAt "$(sed 's/user=postgres/user=ci/; s/dbname=postgres/dbname=app/' <<<"$server")" >/dev/null
sql -c "SELECT dbperf.finish_run()" >/dev/null
dbperf check -d "${server/user=postgres/user=ci}" --run 'of ci'
ok "a slow statement: for an ordinary role" eval 'ended_with 1 && said "^    index +CREATE INDEX CONCURRENTLY idx_orders_user_id"'
sql -d app -c 'CREATE INDEX idx_orders_user_id ON orders (user_id)' -c 'ANALYZE orders'
dbperf check --run 'names alone'
ok "a slow statement: none that is there" eval 'ended_with 1 && did_not_say "CREATE INDEX"'
sql -d app -c 'DROP INDEX idx_orders_user_id' -c 'DROP EXTENSION dbperf'
rm dbperf.toml

dbperf advise --from app --workload run:nowhere
failed_with "no such run" 3 'nowhere'
dbperf advise --from nowhere --queries queries
failed_with "no such database" 3 'nowhere'
dbperf advise --from app --workload shop
failed_with "no workload" 2 'names no workload' 'run:LABEL'
dbperf advise --from app --queries queries --max-size huge
failed_with "no size" 2 'not a size' '64MB'
dbperf advise --from app --queries queries --index 'DROP TABLE orders'
failed_with "no index" 2 'not one CREATE INDEX'
dbperf advise --from app --queries queries --index 'CREATE INDEX ON orders (nothing)'
failed_with "no such column" 2 'nothing'
dbperf compare --format markdown --baseline a --candidate b
failed_with "no markdown elsewhere" 2 'no markdown'
ok "nothing is left behind of errors" unchanged
interrupt_when INT "[ -n \"\$(sql -c \"SELECT 1 FROM pg_stat_activity WHERE query LIKE '%orders%' AND datname LIKE 'dbperf%after'\")\" ]" \
    advise --from app --queries queries
ok "interrupted: exit 130" ended_with 130
ok "interrupted: nothing is left behind" eval 'no_temporary_databases'
done_testing
