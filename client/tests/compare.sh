# compare on a live server: verdicts, and copies that are gone whatever happens.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
sql -c 'CREATE DATABASE app'
results=app # the database that is copied holds the results too, as it does for most
export DBPERF_DATABASE_URL=${server/dbname=postgres/dbname=$results}
sql -d app -c 'CREATE EXTENSION dbperf' -c 'CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL, filler text)' \
    -c "INSERT INTO orders SELECT g, g % 500, repeat('x', 100) FROM generate_series(1, 20000) g" -c 'VACUUM ANALYZE orders' \
    -c "ALTER DATABASE app SET search_path = public, pg_catalog" -c "ALTER DATABASE app SET work_mem = '5MB'"
mkdir queries
cat >queries/orders.sql <<'END'
-- name: by_user
-- params: SELECT generate_series(1, 10) AS user_id
SELECT count(*) FROM orders WHERE user_id = :user_id;
-- name: by_id
-- params: SELECT generate_series(1, 10) AS id
SELECT * FROM orders WHERE id = :id;
END
echo 'CREATE INDEX orders_user ON orders (user_id);' >add.sql
echo 'DROP INDEX orders_user;' >drop.sql
clean_again() { # everything as before, nobody left behind
    no_temporary_databases && [ "$(sql -d $results -c "SELECT count(*) FROM dbperf.runs WHERE state = 'active'")" = 0 ]
}

dbperf compare --from app --migration add.sql --queries queries --format json
ok "an added index: exit 0" ended_with 0
ok "one object with a list of queries" eval '[ "$(sql -v json="$(cat "$work/out")" <<<"SELECT string_agg(q ->> '\''query'\'' || '\'' '\'' || (q ->> '\''verdict'\''), '\'', '\'') FROM json_array_elements(:'\''json'\''::json -> '\''queries'\'') q")" = "by_user improved, by_id unchanged" ]'
ok "each with reason and cause" eval '[ "$(grep -c "\"reason\": \"" "$work/out")" = 2 ] && [ "$(grep -c "\"cause\": " "$work/out")" = 2 ]'
ok "an added index: nothing is left behind" clean_again
ok "the database itself is as it was" eval "[ -z \"\$(sql -d app -c \"SELECT 1 FROM pg_indexes WHERE indexname = 'orders_user'\")\" ]"
ok "each with its interval and p" eval '[ "$(sql -v json="$(cat "$work/out")" <<<"SELECT count(*) FROM json_array_elements(:'\''json'\''::json -> '\''queries'\'') q WHERE (q ->> '\''time_low'\'')::float8 <= (q ->> '\''time_ratio'\'')::float8 AND (q ->> '\''time_ratio'\'')::float8 <= (q ->> '\''time_high'\'')::float8 AND (q ->> '\''p'\'')::float8 <= 1 AND (q ->> '\''samples'\'')::int IN (10, 20, 40)")" = 2 ]'
ok "the reason in words" said '"orders: sequential scan became an? (bitmap |)(index|index-only) scan using orders_user'
ok "a plan of each side, of the same parameters" eval '[ "$(sql -d $results -c "SELECT count(*) FROM dbperf.plans WHERE timed")" = 4 ]'
cat >settings.sql <<'END'
DO $$ BEGIN
    ASSERT current_setting('work_mem') = '5MB' AND current_setting('search_path') = 'public, pg_catalog';
END $$;
END
dbperf compare --from app --migration settings.sql --queries queries --samples 1
ok "the copies have its settings" ended_with 0
ok "the settings of the copies are gone with them" eval '[ "$(sql -c "SELECT count(*) FROM pg_db_role_setting")" = 1 ]'

dbperf compare --from app --migration add.sql --migration drop.sql --queries queries
ok "add and drop again: exit 0" ended_with 0
ok "add and drop again: unchanged" said '^2 queries unchanged'
sql -d app -f add.sql
dbperf compare --from app --migration drop.sql --queries queries
ok "a dropped index: exit 1" ended_with 1
ok "a dropped index: named" said 'by_user +regressed'
ok "a dropped index: said in words" said '1 query regressed'
ok "a dropped index: its cause" said 'cause +DROP INDEX orders_user'
labels=$(sql -d $results -c "SELECT string_agg(label, ' ' ORDER BY label DESC) FROM (SELECT label FROM dbperf.runs ORDER BY started_at DESC LIMIT 2) r")
dbperf compare --baseline "${labels% *}" --candidate "${labels#* }"
ok "the stored runs again: the same verdict" eval 'ended_with 1 && said "by_user +regressed"'
dbperf compare --baseline nowhere --candidate "${labels#* }"
failed_with "no such run" 3 'nowhere'
dbperf check --run "${labels#* }" --baseline "${labels% *}"
ok "the gate sees it" eval 'ended_with 1 && said "regression +by_user"'
dbperf check --run "${labels#* }" --baseline "${labels% *}" --format json
ok "the gate sees its cause" eval 'ended_with 1 && said "\"cause\": \"DROP INDEX orders_user\""'
sql -d $results -c "SELECT dbperf.accept('by_user', 'nobody asks for it'), dbperf.accept('by_id', 'too slow')" >/dev/null
dbperf check --run "${labels#* }" --baseline "${labels% *}"
ok "the gate lets pass what is accepted" eval 'ended_with 0 && ! said "regression "'
ok "the gate warns of what need not be accepted" said 'warning +by_id: .*did not regress'
dbperf compare --from app --migration drop.sql --queries queries
ok "accepted: exit 0" ended_with 0
ok "accepted: said to be" eval 'said "by_user +regressed, accepted" && said "accepted \(nobody asks for it\)"'
sql -d $results -c "SELECT dbperf.withdraw_acceptance(query) FROM dbperf.acceptance" >/dev/null

# What changes nothing is said to change nothing, again and again.
echo "COMMENT ON TABLE orders IS 'of all users';" >comment.sql
for ((i = 1; i <= 5; i++)); do
    dbperf compare --from app --migration comment.sql --queries queries
    ok "no change, time $i: exit 0" ended_with 0
    ok "no change, time $i: unchanged" said '^2 queries unchanged'
done
# Twice the work without another plan is found by time alone.
cat >function.sql <<'END'
CREATE OR REPLACE FUNCTION work(n int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM generate_series(1, 2 * n) g WHERE g <= n';
END
sql -d app -c "CREATE FUNCTION work(n int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM generate_series(1, n)'"
printf -- '-- name: works\nSELECT work(30000);' >works.sql
dbperf compare --from app --migration function.sql --queries works.sql
ok "slower by time alone: regressed" eval 'ended_with 1 && said "^works +regressed"'
ok "slower by time alone: by what factor" said 'times the time'
ok "slower by time alone: its cause" said 'cause +CREATE OR REPLACE FUNCTION work'

printf 'CREATE TABLE half (i int);\n\nINSERT INTO half VALUES (1/0);\n' >fails.sql
dbperf compare --from app --migration fails.sql --queries queries
failed_with "a migration that fails half-way" 3 'fails.sql:3: the migration failed: division by zero'
ok "a migration that fails: nothing is left behind" clean_again
echo 'CREATE INDEX CONCURRENTLY other ON orders (user_id, id);' >concurrently.sql
dbperf compare --from app --migration concurrently.sql --queries queries
ok "a migration that needs no transaction" ended_with 0
printf 'CREATE TABLE p (i int PRIMARY KEY);\nCREATE TABLE c (i int REFERENCES p DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO c VALUES (1);\n' >deferred.sql
dbperf compare --from app --migration deferred.sql --queries queries
failed_with "a migration that fails at its commit" 3 'deferred.sql:3: the migration failed: .*violates foreign key'
printf -- '-- name: wrong\nSELECT 1,\n  nothing FROM orders' >queries/wrong.sql
dbperf compare --from app --migration drop.sql --queries queries/wrong.sql
failed_with "an SQL error in a query" 3 'queries/wrong.sql:3: column "nothing" does not exist'
ok "an SQL error: nothing is left behind" clean_again
rm queries/wrong.sql
dbperf compare --from nowhere --migration add.sql --queries queries
failed_with "no such database" 3 'nowhere'
dbperf compare --from app --migration nowhere.sql --queries queries
failed_with "no such migration" 2 'nowhere.sql'

echo 'SELECT pg_sleep(60);' >sleeps.sql
copying="[ -n \"\$(sql -c \"SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname LIKE 'dbperf%'\")\" ]"
for signal in INT TERM; do
    interrupt_when $signal "$copying" compare --from app --migration sleeps.sql --queries queries
    ok "SIG$signal during the migration: exit 130" ended_with 130
    ok "SIG$signal during the migration: nothing is left behind" clean_again
done
printf -- '-- name: slow\nSELECT pg_sleep(0.2)' >queries/slow.sql
interrupt_when INT "[ -n \"\$(sql -c \"SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname LIKE 'dbperf%'\")\" ]" \
    compare --from app --migration drop.sql --queries queries/slow.sql --samples 1000
ok "Ctrl-C while queries run: exit 130" ended_with 130
ok "Ctrl-C while queries run: nothing is left behind" clean_again
ok "Ctrl-C while queries run: it says that nothing is judged" eval 'grep -q "interrupted: no query was judged yet" "$work/err"'
# What was judged by then is shown: the first fifty of them.
mkdir many && for i in {01..50}; do printf -- '-- name: quick_%s\nSELECT %s;\n' "$i" "$((10#$i))"; done >many/a.sql
printf -- '-- name: slow\nSELECT pg_sleep(0.2)' >many/b.sql
interrupt_when INT "$copying" compare --from app --migration drop.sql --queries many --samples 20
ok "Ctrl-C among many: exit 130" ended_with 130
ok "Ctrl-C among many: those that were judged" said '^50 queries unchanged'
ok "Ctrl-C among many: how many of how many" eval 'grep -q "interrupted: 50 of 51 queries judged" "$work/err"'
ok "Ctrl-C among many: nothing is left behind" clean_again
rm -r queries/slow.sql many

sql -d app -c 'SELECT pg_sleep(60)' >/dev/null 2>&1 &
guest=$!
dbperf compare --from app --migration drop.sql --queries queries
failed_with "a database in use" 3 'cannot copy the database "app": others are connected' 'psql \(pid'
kill $guest

sql -d $results -c 'CREATE ROLE guest LOGIN' -c 'GRANT USAGE ON SCHEMA dbperf TO guest' -c 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA dbperf TO guest'
DBPERF_DATABASE_URL=${DBPERF_DATABASE_URL/user=postgres/user=guest} dbperf compare --from app --migration drop.sql --queries queries
failed_with "a role without CREATEDB" 3 'cannot create a database' 'CREATEDB'

done_testing
