# compare --migration: what the migration did, verdicts beyond time, and everything a migration or a query can do wrong.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
root=$here/../..
start_server
sql -c 'CREATE DATABASE app' -c 'CREATE ROLE helper'
export DBPERF_DATABASE_URL=${server/dbname=postgres/dbname=app}
sql -d app -c 'CREATE EXTENSION dbperf' \
    -c 'CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL, note text, amount int)' \
    -c "INSERT INTO orders SELECT g, g % 100, 'n' || g, g FROM generate_series(1, 5000) g" \
    -c 'CREATE INDEX orders_user ON orders (user_id)' -c 'CREATE TABLE users (id int PRIMARY KEY)' \
    -c 'INSERT INTO users SELECT generate_series(0, 99)' -c "CREATE TYPE mood AS ENUM ('good')" \
    -c "ALTER ROLE postgres IN DATABASE app SET work_mem = '7MB'" -c "ALTER ROLE helper IN DATABASE app SET work_mem = '8MB'"
clean_again() { no_temporary_databases && [ "$(sql -d app -c "SELECT count(*) FROM dbperf.runs WHERE state = 'active'")" = 0 ]; }
query() { printf -- '-- name: %s\n%s\n' "$1" "$2" >"$1.sql"; } # NAME TEXT
compare() { dbperf compare --from app --samples 2 "$@"; }
json() { "$psql" -XqAt -v ON_ERROR_STOP=1 -v json="$(cat "$work/out")" "$server" <<<"SELECT $1 FROM (SELECT :'json'::jsonb AS j) s"; } # EXPRESSION over j
gives() { [ "$(json "$1")" = "$2" ] || { echo "# $1 is $(json "$1")"; return 1; }; }
query by_id 'SELECT note, amount FROM orders WHERE id = 7'

# What the migration did.
cat >work.sql <<'EOF'
CREATE INDEX orders_amount ON orders (amount);
ALTER TABLE orders ALTER COLUMN amount TYPE bigint;
ALTER TABLE orders ADD CONSTRAINT orders_user_fk FOREIGN KEY (user_id) REFERENCES users;
UPDATE orders SET note = upper(note) WHERE id <= 2000;
TRUNCATE users CASCADE;
CREATE TABLE fresh (i int PRIMARY KEY);
CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
DO $do$ BEGIN PERFORM f(); /* ; */ END $do$;
EOF
compare --migration work.sql --queries by_id.sql --format json
ok "statements are distinguished" gives "jsonb_array_length(j #> '{migration,statements}')" 8
ok "with their lines" gives "(SELECT string_agg(s ->> 'line', ' ') FROM jsonb_array_elements(j #> '{migration,statements}') s)" '1 2 3 4 5 6 7 8'
ok "an index is built" gives "(SELECT string_agg(concat_ws(' ', f ->> 'relation', f ->> 'kind', f ->> 'change'), ', ') FROM jsonb_array_elements(j #> '{migration,statements,0,files}') f)" 'orders_amount index built'
ok "a table is rewritten, its indexes are rebuilt" gives "(SELECT string_agg(concat_ws(' ', f ->> 'relation', f ->> 'kind', f ->> 'change'), ', ' ORDER BY f ->> 'relation') FROM jsonb_array_elements(j #> '{migration,statements,1,files}') f)" 'orders table rewritten, orders_amount index rewritten, orders_pkey index rewritten, orders_user index rewritten'
ok "rows that an UPDATE changed" gives "(SELECT t ->> 'rows_changed' FROM jsonb_array_elements(j #> '{migration,statements,3,tables}') t)" 2000
ok "a table is emptied" gives "(SELECT count(*) FROM jsonb_array_elements(j #> '{migration,statements,4,files}') f WHERE f ->> 'change' = 'emptied' AND f ->> 'relation' = 'users')" 1
ok "a new table has an index, and no file of an old one" gives "j #>> '{migration,statements,5,files,0,relation}'" fresh_pkey
ok "WAL of a rewrite is more than that of a function" gives "(j #>> '{migration,statements,1,wal_bytes}')::int > 100000 AND (j #>> '{migration,statements,6,wal_bytes}')::int < 50000" t
ok "the strongest lock on each table" gives "(SELECT string_agg(concat_ws(' ', l ->> 'table', l ->> 'mode'), ', ' ORDER BY l ->> 'table') FROM jsonb_array_elements(j #> '{migration,locks}') l)" 'orders ACCESS EXCLUSIVE, users ACCESS EXCLUSIVE'
ok "held to the end of its transaction" gives "(SELECT bool_and((l ->> 'ms')::float8 >= (SELECT sum((s ->> 'ms')::float8) FROM jsonb_array_elements(j #> '{migration,statements}') WITH ORDINALITY t(s, n) WHERE n > (l ->> 'line')::int)) FROM jsonb_array_elements(j #> '{migration,locks}') l)" t
ok "what hurts in production" gives "(SELECT string_agg(regexp_replace(w ->> 'warning', ':.*', ''), ', ') FROM jsonb_array_elements(j #> '{migration,warnings}') w)" \
    'the index orders_amount is built under SHARE on orders, orders is rewritten under ACCESS EXCLUSIVE, orders is read as a whole under ACCESS EXCLUSIVE, users is read as a whole under SHARE ROW EXCLUSIVE, 2000 rows of orders are changed in one transaction, ACCESS EXCLUSIVE on orders, users is waited for without a limit'
ok "nothing is left behind" clean_again
cat >outside.sql <<'EOF'
SET lock_timeout = '3s';
CREATE INDEX CONCURRENTLY orders_note ON orders (note);
BEGIN;
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;
ALTER TABLE orders ADD COLUMN extra int DEFAULT 5;
COMMIT;
VACUUM users;
EOF
compare --migration outside.sql --queries by_id.sql
ok "CONCURRENTLY and transactions of its own" ended_with 0
ok "an index built concurrently is reported, and hurts nobody" eval 'said "outside.sql:2 +orders_note built" && did_not_say "CONCURRENTLY, outside" && did_not_say "without a limit"'
ok "a lock in a transaction of its own" said '^orders +ACCESS EXCLUSIVE +[0-9.]+ m?s +outside.sql:5'
printf "ALTER TYPE mood ADD VALUE 'bad';\nCREATE TABLE moods AS SELECT 'bad'::mood AS m;\n" >value.sql
compare --migration value.sql --queries by_id.sql
ok "what one transaction refuses is applied without one" ended_with 0
cat >settings.sql <<'EOF'
DO $$ BEGIN ASSERT current_setting('work_mem') = '7MB'; END $$;
EOF
compare --migration settings.sql --queries by_id.sql
ok "settings of a role in the database are copied" ended_with 0

# Verdicts beyond time.
query note 'SELECT note FROM orders WHERE id = 7'
query few 'SELECT id FROM orders WHERE user_id = 5 AND id < 1000'
query clock "SELECT clock_timestamp(), note FROM orders WHERE id = 8"
query ties 'SELECT id FROM orders ORDER BY user_id LIMIT 7'
query writes "UPDATE orders SET amount = amount + 1 WHERE user_id = 3 RETURNING id"
mkdir verdicts && mv note.sql few.sql clock.sql ties.sql writes.sql verdicts
printf "ALTER TABLE orders DROP COLUMN note;\nINSERT INTO orders VALUES (501, 5, 1) ON CONFLICT DO NOTHING;\nDELETE FROM orders WHERE id = 505;\n" >breaks.sql
compare --migration breaks.sql --queries verdicts/note.sql
ok "a dropped column: exit 1" ended_with 1
ok "a dropped column: fails, with the error" eval 'said "^note +fails" && said "fails after the migration: column \"note\" does not exist"'
ok "a dropped column: its cause" said 'cause +ALTER TABLE orders DROP COLUMN note'
compare --migration breaks.sql --queries verdicts/few.sql
ok "rows that are gone: exit 1" ended_with 1
ok "rows that are gone: result changed" eval 'said "^few +result changed" && said "returns 9 rows instead of 10"'
labels=$(sql -d app -c "SELECT string_agg(label, ' ' ORDER BY label DESC) FROM (SELECT label FROM dbperf.runs ORDER BY started_at DESC LIMIT 2) r")
dbperf compare --baseline "${labels% *}" --candidate "${labels#* }"
ok "the stored runs: the same verdict" eval 'ended_with 1 && said "^few +result changed"'
printf "ALTER TABLE orders ADD COLUMN flag bool;\nDROP INDEX orders_user;\n" >flag.sql
compare --migration flag.sql --queries verdicts
ok "order, ties, the clock and writes change no result" eval 'did_not_say "result changed|^[a-z]+ +fails"'
ok "a result that the clock makes is not judged" eval 'tr -s " \n" " " <"$work/out" | grep -q "its result is not judged: it returns something else each time"'
ok "a query that writes is rolled back" eval '[ "$(sql -d app -c "SELECT sum(amount) FROM orders")" = 12502500 ]'
query star 'SELECT * FROM orders WHERE id = 7'
compare --migration flag.sql --queries star.sql
ok "SELECT * with another column" eval 'said "^star +result changed" && said "5 columns instead of 4"'
query early 'SELECT flag FROM orders WHERE id = 7'
compare --migration flag.sql --queries early.sql
ok "a query for the new schema only" eval 'ended_with 0 && said "^early +incomparable"'
query never 'SELECT missing FROM orders'
compare --migration flag.sql --queries never.sql
failed_with "a query that fails on both" 3 'never.sql:2: column "missing" does not exist, without the migration and with it'
sql -d app -c 'CREATE FUNCTION pace() RETURNS float8 LANGUAGE sql AS $$ SELECT 0::float8 $$'
echo 'CREATE OR REPLACE FUNCTION pace() RETURNS float8 LANGUAGE sql AS $$ SELECT 30::float8 $$;' >slow.sql
query sleepy 'SELECT id, pg_sleep(pace()) FROM orders WHERE id = 7'
compare --migration slow.sql --queries sleepy.sql --statement-timeout 200ms
ok "a query that never ends: exit 1" ended_with 1
ok "a query that never ends: regressed" eval 'said "^sleepy +regressed" && said "cancelled after 2[0-9]+ ms"'
ok "a query that never ends: its plan is kept" eval '[ "$(sql -d app -c "SELECT count(*) FROM dbperf.plans WHERE query_name = '\''sleepy'\'' AND aborted")" -ge 1 ]'
compare --migration slow.sql --queries sleepy.sql --statement-timeout soon
failed_with "a time that is none" 2 '--statement-timeout soon: not a time' '10s'

# Migrations that go wrong.
printf "SELECT 1;\nDO \$\$ BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END \$\$;\n" >full.sql
compare --migration full.sql --queries by_id.sql
failed_with "a full disk" 3 'full.sql:2: the migration failed: no space left .*in "DO'
ok "a full disk: nothing is left behind" clean_again
sql -c 'BEGIN' -c "ALTER ROLE helper CONNECTION LIMIT 5" -c 'SELECT pg_sleep(30)' >/dev/null 2>&1 &
holder=$!
until [ -n "$(sql -c "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'")" ]; do sleep 0.1; done
printf "SELECT 1;\nALTER ROLE helper CONNECTION LIMIT 6;\n" >waits.sql
compare --migration waits.sql --queries by_id.sql --lock-timeout 300ms
failed_with "a migration that waits for a lock" 3 'waits.sql:2: the migration failed: it waited too long for a lock' 'held by psql \(pid'
kill $holder
ok "a migration that waits for a lock: nothing is left behind" clean_again

# Where the copies come from, and that they go.
sql -c 'CREATE DATABASE shut TEMPLATE app IS_TEMPLATE true ALLOW_CONNECTIONS false'
dbperf compare --template shut --samples 2 --migration flag.sql --queries by_id.sql
ok "--template: one that takes no connections" ended_with 0
dbperf compare --template shut --from app --migration flag.sql --queries by_id.sql
failed_with "--template and --from" 2 '--from'
echo 'SELECT pg_sleep(60);' >sleeps.sql
interrupt_when KILL "[ -n \"\$(sql -c \"SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND datname LIKE 'dbperf%'\")\" ]" \
    compare --from app --migration sleeps.sql --queries by_id.sql
ok "SIGKILL: the copies stay" eval '! no_temporary_databases'
sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'dbperf%'" >/dev/null
sql -c 'CREATE DATABASE dbperf_compare_0123456789ab_before'
compare --migration flag.sql --queries by_id.sql
ok "the next start removes them, and nobody else's" eval '[ "$(sql -c "SELECT string_agg(datname, '\'' '\'') FROM pg_database WHERE datname LIKE '\''dbperf\_%'\''")" = dbperf_compare_0123456789ab_before ]'
sql -c 'DROP DATABASE dbperf_compare_0123456789ab_before'

# The sample shop, both ways.
sql -c 'CREATE DATABASE shop' && sql -d shop -f "$root/migrations/001_baseline.sql" -f "$root/benchmarks/data/seed.sql" >/dev/null
# What others on this machine took from it does not count: the time in which something waited for a processor.
waited() { sed -n 's/^some .*total=\([0-9]*\).*/\1/p' /proc/pressure/cpu 2>/dev/null | grep . || echo 0; }
begin=$SECONDS waited_before=$(waited)
dbperf compare --from shop --migration "$root/migrations/002_add_indexes.sql" --queries "$root/benchmarks/queries" --format json
ok "the shop: order_history improved, all others unchanged" gives "(SELECT string_agg(concat(q ->> 'query', ' ', q ->> 'verdict'), ', ' ORDER BY q ->> 'verdict', q ->> 'query') FROM jsonb_array_elements(j -> 'queries') q)" \
    'order_history improved, inventory_search unchanged, order_detail unchanged, sales_by_day unchanged, user_lookup unchanged'
ok "the shop: a fifth of the blocks, a tenth of the cost, time with interval" gives "(SELECT (q ->> 'blocks_before')::float8 >= 5 * (q ->> 'blocks_after')::float8 AND (q ->> 'cost_before')::float8 >= 5 * (q ->> 'cost_after')::float8 AND (q ->> 'time_high')::float8 < 1 FROM jsonb_array_elements(j -> 'queries') q WHERE q ->> 'query' = 'order_history')" t
sql -d shop -f "$root/migrations/002_add_indexes.sql" -c ANALYZE
echo 'DROP INDEX idx_orders_user_created;' >back.sql
dbperf compare --from shop --migration back.sql --queries "$root/benchmarks/queries" --verbose
ok "the shop, back: exit 1" eval 'ended_with 1 && said "^order_history +regressed"'
ok "the shop, back: both plans side by side" eval 'said "^ *- +Bitmap Heap Scan on orders .*\| \+ +Seq Scan on orders" && said "^ *- +Bitmap Index Scan on idx_orders"'
ok "no colours without a terminal" eval '! grep -q "$(printf "\033")" "$work/out"'
ok "no line is wider than 100 columns" eval '! grep -qE "^.{101}" "$work/out"'
ok "both under 30 s" [ $((SECONDS - begin - ($(waited) - waited_before) / 1000000)) -lt 30 ]
ok "all nothing is left behind" clean_again
done_testing
