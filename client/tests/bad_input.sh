# Wrong command lines, files and connections: exit 2 for what the user wrote, 3 for what the machine lacks.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

dbperf --version
ok "version" said '^dbperf [0-9]+\.[0-9]+\.[0-9]+$'
dbperf --help
ok "help names every command" eval 'for c in run compare baseline deadlock check report export server demo doctor; do said "^  $c " || exit 1; done'
ok "help: exit 0" ended_with 0
dbperf run '-?'
ok "-? is help, as in psql" said 'Usage: dbperf run'

dbperf
failed_with "no command" 2 'a command is needed' 'dbperf demo'
dbperf compair
failed_with "a mistyped command" 2 'compair' 'did you mean "compare"'
dbperf run --repaet 5
failed_with "an unknown option" 2 '--repaet'
dbperf run
failed_with "run without anything" 2 'nothing to run'
dbperf compare
failed_with "compare without anything" 2 'nothing to compare'
dbperf compare --baseline a
failed_with "half a comparison" 2 'go together'

mkdir queries
dbperf run --queries queries
failed_with "a folder without queries" 2 'no \*\.sql file in queries'
dbperf run --queries nowhere.sql
failed_with "a query file that is not there" 2 'cannot read nowhere.sql: No such file'
: >queries/empty.sql
dbperf run --queries queries
failed_with "an empty query file" 2 'queries/empty.sql is empty'
printf -- '-- name: a\n-- dbperf: budget_p59=3ms\nSELECT 1;\n' >queries/empty.sql
dbperf run --queries queries
failed_with "an unknown budget" 2 'queries/empty.sql:2: unknown setting "budget_p59"' 'did you mean'
printf 'session a\nstep b { SELECT 1; }\npermutation c\n' >wrong.spec
dbperf deadlock wrong.spec
failed_with "a wrong spec" 2 'wrong.spec:3: no step is named "c"'
dbperf deadlock nowhere.spec
failed_with "a spec that is not there" 2 'cannot read nowhere.spec'

printf 'slow_query_treshold_ms = 5\n' >dbperf.toml
dbperf report
failed_with "an unknown key of the project file" 2 'dbperf.toml:1: unknown key "slow_query_treshold_ms"' 'slow_query_threshold_ms'
mkdir -p below/deeper
cd below/deeper || exit 1
dbperf report
failed_with "the project file is found from below" 2 'cwd/dbperf.toml:1'
cd ../.. && rm dbperf.toml

dbperf report -h "$work" -d shop
failed_with "no server" 3 'cannot connect: .*No such file' 'dbperf server start'
DATABASE_URL=postgresql://localhost:1/shop dbperf report
failed_with "DATABASE_URL is used" 3 'port 1 failed'
DATABASE_URL=postgresql://localhost:1/shop DBPERF_DATABASE_URL=postgresql://localhost:2/shop dbperf report
failed_with "DBPERF_DATABASE_URL stands above it" 3 'port 2 failed'
dbperf report -d 'nonsense=1'
failed_with "a connection string libpq does not know" 3 'invalid connection option "nonsense"'
dbperf doctor -h "$work" --format json
ok "doctor without a server: exit 3" ended_with 3
ok "doctor without a server: JSON" said '"healthy": false'

done_testing
