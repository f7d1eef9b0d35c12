# What pg_dump writes as migration and as seed: \restrict, COPY with its rows, an emptied search_path; and a query whose average
# hides the one parameter set that got slower.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
sql -c 'CREATE EXTENSION dbperf' -c 'CREATE DATABASE source' -c 'CREATE ROLE migrator'
sql -d source >/dev/null <<'SQL'
CREATE TABLE author (id int PRIMARY KEY, name text, note text);
INSERT INTO author VALUES (1, 'Anna', E'tab\tand\\backslash; -- no comment'), (2, NULL, '\\.'), (3, 'Ünï''"$$', E'two\nlines');
CREATE TABLE book (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, author_id int REFERENCES author, title text);
INSERT INTO book (author_id, title) SELECT g % 3 + 1, 'b' || g FROM generate_series(1, 20) g;
CREATE TABLE nothing (id int);
SQL
bin=$("$PG_CONFIG" --bindir)
of_source=${server/dbname=postgres/dbname=source}
mkdir m
"$bin/pg_dump" -s -d "$of_source" >m/001_schema.sql
printf '%s\n' 'SET ROLE migrator;' 'RESET ROLE; SET default_tablespace = pg_default; SET ROLE migrator;' >m/002_role.sql
echo 'ALTER TABLE book ADD COLUMN pages int; CREATE TABLE shelf (id int);' >m/003_more.sql
"$bin/pg_dump" -a -d "$of_source" >data.sql
"$bin/pg_dump" -a --inserts -d "$of_source" >inserts.sql
content() { sql -d "$1" -c 'SELECT md5(string_agg(a::text, chr(10) ORDER BY id)) FROM author a' -c 'SELECT count(*), sum(id), min(title) FROM book'; }
opened() { sql -c "ALTER DATABASE $1 ALLOW_CONNECTIONS true" && content "$1"; }

for seed in data inserts; do
    dbperf testdb prepare --migrations m --seed $seed.sql --template of_$seed
    ok "schema and $seed of a dump: exit 0" ended_with 0
    ok "$seed: every row as it was" [ "$(opened of_$seed)" = "$(content source)" ]
    ok "$seed: each file begins with a new session's settings" [ "$(sql -d of_$seed -c "SELECT schemaname || ' ' || tableowner FROM pg_tables WHERE tablename = 'shelf'")" = 'public postgres' ]
done

# A role that sessions begin with is that of each file.
sql -c 'CREATE ROLE of_tables SUPERUSER' -c 'CREATE ROLE deployer LOGIN SUPERUSER' -c 'ALTER ROLE deployer SET role = of_tables'
mkdir plain && echo 'CREATE TABLE one (id int);' >plain/1.sql && echo 'CREATE TABLE two (id int);' >plain/2.sql
DBPERF_DATABASE_URL=${DBPERF_DATABASE_URL/user=postgres/user=deployer} dbperf testdb prepare --migrations plain --template of_deployer
sql -c 'ALTER DATABASE of_deployer ALLOW_CONNECTIONS true'
ok "a role that sessions begin with stays" [ "$(sql -d of_deployer -c "SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables WHERE tablename IN ('one', 'two')")" = of_tables ]

sql -c 'CREATE DATABASE empty'

echo 'CREATE INDEX ON book (author_id);' >later.sql
mkdir queries
printf -- '-- name: books\nSELECT count(*) FROM pg_database;\n' >queries/q.sql
dbperf compare --from empty --migration m/001_schema.sql --migration data.sql --migration later.sql --queries queries --samples 4
ok "compare after a dump, its data and a file with plain names: exit 0" ended_with 0
printf 'CREATE TABLE t (id int);\nCOPY t FROM stdin;\n1\nx\n\\.\n' >wrong.sql
dbperf compare --from empty --migration wrong.sql --queries queries --samples 4
failed_with "a row that is none" 3 'wrong.sql:2: the migration failed: invalid input syntax for type integer: "x"'
printf 'COPY t FROM stdin;\n1\n' >open.sql
dbperf compare --from empty --migration open.sql --queries queries --samples 4
failed_with "rows without an end" 2 'open.sql:1: the rows of this COPY never end'
printf '\\i other.sql\n' >include.sql
dbperf compare --from empty --migration include.sql --queries queries --samples 4
failed_with "another command of psql" 2 'include.sql:1: psql commands are not understood'
ok "no copies are left" [ "$(sql -c "SELECT count(*) FROM pg_database WHERE datname ~ 'dbperf_compare'")" = 0 ]

# Nine tenants get faster; the one whose rows are all old reads the whole table.
sql -c 'CREATE DATABASE events'
sql -d events >/dev/null <<'SQL'
CREATE TABLE event (id int PRIMARY KEY, tenant_id int NOT NULL, created_at timestamp NOT NULL, body text);
INSERT INTO event SELECT g, CASE WHEN g <= 10000 AND g % 2 = 0 THEN 7 ELSE 100 + g % 18 END, timestamp '2020-01-01' + g * interval '1 minute', repeat('b', 60)
  FROM generate_series(1, 100000) g;
CREATE INDEX event_tenant ON event (tenant_id);
VACUUM ANALYZE;
SQL
echo 'CREATE INDEX event_created ON event (created_at);' >by_time.sql
cat >queries/q.sql <<'SQL'
-- name: latest
-- params: SELECT t AS tenant FROM unnest(ARRAY[101, 102, 103, 104, 105, 106, 107, 108, 109, 7]) t
SELECT id, body, created_at FROM event WHERE tenant_id = :tenant ORDER BY created_at DESC LIMIT 20;
SQL
dbperf compare --from events --migration by_time.sql --queries queries --samples 20 --format json
ok "one of ten parameter sets many times slower: exit 1" ended_with 1
latest() { python3 -c "import json, sys; print(json.load(open('$work/out'))['queries'][0]['$1'])"; }
ok "regressed" [ "$(latest verdict)" = regressed ]
ok "for which one" eval "latest reason | grep -q '^1 of 10 parameter sets got slower by themselves: with tenant = 7 it took'"
ok "by the index" [ "$(latest cause)" = 'CREATE INDEX event_created ON event (created_at)' ]
done_testing
