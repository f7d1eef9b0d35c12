# The HTML report, as Chromium shows it: a run with everything in it, one with 500 findings, and hostile text.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
PATH=$(dirname "$psql"):$PATH
application=$here/../../benchmarks/example_app.sh
sql -c 'CREATE EXTENSION dbperf' -c 'CREATE TABLE account (id int PRIMARY KEY, balance int)' -c 'INSERT INTO account VALUES (1, 0), (2, 0)' \
    -c "SELECT dbperf.set_budget('orders_of_customer', 'p95_ms', 0.05)" >/dev/null
dbperf run --label main -- "$application" --mended
dbperf run --label tuesday -- "$application" --mended
printf 'slow_query_threshold_ms = 20\n' >dbperf.toml

# A deadlock that happens, and one that only could: two transactions in reverse order that never meet.
cat >everything.sh <<'END_OF_RUN'
"$1"
PGOPTIONS='-c dbperf.track_locks=on' psql -XqAt -v ON_ERROR_STOP=1 "$DBPERF_DATABASE_URL" >/dev/null <<'SQL'
BEGIN; UPDATE account SET balance = 1 WHERE id = 1; UPDATE account SET balance = 1 WHERE id = 2; COMMIT;
BEGIN; UPDATE account SET balance = 2 WHERE id = 2; UPDATE account SET balance = 2 WHERE id = 1; COMMIT;
SQL
meet() { # FIRST SECOND
    psql -XqAt "$DBPERF_DATABASE_URL" >/dev/null 2>&1 <<SQL
SET application_name = 'worker-$1';
BEGIN;
UPDATE account SET balance = 3 WHERE id = $1;
SELECT pg_sleep(0.7);
UPDATE account SET balance = 3 WHERE id = $2;
COMMIT;
SQL
}
meet 1 2 & meet 2 1 & wait
END_OF_RUN
dbperf run --label faster-reports -- sh everything.sh "$application"
dbperf check --run faster-reports --baseline main --report html=run.html --report json=run.json
ok "a run with everything: exit 1" ended_with 1
has() { grep -qF -- "$2" "$1"; }
ok "one N+1 with its edge" has run.html '<p class="edge"><span>example_orders.customer_id</span><span class="to">→</span>'
ok "its rewrite" eval 'grep -q "Instead, once.*ANY" run.html'
ok "both plans of a regression" eval 'has run.html "<td class=\"before changed" && has run.html "<td class=\"after changed"'
ok "a deadlock that happened" eval 'has run.html "id=\"failed-deadlock\"" && has run.html "worker-1" && has run.html "closes the wait cycle"'
ok "a deadlock that could happen" eval 'has run.html "id=\"warned-lock_cycle\"" && has run.html "the same rows were locked"'
ok "the budget as a line" eval 'grep -q "class=\"limit [a-z]*\"[^>]*>budget p95 0.050 ms" run.html'
ok "the history of a query" eval 'has run.html "data-history=\"0\"" && has run.html ">tuesday"'

dbperf report --html stored.html --run tuesday
ok "the page of a stored run: exit 0" eval 'ended_with 0 && has stored.html "in run <b>tuesday</b>"'
dbperf report --html stored.html --since "1 day"
failed_with "a page is of one run" 2 '--html is about one run'

# As many findings as a neglected application has.
dbperf run --label many -- true
sql -f - >/dev/null <<'SQL'
INSERT INTO dbperf.query_text SELECT '', i, 'SELECT id, name, price FROM product_' || i || ' WHERE shop_id = $1 AND category_id = $2 ORDER BY created_at DESC LIMIT 20' FROM generate_series(1, 1000) i;
INSERT INTO dbperf.n_plus_one_finding
SELECT '', r.run_id, 'shop', 'app', 'GET /page/' || i % 40, 'n_plus_one', i, i, CASE WHEN i % 5 = 0 THEN 'likely' ELSE 'proven' END, 'public.product_' || i || '.shop_id',
       i + 500, 'public.shop_' || i, 'id', 20 + i, 20 + i, 1, 20 + i, 20 + i, 20 + i, 1, i / 10.0, i / 3.0, NULL, 'app', '{}', now()
  FROM dbperf.run r, generate_series(1, 500) i WHERE r.label = 'many';
SQL
dbperf check --run many --report html=many.html
ok "500 findings: exit 1" eval 'ended_with 1 && said "^500 findings"'

name=$'</script><b class=evil>\'"`]]>&|\\ {0} \u202e <img src=x onerror=evil=1> <!--<script>'
{
    printf "SET dbperf.query_name = E'%s';\n" "$(sed "s/[\\\\']/\\\\&/g" <<<"$name")"
    for _ in {1..24}; do echo 'SELECT pg_sleep(0.025);'; done
} >hostile.sql
dbperf check --report html=hostile.html -- "$psql" -Xq "$server" -f hostile.sql
ok "a hostile name is found" eval 'ended_with 1 && has hostile.html "&lt;/script&gt;&lt;b class=evil&gt;"'
ok "its scripts are the page's own" eval '[ "$(grep -o "<script" hostile.html | wc -l)" -eq "$(grep -o "</script>" hostile.html | wc -l)" ] && ! has hostile.html "<!--<script"'

for page in run many hostile; do
    ok "$page: less than 2 MB" [ "$(stat -c %s "$page.html")" -lt 2000000 ]
    ok "$page: the policy allows what is named" grep -q "content=\"default-src 'none'; script-src 'sha256-[^\";]*; style-src 'sha256-[^\";]*; img-src data:; base-uri 'none'; form-action 'none'\"" "$page.html"
    ok "$page: no style in an attribute" eval '! grep -qE "<[a-z][^>]* style=" <(sed -n "/<main/,/<\/main>/p" "$page.html")'
done

export CHROMIUM
if CHROMIUM=$(command -v chromium) && command -v node >/dev/null && [ -d "${PLAYWRIGHT:-}" ]; then
    [ -z "${SCREENSHOTS:-}" ] || cp ./*.html "$SCREENSHOTS"
    node "$here/report_html.js" run=run.html many=many.html hostile=hostile.html >"$work/out" 2>"$work/err"
    status=$?
    while IFS= read -r line; do
        case $line in
            "ok - "*) tests=$((tests + 1)) && echo "ok $tests ${line#ok }" ;;
            "not ok - "*) tests=$((tests + 1)) failures=$((failures + 1)) && echo "not ok $tests ${line#not ok }" ;;
            *) echo "$line" ;;
        esac
    done <"$work/out"
    ok "Chromium came to its end" eval 'ended_with 0 && [ "$(grep -c "^ok" "$work/out")" -gt 30 ]'
else
    skip "what Chromium shows" "no chromium, node or playwright-core"
fi

done_testing
