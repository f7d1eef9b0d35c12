# The server keeps its results in a database of its own: whatever -d names, commands find it.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server -c dbperf.database=perf_results
PATH=$(dirname "$psql"):$PATH
unset DBPERF_DATABASE_URL
sql -c 'CREATE DATABASE mydb'
mydb=${server/dbname=postgres/dbname=mydb}
dbperf run -d "$mydb" -- true
failed_with "it does not exist yet" 3 'keeps its results in the database "perf_results"' 'dbperf.database'
sql -c 'CREATE DATABASE perf_results'
dbperf report -d "$mydb"
failed_with "it has no extension yet" 3 'the database "perf_results" has no extension dbperf' 'CREATE EXTENSION'
sql -d perf_results -c 'CREATE EXTENSION dbperf'
sql -d mydb -c 'CREATE TABLE t (id int PRIMARY KEY)' -c 'INSERT INTO t SELECT generate_series(1, 30)'
dbperf run -d "$mydb" --label mine -- psql -Xqc 'SELECT id FROM t WHERE id = 4'
ok "run" eval 'ended_with 0 && said "^Run mine$"'
ok "run: the command worked on the database that was named" [ "$(sql -d perf_results -c "SELECT calls FROM dbperf.statements WHERE run = 'mine' AND database = 'mydb' AND query LIKE '%FROM t%'")" = 1 ]
dbperf check -d "$mydb" --label checked -- psql -Xqc 'SELECT id FROM t WHERE id = 5'
ok "check" eval 'ended_with 0 && said "^Check of run checked$"'
dbperf report -d "$mydb" --run mine
ok "report" ended_with 0
dbperf report -d "$mydb" --since '1 day'
ok "report over time" eval 'ended_with 0 && said "All runs|Since"'
dbperf deadlock --confirm -d "$mydb" --run mine
ok "deadlock --confirm" ended_with 0
dbperf baseline export -d "$mydb" --run mine --output mine.json
ok "baseline export" eval 'ended_with 0 && [ -s mine.json ]'
dbperf baseline import -d "$mydb" --label theirs mine.json
ok "baseline import" ended_with 0
dbperf compare -d "$mydb" --baseline mine --candidate theirs
ok "compare" ended_with 0
mkdir queries
printf -- '-- name: by_id\nSELECT id FROM t WHERE id = 4;\n' >queries/by_id.sql
echo 'DROP TABLE IF EXISTS nothing;' >migration.sql
dbperf compare -d "$mydb" --from mydb --migration migration.sql --queries queries
ok "compare with a migration" ended_with 0
dbperf export -d "$mydb" --run mine --openmetrics metrics.txt
ok "export" ended_with 0
dbperf testdb exec -d "$mydb" --template mydb -- psql -XAtqc 'SELECT count(*) FROM t'
ok "testdb" eval 'ended_with 0 && said "^30$"'
done_testing
