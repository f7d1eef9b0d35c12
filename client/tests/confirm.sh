# deadlock --confirm on a live server: deadlocks predicted from transactions that ran alone are made to happen. The
# scenarios are those of regress/scenarios/lock_order.txt, and of a file of the same form that DBPERF_DEADLOCK_SCENARIOS names.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server
sql -c 'CREATE DATABASE app'
sql -d app -c 'CREATE EXTENSION dbperf'
app=${server/dbname=postgres/dbname=app}
export DBPERF_DATABASE_URL=$app

# A session's transaction, alone, rolled back.
alone() { # SQL
    { echo 'SET dbperf.track_locks = on; SET search_path = s; BEGIN;'; echo "$1"; echo 'ROLLBACK;'; } | "$psql" -Xq "$app" >/dev/null 2>&1
}
run_alone() { # LABEL SETUP SQL...
    local label=$1 setup=$2
    shift 2
    sql -d app -c 'DROP SCHEMA IF EXISTS s CASCADE' -c 'CREATE SCHEMA s' -c 'SET search_path = s' -c "$setup" -c "SELECT dbperf.start_run('$label')" >/dev/null 2>&1
    for transaction; do alone "$transaction"; done
    sql -d app -c 'SELECT dbperf.finish_run()' >/dev/null
}
statuses() { sql -d app -c "SELECT string_agg(DISTINCT status, ' ') FROM dbperf.lock_cycles WHERE run = '$1'"; }
outcomes() { sql -d app -c "SELECT string_agg(DISTINCT outcome, ' ') FROM dbperf.lock_cycles WHERE run = '$1'"; }

# Without parameters nothing can be executed again.
acc='CREATE TABLE acc (id int PRIMARY KEY, bal int); INSERT INTO acc SELECT g, 100 FROM generate_series(1, 10) g'
forth='UPDATE acc SET bal = 1 WHERE id = 1; UPDATE acc SET bal = 1 WHERE id = 2;'
back='UPDATE acc SET bal = 1 WHERE id = 2; UPDATE acc SET bal = 1 WHERE id = 1;'
dbperf deadlock --confirm
failed_with "no run yet" 3 'no finished run predicted a deadlock' 'dbperf.track_locks'
run_alone without "$acc" "$forth" "$back"
ok "nothing of a statement is kept unasked" [ "$(sql -d app -c "SELECT replay::text ~ 'UPDATE' FROM dbperf.lock_cycles WHERE run = 'without'")" = f ]
dbperf deadlock --confirm --run without
ok "without parameters: exit 0" ended_with 0
ok "without parameters: not_replayable, and why" eval '[ "$(statuses without)" = not_replayable ] && outcomes without | grep -q "dbperf.keep_parameters = on"'
ok "without parameters: no finding" [ "$(sql -d app -c "SELECT count(*) FROM dbperf.findings WHERE gate")" = 0 ]

sql -c 'ALTER DATABASE app SET dbperf.keep_parameters = on'
number=0
confirm_scenarios() { # FILE
    local line label= title= setup= sessions= names predicted
    declare -A steps
    try() {
        [ -n "$title" ] || return 0
        number=$((number + 1))
        names=()
        for name in $(printf '%s\n' "${!steps[@]}" | sort); do names+=("${steps[$name]}"); done
        run_alone "scenario $number" "$setup" "${names[@]}"
        dbperf deadlock --confirm --run "scenario $number"
        if [[ "$label ${names[*]}" =~ ^deadlock.*(^|[^a-z])do\ \$ ]]; then
            ok "$title: DO is not executed again" eval '[ "$(statuses "scenario $number")" = not_replayable ] && outcomes "scenario $number" | grep -q "DO is not executed again"'
        elif [ "$label" = deadlock ]; then
            ok "$title: confirmed" eval 'ended_with 1 && [ "$(statuses "scenario $number")" = confirmed ]'
        else
            ok "$title: nothing to confirm" eval 'ended_with 0 && [ -z "$(statuses "scenario $number")" ]'
        fi
    }
    while IFS= read -r line; do
        case $line in
        '#   '*) ;; # how the file is written
        '# '*'| deadlock'* | '# '*'| safe'*)
            try
            title=${line#\# } label=${line#*| } label=${label%% *} setup= steps=()
            title=${title%% |*}
            ;;
        setup:*) setup=${line#setup:} ;;
        [A-Z]:*) steps[${line%%:*}]+="${line#*:};"$'\n' ;;
        esac
    done <"$1"
    try
}
confirm_scenarios "$here/../../regress/scenarios/lock_order.txt"
[ -z "${DBPERF_DEADLOCK_SCENARIOS:-}" ] || confirm_scenarios "$DBPERF_DEADLOCK_SCENARIOS"
ok "no database is left" no_temporary_databases

# Predicted ones stop nothing, confirmed ones do.
findings() { sql -d app -c "SELECT kind, severity, gate FROM dbperf.findings WHERE run = '$1'"; }
run_alone gate "$acc" "$forth" "$back"
ok "a predicted deadlock is a warning" [ "$(findings gate)" = 'lock_cycle|warning|f' ]
dbperf check --run gate
ok "... that stops no check" ended_with 0
dbperf deadlock --confirm --format json
ok "the latest run, as JSON: exit 1" ended_with 1
ok "the latest run, as JSON" eval '[ "$(grep -c "\"status\": \"confirmed\"" "$work/out")" = 1 ] && grep -q "\"run\": \"gate\"" "$work/out"'
ok "a confirmed deadlock is an error" [ "$(findings gate)" = 'lock_cycle|error|t' ]
dbperf check --run gate
ok "... that stops a check" ended_with 1

# Whose transaction, with what, and what happened instead.
sql -d app -c 'CREATE ROLE clerk' -c 'GRANT USAGE ON SCHEMA s TO clerk' -c 'GRANT ALL ON s.acc TO clerk' -c "SELECT dbperf.start_run('clerk')" >/dev/null
for order in '1 2' '2 1'; do
    "$psql" -Xq "$app" >/dev/null <<END
SET dbperf.track_locks = on; SET ROLE clerk; SET search_path = nowhere, s;
PREPARE u (int, int) AS UPDATE acc SET bal = \$2 WHERE id = \$1;
BEGIN ISOLATION LEVEL REPEATABLE READ; EXECUTE u(${order% *}, NULL); SAVEPOINT a; EXECUTE u(7, NULL); ROLLBACK TO a; EXECUTE u(${order#* }, 5); COMMIT;
END
done
sql -d app -c 'SELECT dbperf.finish_run()' >/dev/null
ok "role, path, isolation" [ "$(sql -d app -c "SELECT DISTINCT m ->> 'run_by', m ->> 'search_path', m ->> 'isolation' FROM dbperf.lock_cycles, jsonb_array_elements(replay) m WHERE run = 'clerk'")" = 'clerk|nowhere, s|REPEATABLE READ' ]
ok "statements, types and values" [ "$(sql -d app -c "SELECT m -> 'statements' -> 0 -> 'types', m -> 'statements' -> 0 -> 'values', jsonb_array_length(m -> 'statements') FROM dbperf.lock_cycles, jsonb_array_elements(replay) m WHERE run = 'clerk' AND m ->> 'member' = '1'")" = '["integer", "integer"]|["1", null]|5' ]
dbperf deadlock --confirm --run clerk
ok "a role's prepared statements: confirmed" [ "$(statuses clerk)" = confirmed ]
sql -d app -c 'DELETE FROM s.acc WHERE id = 1'
dbperf deadlock --confirm --run clerk
ok "the rows are gone: exit 0" ended_with 0
ok "the rows are gone: not_replayable, and why" eval '[ "$(statuses clerk)" = not_replayable ] && outcomes clerk | grep -q "changes no row any more"'
sql -d app -c 'REVOKE ALL ON s.acc FROM clerk'
dbperf deadlock --confirm --run clerk
ok "not allowed any more: not_reproduced, and why" eval '[ "$(statuses clerk)" = not_reproduced ] && outcomes clerk | grep -q "permission denied for table acc"'
sql -d app -c 'DROP OWNED BY clerk' -c 'DROP ROLE clerk'
dbperf deadlock --confirm --run clerk
ok "no such role: not_replayable, and why" eval '[ "$(statuses clerk)" = not_replayable ] && outcomes clerk | grep -q "role \"clerk\" does not exist"'

# Nothing leaves its role: neither a function that would, nor what could by itself.
sql -d app -c 'DROP SCHEMA s CASCADE' -c 'CREATE SCHEMA s' -c "CREATE TABLE s.acc (id int PRIMARY KEY, bal int); INSERT INTO s.acc SELECT g, 100 FROM generate_series(1, 10) g" \
    -c 'CREATE ROLE leaver LOGIN' -c 'GRANT USAGE, CREATE ON SCHEMA s TO leaver' -c 'GRANT ALL ON s.acc TO leaver'
leaver=${app/user=postgres/user=leaver}
"$psql" -Xq "$leaver" -c "CREATE FUNCTION s.leave() RETURNS int LANGUAGE plpgsql AS 'BEGIN BEGIN EXECUTE ''RESET SESSION AUTHORIZATION''; EXCEPTION WHEN insufficient_privilege THEN NULL; END; IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN PERFORM pg_sleep(1000); END IF; RETURN 1; END'"
leave_by() { # LABEL SQL
    local order
    sql -d app -c "SELECT dbperf.start_run('$1')" >/dev/null
    for order in '1 2' '2 1'; do
        "$psql" -Xq "$leaver" >/dev/null 2>&1 <<END
SET dbperf.track_locks = on; SET search_path = s; BEGIN; $2
UPDATE acc SET bal = 1 WHERE id = ${order% *}; UPDATE acc SET bal = 1 WHERE id = ${order#* }; ROLLBACK;
END
    done
    sql -d app -c 'SELECT dbperf.finish_run()' >/dev/null
    dbperf deadlock --confirm --run "$1" --step-timeout 5
}
leave_by function 'SELECT leave();'
ok "a function cannot leave its role: confirmed" [ "$(statuses function)" = confirmed ]
leave_by program "SAVEPOINT a;
COPY (SELECT 1) TO PROGRAM 'true';
ROLLBACK TO a;"
ok "COPY with a program: not_replayable" eval '[ "$(statuses program)" = not_replayable ] && outcomes program | grep -q "COPY with a program"'
sql -d app -c 'DROP OWNED BY leaver CASCADE' -c 'DROP ROLE leaver'

# Optimistic locking: the statements that committed find their rows no more.
sql -d app -c 'DROP SCHEMA s CASCADE' -c 'CREATE SCHEMA s' -c 'CREATE TABLE s.acc (id int PRIMARY KEY, v int); INSERT INTO s.acc VALUES (1, 0), (2, 0)' -c "SELECT dbperf.start_run('versions')" >/dev/null 2>&1
for order in '1 2 0' '2 1 1'; do
    set -- $order
    "$psql" -Xq "$app" -c 'SET dbperf.track_locks = on' -c 'SET search_path = s' -c "BEGIN; UPDATE acc SET v = v + 1 WHERE id = $1 AND v = $3; UPDATE acc SET v = v + 1 WHERE id = $2 AND v = $3; COMMIT" >/dev/null
done
sql -d app -c 'SELECT dbperf.finish_run()' >/dev/null
dbperf deadlock --confirm --run versions
ok "versions in WHERE: not_replayable, and why" eval '[ "$(statuses versions)" = not_replayable ] && outcomes versions | grep -q "changes no row any more"'

# A member that is stopped between two tables, or two rows, of one statement; both members, too.
run_alone tables 'CREATE TABLE a (id int); CREATE TABLE b (id int)' 'DROP TABLE a, b;' 'DROP TABLE b, a;'
dbperf deadlock --confirm --run tables
ok "two lists of tables: confirmed" [ "$(statuses tables)" = confirmed ]
run_alone joins 'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)' \
    'SELECT FROM a JOIN b USING (id) FOR UPDATE;' 'SELECT FROM b JOIN a USING (id) FOR UPDATE;'
dbperf deadlock --confirm --run joins
ok "two joins FOR UPDATE: confirmed" [ "$(statuses joins)" = confirmed ]

# What a COMMIT locks.
run_alone deferred 'CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1), (2); CREATE TABLE c (id int, pid int REFERENCES p DEFERRABLE INITIALLY DEFERRED)' \
    'SELECT FROM p WHERE id = 1 FOR UPDATE; INSERT INTO c VALUES (1, 2); COMMIT;' 'SELECT FROM p WHERE id = 2 FOR UPDATE; INSERT INTO c VALUES (2, 1); COMMIT;'
dbperf deadlock --confirm --run deferred
ok "a foreign key that is checked at COMMIT: confirmed" eval '[ "$(statuses deferred)" = confirmed ] && [ "$(sql -d app -c "SELECT count(*) FROM s.c")" = 2 ]'

# What cannot be kept.
run_alone long "$acc" "$(printf 'SELECT %s;' {1..33}) $forth" "$back"
dbperf deadlock --confirm --run long
ok "more than 32 statements" eval 'outcomes long | grep -q "more than 32 statements"'
run_alone wide "$acc" "SELECT '$(printf '%09000d' 0)'; $forth" "$back"
dbperf deadlock --confirm --run wide
ok "more than 8 kB" eval 'outcomes wide | grep -q "more than 8 kB"'
run_alone copied "$acc" $'COPY acc FROM STDIN;\n11\t1\n\\.\n'"$forth" "$back"
dbperf deadlock --confirm --run copied
ok "COPY of the client" eval 'outcomes copied | grep -q "COPY from or to the client"'

# Deadlocks on purpose are nobody's.
sql -d app -c 'SELECT dbperf.flush()' >/dev/null
ok "what was made to happen is not reported as having happened" [ "$(sql -d app -c 'SELECT count(*) FROM dbperf.deadlocks')" = 0 ]

# Bad luck.
dbperf deadlock --confirm --run nothing
failed_with "no such run" 3 'no finished run is labelled "nothing"' 'dbperf.track_locks'
dbperf deadlock --confirm some.spec
failed_with "a scenario, too" 2 'either --confirm or scenarios'
dbperf deadlock --run gate
failed_with "a run without --confirm" 2 'a SPEC is needed'
ok "where to stop is for programs" eval '! sql -c "SET dbperf.pause_before_lock = '"'soon'"'" 2>/dev/null'
run_alone nap "$acc; CREATE TABLE nap (s int); INSERT INTO nap VALUES (0)" "SELECT pg_sleep(s) FROM nap; $forth" "$back"
sql -d app -c 'UPDATE s.nap SET s = 600'
dbperf deadlock --confirm --run nap --step-timeout 1
ok "nothing happens: given up" [ "$(statuses nap): $(outcomes nap)" = 'not_reproduced: nothing happened for 1 s' ]
interrupt_when INT "[ -n \"\$(sql -c \"SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'\")\" ]" deadlock --confirm --run nap
ok "Ctrl-C: exit 130" ended_with 130
ok "Ctrl-C: no database is left" no_temporary_databases
ok "nobody is left waiting" [ "$(sql -c "SELECT count(*) FROM pg_locks WHERE NOT granted")" = 0 ]

done_testing
