# run --scale on a live server: one command at several sizes of the data, and which of its calls grow.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
sql -c 'CREATE EXTENSION dbperf' -c 'CREATE TABLE users (id int PRIMARY KEY, name text)'
export PSQL=$psql SERVER=$server

# The application: lists the users, then loads each of them in a loop, or all of them with = ANY; the seed: 20 users a size.
cat >statements.bash <<'END_OF_SCRIPT'
set -e
echo 'BEGIN; SELECT id FROM users ORDER BY id;'
ids=$("$PSQL" -XqAt "$SERVER" -c "SET dbperf.enabled = off; SELECT id FROM users ORDER BY id")
if [ "$1" = loop ]; then
    for id in $ids; do echo "SELECT name FROM users WHERE id = $id;"; done
else
    echo "SELECT name FROM users WHERE id = ANY ('{$(tr '\n' ' ' <<<"$ids" | sed 's/ $//; s/ /,/g')}');"
fi
for ((i = 0; i < ${2:-0}; i++)); do echo "SELECT name FROM users WHERE id = -1;"; done
echo 'COMMIT;'
END_OF_SCRIPT
cat >application.bash <<'END_OF_SCRIPT'
bash statements.bash "$@" | "$PSQL" -XqAt -v ON_ERROR_STOP=1 "$SERVER" >/dev/null
END_OF_SCRIPT
cat >seed.sql <<'END_OF_SCRIPT'
\getenv size DBPERF_SCALE
TRUNCATE users;
INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 20 * :size) g;
END_OF_SCRIPT
seed='"$PSQL" -Xq "$SERVER" -f seed.sql'
application=(bash application.bash)
run_exists() { [ "$(sql -c "SELECT state FROM dbperf.runs WHERE label = '$1'")" = finished ]; }
no_open_run() { [ "$(sql -c "SELECT count(*) FROM dbperf.runs WHERE state = 'active'")" = 0 ]; }
json_of() { sql -v json="$(cat "$work/out")" <<<"SELECT $1 FROM (SELECT :'json'::json) j(o)"; }

dbperf run --label loop --scale 4,1,2 --seed "$seed" -- "${application[@]}" loop
ok "a loop: a finding" ended_with 1
ok "a loop: its row" said '^ +SELECT name FROM users WHERE id = \$1 +20 +40 +80 +n\^1\.0 +grows$'
ok "a loop: its numbers in words" said 'found +called 20, 40, 80 times at sizes 1, 2, 4: grows with the data$'
ok "a loop: the list itself is constant" said '^ +SELECT id FROM users ORDER BY id +1 +1 +1 +- +constant$'
ok "a loop: one statement" said '^1 statement grows with the data$'
ok "a loop: nothing of the seed" did_not_say 'INSERT|TRUNCATE'
ok "a loop: no warning" silent
ok "a run for each size" eval 'run_exists loop@1 && run_exists loop@2 && run_exists loop@4'
dbperf report --run loop@2
ok "each can be reported" said 'N\+1: 40 executions'

dbperf run --scale 1,2,4 --seed "$seed" -- "${application[@]}" any
ok "= ANY: clean" ended_with 0
ok "= ANY: said so" said '^ +no statement grows with the data$'
ok "= ANY: its row" said '^ +SELECT name FROM users WHERE id = ANY.* +1 +1 +1 +- +constant$'
ok "= ANY: no warning" silent
dbperf run --scale 1,2,4 --seed "$seed" -- "${application[@]}" loop 200
ok "calls made at any size do not hide a loop" eval 'ended_with 1 && said "220 +240 +280 +n\^1\.0 +grows"'
dbperf run --scale 1,3 --seed "$seed" --format json -- "${application[@]}" loop
ok "JSON: exit 1" ended_with 1
ok "JSON: sizes" eval '[ "$(json_of "o -> '\''sizes'\''" | tr -d "[:space:]")" = "[1,3]" ]'
ok "JSON: statements" eval '[ "$(json_of "(o -> '\''statements'\'' -> 0) ->> '\''verdict'\''") $(json_of "(o -> '\''statements'\'' -> 0) ->> '\''growth'\''")" = "grows 1.0" ]'
ok "JSON: the reason" said '"reason": "called 20, 60 times at sizes 1, 3: grows with the data"'

sql -c 'TRUNCATE users'
dbperf run --scale 1,2 -- bash -c 'for ((i = 0; i < 10 * DBPERF_SCALE; i++)); do echo "INSERT INTO users VALUES ($DBPERF_SCALE * 100 + $i);"; done | "$PSQL" -Xq "$SERVER"'
ok "a seed inside the command: it counts" eval 'ended_with 1 && said "called 10, 20 times"'
ok "a seed inside the command: the way out is named" complained 'warning: .*--seed'
dbperf run --scale 1,2 -- "$psql" -Xq "$server" -c 'SELECT 1'
ok "the size changes nothing: a warning" eval 'ended_with 0 && complained "warning: .*DBPERF_SCALE"'
dbperf run --scale 1,2 -- true
failed_with "nothing executed" 3 'executed no query' 'server'

printf 'echo "$DBPERF_SCALE ${DBPERF_RUN-none}" >>%s\n' "$work/seen" >see.bash
DBPERF_SCALE=9 dbperf run --label seen --scale 1,2 --seed 'bash see.bash' -- bash -c 'bash see.bash; "$PSQL" -Xq "$SERVER" -c "SELECT 1"'
ok "seed and command by turns, the run is the command's alone" eval '[ "$(tr "\n" "," <"$work/seen")" = "1 none,1 seen@1,2 none,2 seen@2," ]'
sql -c 'ALTER SYSTEM SET dbperf.n_plus_one_threshold = 50' -c 'SELECT pg_reload_conf()' >/dev/null
dbperf run --scale 1,2 --seed "$seed" -- "${application[@]}" loop
ok "the server's threshold counts" eval 'ended_with 0 && said "20 +40 +- +constant"'
sql -c 'ALTER SYSTEM RESET dbperf.n_plus_one_threshold' -c 'SELECT pg_reload_conf()' >/dev/null

dbperf run --label stops --scale 1,2,4 -- bash -c '[ "$DBPERF_SCALE" = 1 ] || exit 7'
ok "a failing command: its status" ended_with 7
ok "a failing command: at which size" complained 'the command ended with status 7 at size 2'
ok "a failing command: the end" eval 'run_exists stops@2 && ! run_exists stops@4'
dbperf run --scale 1,2 --format json -- sh -c 'exit 7'
ok "a failing command: in JSON" eval 'ended_with 7 && said "\"command_status\": 7"'
dbperf run --label unseeded --scale 1,2 --seed 'exit 5' -- "${application[@]}" loop
failed_with "a failing seed" 3 'the seed command ended with status 5 at size 1' 'DBPERF_SCALE=1'
ok "a failing seed: no run" eval '! run_exists unseeded@1'

usage_error() { # DESCRIPTION MESSAGE HINT OPTION...
    dbperf run "${@:4}"
    failed_with "$1" 2 "$2" ${3:+"$3"}
}
usage_error "one size" '--scale needs at least two different sizes, such as 1,2,4' 'three or more' --scale 3,3 -- true
usage_error "no number" '"x" is not a size' 'whole numbers from 1' --scale 1,x -- true
usage_error "no size" '"" is not a size' 'whole numbers from 1' --scale "" -- true
usage_error "zero" '"0" is not a size' 'whole numbers from 1' --scale 0,1 -- true
usage_error "no command" '--scale needs a command' 'after "--"' --scale 1,2
usage_error "queries" '--scale needs a command' 'after "--"' --scale 1,2 --queries x
usage_error "queries and a command" 'either --queries or a command' '' --scale 1,2 --queries x -- true
usage_error "a seed alone" '--seed goes together with --scale' '--scale 1,2,4' --seed true -- true
dbperf run --help
ok "help names the variable" said DBPERF_SCALE

ok "no run stays open" no_open_run
wait_at_two="[ \$DBPERF_SCALE = 1 ] || { echo \$\$ >$work/started; exec sleep 60; }"
ended() { ! kill -0 "$(cat "$work/started")" 2>/dev/null; }
interrupt_when INT "[ -s $work/started ]" run --label cut --scale 1,2,4 -- sh -c "$wait_at_two"
ok "Ctrl-C in the command" ended_with 130
ok "Ctrl-C in the command: it is gone, its run closed" eval 'ended && no_open_run && run_exists cut@2 && ! run_exists cut@4'
rm "$work/started"
interrupt_when INT "[ -s $work/started ]" run --label sown --scale 1,2,4 --seed "$wait_at_two" -- true
ok "Ctrl-C in the seed" ended_with 130
ok "Ctrl-C in the seed: it is gone, no run begun" eval 'ended && no_open_run && run_exists sown@1 && ! run_exists sown@2'

done_testing
