# deadlock --migration and compare --confirm-deadlocks on a live server: a migration against transactions of a run.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
sql -c 'CREATE DATABASE app'
sql -d app -c 'CREATE EXTENSION dbperf'
app=${server/dbname=postgres/dbname=app}
export DBPERF_DATABASE_URL=$app
sql -d app -c 'CREATE TABLE region (id int PRIMARY KEY, name text); CREATE TABLE shop (id int PRIMARY KEY, region_id int); CREATE TABLE note (id int)' \
    -c "INSERT INTO region VALUES (1, 'north'); INSERT INTO shop VALUES (1, 1)"
sql -c 'ALTER DATABASE app SET dbperf.keep_parameters = on'
entry() { # LABEL SQL: a run with one transaction that commits nothing
    sql -d app -c "SELECT dbperf.start_run('$1')" >/dev/null
    { echo 'SET dbperf.track_locks = on; BEGIN;'; echo "$2"; echo 'ROLLBACK;'; } | "$psql" -Xq "$app" >/dev/null
    sql -d app -c 'SELECT dbperf.finish_run()' >/dev/null
}
entry orders "INSERT INTO region VALUES (2, 'south'); INSERT INTO shop VALUES (2, 2);"
entry same_order "INSERT INTO shop VALUES (2, 1); INSERT INTO region VALUES (2, 'south');"
sql -d app -c "SELECT dbperf.start_run('blind')" -c 'SELECT 1' -c 'SELECT dbperf.finish_run()' >/dev/null
echo 'ALTER TABLE shop ADD CONSTRAINT shop_region FOREIGN KEY (region_id) REFERENCES region (id);' >"$work/key.sql"
printf 'ALTER TABLE note ADD text text;\nCREATE TABLE later (id int PRIMARY KEY);\n' >"$work/first.sql"
echo 'ALTER TABLE shop ADD later_id int REFERENCES later, ADD FOREIGN KEY (region_id) REFERENCES region;' >"$work/second.sql"

dbperf deadlock --migration "$work/key.sql" --run orders
ok "a foreign key against parent, then child: predicted, exit 0" eval 'ended_with 0 && grep -q "^  predicted " "$work/out"'
ok "... the migration's statement" grep -q 'migration *ALTER TABLE shop ADD CONSTRAINT' "$work/out"
ok "... the application's transaction" grep -q 'application *INSERT INTO region VALUES .*; INSERT INTO shop' "$work/out"
ok "... and the remedy" eval 'tr -s " \n" " " <"$work/out" | grep -q "LOCK TABLE public.region, public.shop IN SHARE ROW EXCLUSIVE MODE"'
dbperf deadlock --migration "$work/key.sql" --run orders --confirm --format json
ok "confirmed, exit 1" eval 'ended_with 1 && [ "$(grep -c "\"status\": \"confirmed\"" "$work/out")" = 1 ]'
ok "a finding of the migration's run" [ "$(sql -d app -c "SELECT kind, bool_or(gate) FROM dbperf.findings WHERE run = 'key.sql against orders' GROUP BY kind")" = 'lock_cycle|t' ]
dbperf deadlock --migration "$work/key.sql" --run same_order --confirm
ok "child, then parent is the order of both" eval 'ended_with 0 && grep -q "none is predicted" "$work/out"'
dbperf deadlock --migration "$work/first.sql" --migration "$work/second.sql" --run orders --confirm
ok "a statement that needs the file before it: confirmed" eval 'ended_with 1 && grep -q "^  confirmed " "$work/out"'
{ echo 'BEGIN; LOCK TABLE region, shop IN SHARE ROW EXCLUSIVE MODE;'; cat "$work/key.sql"; echo 'COMMIT;'; } >"$work/mended.sql"
dbperf deadlock --migration "$work/mended.sql" --run orders
ok "with the remedy none is predicted" eval 'ended_with 0 && grep -q "none is predicted" "$work/out"'
dbperf compare --migration "$work/key.sql" --workload run:orders --samples 2 --format json
ok "compare predicts it, too" eval 'grep -q "\"status\": \"predicted\"" "$work/out"'
dbperf compare --migration "$work/key.sql" --workload run:orders --samples 2 --confirm-deadlocks
ok "... and confirms it when asked to: exit 1" eval 'ended_with 1 && grep -q "^  confirmed " "$work/out"'

dbperf deadlock --migration "$work/key.sql" --run blind
failed_with "a run that knows no locks" 3 'knows nothing of what transactions lock'
dbperf deadlock --migration "$work/key.sql"
failed_with "no run" 2 '--migration goes with --run'
dbperf compare --migration "$work/key.sql" --confirm-deadlocks
failed_with "no workload" 2 '--confirm-deadlocks goes with --workload'
ok "no database is left" no_temporary_databases
ok "the database is as it was" [ "$(sql -d app -c "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'shop'::regclass")" = 0 ]

done_testing
