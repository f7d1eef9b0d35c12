# doctor, and every command's own check, on servers that lack something.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
echo 'SELECT 1' >one.sql

start_server -c shared_preload_libraries=
dbperf doctor
ok "without the module: exit 3" ended_with 3
ok "without the module: what to do" said 'add dbperf to shared_preload_libraries'
dbperf run --queries one.sql
failed_with "a command without the module" 3 'the server runs without dbperf' 'shared_preload_libraries'
dbperf server stop --dir "$work/server"

start_server
dbperf doctor
ok "without the extension: exit 3" ended_with 3
ok "without the extension: what to do" said 'CREATE EXTENSION dbperf'
sql -c 'CREATE EXTENSION dbperf'
dbperf doctor
ok "all there: exit 0" ended_with 0
ok "all there: says so" said 'dbperf is ready here'
dbperf doctor --format json
ok "all there: JSON that a parser takes" eval '[ "$(sql -v json="$(cat "$work/out")" <<<"SELECT :'\''json'\''::json ->> '\''healthy'\''")" = true ]'

sql -c 'CREATE ROLE guest LOGIN' -c 'REVOKE USAGE ON SCHEMA dbperf FROM PUBLIC'
DBPERF_DATABASE_URL=${server/user=postgres/user=guest} dbperf doctor
ok "a role without privilege: exit 3" ended_with 3
ok "a role without privilege: what to do" said 'GRANT USAGE ON SCHEMA dbperf'
DBPERF_DATABASE_URL=${server/user=postgres/user=guest} dbperf run --queries one.sql
failed_with "a command of a role without privilege" 3 'this role may not use dbperf' 'USAGE'

sql -c "UPDATE pg_extension SET extversion = '0.0.1' WHERE extname = 'dbperf'"
dbperf doctor
ok "another version: exit 3" ended_with 3
ok "another version: what to do" said 'ALTER EXTENSION dbperf UPDATE'
dbperf run --queries one.sql
failed_with "a command with another version" 3 'the extension is of version 0.0.1' 'ALTER EXTENSION'

done_testing
