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
ok "three in a cycle, taking turns" eval 'ended_with 0 && said "2 of 2"'

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

# Labelled scenarios: only the outcome counts, a step whose session waits is postponed, other errors are part of it.
cat >list.txt <<'END'
# a list
# L1 in turns | deadlock | here
setup: create table t (id int primary key, n int); insert into t values (1, 0), (2, 0)
A:update t set n = 1 where id = 1
B:update t set n = 1 where id = 2
A:update t set n = 1 where id = 2
B:update t set n = 1 where id = 1
# L2 the same table again, and an error | safe | here
setup: create table t (id int primary key, n int); insert into t values (1, 0), (2, 0)
A:update t set n = 1 where id = 1
B:update t set n = 1 where id = 1
B:select 1 / 0
A:commit
END
dbperf deadlock list.txt --repeat 1 --deadlock-timeout 20ms
ok "labelled scenarios: exit 0" ended_with 0
ok "labelled scenarios: the score" said '2 of 2 as labelled'
sed 's/L1 in turns | deadlock/L1 in turns | safe/' list.txt >wrong.txt
dbperf deadlock wrong.txt --repeat 1 --deadlock-timeout 20ms
ok "a scenario that is not as labelled: exit 1" ended_with 1
ok "a scenario that is not as labelled: says which" said 'L1 in turns .*safe .*1 of 1 .*not as labelled'
echo nonsense >>wrong.txt
dbperf deadlock wrong.txt
failed_with "a list with a syntax error" 2 'wrong.txt:14: expected "setup:"'

sed 's/^permutation/# dbperf: expect deadlock\npermutation/' serial.spec >expected.spec
dbperf deadlock expected.spec --repeat 1 --deadlock-timeout 20ms
ok "a deadlock that was expected and did not happen: exit 1" ended_with 1
ok "a deadlock that was expected and did not happen: says so" said 'expected +a deadlock, every time'

# The victim's key is there when it tries again: reported, and the others go on.
cat >keys.spec <<'END'
setup { CREATE TABLE t (id int PRIMARY KEY); }
teardown { DROP TABLE t; }
session a setup { BEGIN; } step a1 { INSERT INTO t VALUES (1); } step a2 { INSERT INTO t VALUES (2); } step ac { COMMIT; }
session b setup { BEGIN; } step b1 { INSERT INTO t VALUES (2); } step b2 { INSERT INTO t VALUES (1); } step bc { COMMIT; }
permutation a1 b1 a2 b2 ac bc
# dbperf: control
permutation a1 a2 ac
END
dbperf deadlock keys.spec --repeat 1 --deadlock-timeout 20ms
ok "a victim that cannot commit any more: reported" eval 'ended_with 0 && said "1 of 1" && said "afterwards +session [ab]: duplicate key"'

# A session that is not in the cycle waits behind it.
cat >bystander.spec <<'END'
setup { CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0); }
teardown { DROP TABLE t; }
session a setup { BEGIN; } step a1 { UPDATE t SET n = 1 WHERE id = 1; } step a2 { UPDATE t SET n = 1 WHERE id = 2; } step ac { COMMIT; }
session b setup { BEGIN; } step b1 { UPDATE t SET n = 2 WHERE id = 2; } step b2 { UPDATE t SET n = 2 WHERE id = 1; } step bc { COMMIT; }
session d setup { BEGIN; } step d1 { LOCK TABLE t IN SHARE MODE; } step dc { COMMIT; }
permutation a1 b1 d1 a2 b2 ac bc dc
END
dbperf deadlock bystander.spec --repeat 1 --deadlock-timeout 100ms
ok "a bystander is reported" said 'behind it +1 session waited up to'

ordered=$here/../../benchmarks/deadlocks/reverse_order.spec
dbperf deadlock "$ordered" --throughput 1 --clients 4 --deadlock-timeout 50ms --format json
ok "throughput: exit 0" ended_with 0
ok "throughput: deadlocks cost, the control has none" eval 'tr -d "\n " <"$work/out" | grep -qE "\"as_written\":\{\"commits\":[0-9]+,\"deadlocks\":[1-9].*\"control\":\{\"commits\":[1-9][0-9]*,\"deadlocks\":0.*\"loss_factor\":"'
dbperf deadlock keys.spec --throughput 1 --clients 2 --deadlock-timeout 20ms
failed_with "throughput of what cannot be repeated" 3 'keys.spec:[0-9]+: session [ab]: duplicate key' 'can be repeated'
dbperf deadlock list.txt --throughput 1
failed_with "throughput of labelled scenarios" 2 'no control'
dbperf deadlock reverse.spec --throughput 1
failed_with "throughput without a control" 2 'reverse has no control' 'dbperf: control'
dbperf deadlock "$ordered" --throughput 1 --clients 500
failed_with "more clients than connections" 3 'too many clients' 'max_connections'
ok "more clients than connections: no database is left" no_temporary_databases

sed 's/UPDATE t SET n = n + 1 WHERE id = 2; }/SELECT pg_terminate_backend(pg_backend_pid()); }/' reverse.spec >lost.spec
dbperf deadlock lost.spec --repeat 1
failed_with "a connection lost in a step" 3 'lost.spec:[0-9]+: session [ab]: .*terminat' ''
ok "a connection lost in a step: no database is left" no_temporary_databases

# The scenarios of the repository: each says itself that it must deadlock, and its control must not.
dbperf deadlock "$here"/../../benchmarks/deadlocks/*.spec --repeat 1 --deadlock-timeout 30ms
ok "the scenarios of the repository end as they say" ended_with 0
ok "the scenarios of the repository are eleven" eval '[ "$(grep -c "^30ms  *1 of 1" "$work/out")" = 11 ]'

# A list of labelled ones that DBPERF_DEADLOCK_SCENARIOS names.
if [ -n "${DBPERF_DEADLOCK_SCENARIOS:-}" ]; then
    dbperf deadlock "$DBPERF_DEADLOCK_SCENARIOS" --deadlock-timeout 50ms
    ok "all of ${DBPERF_DEADLOCK_SCENARIOS##*/} end as labelled" eval 'ended_with 0 && said "^([0-9]+) of \1 as labelled"'
    sed -n '$p' "$work/out"
fi

dbperf deadlock reverse.spec --deadlock-timeout soon
failed_with "no such time" 2 '"soon" is no deadlock_timeout' '10ms'
sql -c 'CREATE ROLE guest LOGIN CREATEDB'
export DBPERF_DATABASE_URL=${server/user=postgres/user=guest}
dbperf deadlock reverse.spec --deadlock-timeout 20ms
failed_with "a role that may not set it" 3 'may not set deadlock_timeout' 'GRANT SET ON PARAMETER'
dbperf deadlock reverse.spec --repeat 1
ok "but it may measure with the server's own" ended_with 0

done_testing
