# export: metrics in files that other programs read, and scraped by a real Prometheus; report --since.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
sql -c 'CREATE EXTENSION dbperf' -c 'CREATE TABLE thing (id int)'
three_times() { # NAME: a named statement
    sql -c "SET dbperf.query_name = '$1'" -c 'SELECT count(*) FROM thing' -c 'SELECT count(*) FROM thing' -c 'SELECT count(*) FROM thing' >/dev/null
}
three_times 'live "one"'

dbperf export
failed_with "no target" 2 'either files or --listen'
dbperf export --listen 0 --openmetrics a.prom
failed_with "two targets" 2 'either files or --listen'
dbperf export --listen nowhere
failed_with "no address" 2 '"nowhere" is no address' 'HOST:PORT'
dbperf export --listen 192.0.2.1:0
failed_with "an address of another machine" 3 'cannot listen on 192.0.2.1:0'
dbperf export --openmetrics nowhere/a.prom
failed_with "a folder that is not there" 3 'cannot write nowhere/a.prom'
dbperf export --openmetrics a.prom
ok "before the first run: what the server observed" eval 'ended_with 0 && grep -q "^dbperf_query_duration_seconds_count{database=\"postgres\",query=\"live ..one..\"} 3$" a.prom'
ok "test databases: states and events" eval 'grep -qx "dbperf_test_databases{state=\"ready\"} 0" a.prom && grep -qx "dbperf_test_database_events_total{event=\"replaced\"} 0" a.prom'
ok "before the first run: nothing of a run" eval '! grep -q dbperf_run_ a.prom'
dbperf export --run nowhere --openmetrics a.prom
failed_with "no such run" 3 'no run is labelled "nowhere"'

dbperf run --label measured -- "$psql" -Xq "$server" -c "SET dbperf.query_name = 'in_run'" -c 'SELECT count(*) FROM thing'
mkdir made && ln -s "$work/precious" made/c.prom.part && touch "$work/precious"
dbperf export --openmetrics made/c.prom
ok "for other programs to read, and through no link" eval 'ended_with 0 && [ "$(stat -c %a made/c.prom)" = 644 ] && [ ! -s "$work/precious" ] && [ "$(ls made)" = "$(printf "c.prom\nc.prom.part")" ]'
dbperf export --openmetrics a.prom --prometheus b.prom
ok "both formats: exit 0" eval 'ended_with 0 && silent'
ok "the run: its queries" grep -qx 'dbperf_run_query_duration_seconds_count{database="postgres",query="in_run"} 1' a.prom
ok "the run: its result" grep -qx 'dbperf_run_success 1' a.prom
ok "nothing of the run is counted outside" eval '! grep -q "^dbperf_query_.*in_run" a.prom'
ok "no SQL in a label" eval '! grep -qi "select" a.prom b.prom'
if /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null; then
    # shellcheck disable=SC2016
    ok "a strict parser reads it, histograms add up" /usr/bin/python3 -c 'import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
read = {family.name: family for family in families(open(sys.argv[1]).read())}
assert read["dbperf_query_duration_seconds"].type == "histogram" and read["dbperf_query_duration_seconds"].unit == "seconds"
assert read["dbperf_query_rows"].type == "counter" and read["dbperf_run_query_rows"].type == "gauge"
assert read["dbperf_build_info"].samples[0].labels["version"]' a.prom
else
    skip "a strict parser reads it, histograms add up" "no python3-prometheus-client"
fi

# Served. Everything of the answer, headers included, in $work/answer.
scrape() { # PATH [HEADER]
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n' "$1" "${2:+$2$'\r\n'}" >&3
    timeout 60 cat <&3 >"$work/answer"
    exec 3<&-
}
scrape_patiently() { # the same, until the machine is fast enough to have an answer in time
    for _ in {1..50}; do scrape "$@"; answered '^HTTP/1.1 503' || return 0; done
}
answered() { grep -qE "$1" "$work/answer"; }
"$DBPERF" export --listen 127.0.0.1:0 >"$work/url" 2>"$work/exporter.log" </dev/null &
exporter=$!
for _ in {1..100}; do [ ! -s "$work/url" ] || break; sleep 0.05; done
port=$(sed -nE 's,^http://127.0.0.1:([0-9]+)/metrics$,\1,p' "$work/url")
ok "it says where it listens" [ -n "$port" ]
scrape_patiently /metrics 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
ok "OpenMetrics for who asks for it" eval 'answered "^HTTP/1.1 200 OK" && answered "^Content-Type: application/openmetrics-text; version=1.0.0" && [ "$(tail -n 1 "$work/answer")" = "# EOF" ]'
scrape_patiently /metrics
ok "the older format for everybody else" eval 'answered "^Content-Type: text/plain; version=0.0.4" && ! answered "# EOF"'
sed '1,/^\r$/d' "$work/answer" >c.prom
ok "as long as it says" eval '[ "$(sed -nE "s/^Content-Length: ([0-9]+).*/\1/p" "$work/answer")" = "$(wc -c <c.prom)" ]'
scrape /
ok "nothing else is there" answered '^HTTP/1.1 404 Not Found'
for _ in {1..200}; do exec {idle}<>"/dev/tcp/127.0.0.1/$port"; idlers+=("$idle"); done # they say nothing
for idle in "${idlers[@]:0:20}"; do exec {idle}<&-; done
scrape_patiently /metrics
ok "clients that say nothing do not stop it" answered '^HTTP/1.1 200 OK'
for idle in "${idlers[@]:20}"; do exec {idle}<&-; done
# Neither who sends half a request, nor the server, lets anybody wait.
idlers=()
for _ in {1..80}; do
    exec {idle}<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /metrics HTTP/1.1\r\n' >&"$idle"
    idlers+=("$idle")
done
scrape_patiently /metrics
ok "clients that send half a request do not stop it" eval 'answered "^HTTP/1.1 200 OK" && ! read -t 0 -u "${idlers[79]}"' # still there
for idle in "${idlers[@]}"; do exec {idle}<&-; done
coproc HOLDER { "$psql" -XqAt "$server" -f - 2>&1; }
holder=$HOLDER_PID
echo "BEGIN; LOCK TABLE dbperf.run; SELECT 'held';" >&"${HOLDER[1]}"
read -r -u "${HOLDER[0]}" _
scrape /metrics
# By its own word, not by an error of the server's, which comes later.
ok "a server that does not answer: it says so" eval 'answered "^HTTP/1.1 503" && answered "the server takes long to give its metrics"'
scrape /metrics
ok "and once more" answered '^HTTP/1.1 503'
scrape /
ok "what needs no server is there" answered '^HTTP/1.1 404'
echo 'COMMIT;' >&"${HOLDER[1]}"
eval "exec ${HOLDER[1]}>&-"
wait "$holder"
for _ in {1..20}; do scrape_patiently /metrics; ! answered '^HTTP/1.1 200 OK' || break; done
ok "and it answers again" answered '^HTTP/1.1 200 OK'
host_is() { # HOST PATTERN
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
    printf 'GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n' "$1" >&3
    cat <&3 >"$work/answer"
    exec 3<&-
    answered "$2"
}
ok "a page of elsewhere whose name points here gets nothing" host_is "evil.example:$port" '^HTTP/1.1 403'
ok "who asks for this machine is heard" host_is "localhost:$port" '^HTTP/1.1 (200|503)'
sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dbperf'" >/dev/null
scrape /metrics
ok "a broken connection is reported" answered '^HTTP/1.1 503'
scrape_patiently /metrics
ok "and made anew" answered '^HTTP/1.1 200 OK'

if command -v promtool >/dev/null && command -v prometheus >/dev/null; then
    ok "promtool: no complaint" eval 'promtool check metrics <b.prom >"$work/lint" 2>&1 && [ ! -s "$work/lint" ]'
    ok "promtool: no complaint about what is served" eval 'promtool check metrics <c.prom >"$work/lint" 2>&1 && [ ! -s "$work/lint" ]'
    cat >prometheus.yml <<END
global: {scrape_interval: 1s}
scrape_configs: [{job_name: dbperf, static_configs: [{targets: ['127.0.0.1:$port']}]}]
END
    : >"$work/prometheus.log"
    prometheus --config.file=prometheus.yml --storage.tsdb.path="$work/tsdb" --web.listen-address=127.0.0.1:0 >"$work/prometheus.log" 2>&1 </dev/null &
    prometheus=$!
    query() { promtool query instant "$prometheus_url" "$1" 2>/dev/null; }
    gives() { local _; for _ in {1..100}; do query "$1" | grep -qE "$2" && return; sleep 0.1; done; query "$1"; return 1; }
    for _ in {1..100}; do prometheus_url=$(sed -nE 's/.*msg="Listening on" address=(.*)/http:\/\/\1/p' "$work/prometheus.log"); [ -z "$prometheus_url" ] || break; sleep 0.1; done
    ok "Prometheus scraped it" gives 'up{job="dbperf"}' '=> 1 @'
    ok "Prometheus: a count" gives 'dbperf_query_duration_seconds_count{query="live \"one\""}' '=> 3 @'
    ok "Prometheus: a quantile from the buckets" gives 'histogram_quantile(0.95, dbperf_query_duration_seconds_bucket{query="live \"one\""}) < 10' '=> [0-9.]+'
    ok "Prometheus: the last run" gives 'dbperf_run_success' '=> 1 @'
    three_times 'live "one"'
    ok "Prometheus: a counter that grew" gives 'dbperf_query_duration_seconds_count{query="live \"one\""}' '=> 6 @'
    kill "$prometheus"
    wait "$prometheus" 2>/dev/null
else
    skip "Prometheus scraped it" "no prometheus"
fi
kill -TERM "$exporter"
wait "$exporter"
ok "stopped: exit 0" [ $? = 0 ]

# Over runs.
dbperf report --since nonsense
failed_with "no point in time" 2 '"nonsense" is no point in time' '7 days'
dbperf report --since '1 day' --run measured
failed_with "a run and a time" 2 'either --run, or --since'
sql -c "INSERT INTO thing SELECT generate_series(1, 50000)"
git() { command git -C "$work/cwd" -c user.name=a -c user.email=a@b -c init.defaultBranch=main "$@"; }
if type -P git >/dev/null; then
    git init -q && git commit -q --allow-empty -m one
    commit=$(git rev-parse HEAD)
else
    commit=0123456789012345678901234567890123456789
    export GITHUB_SHA=$commit
fi
dbperf run --label grown -- "$psql" -Xq "$server" -c "SET dbperf.query_name = 'in_run'" -c 'SELECT count(*) FROM thing'
dbperf report --since measured
ok "since a run: what changed" eval 'ended_with 0 && said "^  [0-9-]+ +in_run touches [0-9]+ blocks a call instead of 0 with grown"'
ok "since a run: the commit" said "grown \(${commit:0:12}\)"
ok "since a run: each query once" said '^  in_run +2 '
dbperf report --since '1 hour' --query in_run --format json
ok "of one query, as JSON" eval '[ "$(sql -v json="$(cat "$work/out")" <<<"SELECT string_agg(h ->> '\''run'\'', '\'' '\'') FROM json_array_elements(:'\''json'\''::json -> '\''history'\'') h")" = "measured grown" ]'
dbperf report --since 2999-01-01
ok "nothing in that time" eval 'ended_with 0 && said "no query was executed"'

done_testing
