# baseline export and import between two servers: the file, what comes of it, and what is refused.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
schema="CREATE TABLE orders (id int PRIMARY KEY, user_id int, filler text);
    INSERT INTO orders SELECT g, g % 500, repeat('x', 100) FROM generate_series(1, 20000) g"
measure() { # LABEL
    sql -c "SELECT dbperf.start_run('$1')" -c "SET dbperf.query_name = 'by_user'" \
        -c 'SELECT count(filler) FROM orders WHERE user_id = 7' -c 'SELECT dbperf.finish_run()' >/dev/null
}
sql -c 'CREATE EXTENSION dbperf' -c "$schema" -c 'CREATE INDEX orders_user ON orders (user_id)' -c 'VACUUM ANALYZE orders'
measure main

dbperf baseline export --run main --output main.json
ok "export: exit 0" ended_with 0
ok "export: silent" eval 'silent && [ ! -s "$work/out" ]'
dbperf baseline export
ok "the latest run to standard output: the same bytes" cmp -s "$work/out" main.json
ok "the file has a version" grep -q '^ "schema_version": 1' main.json
ok "a list of numbers is one line" grep -qE '"histogram": \[[0-9,]+\]' main.json
ok "a member is one line" [ "$(wc -l <main.json)" -gt 100 ]
dbperf baseline export --run nowhere
failed_with "no such run" 3 'no finished run with the label "nowhere"'
dbperf baseline export --output nowhere/main.json
failed_with "a folder that is not there" 3 'cannot write nowhere/main.json'

dbperf baseline import main.json
failed_with "a run that was measured here" 3 'main.json: a run with the label "main" was measured here' '--label'
dbperf baseline import main.json --label before
ok "import under another label" eval 'ended_with 0 && said "^imported run before: [0-9]+ statements?, [0-9]+ plans?$"'
ok "it stands beside the first" [ "$(sql -c "SELECT string_agg(label, ' ' ORDER BY label) FROM dbperf.runs")" = 'before main' ]

# Into another server, without the index.
dbperf server stop --dir "$work/server"
start_server
sql -c 'CREATE EXTENSION dbperf' -c "$schema" -c 'VACUUM ANALYZE orders'
dbperf baseline import main.json
ok "import elsewhere: exit 0" eval 'ended_with 0 && said "^imported run main: "'
dbperf baseline import main.json --format json
ok "once more: replaced, reported as JSON" eval 'ended_with 0 && said "\"run\": \"main\"" && [ "$(sql -c "SELECT count(*) FROM dbperf.runs")" = 1 ]'
dbperf baseline export --run main --output again.json
ok "exported from there: the same bytes" cmp -s main.json again.json
measure branch
dbperf compare --baseline main --candidate branch
ok "compared with it: regressed, exit 1" eval 'ended_with 1 && said "^by_user +regressed"'
dbperf check --run branch --baseline main
ok "checked against it: exit 1" eval 'ended_with 1 && said "regression +by_user"'

# What is refused.
head -c 500 main.json >cut.json
dbperf baseline import cut.json
failed_with "half a file" 2 'cut.json is no JSON: it breaks at byte 50[01]' 'baseline export'
echo '{"run": 1}' >other.json
dbperf baseline import other.json
failed_with "another JSON" 3 'other.json: this is no exported run'
sed 's/^ "schema_version": 1/ "schema_version": 7/' main.json >newer.json
dbperf baseline import newer.json
failed_with "a newer version" 3 'newer.json: the export has schema_version 7, this dbperf understands versions up to 1' 'Update dbperf'
dbperf baseline import nowhere.json
failed_with "no such file" 2 'cannot read nowhere.json'
dbperf baseline import
failed_with "no file" 2 'FILE'
dbperf baseline
failed_with "neither export nor import" 2 'subcommand'
ok "what is refused changes nothing" [ "$(sql -c "SELECT string_agg(label, ' ' ORDER BY label) FROM dbperf.runs")" = 'branch main' ]

done_testing
