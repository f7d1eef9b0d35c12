# statistics export, and plans with what it wrote: those of the database that it came from, to the last digit of their costs.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
fill() { # DATABASE ROWS
    sql -c "CREATE DATABASE $1"
    sql -d "$1" -v rows="$2" >/dev/null <<'SQL'
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE client (id int PRIMARY KEY, name text NOT NULL, mood mood, born date, salary numeric, tags text[], period int4range);
CREATE TABLE "Bill $x" (id bigint PRIMARY KEY, client_id int NOT NULL, "at" timestamptz NOT NULL, state varchar(20) NOT NULL, data jsonb);
CREATE TABLE visit (id bigint, at date NOT NULL, client_id int) PARTITION BY RANGE (at);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
CREATE TABLE secret (id int PRIMARY KEY, word text);
INSERT INTO client SELECT i, 'canary-' || i, CASE WHEN i % 9 = 0 THEN 'bad' ELSE 'good' END::mood, date '1950-01-01' + i % 20000, i % 977,
       ARRAY['tag' || i % 7, 'canary' || i % 50], int4range(i % 1000, i % 1000 + 1 + i % 30) FROM generate_series(1, :rows) i;
INSERT INTO "Bill $x" SELECT i, 1 + i * 7 % (:rows / 10), timestamptz '2024-01-01' + i * interval '10 minutes',
       CASE WHEN i % 100 = 0 THEN 'open' ELSE 'paid' END, jsonb_build_object('k', i % 40, 'w', 'canary' || i % 3) FROM generate_series(1, :rows) i;
INSERT INTO visit SELECT i, date '2024-01-01' + i % 366, i % 500 FROM generate_series(1, :rows) i;
INSERT INTO secret SELECT i, 'canary-secret-' || i FROM generate_series(1, 100) i;
CREATE INDEX client_lower ON client (lower(name) text_pattern_ops);
CREATE INDEX client_tags ON client USING gin (tags);
CREATE INDEX client_period ON client USING gist (period);
CREATE INDEX bill_client ON "Bill $x" (client_id, at DESC);
CREATE INDEX bill_at ON "Bill $x" (at);
CREATE INDEX bill_open ON "Bill $x" (at) WHERE state = 'open';
CREATE INDEX visit_client ON visit (client_id);
CREATE STATISTICS client_both ON mood, born FROM client;
SELECT 1;
VACUUM ANALYZE;
SQL
}
fill production 40000
fill small 400
sql -d small -c 'CREATE EXTENSION dbperf'
sql -d production -c 'CREATE EXTENSION pageinspect' -c 'CREATE ROLE clerk LOGIN' -c 'GRANT SELECT ON client, visit, visit_1, visit_2 TO clerk' \
    -c 'GRANT SELECT (id, at) ON "Bill $x" TO clerk' -c 'ALTER TABLE visit_1 ENABLE ROW LEVEL SECURITY' \
    -c 'DELETE FROM "Bill $x" WHERE id > 39000' -c 'INSERT INTO client SELECT i, i::text FROM generate_series(40001, 52000) i'

cat >queries.sql <<'SQL'
EXPLAIN SELECT * FROM client WHERE id > 51000;
EXPLAIN SELECT * FROM client WHERE id < 700;
EXPLAIN SELECT * FROM client WHERE lower(name) LIKE 'canary-7%';
EXPLAIN SELECT * FROM client WHERE mood = 'bad' AND salary < 300;
EXPLAIN SELECT * FROM client WHERE tags @> '{canary7}';
EXPLAIN SELECT * FROM client WHERE period && int4range(10, 20);
EXPLAIN SELECT * FROM client WHERE born > '1999-12-31' ORDER BY name LIMIT 10;
EXPLAIN SELECT * FROM "Bill $x" WHERE client_id = 77 ORDER BY at DESC LIMIT 5;
EXPLAIN SELECT * FROM "Bill $x" WHERE at > '2024-09-20';
EXPLAIN SELECT * FROM "Bill $x" WHERE state = 'open' AND at > '2024-05-01';
EXPLAIN SELECT c.name, count(*) FROM client c JOIN "Bill $x" b ON b.client_id = c.id WHERE c.salary = 7 GROUP BY c.name;
EXPLAIN SELECT * FROM client c WHERE NOT EXISTS (SELECT FROM "Bill $x" b WHERE b.client_id = c.id);
EXPLAIN SELECT * FROM visit WHERE client_id = 9;
EXPLAIN SELECT at, count(*) FROM visit WHERE at BETWEEN '2024-03-01' AND '2024-08-01' GROUP BY at;
EXPLAIN SELECT DISTINCT client_id FROM visit;
SQL
plans() { sql -d "$1" -c "${2:-SELECT}" -f queries.sql | grep -v '^Imported Statistics'; }
import() { # NAME FILE
    sql -d small -v name="$1" -v document="$(cat "$2")" >/dev/null <<<"SELECT dbperf.import_statistics(:'name', :'document');"
}
import_file() { # NAME FILE, as the server reads it
    local lines
    lines=$(mktemp "$work/import.XXXXXX")
    { printf '\\set document `cat %s`\n' "$2"; echo "SELECT dbperf.import_statistics('$1', :'document');"; } >"$lines"
    sql -d small -f "$lines" >/dev/null
}

dbperf statistics export -d "${server/dbname=postgres/dbname=production}" --output there.json
ok "export: exit 0" ended_with 0
ok "nothing on standard output, a summary beside it" eval '[ ! -s "$work/out" ] && complained "^dbperf: 6 relations, [0-9]+ indexes, [0-9]+ columns, 0 objects missing$"'
ok "the file is its owner's alone" [ "$(stat -c %a there.json)" = 600 ]
ok "schema version first" eval 'head -c 40 there.json | grep -q "\"schema_version\": 1"'
import_file there there.json
plans production >expected
plans small "SET dbperf.statistics = 'there'" >found
ok "plans of the small database are those of the other one, with their costs" diff expected found
plans small >without
ok "without the setting they are others" eval '! diff -q expected without >/dev/null'
ok "a plan says so" eval "sql -d small -c \"SET dbperf.statistics = 'there'\" -c 'EXPLAIN SELECT * FROM client' | grep -q '^Imported Statistics: there'"
ok "the catalogs are as they were" [ "$(sql -d small -c "SELECT reltuples FROM pg_class WHERE relname = 'client'")" = 400 ]
ok "statements are executed" [ "$(sql -d small -c "SET dbperf.statistics = 'there'" -c 'SELECT count(*) FROM client c JOIN "Bill $x" b ON b.id = c.id WHERE c.id <= 50')" = 50 ]
ok "extended statistics are named" [ "$(sql -d small -c "SELECT count(*) FROM dbperf.imported_statistics WHERE kind = 'extended statistics' AND NOT used")" = 1 ]

# A role that may read little: what it cannot is named.
dbperf statistics export -d "${server/dbname=postgres/dbname=production} user=clerk" --output clerk.json --verbose
ok "a role without rights: exit 0" ended_with 0
ok "columns that it may not read are missing" complained 'missing: column public.secret.word: statistics take the privilege SELECT'
ok "row security is the reason where it is" complained 'missing: column public.visit_1.client_id: row security'
ok "extended statistics are missing" complained 'missing: extended statistics public.client.client_both: only members'
ok "so are heights" complained 'missing: heights of indexes'
import_file clerk clerk.json
ok "values of the secret are not there" eval '! grep -q canary-secret clerk.json'
ok "what it may read is used" [ "$(sql -d small -c "SET dbperf.statistics = 'clerk'" -c "EXPLAIN SELECT * FROM client WHERE mood = 'bad' AND salary < 300" | head -1)" = \
    "$(sql -d production -c "EXPLAIN SELECT * FROM client WHERE mood = 'bad' AND salary < 300" | head -1)" ]
ok "what it may not is named" [ "$(sql -d small -c "SELECT count(*) > 3 FROM dbperf.imported_statistics WHERE name = 'clerk' AND NOT used")" = t ]

# Redacted: no text of a column, all frequencies.
dbperf statistics export -d "${server/dbname=postgres/dbname=production}" --redact
ok "redacted to standard output: exit 0" ended_with 0
ok "no value of a text" eval 'did_not_say "canary" && did_not_say "tag[0-9]"'
ok "numbers, times and enums stay" eval 'said "\{1,[0-9]+,.*,[0-9]+\}" && said "good,bad" && said "\{1950"'
cp "$work/out" redacted.json
import_file redacted redacted.json
ok "it is imported, and plans by numbers are the same" [ "$(sql -d small -c "SET dbperf.statistics = 'redacted'" -c 'EXPLAIN SELECT * FROM client WHERE id > 51000' | head -1)" = "$(head -1 expected)" ]

# What goes wrong.
dbperf statistics export -d "${server/dbname=postgres/dbname=nowhere}"
failed_with "no such database" 3 'does not exist'
dbperf statistics export -d "${server/dbname=postgres/dbname=production}" --output nowhere/file.json
failed_with "a folder that is not there" 3 'cannot write nowhere/file.json'
dbperf statistics
failed_with "no action" 2 ''
head -c 3000 there.json >cut.json
ok "half a file is refused" eval '! import_file cut cut.json 2>"$work/err" && complained "invalid input syntax for type json"'
(sleep 30 | "$psql" -Xq "${server/dbname=postgres/dbname=production}" -c 'BEGIN' -c 'LOCK client' -c 'SELECT pg_sleep(20)' >/dev/null 2>&1) &
locker=$!
for ((i = 0; i < 100; i++)); do
    [ "$(sql -c "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND locktype = 'relation'")" = 0 ] || break
    sleep 0.05
done
dbperf statistics export -d "${server/dbname=postgres/dbname=production}" --output locked.json
ok "a table that is locked keeps nobody waiting: exit 0" ended_with 0
ok "what could not be read of it is missing" complained 'missing: index ends public.client: canceling statement due to (lock|statement) timeout'
sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()" >/dev/null
kill "$locker" 2>/dev/null
done_testing
