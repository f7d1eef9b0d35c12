# deadlock on a live server, which needs no dbperf for it: outcomes, other failures, a scratch database that is gone.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server -c shared_preload_libraries=

cat >reverse.spec <<'END'
setup { CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0), (3, 0); }
teardown { DROP TABLE t; }
session a
setup { BEGIN; }
step a1 { UPDATE t SET n = n + 1 WHERE id = 1; }
step a2 { UPDATE t SET n = n + 1 WHERE id = 2; }
step ac { COMMIT; }
session b
setup { BEGIN; }
step b1 { UPDATE t SET n = n + 1 WHERE id = 2; }
step b2 { UPDATE t SET n = n + 1 WHERE id = 1; }
step bc { COMMIT; }
permutation a1 b1 a2 b2 ac bc
END
dbperf deadlock reverse.spec --repeat 4 --deadlock-timeout 20ms,40ms --format json
ok "reverse order: exit 0" ended_with 0
number() { tr -d '\n ' <"$work/out" | sed -n "s/.*\"deadlock_timeout\":\"$1\"[^}]*\"$2\":\([0-9]*\).*/\1/p"; }
# Of one setting's object, a member of one of its summaries.
figure() { tr -d '\n ' <"$work/out" | sed "s/.*\"deadlock_timeout\":\"$1\"//; s/\"spec\".*//; s/.*\"$2\":{//; s/}.*//; s/.*\"$3\":\([0-9.]*\).*/\1/"; }
ok "reverse order: a deadlock every time" eval '[ "$(number 20ms deadlocks)" = 4 ] && [ "$(number 40ms deadlocks)" = 4 ]'
ok "reverse order: never in the control" eval '[ "$(grep -c "\"control_deadlocks\": 0" "$work/out")" = 2 ]'
ok "reverse order: the victim tried again" eval '[ "$(number 20ms retries)" -ge 4 ]'
ok "reverse order: it is noticed after the timeout" eval '[ "$(figure 40ms detection p50_ms | cut -d. -f1)" -ge 30 ] && [ "$(figure 40ms detection p50_ms | cut -d. -f1)" -lt 1000 ]'
ok "reverse order: the work lost is at least that long" eval '[ "$(figure 40ms lost_work p50_ms | cut -d. -f1)" -ge "$(figure 40ms detection p50_ms | cut -d. -f1)" ]'
ok "no database is left" no_temporary_databases
dbperf deadlock reverse.spec --repeat 1
ok "the server's own timeout" said '^1s +1 of 1'

sed 's/permutation.*/permutation a1 a2 ac b1 b2 bc/' reverse.spec >serial.spec
dbperf deadlock serial.spec --repeat 2 --deadlock-timeout 20ms
ok "one after the other: exit 0" ended_with 0
ok "one after the other: no deadlock" eval 'said "0 of 2" && said "no deadlock happens in this order"'

{
    cat serial.spec
    echo '# dbperf: control'
    echo 'permutation a1 b1 a2 b2 ac bc'
} >upside_down.spec
dbperf deadlock upside_down.spec --repeat 1 --deadlock-timeout 20ms
ok "a deadlock in the control is a finding" ended_with 1

cat >three.spec <<'END'
setup { CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0), (3, 0); }
teardown { DROP TABLE t; }
session a setup { BEGIN; } step a1 { UPDATE t SET n = 1 WHERE id = 1; } step a2 { UPDATE t SET n = 1 WHERE id = 2; } step ac { COMMIT; }
session b setup { BEGIN; } step b1 { UPDATE t SET n = 2 WHERE id = 2; } step b2 { UPDATE t SET n = 2 WHERE id = 3; } step bc { COMMIT; }
session c setup { BEGIN; } step c1 { UPDATE t SET n = 3 WHERE id = 3; } step c2 { UPDATE t SET n = 3 WHERE id = 1; } step cc { COMMIT; }
END
dbperf deadlock three.spec --repeat 2 --deadlock-timeout 20ms
ok "three in a circle, taking turns" eval 'ended_with 0 && said "2 of 2"'

sed 's/WHERE id = 2; }/WHERE nothing = 2; }/' reverse.spec >fails.spec
dbperf deadlock fails.spec --repeat 1
failed_with "a step that fails" 3 'fails.spec:[0-9]+: session [ab]: column "nothing" does not exist'
ok "a step that fails: no database is left" no_temporary_databases
sed 's/CREATE TABLE/CREATE TABEL/' reverse.spec >setup.spec
dbperf deadlock setup.spec --repeat 1
failed_with "a setup that fails" 3 'setup.spec: setup: syntax error'

cat >stuck.spec <<'END'
setup { CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0); }
teardown { DROP TABLE t; }
session a setup { BEGIN; } step a1 { UPDATE t SET n = 1; } step ac { COMMIT; }
session b setup { BEGIN; } step b1 { UPDATE t SET n = 2; } step bc { COMMIT; }
permutation a1 b1 bc ac
END
dbperf deadlock stuck.spec --repeat 1 --step-timeout 1
failed_with "a session that never unblocks" 3 'stuck.spec:4: nothing happened for 1 s; still waiting: b' '--step-timeout'
ok "a session that never unblocks: no database is left" no_temporary_databases

interrupt_when INT "[ -n \"\$(sql -c \"SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'\")\" ]" deadlock stuck.spec --repeat 1
ok "Ctrl-C while a session waits: exit 130" ended_with 130
ok "Ctrl-C while a session waits: no database is left" no_temporary_databases

dbperf deadlock reverse.spec --deadlock-timeout soon
failed_with "no such time" 2 '"soon" is no deadlock_timeout' '10ms'
sql -c 'CREATE ROLE guest LOGIN CREATEDB'
export DBPERF_DATABASE_URL=${server/user=postgres/user=guest}
dbperf deadlock reverse.spec --deadlock-timeout 20ms
failed_with "a role that may not set it" 3 'may not set deadlock_timeout' 'GRANT SET ON PARAMETER'
dbperf deadlock reverse.spec --repeat 1
ok "but it may measure with the server's own" ended_with 0

done_testing
