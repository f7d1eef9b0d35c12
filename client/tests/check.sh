# check end to end: the example application, broken and mended; every report by its own validator; GitHub; dbperf.toml.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
PATH=$(dirname "$psql"):$PATH
application=$here/../../benchmarks/example_app.sh
sql -c 'CREATE EXTENSION dbperf'
"$application" --mended # makes the tables
dbperf run --label main -- "$application" --mended
ok "the baseline" ended_with 0

cat >dbperf.toml <<'END'
slow_query_threshold_ms = 20
queries = "queries"

[check]
baseline = "main"
END
mkdir queries reports
printf -- '-- name: orders_of_customer\n-- params: SELECT 1 AS id\nSELECT day FROM example_orders WHERE customer_id = :id;\n' >queries/orders.sql
all=()
for format in json junit tap markdown sarif openmetrics; do all+=(--report "$format=reports/check.$format"); done

dbperf check "${all[@]}" -- "$application"
ok "broken: exit 1" ended_with 1
ok "broken: the N+1" said '^  n_plus_one +SELECT name FROM example_customers'
ok "broken: the slow query" said '^  slow_query +report_of_sales: 24 of 24 calls'
ok "broken: the dropped index" eval 'said "^  regression +orders_of_customer:" && tr -s " \n" " " <"$work/out" | grep -q "cause: DROP INDEX IF EXISTS example_orders_customer"'
ok "broken: counted" said '^4 findings$'
ok "the worst first" eval '[ "$(sed -nE "s/^  ([a-z_]+)  +[a-zS].*/\1/p" "$work/out" | uniq | tr "\n" " ")" = "regression n_plus_one slow_query " ]'
kept=$work/broken
cp -r reports "$kept"
dbperf check "${all[@]}" -- "$application" --mended
ok "mended: exit 0" ended_with 0
ok "mended: nothing found" said '^  no findings in'

# The same with names that would break out of every format.
name=$'</script>\'"`]]>&|\\ {0} [l](u) #12 @team \u202e ::error::x %0A -->'
{
    printf "SET dbperf.query_name = E'%s';\n" "$(sed "s/[\\\\']/\\\\&/g" <<<"$name")"
    for _ in {1..24}; do echo 'SELECT pg_sleep(0.025);'; done
} >hostile.sql
mkdir reports/hostile
hostile=()
for format in json junit tap markdown sarif openmetrics; do hostile+=(--report "$format=reports/hostile/check.$format"); done
dbperf check "${hostile[@]}" -- "$psql" -Xq "$server" -f hostile.sql
ok "a hostile name is found" eval 'ended_with 1 && said "^  slow_query +</script>"'

everywhere() { # COMMAND: with each folder of reports
    local folder
    for folder in reports "$kept" reports/hostile; do "$@" "$folder" || return 1; done
}
valid_against() { /usr/bin/python3 -c 'import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.validators.validator_for(schema).check_schema(schema)
jsonschema.validate(json.load(open(sys.argv[2])), schema)' "$1" "$2"; }
valid_json() { valid_against "$here/../reports/report.schema.json" "$1/check.json"; }
valid_sarif() { valid_against "$SARIF_SCHEMA" "$1/check.sarif"; }
valid_junit() { xmllint --noout --nonet "$1/check.junit"; }
valid_tap() { prove --exec cat "$1/check.tap" >"$work/prove" 2>&1; [ "$(grep -c '^not ok' "$1/check.tap")" = "$(sed -nE 's/.*Failed ([0-9]+)\/.*subtests.*/\1/p' "$work/prove" | head -n 1 | grep . || echo 0)" ]; }
valid_openmetrics() { /usr/bin/python3 -c 'import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
assert len(list(families(open(sys.argv[1]).read()))) > 5' "$1/check.openmetrics"; }

has_python() { /usr/bin/python3 -c "import $1" 2>/dev/null; }
if has_python jsonschema; then
    ok "JSON keeps its schema" everywhere valid_json
    echo '{"schema_version": 2}' >reports/wrong.json
    ok "and the schema can tell" eval '! valid_against "$here/../reports/report.schema.json" reports/wrong.json 2>/dev/null'
    if [ -s "${SARIF_SCHEMA:-}" ]; then
        ok "SARIF keeps its schema" everywhere valid_sarif
    else
        skip "SARIF keeps its schema" "no npm to get the schema"
    fi
else
    skip "JSON and SARIF keep their schemas" "no python3-jsonschema"
fi
if command -v xmllint >/dev/null; then
    ok "JUnit is XML" everywhere valid_junit
    xml() { xmllint --xpath "string($2)" "$1"; }
    ok "JUnit counts" eval '[ "$(xml "$kept/check.junit" /testsuites/@tests) $(xml "$kept/check.junit" /testsuites/@failures)" = "$(xml "$kept/check.junit" "count(//testcase)") 4" ]'
    ok "JUnit: what fails is a failure" [ "$(xml "$kept/check.junit" "count(//testcase/failure)")" = 4 ]
    ok "JUnit: mended" eval '[ "$(xml reports/check.junit /testsuites/@failures)" = 0 ]'
    ok "JUnit: where the query stands" eval '[ "$(xml "$kept/check.junit" "//testcase[@name=\"orders_of_customer\"]/@file")" = queries/orders.sql ]'
    ok "JUnit: the hostile name is text" eval '[ "$(xml reports/hostile/check.junit "//testcase[failure/@type=\"slow_query\"]/@name")" = "${name//$'"'\u202e'"'/\\u{202e\}}" ]'
else
    skip "JUnit is XML" "no xmllint"
fi
ok "TAP: prove reads it and counts the same" everywhere valid_tap
if has_python prometheus_client; then
    ok "OpenMetrics: a strict parser reads it" everywhere valid_openmetrics
else
    skip "OpenMetrics: a strict parser reads it" "no python3-prometheus-client"
fi
ok "OpenMetrics: no SQL in a label" eval '! grep -q "SELECT" "$kept/check.openmetrics"'
ok "OpenMetrics: the result" grep -qx 'dbperf_run_success 0' "$kept/check.openmetrics"
if command -v cmark-gfm >/dev/null; then
    cmark-gfm -e table -e autolink -e strikethrough reports/hostile/check.markdown >reports/hostile.html
    # shellcheck disable=SC2016
    ok "Markdown: the hostile name is code" grep -qF '<code>&lt;/script&gt;'"'"'&quot;`]]&gt;&amp;|\ {0} [l](u) #12 @team \u{202e} ::error::x %0A --&gt;</code>' reports/hostile.html
    ok "Markdown: no link, no HTML of a query" eval '! grep -qE "<a |<script|omitted" reports/hostile.html'
else
    skip "Markdown: the hostile name is code" "no cmark-gfm"
fi

# GitHub Actions: annotations and the step summary.
GITHUB_ACTIONS=true GITHUB_WORKSPACE=$work/cwd GITHUB_STEP_SUMMARY=$work/summary dbperf check -- "$application"
ok "GitHub: the worst is the first annotation" eval '[ "$(grep -c "^::error " "$work/out")" = 4 ] && grep -m 1 "^::error " "$work/out" | grep -q "title=dbperf regression%3A "'
ok "GitHub: where the query stands" said '^::error file=queries/orders.sql,line=3,title='
ok "GitHub: our own text is no command" eval '[ "$(grep -cE "^::stop-commands::dbperf-" "$work/out")" = 1 ] && [ "$(grep -n "^::dbperf-.*::$" "$work/out" | cut -d: -f1)" -gt "$(grep -n "^4 findings" "$work/out" | cut -d: -f1)" ]'
ok "GitHub: the summary" grep -q '^## ❌ dbperf: 4 findings' "$work/summary"
GITHUB_ACTIONS=true dbperf check --format json --run main
ok "GitHub: a JSON answer stays JSON" eval 'head -n 1 "$work/out" | grep -qx "{" && ended_with 0'

# What the command hears of the server.
unset DBPERF_DATABASE_URL
sql -c 'CREATE DATABASE "shop & co"'
named="$server dbname='shop & co'"
# shellcheck disable=SC2016
dbperf check -d "$named" --label mine -- sh -c 'echo "db=$PGDATABASE" >said; psql -XAtq -c "SELECT current_database(), 1" >>said; psql -XAtq "$DBPERF_DATABASE_URL" -c "SELECT current_database(), 2" >>said'
ok "the command gets PG* and DBPERF_DATABASE_URL" eval '[ "$(tr "\n" " " <said)" = "db=shop & co shop & co|1 shop & co|2 " ]'
ok "--label names the run" eval 'ended_with 0 && said "^Check of run mine$" && [ "$(sql -c "SELECT count(*) FROM dbperf.runs WHERE label = '"'mine'"'")" = 1 ]'
# shellcheck disable=SC2016
PGDATABASE=own dbperf check -d "$named" -- sh -c 'echo "db=$PGDATABASE host=$PGHOST" >said'
ok "what is set already stays" eval 'grep -qE "^db=own host=/." said'
# shellcheck disable=SC2016
PGHOST=elsewhere dbperf check -d "$named" -- sh -c 'echo "host=$PGHOST db=$PGDATABASE" >said'
ok "no mixture with another server" grep -qx 'host=elsewhere db=' said
dbperf check -d "$named" --label mine
failed_with "--label without a command" 2 '--label names the run of a command'
dbperf check -d "$named" --label a --run b -- true
failed_with "--label and --run" 2 'excludes'
export DBPERF_DATABASE_URL=$server

# One run of the whole server at a time.
sql -c "SELECT dbperf.start_run('the first')" >"$work/first"
dbperf check -- touch ran
failed_with "a second run of the server" 3 'the run "the first" of the whole server is under way' 'Wait until it is finished'
ok "nobody's work is offered for destruction" eval '! grep -q "reset" "$work/err"'
sql -c "SELECT dbperf.finish_run()" >/dev/null

# Where a statement was sent from, in every format alike; of what is only possible, too.
sql -c 'CREATE TABLE list (id int PRIMARY KEY, item_id int)' -c 'CREATE TABLE thing (id int PRIMARY KEY, name text)' -c 'INSERT INTO list SELECT g, g * 3 FROM generate_series(1, 20) g' -c "INSERT INTO thing SELECT g, 'n' FROM generate_series(1, 100) g"
placed() { # COMMENT: a loop with a parent, and one without
    echo 'BEGIN; SELECT id, item_id FROM list ORDER BY id;'
    for i in {1..20}; do echo "SELECT name FROM thing WHERE id = $((i * 3)) $1;"; done
    echo "COMMIT; SELECT pg_sleep(0.3);"
    for i in 83 17 59 31 97 43 71 13 89 29 61; do echo "SELECT id FROM thing WHERE id = $i ${1/list.py/maybe.py};"; done
}
placed "/*file='app%2Fviews%2Flist.py',line='42'*/" >placed.sql
mkdir reports/placed
placed=()
for format in json junit html sarif tap; do placed+=(--report "$format=reports/placed/check.$format"); done
dbperf check "${placed[@]}" -- "$psql" -Xq -o /dev/null "$server" -f placed.sql
ok "placed: found, and something possible" eval 'ended_with 1 && said "^  possible "'
ok "placed: in the terminal" eval 'said "^    at +app/views/list.py:42" && said "call site +app/views/maybe.py:42: SELECT id FROM thing"'
for format in json junit html sarif tap; do
    ok "placed: in $format" eval "grep -q 'app/views/list.py' reports/placed/check.$format && grep -q 'app/views/maybe.py' reports/placed/check.$format"
done
placed "/*controller='list'*/" >placed.sql
dbperf check --report sarif=reports/placed/nowhere.sarif -- "$psql" -Xq -o /dev/null "$server" -f placed.sql
uris() { /usr/bin/python3 -c 'import json, sys
for run in json.load(open(sys.argv[1]))["runs"]:
    for result in run["results"]: print(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])' "$1" | sort -u | tr "\n" " "; }
ok "placed: nowhere is the project file" [ "$(uris reports/placed/nowhere.sarif)" = "dbperf.toml " ]
ok "placed: each result has its line" [ "$(uris reports/placed/check.sarif)" = "app/views/list.py app/views/maybe.py " ]

# What is wrong with the question is said before the command runs.
untouched() { [ ! -e ran ]; }
dbperf check --report junit=nowhere/a.xml -- touch ran
failed_with "a folder that is not there" 2 'there is no folder'
dbperf check --report junti=a.xml -- touch ran
failed_with "an unknown format" 2 '"junti" is no format' 'did you mean "junit"'
dbperf check --baseline nowhere -- touch ran
failed_with "an unknown baseline" 3 'no run is labelled "nowhere"'
ok "and nothing was run" untouched

# dbperf.toml
cat >dbperf.toml <<'END'
slow_query_threshold_ms = 20
[check]
baseline = "main"
warn_only = ["regression", "n_plus_one", "slow_query"]
reports = ["json=reports/from_toml.json"]
END
mkdir below
cd below || exit 1
dbperf check -- "$application"
ok "warn_only: reported, and exit 0" eval 'ended_with 0 && said "^  warning +orders_of_customer"'
ok "reports of the project file stand in its folder" [ -s ../reports/from_toml.json ]
cd ..
printf '[check]\nwarn_only = ["regresion"]\n' >dbperf.toml
dbperf check
failed_with "an unknown kind" 2 'dbperf.toml:2: "regresion" is no kind of finding' 'did you mean "regression"'
rm dbperf.toml

# What a run could not keep is reported wherever the run is shown, with what to raise.
dbperf report --run main
ok "nothing was dropped: no word of it" eval 'ended_with 0 && did_not_say "dropped|incomplete"'
sql -c "UPDATE dbperf.run SET dropped = '{\"executions\": 24558, \"plans\": 3}' WHERE label = 'main'"
dbperf report --run main
ok "dropped: in the report" said '^  incomplete +executions dropped: 24558, .*'
ok "dropped: with what to raise" eval 'tr -s " \n" " " <"$work/out" | grep -q "executions dropped: 24558, [^;]*; raise dbperf.max_statements .*plans dropped: 3, [^;]*; raise dbperf.max_plans"'
dbperf report --run main --format json
ok "dropped: in the report's JSON" eval '[ "$(tr -d " \n" <"$work/out" | grep -oE "\"dropped\":\[[{]\"item\":\"executions\",\"count\":24558,\"setting\":\"dbperf.max_statements\"")" ]'
mkdir reports/dropped
dropped=()
for format in json junit tap markdown html sarif openmetrics; do dropped+=(--report "$format=reports/dropped/check.$format"); done
dbperf check --run main "${dropped[@]}"
ok "reports are for their owner alone" [ "$(stat -c %a reports/dropped/* | sort -u)" = 600 ]
ok "dropped: a warning of the check, which passes" eval 'ended_with 0 && said "^  warning +executions dropped: 24558, "'
dropped_is_shown() { # FORMAT: number and setting
    sed 's/\\\([.:+_]\)/\1/g; s/<!-- -->//g' "reports/dropped/check.$1" | tr -s ' \n' ' ' | grep -qE 'executions dropped: 24558, [^;]*; raise dbperf.max_statements'
}
for format in json junit markdown html sarif; do ok "dropped: in $format" dropped_is_shown "$format"; done
ok "dropped: in TAP" grep -q 'incomplete: executions dropped: 24558' reports/dropped/check.tap
ok "dropped: in OpenMetrics" grep -qx 'dbperf_run_dropped{what="executions"} 24558' reports/dropped/check.openmetrics
ok "dropped: of a baseline, too" eval 'dbperf check --baseline main --run main && tr -s " \n" " " <"$work/out" | grep -q "warning of the baseline main: executions dropped: 24558"'
dbperf compare --baseline main --candidate main
ok "dropped: in a comparison" said '^incomplete +main: executions dropped: 24558'
! has_python jsonschema || ok "dropped: JSON keeps its schema" valid_json reports/dropped

# A command that fails was not measured: its status, and reports that say so.
dbperf check --report junit=reports/failed.xml --report json=reports/failed.json -- sh -c 'exit 7'
ok "a failed command: its status" ended_with 7
ok "a failed command: an error in JUnit" grep -q '<error type="command" message="the command ended with status 7">' reports/failed.xml
ok "a failed command: not passed in JSON" grep -q '"passed": false' reports/failed.json

done_testing
