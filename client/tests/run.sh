# run, report and check on a live server: what is observed, and which status says so.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server

echo 'SELECT 1' >one.sql
dbperf report
failed_with "no extension yet" 3 'has no extension dbperf' 'CREATE EXTENSION dbperf'
sql -c 'CREATE EXTENSION dbperf'
dbperf report
failed_with "no run yet" 3 'no run is stored yet' 'dbperf run'

sql -c 'CREATE TABLE users (id int PRIMARY KEY, name text)' -c "INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 1000) g" -c 'ANALYZE users'
{
    echo 'BEGIN;'
    for i in {1..20}; do echo "SELECT name FROM users WHERE id = $((i * 7));"; done
    echo 'COMMIT;'
} >n_plus_one.sql
application=("$psql" -Xq "$server" -f)

dbperf run --label loop -- "${application[@]}" n_plus_one.sql
ok "run: the command's status" ended_with 0
ok "run: its output comes through" said 'user 7'
ok "run: the N+1 is shown" said 'N\+1: 20 executions'
ok "run: is stored and closed" eval "[ \"\$(sql -c \"SELECT state FROM dbperf.runs WHERE label = 'loop'\")\" = finished ]"
dbperf report --run loop --format json
ok "report: JSON that a parser takes" eval '[ "$(sql -v json="$(cat "$work/out")" <<<"SELECT :'\''json'\''::json ->> '\''run'\''")" = loop ]'
ok "report: schema version" said '"schema_version": 1'
ok "report: finds it again" said '"calls": 20'
dbperf report
ok "report: the latest run by default" said '^Run loop'
dbperf run --label again -- "${application[@]}" n_plus_one.sql
dbperf run --label again -- "${application[@]}" one.sql
ok "a label used again stands for its latest run" eval 'said "none found" && said " 1 statement executed"'
dbperf report --run nowhere
failed_with "report: no such run" 3 'no run is labelled "nowhere"'

dbperf check --run loop
ok "check: an N+1 is a finding" ended_with 1
ok "check: and it is named" said 'n_plus_one .*users'
dbperf check -- "${application[@]}" one.sql
ok "check: a clean command" ended_with 0
dbperf check -- "${application[@]}" n_plus_one.sql
ok "check: a command with an N+1" ended_with 1

sql -c "SELECT dbperf.acknowledge_n_plus_one(fingerprint, 20, 'a page shows twenty') FROM dbperf.n_plus_one WHERE run = 'loop'" >/dev/null
dbperf check --run loop
ok "check: what is acknowledged is no finding" eval 'ended_with 0 && ! said warning'
dbperf check -- "${application[@]}" one.sql
ok "check: an acknowledgement of nothing is a warning" eval 'ended_with 0 && said "warning .*acknowledgement matched nothing"'
dbperf check --format json -- "${application[@]}" one.sql
ok "check: and in the JSON" eval 'ended_with 0 && said "stale_acknowledgement"'
sql -c 'SELECT dbperf.withdraw_n_plus_one(fingerprint) FROM dbperf.n_plus_one_acknowledgement' >/dev/null

dbperf run --format json -- echo 'not JSON'
ok "run: a command's output stays out of the JSON" eval 'head -n 1 "$work/out" | grep -q "^{$" && complained "^not JSON$"'
echo 'budgets.named = { p95 = "0.001ms", max = "0.001ms" }' >dbperf.toml
{ echo "SET dbperf.query_name = 'named';"; for i in {1..30}; do echo "SELECT count(*) FROM users;"; done; } >named.sql
dbperf check -- "${application[@]}" named.sql
ok "check: a budget of the project file" eval 'ended_with 1 && said "budget +named: p95"'
rm dbperf.toml

dbperf run -- sh -c 'exit 7'
ok "run: the status of a failing command" ended_with 7
dbperf check -- sh -c 'exit 7'
ok "check: the status of a failing command" ended_with 7
dbperf run -- sh -c 'kill -9 $$'
ok "run: the status of a killed command" ended_with 137
dbperf run -- /nowhere/command
failed_with "run: no such command" 3 'cannot start /nowhere/command'
no_open_run() { [ "$(sql -c "SELECT count(*) FROM dbperf.runs WHERE state = 'active'")" = 0 ]; }
ok "no run stays open" no_open_run
interrupt_when INT "[ -s $work/started ]" run --label cut -- sh -c "echo \$\$ >$work/started; exec sleep 60"
ok "run: Ctrl-C" ended_with 130
ok "run: Ctrl-C ends the command too" eval '! kill -0 "$(cat "$work/started")" 2>/dev/null'
ok "run: Ctrl-C closes the run" no_open_run

mkdir queries
cat >queries/users.sql <<'END'
-- name: user_by_id
-- params: SELECT id FROM users WHERE id % 50 = 0
-- dbperf: budget_p95=200ms budget_avg=100ms
SELECT name FROM users WHERE id = :id;

-- name: too_slow
-- dbperf: budget_p95=0.001ms
SELECT count(*) FROM users;

-- name: add_user
INSERT INTO users SELECT max(id) + 1, 'new' FROM users;
END
dbperf run --queries queries --repeat 40 --label monitored --format json
ok "queries: a violated budget is a finding" ended_with 1
ok "queries: JSON that a parser takes" eval '[ "$(sql -v json="$(cat "$work/out")" <<<"SELECT json_array_length(:'\''json'\''::json -> '\''queries'\'')")" = 3 ]'
verdict_of() { tr -d '\n' <"$work/out" | sed -n "s/.*\"query\": \"$1\",[^}]*\"verdict\": \"\([a-z_]*\)\".*/\1/p"; }
ok "queries: PASS" eval '[ "$(verdict_of user_by_id)" = pass ]'
ok "queries: FAIL" eval '[ "$(verdict_of too_slow)" = fail ]'
ok "queries: no budget, no verdict" eval '[ "$(verdict_of add_user)" = no_budget ]'
ok "queries: every execution is counted, and only those" eval "[ \"\$(sql -c \"SELECT sum(calls) FROM dbperf.statements WHERE run = 'monitored' AND query_name = 'user_by_id'\")\" = 40 ]"
ok "queries: nothing they write stays" eval '[ "$(sql -c "SELECT count(*) FROM users")" = 1000 ]'
ok "queries: repetition is no N+1 here" eval "[ \"\$(sql -c \"SELECT count(*) FROM dbperf.n_plus_one WHERE run = 'monitored'\")\" = 0 ]"
dbperf run --queries queries --repeat 5
ok "queries: few samples are no PASS" said 'user_by_id .*not enough samples'

printf -- '-- name: wrong\n-- params: SELECT 1 AS x\n\nSELECT name,\n       naem FROM users WHERE id = :x\n' >queries/users.sql
dbperf run --queries queries
failed_with "queries: an SQL error" 3 'queries/users.sql:5: column "naem" does not exist'
printf -- '-- name: wrong\n-- params: SELECT id FROM nowhere\nSELECT :id\n' >queries/users.sql
dbperf run --queries queries
failed_with "queries: an SQL error in the parameters" 3 'queries/users.sql:2: relation "nowhere" does not exist'
printf -- '-- name: wrong\n-- params: SELECT id FROM users WHERE false\nSELECT :id\n' >queries/users.sql
dbperf run --queries queries
failed_with "queries: no parameters" 3 'gave no row'
ok "queries: no run stays open" no_open_run

done_testing
