# testdb: templates from migrations, a clean database for a command, and what is left of both.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server -c max_prepared_transactions=1
sql -c 'CREATE EXTENSION dbperf'
mkdir plain
echo 'CREATE TABLE item (id serial PRIMARY KEY, name text);' >plain/1_item.sql
echo 'ALTER TABLE item ADD price int; CREATE INDEX CONCURRENTLY ON item (price);' >plain/10_price.sql
echo "INSERT INTO item (name) VALUES ('second');" >plain/9_rows.sql
echo "INSERT INTO item (name) VALUES ('seed');" >seed.sql

dbperf testdb prepare --template app
failed_with "no migrations" 2 'no migrations are named' '--migrations'
dbperf testdb exec -- true
failed_with "no template" 2 'no template is named' 'testdb prepare'
dbperf testdb prepare --migrations plain --seed seed.sql
ok "prepare: exit 0" ended_with 0
ok "prepare: prints a name made of the content" said '^dbperf_prepared_[0-9a-f]{12}$'
name=$(cat "$work/out")
dbperf testdb prepare --migrations plain --seed seed.sql --format json
ok "the same content is built once" eval 'said "\"built\": false" && said "$name"'
ok "the template is closed" [ "$(sql -c "SELECT datistemplate, datallowconn FROM pg_database WHERE datname = '$name'")" = 't|f' ]

test_program=("$psql" -XqAt -v ON_ERROR_STOP=1 -c "SELECT string_agg(name, ',' ORDER BY id) FROM item" -c "INSERT INTO item (name) VALUES ('test')" -c 'SELECT current_database()')
for round in 1 2 3; do
    dbperf testdb exec --template "$name" -- "${test_program[@]}"
    ok "exec $round: a clean copy" eval 'ended_with 0 && said "^second,seed$" && said "^dbperf_test_"'
done
dbperf testdb exec -- sh -c 'exit 7'
ok "exec: the command's status" ended_with 7
dbperf testdb exec --keep -- "$psql" -XqAt -v ON_ERROR_STOP=1 -c "INSERT INTO item (name) VALUES ('clue')" -c 'SELECT current_database()' -c 'SELECT 1/0'
kept=$(grep '^dbperf_test_' "$work/out")
ok "exec --keep: a failed command's database is kept" eval 'complained "^dbperf: database $kept is kept" && [ "$(sql -d "$kept" -c "SELECT count(*) FROM item")" = 3 ]'
dbperf testdb exec --keep -- true
ok "that of a good one is not" [ "$(sql -c "SELECT count(*) FROM dbperf.test_databases WHERE state = 'kept'")" = 1 ]
dbperf testdb exec --format json -- "$psql" -XqAt -v ON_ERROR_STOP=1 -c 'SELECT current_database()' -c 'DROP TABLE item' -c 'SELECT dbperf.reset_database()'
first=$(grep -m 1 '^dbperf_test_' "$work/out")
ok "exec: a reset that made a new copy" eval 'ended_with 0 && said "\"database\": \"dbperf_test_" && ! said "\"database\": \"$first\""'
ok "no copy stays leased" [ "$(sql -c "SELECT count(*) FROM dbperf.test_databases WHERE state = 'leased'")" = 0 ]
dbperf testdb exec --format json -- sh -c "$psql -Xq -d postgres -c \"SELECT dbperf.release_database('\$PGDATABASE')\""
ok "exec: the command released it" eval 'ended_with 0 && said "released by the command"'
dbperf testdb exec --format json -- "${test_program[@]}"
ok "exec: what became of it" said '"outcome": "(reset|ending)"'
dbperf testdb list
ok "list" said "$name"
dbperf testdb list --format json
ok "list: JSON" said '"state": "ready"'
dbperf testdb exec -- "$psql" -Xq -v ON_ERROR_STOP=1 -c "BEGIN; INSERT INTO item (name) VALUES ('left'); PREPARE TRANSACTION 'left'"
stuck() { sql -c "SELECT name FROM dbperf.test_databases WHERE state = 'dropping' AND error IS NOT NULL"; }
for _ in {1..600}; do [ -z "$(stuck)" ] || break; sleep 0.1; done
left=$(stuck)
dbperf testdb list
ok "list: why a copy cannot be dropped" eval 'tr -s " \n" " " <"$work/out" | grep -q "$left cannot be dropped: .*There is 1 prepared transaction"'
dbperf testdb list --format json
ok "list: why, in JSON" said '"error": "database .*'"$left"'.* is being accessed by other users: There is 1 prepared transaction'
sql -d "$left" -c "ROLLBACK PREPARED 'left'"
for _ in {1..1200}; do [ -n "$(stuck)" ] || break; sleep 0.1; done
ok "dropped, once it can be" [ -z "$(stuck)" ]
dbperf testdb status
ok "status" said '^acquired +[0-9]+'

echo "SELECT no_such_function();" >plain/11_broken.sql
dbperf testdb prepare --migrations plain --template app
failed_with "a failed migration" 3 'plain/11_broken.sql.*no_such_function'
ok "leaves no template" [ "$(sql -c "SELECT count(*) FROM pg_database WHERE datname = 'app' OR datname LIKE 'dbperf\_template%'")" = 0 ]
rm plain/11_broken.sql
sql -c 'CREATE DATABASE mine'
dbperf testdb prepare --migrations plain --template mine
failed_with "a name that is taken" 3 'there is a database "mine" that dbperf did not make' '--template'
for i in 1 2 3 4; do "$DBPERF" testdb prepare --migrations plain --template app >"$work/many.$i" 2>&1 & done
wait
ok "four at once: one builds" eval '[ "$(cat "$work"/many.* | sort -u)" = app ]'
echo 'DELETE FROM item' >>seed.sql
dbperf testdb prepare --migrations plain --seed seed.sql --template app
ok "other content replaces it" ended_with 0
dbperf testdb exec --template app -- "$psql" -XqAt -c 'SELECT count(*) FROM item'
ok "and copies have it" said '^0$'

mkdir golang dbmate flyway
echo 'CREATE TABLE item (id int);' >golang/1_a.up.sql
echo 'DROP TABLE item;' >golang/1_a.down.sql
printf -- '-- migrate:up\nCREATE TABLE item (id int);\n-- migrate:down\nDROP TABLE item;\n' >dbmate/20260101000000_a.sql
echo 'CREATE TABLE item (id int);' >flyway/V1__a.sql
echo 'CREATE OR REPLACE VIEW v AS SELECT * FROM item;' >flyway/R__v.sql
for layout in golang dbmate flyway; do
    dbperf testdb prepare --migrations $layout --template $layout
    dbperf testdb exec --template $layout -- "$psql" -XqAt -c 'SELECT count(*) FROM item'
    ok "layout of $layout" said '^0$'
done
dbperf testdb prepare --migrate-command "$psql -Xq -c 'CREATE TABLE item AS SELECT 5 AS id'" --template command
dbperf testdb exec --template command -- "$psql" -XqAt -c 'SELECT id FROM item'
ok "a migrate command" said '^5$'

interrupt_when TERM '[ "$(sql -c "SELECT count(*) FROM dbperf.test_databases WHERE state = '\''leased'\''")" = 1 ]' testdb exec --template app -- sleep 60
ok "a signal ends the command" [ "$status" -ne 0 ]
sql -c 'SELECT pg_sleep(0.2)' >/dev/null
dbperf testdb gc
ok "gc leaves what is kept" said '^0 in use and 1 kept remain$'
dbperf testdb gc --kept
ok "gc --kept" said '^no test databases are left$'
ok "none is left" [ "$(sql -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'dbperf\_test\_%' OR datname LIKE 'dbperf\_template\_%'")" = 0 ]
done_testing
