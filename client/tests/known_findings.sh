# Adopting dbperf: a file of known findings, what is new to it, what got worse, what is gone; and every way the file may be wrong.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
PATH=$(dirname "$psql"):$PATH
sql -f - <<'END' >/dev/null
CREATE EXTENSION dbperf;
CREATE TABLE list (id int PRIMARY KEY, item_id int);
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE TABLE price (item_id int PRIMARY KEY, cents int);
INSERT INTO list SELECT g, 100 + g * 3 FROM generate_series(1, 60) g;
INSERT INTO item SELECT 100 + g, 'n' FROM generate_series(1, 200) g;
INSERT INTO price SELECT 100 + g, g FROM generate_series(1, 200) g;
ANALYZE;
END
app() { # FILE ROWS TABLE...: a list, and for each of its rows one of each table
    local file=$1 rows=$2 table i
    shift 2
    {
        echo "SET dbperf.scope = 'GET /list'; BEGIN; SELECT id, item_id FROM list ORDER BY id LIMIT $rows;"
        for table; do
            for ((i = 1; i <= rows; i++)); do
                [ "$table" = item ] && echo "SELECT name FROM item WHERE id = $((100 + i * 3));" || echo "SELECT cents FROM price WHERE item_id = $((100 + i * 3));"
            done
        done
        echo "COMMIT; SET dbperf.scope = '';"
    } >"$file"
}
app old.sql 20 item
app new.sql 20 item price
app worse.sql 40 item
app better.sql 10 item
app mended.sql 20
check() { # FILE OPTION...
    local file=$1
    shift
    dbperf check "$@" -- psql -Xq -o /dev/null "$server" -f "$file"
}
mkdir reports

check old.sql --write-baseline known.jsonl
ok "write: exit 0" ended_with 0
ok "write: says how many" said '^1 finding written to known.jsonl$'
ok "one line a finding" [ "$(wc -l <known.jsonl)" = 3 ]
ok "good to read" grep -q '^{"kind":"n_plus_one","statement":"SELECT name FROM item WHERE id = $1","edge":"n_plus_one public.list.item_id -> item.id","confidence":"proven","calls":20,' known.jsonl
check old.sql --write-baseline again.jsonl
ok "the same findings give the same bytes" cmp -s known.jsonl again.jsonl

check old.sql --baseline known.jsonl --only-new
ok "the same again: exit 0" ended_with 0
ok "the same again: counted as known" eval 'said "^  known +1 finding of the baseline known.jsonl, which fails nothing" && said "no new findings"'
all=()
for format in json junit tap markdown html sarif openmetrics; do all+=(--report "$format=reports/check.$format"); done
check new.sql --baseline known.jsonl --only-new "${all[@]}"
ok "one more: exit 1" eval 'ended_with 1 && said "^1 new finding$"'
ok "one more: it is named, the known one is not" eval 'said "^  n_plus_one +SELECT cents FROM price" && did_not_say "^  n_plus_one +SELECT name FROM item"'
of() { /usr/bin/python3 -c 'import json, sys; r = json.load(open("reports/check.json")); print([len(r[k]) for k in ("findings", "known")], r["only_new"], r["baseline_file"], "item" in r["known"][0]["query"])'; }
ok "one more: JSON" [ "$(of)" = "[1, 1] True known.jsonl True" ]
ok "one more: JUnit" eval '[ "$(grep -c "<failure" reports/check.junit)" = 1 ] && grep -q "<system-out>known: " reports/check.junit'
levels() { /usr/bin/python3 -c 'import json; print(sorted((r["level"], r.get("baselineState")) for r in json.load(open("reports/check.sarif"))["runs"][0]["results"] if r["ruleId"] == "dbperf/n_plus_one"))'; }
ok "one more: SARIF" [ "$(levels)" = "[('error', None), ('note', 'unchanged')]" ]
ok "one more: Markdown" grep -q '1 finding, .*1 known' reports/check.markdown
ok "one more: HTML" eval 'grep -q "1 new finding" reports/check.html && grep -q "id=\"known\"" reports/check.html'
ok "one more: TAP" [ "$(grep -c '^not ok' reports/check.tap)" = 1 ]

check worse.sql --baseline known.jsonl --only-new
ok "twice the calls: exit 1, and why" eval 'ended_with 1 && tr -s " \n" " " <"$work/out" | grep -q "worse than in known.jsonl: 20 -> 40 calls in one unit of work"'
check better.sql --baseline known.jsonl --only-new
ok "half the calls: exit 0, and it can be lowered" eval 'ended_with 0 && tr -s " \n" " " <"$work/out" | grep -q "warning SELECT name FROM item WHERE id = \$1: .*got better, 20 -> 10 calls in one unit of work: lower it in known.jsonl"'
check mended.sql --baseline known.jsonl --only-new
ok "mended: exit 0, and its line is named" eval 'ended_with 0 && tr -s " \n" " " <"$work/out" | grep -q "warning SELECT name FROM item WHERE id = \$1: .*does not occur any more; take it out of known.jsonl"'

# A run as baseline, and an exported one.
dbperf run --label main -- psql -Xq -o /dev/null "$server" -f old.sql
check old.sql --baseline main
ok "without --only-new an old finding fails" ended_with 1
check old.sql --baseline main --only-new
ok "a run: known" eval 'ended_with 0 && said "^  known "'
check new.sql --baseline main --only-new
ok "a run: new" eval 'ended_with 1 && said "^  n_plus_one +SELECT cents FROM price" && did_not_say "^  n_plus_one +SELECT name"'
check mended.sql --baseline main --only-new
ok "a run: what is mended is no warning" eval 'ended_with 0 && did_not_say "^  warning"'
dbperf baseline export --run main --output main.json
check old.sql --baseline main.json --only-new
ok "an exported run: known" eval 'ended_with 0 && said "^  known +1 finding of the baseline main.json"'
check new.sql --baseline main.json
ok "an exported run: new" ended_with 1

# Every kind of finding.
sql -c "SELECT dbperf.set_budget('list_of_items', 'calls', 3)"
printf "SET dbperf.query_name = 'list_of_items';\n%s" "$(for _ in {1..8}; do echo 'SELECT id FROM list;'; done)" >budget.sql
printf '%s\n' 'SELECT pg_sleep(0.03);'{,,,,,,,,,,,,,,,,,,,,,} >slow.sql
cat budget.sql slow.sql >kinds.sql
printf 'slow_query_threshold_ms = 20\n[check]\nbaseline = "kinds.jsonl"\nonly_new = true\n' >kinds.toml
echo 'slow_query_threshold_ms = 20' >plain.toml
check kinds.sql --config plain.toml --write-baseline kinds.jsonl
ok "budget and slow query are written" eval '[ "$(grep -oE "\"kind\":\"[a-z_]+\"" kinds.jsonl | tr -d "\n")" = "\"kind\":\"budget\"\"kind\":\"slow_query\"" ]'
mkdir -p below
check kinds.sql --config kinds.toml
ok "and known, as dbperf.toml says" eval 'ended_with 0 && said "^  known +2 findings"'

# What may be wrong with the file.
wrong() { # NAME MESSAGE [HINT]: the file wrong.jsonl
    dbperf check --baseline wrong.jsonl --only-new -- touch ran
    failed_with "$1" 2 "$2" ${3:+"$3"}
}
sed 's/"version":1/"version":9/' known.jsonl >wrong.jsonl
wrong "of a later version" 'wrong.jsonl: it is of version 9, this dbperf reads versions up to 1' 'write it again'
head -n 2 known.jsonl >wrong.jsonl
wrong "cut between lines" 'wrong.jsonl is cut short' 'write-baseline'
head -c 100 known.jsonl >wrong.jsonl
wrong "cut within a line" 'wrong.jsonl:2: this line is no finding'
{ head -n 1 known.jsonl; echo '<<<<<<< ours'; sed -n 2p known.jsonl; echo =======; sed -n 3p known.jsonl; } >wrong.jsonl
wrong "in conflict" 'wrong.jsonl:2: a merge left its marks' 'keep the lines of both sides'
head -c 3000 /dev/urandom >wrong.jsonl
wrong "no text at all" 'wrong.jsonl holds no findings'
sed 's/"version":1/"version":1,"project":"billing"/' known.jsonl >wrong.jsonl
wrong "of another project" 'findings of the project "billing", this server' 'dbperf.project'
head -c 400 main.json >wrong.jsonl
wrong "an exported run, cut" 'this exported run is cut short'
printf '' >wrong.jsonl
wrong "empty" 'wrong.jsonl holds no findings'
dbperf check --baseline nowhere.jsonl --only-new -- touch ran
failed_with "neither a run nor a file" 3 'no run is labelled "nowhere.jsonl", and there is no such file' 'write-baseline'
dbperf check --only-new -- touch ran
failed_with "new to what" 2 '--only-new needs a baseline' '--baseline'
dbperf check --write-baseline nowhere/known.jsonl -- touch ran
failed_with "no folder for it" 2 'there is no folder'
ok "and nothing was run" [ ! -e ran ]
{ cat known.jsonl; sed 1d known.jsonl; } >merged.jsonl
check old.sql --baseline merged.jsonl --only-new
ok "both sides of a merge" ended_with 0
printf '{"dbperf":"known findings","version":1}\n{"kind":"n_plus_one","statement":"SELECT 1 FROM elsewhere","edge":"","key":"1"}\n{"end":"known findings"}\n' >elsewhere.jsonl
check mended.sql --baseline elsewhere.jsonl --only-new
ok "findings of something else are named, and harm nothing" eval 'ended_with 0 && tr -s " \n" " " <"$work/out" | grep -q "SELECT 1 FROM elsewhere: .*does not occur any more"'
dbperf check --write-baseline failed.jsonl -- sh -c 'exit 3'
ok "a command that failed writes no baseline" eval 'ended_with 3 && [ ! -e failed.jsonl ]'
ok "and says so, and what to do where it always fails" complained 'failed.jsonl is not written.*--run run-.* --write-baseline failed.jsonl'

done_testing
