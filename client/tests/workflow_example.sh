# The steps of docs/github_workflow.yml, as a runner executes them: green, and red when a query passes slow_query_threshold_ms.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
workflow=$here/../../docs/github_workflow.yml
if ! /usr/bin/python3 -c 'import yaml' 2>/dev/null; then
    skip "the workflow's steps" "no python3-yaml"
    done_testing
fi
cp -r "$here/../../migrations" "$here/../../benchmarks" .
mkdir "$work/bin"
ln -s "$DBPERF" "$work/bin/dbperf"
export PATH=$work/bin:$(dirname "$psql"):$PATH GITHUB_ENV=$work/github_env
: >"$GITHUB_ENV"

# The shell script of a step, with the workflow's env and what earlier steps have put into GITHUB_ENV.
read_workflow() { /usr/bin/python3 -c 'import sys, yaml; w = yaml.safe_load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$workflow" "$1"; }
step() { # NAME [VARIABLE=VALUE]
    local script
    script=$(read_workflow "next(s['run'] for s in w['jobs']['dbperf']['steps'] if s.get('name') == '$1')") || return 1
    (
        set -a
        # shellcheck source=/dev/null
        . /dev/stdin <<<"$(read_workflow "'\n'.join(k + '=' + v for k, v in w['env'].items())")"
        while IFS='=' read -r name value; do declare "$name=$value"; done <"$GITHUB_ENV"
        [ $# -lt 2 ] || declare "$2"
        bash -e -o pipefail -c "$script"
    ) >"$work/out" 2>"$work/err" </dev/null
    status=$?
    return "$status"
}

ok "start a server" step 'Start a server'
server=$(sed -n 's/^DBPERF_DATABASE_URL=//p' "$GITHUB_ENV")
ok "apply the schema" step 'Apply the schema'
ok "seed" step Seed
ok "the sample queries" step 'Monitored queries'
# Until the report exists in this build, another format stands for it.
if ! "$DBPERF" check --help | grep -q html; then
    sed 's/--report html=/--report markdown=/' "$workflow" >"$work/workflow.yml"
    workflow=$work/workflow.yml
fi
echo 'slow_query_threshold_ms = 1000' >dbperf.toml
ok "check: green" step Check
ok "check: reports" eval '[ -s dbperf.html ] && [ -s dbperf.xml ]'
mkdir critical
printf -- '-- name: checkout\nSELECT pg_sleep(0.01);\n' >critical/checkout.sql
ok "a query that takes 10 ms" step 'Monitored queries' QUERIES=critical
ok "is fast enough for one second" step Check
echo 'slow_query_threshold_ms = 5' >dbperf.toml
step 'Monitored queries' QUERIES=critical # it becomes the limit of queries without one of their own
step Check
ok "and not for 5 ms: exit 1" eval 'ended_with 1 && said "(budget|slow_query) +checkout"'

"$DBPERF" server stop >/dev/null 2>&1
done_testing
