# Units of work: what a check says of them, budgets in the project file and in SQL, and every report; names with any character.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
PATH=$(dirname "$psql"):$PATH
sql -f - <<'END' >/dev/null
CREATE EXTENSION dbperf;
CREATE TABLE list (id int PRIMARY KEY, item_id int);
CREATE TABLE item (id int PRIMARY KEY, name text);
INSERT INTO list SELECT g, 100 + g * 3 FROM generate_series(1, 60) g;
INSERT INTO item SELECT 100 + g, 'n' FROM generate_series(1, 200) g;
ANALYZE;
END
# GET /list is an N+1 of 20, done twice; GET /item is one statement, three times.
{
    for time in 1 2; do
        echo "SET dbperf.scope = 'GET /list'; BEGIN; SELECT id, item_id FROM list ORDER BY id LIMIT 20;"
        for ((i = 1; i <= 20; i++)); do echo "SELECT name FROM item WHERE id = $((100 + i * 3));"; done
        echo "COMMIT; SET dbperf.scope = '';"
    done
    for time in 1 2 3; do echo "SET dbperf.scope = 'GET /item'; SELECT count(*) FROM item;"; done
} >app.sql
check() { # OPTION...
    dbperf check "$@" -- psql -Xq -o /dev/null "$server" -f app.sql
}
json() { /usr/bin/python3 -c "import json, sys; r = json.load(open('$work/out')); $1"; }

check
ok "without budgets: the loop alone fails" eval 'ended_with 1 && said "^1 finding$"'
ok "how many units there were" said '^  units +2 units of work, 1 with findings$'
check --verbose
ok "--verbose: a line each" eval 'said "GET /list +2 +21 +2 .* 1$" && said "GET /item +3 +1 +1 .* -$"'
dbperf report
ok "report: a table of them" eval 'said "^Units of work$" && said "GET /list +2 +21 +2 "'

cat >dbperf.toml <<'END'
[units."GET /list"]
statements = 12
rows = 1000

[units."GET *"]
statements = 5
distinct_statements = 2
exec_max_ms = 100000

[units."POST *"]
statements = 1
END
check
ok "a breach: exit 1" eval 'ended_with 1 && said "^2 findings$"'
ok "a breach: which, and by how much" said '^  budget +GET /list: statements: 21 in each of 2 occurrences, the budget 12$'
ok "a breach: its place" said '^    at +dbperf.toml:2$'
ok "a name stands above a pattern, and others keep theirs" did_not_say 'GET /item:'
check --format json
ok "JSON: units" json 'u = {e["unit"]: e for e in r["units"]}; l = u["GET /list"]; assert list(u) == ["GET /list", "GET /item"] and (l["occurrences"], l["statements"], l["statements_min"], l["statements_median"], l["statements_max"], l["distinct_statements_max"], l["rows_max"], l["findings"]) == (2, 42, 21, 21, 21, 2, 40, 2), l'
ok "JSON: findings name their unit" json 'assert sorted((f["kind"], f["unit"]) for f in r["findings"]) == [("budget", "GET /list"), ("n_plus_one", "GET /list")]'
ok "JSON: file and line" json 'assert [(f["file"], f["line"]) for f in r["findings"] if f["kind"] == "budget"] == [("dbperf.toml", 2)]'
if [ -f "$here/../reports/report.schema.json" ] && /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
    ok "JSON: as the schema says" /usr/bin/python3 -c "import json, jsonschema; jsonschema.Draft202012Validator(json.load(open('$here/../reports/report.schema.json'))).validate(json.load(open('$work/out')))"
fi

# The same from a run that is stored, and not without the project file.
dbperf check
ok "a stored run: judged by the project file" eval 'ended_with 1 && said "GET /list: statements: 21 in"'
dbperf check --config /dev/null
ok "another project file: no budget" eval 'did_not_say "21 in each" && said "^1 finding$"'
sql -c "SELECT dbperf.set_unit_budget('GET /*', 'rows', 30)" >/dev/null
dbperf check --config /dev/null
ok "a stored budget fails, too" eval 'ended_with 1 && said "GET /list: rows: 40 in each of 2 occurrences, the budget 30 of GET /\*"'
dbperf check --format json
ok "the project file stands above it" json 'assert sorted(f["reason"] for f in r["findings"] if f["kind"] == "budget") == ["statements: 21 in each of 2 occurrences, the budget 12"], r["findings"]'
ok "the view counts what is stored" [ "$(sql -c "SELECT unit, findings FROM dbperf.units u WHERE run_id = (SELECT run_id FROM dbperf.runs ORDER BY started_at DESC LIMIT 1) ORDER BY 1")" = $'GET /item|0\nGET /list|2' ]
ok "and SQL fails by it" [ "$(sql -c "SELECT query FROM dbperf.failures() WHERE kind = 'budget'")" = "GET /list" ]
sql -c "SELECT dbperf.drop_unit_budget('GET /*')" >/dev/null

# Known ones.
check --write-baseline known.jsonl
ok "a breach can be known" grep -q '"kind":"budget","statement":"GET /list","edge":"statements",.*"calls":21' known.jsonl
check --baseline known.jsonl --only-new
ok "and fails nothing then" eval 'ended_with 0 && said "no new findings"'
ok "it is of no other unit" grep -q '"key":"unit GET /list"' known.jsonl
printf '[units."GET /item"]\nstatements = 0\n' >more.toml
check --config more.toml --baseline known.jsonl --only-new
ok "a breach in another unit is new" eval 'ended_with 1 && said "budget +GET /item: statements: 1 in each of 3 occurrences, the budget 0"'
printf '[check]\nwarn_only = ["budget"]\n[units."GET /list"]\nstatements = 1\n' >warn.toml
check --config warn.toml
ok "warn_only holds for them" eval 'said "^  warning +GET /list: statements: 21 in" && said "^1 finding$"'

# Every report.
all=()
mkdir reports
for format in json junit tap markdown html sarif openmetrics; do all+=(--report "$format=reports/check.$format"); done
check "${all[@]}"
of_junit() { /usr/bin/python3 -c "
import xml.etree.ElementTree as x
root = x.parse('reports/check.junit').getroot()
suite = {s.get('name'): s for s in root}['dbperf.unit']
cases = {c.get('name'): c for c in suite}
failed = cases['GET /list'].find('failure')
assert (suite.get('tests'), suite.get('failures')) == ('2', '1'), suite.attrib
assert '21 in each' in failed.get('message') and 'done 2 times: 21 statements each' in failed.text, failed.text
assert (cases['GET /list'].get('file'), cases['GET /list'].get('line')) == ('dbperf.toml', '2')
assert cases['GET /item'].find('failure') is None and 'done 3 times' in cases['GET /item'].find('system-out').text
assert 'dbperf.budget' not in [s.get('name') for s in root]
assert (root.get('failures'), root.get('tests')) == (str(len(root.findall('.//failure'))), str(len(root.findall('.//testcase'))))"; }
ok "JUnit: a case for each unit" of_junit
ok "SARIF: in the project file's line" [ "$(/usr/bin/python3 -c 'import json; print([(l["artifactLocation"]["uri"], l["region"]["startLine"]) for r in json.load(open("reports/check.sarif"))["runs"][0]["results"] if r["ruleId"] == "dbperf/budget" for l in [r["locations"][0]["physicalLocation"]]])')" = "[('dbperf.toml', 2)]" ]
of_html() { /usr/bin/python3 -c "
import re
page = open('reports/check.html').read()
table = re.search(r'<section id=\"units\">.*?</section>', page, re.S).group(0)
row = re.search(r'<tr class=\"bad\"><th scope=\"row\">GET /list</th>.*?</tr>', table, re.S).group(0)
targets = re.findall(r'href=\"#(finding-\d+)\"', row)
assert len(targets) == 2, row
for target in targets: assert page.count('<details id=\"%s\"' % target) == 1, target
assert '<th scope=\"row\">GET /item</th><td>3</td><td>1</td>' in table, table"; }
ok "HTML: a line each that leads to its findings" of_html
ok "OpenMetrics: by name" eval 'grep -qx "dbperf_run_unit_statements{unit=\"GET /list\"} 21" reports/check.openmetrics && grep -qx "dbperf_run_unit_occurrences{unit=\"GET /item\"} 3" reports/check.openmetrics && grep -q "^dbperf_run_unit_execution_seconds{" reports/check.openmetrics'
ok "TAP and Markdown: the breach" eval 'grep -q "^not ok .* - budget: GET /list: statements$" reports/check.tap && grep -q "21 in each of 2 occurrences" reports/check.markdown'

# Many sessions at once, some of which are idle in a unit when the run ends.
cat >many.sh <<END
for i in 1 2 3 4; do
    { for ((n = 1; n <= 25; n++)); do echo "SET dbperf.scope = 'job'; SELECT count(*) FROM item; SELECT 1;"; done; } | psql -Xq -o /dev/null '$server' &
done
wait
{ echo "SET dbperf.scope = 'idle'; SELECT 1;"; echo '\! touch idle'; sleep 600; } | psql -Xq -o /dev/null '$server' 2>/dev/null >/dev/null &
echo \$! >idle.pid
until [ -e idle ]; do sleep 0.1; done
END
dbperf check --config /dev/null --format json -- bash many.sh
ok "sessions at once: nothing is lost" json 'u = {e["unit"]: e for e in r["units"]}; assert (u["job"]["occurrences"], u["job"]["statements"], u["job"]["statements_max"]) == (100, 200, 2), u["job"]'
ok "who is idle in a unit when the run ends has done it" json 'u = {e["unit"]: e for e in r["units"]}; assert (u["idle"]["occurrences"], u["idle"]["statements"]) == (1, 1), u["idle"]'
sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT 1;'" >/dev/null
kill "$(cat idle.pid)" 2>/dev/null

# Names that every format could stumble over.
/usr/bin/python3 - >hostile.sql <<'END'
names = ["</script><b>", "a\"b", "a'b", "]]>", "a|b", "`code`", "{\"x\": 1}", "a\\nb", "two\nlines", "\x1b[31mred", "‮evil", "ünï", "💣", "a{b=\"c\"}", "%0A::error::x", "*", "?",
         "GET /a?b=c&d=<e>", "x" * 127, "[t](u)", "# SKIP", "-- comment", "$1", ";", " ", "null", "(all others)"]
for n in names:
    print("SET dbperf.scope = E'%s';" % n.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n"))
    print("SELECT 1;")
END
printf '[units."*"]\nstatements = 0\n' >hostile.toml
dbperf check --config hostile.toml --format json "${all[@]}" -- psql -Xq -o /dev/null "$server" -f hostile.sql
ok "any name: each breaks its budget" json 'assert len(r["units"]) == 27 and len(r["findings"]) == 27 and sum(u["findings"] for u in r["units"]) == 27, (len(r["units"]), len(r["findings"]))'
ok "any name: JSON has them as they are" json 'n = {u["unit"] for u in r["units"]}; assert "two\nlines" in n and "\x1b[31mred" in n and "‮evil" in n and "x" * 127 in n, n'
ok "any name: JUnit is XML, a failure each" [ "$(/usr/bin/python3 -c 'import xml.etree.ElementTree as x; print(len(x.parse("reports/check.junit").getroot().findall(".//failure")))')" = 27 ]
ok "any name: nothing of it is HTML" eval '! grep -q "</script><b>" reports/check.html && ! grep -q "‮" reports/check.html && grep -q "&lt;/script&gt;&lt;b&gt;" reports/check.html'
ok "any name: OpenMetrics ends as it should" eval '[ "$(tail -n 1 reports/check.openmetrics)" = "# EOF" ] && [ "$(grep -c "^dbperf_run_unit_statements{" reports/check.openmetrics)" = 27 ]'
ok "any name: the terminal shows no control character" eval 'dbperf check --config hostile.toml --verbose; ! grep -qP "\x1b|‮" "$work/out"'

# A project file that is wrong.
printf '[units."GET /"]\nstatement = 3\n' >wrong.toml
dbperf check --config wrong.toml
failed_with "an unknown metric" 2 'wrong.toml:2: unknown budget "statement" of a unit of work' 'did you mean "statements"'
printf 'units = ["GET /"]\n' >wrong.toml
dbperf check --config wrong.toml
failed_with "no table" 2 'wrong.toml:1: "units" must be a table'

# A results database takes them along.
sql -c 'CREATE DATABASE results' >/dev/null
sql -c "SELECT dbperf.set_unit_budget('GET /list', 'statements', 12)" >/dev/null
dbperf push --init --results-db "${server/dbname=postgres/dbname=results}"
check --config /dev/null --label sent
dbperf push --run sent --results-db "${server/dbname=postgres/dbname=results}"
ok "push: sent" ended_with 0
ok "push: units with their findings are there" [ "$(sql -d results -c "SELECT unit, occurrences, statements_max, findings, overflow FROM dbperf.units WHERE run = 'sent' ORDER BY unit")" = $'GET /item|3|1|0|f\nGET /list|2|21|2|f' ]
done_testing
