# The demo, as a newcomer runs it; twice at once; cut off; and killed outright. Nothing may be left behind.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
export TMPDIR=$work/tmp
mkdir -m 755 "$TMPDIR"
chmod 755 "$work"
cd "$here" || exit 1 # the sample shop is found from here upwards

nothing_left() { [ -z "$(ls -A "$TMPDIR")" ]; }
soon() { local i; for ((i = 0; i < 200; i++)); do "$@" && return; sleep 0.1; done; return 1; }
no_server() { ! grep -aqs -- "$TMPDIR" /proc/[0-9]*/cmdline; }

"$DBPERF" demo --format json >"$work/second" 2>"$work/second.err" </dev/null &
second=$!
dbperf demo
ok "exit 0" ended_with 0
ok "nothing on stderr" silent
ok "the N+1: 20 look-ups" said 'N\+1: 20 executions'
ok "the deadlock: recovery at each timeout" eval 'said "^  10ms +5 of 5" && said "^  100ms +5 of 5" && said "^  1s +5 of 5"'
ok "order_history improved" said 'order_history +improved'
ok "its plan change in words" eval 'tr -s " \n" " " <"$work/out" | grep -q "orders: sequential scan became a bitmap index scan using idx_orders_user_created"'
ok "five queries" eval '[ "$(grep -cE "(PASS|FAIL)$" "$work/out")" = 5 ]'
ok "an index proved" eval 'said "^proven +public.orders" && said "CREATE INDEX CONCURRENTLY idx_orders_user_id_created_at ON public.orders"'
ok "no line is wider than 100 columns but a statement to copy" eval '! grep -vE "^ +CREATE INDEX .*;$" "$work/out" | grep -qE "^.{101}"'
wait $second
ok "two at once: the other ended well too" eval "[ $? = 0 ]"
ok "two at once: with JSON" eval 'head -n 2 "$work/second" | grep -q schema_version && [ ! -s "$work/second.err" ]'
ok "nothing is left of both" eval 'nothing_left && no_server'

running='[ -S "$(echo "$TMPDIR"/dbperf-*/.s.PGSQL.5432)" ]'
interrupt_when INT "$running" demo
ok "Ctrl-C: exit 130" ended_with 130
ok "Ctrl-C: nothing is left" eval 'nothing_left && no_server'
interrupt_when TERM "$running && sleep 2" demo
ok "SIGTERM later: exit 130" ended_with 130
ok "SIGTERM later: nothing is left" eval 'nothing_left && no_server'
interrupt_when KILL "$running && sleep 1" demo
ok "SIGKILL: nothing is left, soon" soon eval 'nothing_left && no_server'

dbperf demo --keep
kept=$(sed -n 's/.*--dir //p' "$work/out")
server=$(sed -n 's/.*psql "\(.*\)"/\1/p' "$work/out")
ok "--keep: the results are there" eval '[ "$(sql -c "SELECT count(*) > 0 FROM dbperf.n_plus_one")" = t ]'
server=
dbperf server stop --dir "$kept"
ok "--keep: and stop removes it" eval 'ended_with 0 && nothing_left && no_server'

cd "$work/cwd" || exit 1
cp "$DBPERF" "$work/dbperf"
"$work/dbperf" demo >"$work/out" 2>"$work/err"
status=$?
failed_with "without the files of the shop" 3 'sample shop are not found' '--shop'

done_testing
