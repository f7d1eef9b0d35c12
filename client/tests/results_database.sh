# A results database of its own: a plain server, two servers that send to it, one of them with a part of its partitions.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
trap '"$DBPERF" server stop --dir "$work/other" >/dev/null 2>&1; "$DBPERF" server stop --dir "$work/plain" >/dev/null 2>&1; finish' EXIT
dbperf server start --dir "$work/plain" -c shared_preload_libraries=
plain=$(cat "$work/out")
dbperf server start --dir "$work/other" -c dbperf.project=billing
other=$(cat "$work/out")
start_server

central=${plain/dbname=postgres/dbname=results}
results() { "$psql" -XqAt -v ON_ERROR_STOP=1 "$central" "$@"; } # PSQL-OPTION...
as() { echo "${central/user=postgres/user=$1}"; }               # ROLE
on_other() { "$psql" -XqAt -v ON_ERROR_STOP=1 "$other" "$@"; }
"$psql" -XqAt "$plain" -c 'CREATE DATABASE results' -c 'CREATE ROLE ci LOGIN' -c 'CREATE ROLE viewer LOGIN' \
    -c 'CREATE ROLE made LOGIN' -c 'CREATE DATABASE own OWNER made'
own=${plain/user=postgres dbname=postgres/user=made dbname=own}
shop="CREATE EXTENSION dbperf; CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT g, 'n' || g FROM generate_series(1, 50) g"
sql -c "$shop"
on_other -c "$shop"
queries='SET dbperf.query_name = by_id; SELECT name FROM item WHERE id = 1; SELECT name FROM item WHERE id = 2; SELECT name FROM item WHERE id = 3'
measure() { # LABEL [WHERE]: without sending
    "${2:-sql}" -c "SELECT dbperf.start_run('$1')" -c "$queries" -c 'SELECT dbperf.finish_run()' >/dev/null
}
# What a server has of a run, and what arrived of it.
there() { sql -c "SELECT relation, content FROM dbperf.run_rows(dbperf.find_run('$1')) WHERE relation <> 'query_text'" | sort; }
arrived() {
    results -c "SELECT string_agg(format('SELECT %L, pg_catalog.to_jsonb(t) FROM dbperf.%I t WHERE run_id = %L', relation, relation,
        '$(sql -c "SELECT dbperf.find_run('$1')")'), ' UNION ALL ') FROM dbperf.partitioned" | results -f - | sort
}
same() { [ -n "$(there "$1")" ] && diff <(there "$1") <(arrived "$1") >"$work/err"; }

# Holds a lock in the results database while it is wanted, until several sessions wait.
hold() { # STATEMENT
    coproc HOLDER { "$psql" -XqAt "$central" -f - 2>&1; }
    holder=$HOLDER_PID
    echo "BEGIN; $1; SELECT 'held';" >&"${HOLDER[1]}"
    read -r -u "${HOLDER[0]}" _
}
release() {
    echo 'COMMIT;' >&"${HOLDER[1]}"
    eval "exec ${HOLDER[1]}>&-"
    wait "$holder"
}
waiting() { # NUMBER of sessions
    local i
    for ((i = 0; i < 200; i++)); do
        [ "$(results -c "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'dbperf'")" -lt "$1" ] || return 0
        sleep 0.05
    done
    return 1
}

# --- how it begins ---
measure first
dbperf push --run first
failed_with "no results database" 2 'no results database is named' '--results-db'
dbperf push --run first --results-db "$central"
failed_with "a database that is none" 3 '"results" is no results database' 'push --init'
dbperf push --init --results-db "$server"
failed_with "a database with the extension" 3 '"postgres" has the extension dbperf' 'another'
dbperf push --init --results-db "$(as ci)"
failed_with "a role that may not make it" 3 'may not make a results database of "results"' 'owner'
dbperf push --init --results-db "$own"
ok "made by an owner who is no superuser" eval 'ended_with 0 && said "is ready"'
dbperf push --init --results-db "$central"
ok "made" eval 'ended_with 0 && said "is ready"'
dbperf push --init --results-db "$central"
ok "made again" eval 'ended_with 0 && said "already"'
ok "no module and no extension there" eval '[ -z "$(results -c "SHOW shared_preload_libraries")" ] && [ "$(results -c "SELECT count(*) FROM pg_extension WHERE extname = '\''dbperf'\''")" = 0 ]'

# --- sent, complete, once ---
# Every table with rows, also those that this small run leaves empty.
sql -c "INSERT INTO dbperf.deadlock (project, run_id, happened_at, database, members, victim_pid, closed_by_pid, detection_ms, lost_ms,
        lost_rows, lost_wal_bytes, incomplete) SELECT project, run_id, finished_at, 'd', 2, 1, 2, 1, 1, 0, 0, false FROM dbperf.run;
    INSERT INTO dbperf.deadlock_member SELECT project, run_id, 1, p, p, 'r', '', 3 - p, 'row (1,1)', NULL, 1, 1, 0, 0, 0, false
        FROM dbperf.run, generate_series(1, 2) p;
    INSERT INTO dbperf.deadlock_step SELECT project, run_id, 1, 1, 1, 0, NULL, 'UPDATE item', 'item', 'FOR UPDATE', 'id=1', 0, 1, 1, 2.5,
        NULL, 'exact', true, false, '{}' FROM dbperf.run;
    INSERT INTO dbperf.deadlock_bystander SELECT project, run_id, 1, 9, 1, 'row (1,1)', NULL, 7 FROM dbperf.run;
    INSERT INTO dbperf.lock_cycle SELECT project, run_id, 'd', 1, 'proven', 'predicted', NULL, 2, 'a cycle', '[]', '[]',
        '[{\"values\": [\"secret\"]}]' FROM dbperf.run;
    INSERT INTO dbperf.interleaved_times SELECT project, run_id, run_id, 'by_id', '{0.1,0.30000000000000004}', '{1e-5,2}', NULL, NULL, NULL FROM dbperf.run;
    INSERT INTO dbperf.query_outcome SELECT project, run_id, run_id, 'by_id', NULL, 'it is \"quoted\" \\ and ünïcode' FROM dbperf.run;
    INSERT INTO dbperf.lock_trace SELECT project, run_id, 'd', 1, 1, decode('00ff', 'hex') FROM dbperf.run;
    INSERT INTO dbperf.n_plus_one_finding SELECT project, run_id, 'd', 'r', '', 'n_plus_one', 1, 0, 'likely', 'id', NULL, NULL, NULL, 9, 9, 1, 9, 9,
        9, 1, 1, 1, NULL, NULL, '{-9223372036854775808,9223372036854775807}', finished_at FROM dbperf.run;
    INSERT INTO dbperf.unit SELECT project, run_id, -9223372036854775808, 'it is ünïcode', 3, 9223372036854775807, 1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 0.30000000000000004,
        1e-5, 2, 3, 4, 0, 1, 2, finished_at FROM dbperf.run"
# What has no row yet gets one of any values.
sql -f - <<'SQL'
DO $$
DECLARE
    target record;
    has_rows boolean;
BEGIN
    FOR target IN
        SELECT c.oid::regclass AS relation, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns,
               string_agg(CASE WHEN a.attname IN ('project', 'run_id') THEN 'r.' || a.attname
                               WHEN t.typcategory = 'A' OR t.typname = 'jsonb' THEN $q$'{}'$q$ WHEN t.typcategory = 'B' THEN 'true'
                               WHEN t.typcategory = 'N' THEN '7' WHEN t.typcategory = 'D' THEN 'now()' WHEN t.typname = 'uuid' THEN 'gen_random_uuid()'
                               ELSE $q$'any'$q$ END, ', ' ORDER BY a.attnum) AS filling
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid
         WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind = 'r'
         GROUP BY c.oid HAVING bool_or(a.attname = 'run_id')
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', target.relation) INTO has_rows;
        IF NOT has_rows THEN
            EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM dbperf.run r LIMIT 1', target.relation, target.columns, target.filling);
        END IF;
    END LOOP;
END $$
SQL
dbperf push --run first --results-db "$central"
ok "sent" eval 'ended_with 0 && said "^sent run first: [0-9]+ new rows$"'
ok "every row of every table, to the last digit" same first
# What was kept of transactions for a replay, values included, stays on its server.
ok "no table is left out but the kept transactions" [ "$(there first | cut -d'|' -f1 | uniq | wc -l)" = "$(results -c "SELECT count(*) FROM dbperf.partitioned WHERE relation <> 'lock_trace'")" ]
ok "kept parameters are not sent" eval '! arrived first | grep -q secret'
dbperf push --run first --results-db "$central" --format json
ok "sent again: nothing to do" eval 'ended_with 0 && said "\"complete_before\": 1"'
ok "and nothing done" same first

# --- two runners at once, in a month that nobody had yet ---
twice() { # LABEL LOCK: two senders that wait for it go on at the same moment
    hold "$2"
    "$DBPERF" push --run "$1" --results-db "$central" >"$work/a" 2>&1 </dev/null &
    local a=$!
    "$DBPERF" push --run "$1" --results-db "$central" >"$work/b" 2>&1 </dev/null &
    local b=$!
    waiting 2
    local both_waited=$?
    release
    wait $a && wait $b && [ $both_waited = 0 ]
}
measure partitions
sql -c "UPDATE dbperf.run SET started_at = '2020-02-15 12:00+00' WHERE label = 'partitions'"
ok "partitions: both wait, both succeed" twice partitions 'LOCK TABLE dbperf.deadlock IN SHARE UPDATE EXCLUSIVE MODE'
ok "partitions: each row once" same partitions
ok "partitions: made once" [ "$(results -c "SELECT count(*) FROM pg_class WHERE relname LIKE 'statement\_2020\_%' AND relkind = 'r'")" = 1 ]
measure twice
for table in query_text statement plan_node run; do
    ok "$table: both wait, both succeed" twice twice "LOCK TABLE dbperf.$table IN SHARE MODE"
    ok "$table: each row once" same twice
    ok "$table: no error" eval '! grep -q dbperf: "$work/a" "$work/b"'
    results -c "SELECT string_agg(format('DELETE FROM dbperf.%I WHERE run_id = %L', relation, '$(sql -c "SELECT dbperf.find_run('twice')")'), ';')
                  FROM dbperf.partitioned" | results -f -
    results -c 'DELETE FROM dbperf.query_text'
done

# --- interrupted in the middle ---
measure broken
hold 'LOCK TABLE dbperf.plan_node IN SHARE MODE'
interrupt_when TERM 'waiting 1' push --run broken --results-db "$central"
ok "interrupted: exit 130" ended_with 130
broken=$(sql -c "SELECT dbperf.find_run('broken')")
ok "some of it is there" [ "$(results -c "SELECT count(*) FROM dbperf.statement WHERE run_id = '$broken'")" -gt 0 ]
ok "but no run, and no view shows it" [ "$(results -c "SELECT (SELECT count(*) FROM dbperf.runs WHERE run_id = '$broken')
    + (SELECT count(*) FROM dbperf.statements WHERE run_id = '$broken') + (SELECT count(*) FROM dbperf.plans WHERE run_id = '$broken')")" = 0 ]
release
dbperf push --run broken --results-db "$central"
ok "sent again: complete" eval 'ended_with 0 && same broken'

# --- as part of run and check ---
export DBPERF_RESULTS_DATABASE_URL=$central
dbperf run --label ran -- "$psql" -XqAt "$server" -c "$queries"
ok "run sends" eval 'ended_with 0 && said "^sent run ran: " && same ran'
dbperf run --label sized --scale 1,2 -- "$psql" -XqAt "$server" -c "$queries"
ok "all sizes of a run" eval 'said "^sent run sized@1: " && said "^sent run sized@2: "'
dbperf check --format json -- "$psql" -XqAt "$server" -c "$queries"
ok "check sends, and a JSON answer stays one" eval 'ended_with 0 && complained "^sent run run-" && did_not_say "sent run"'
dbperf run --label kept --results-db "${central/port=5432/port=5431}" -- "$psql" -XqAt "$server" -c "$queries"
failed_with "nobody there" 3 'the results were not sent: the results database: cannot connect' 'push --run kept'
dbperf push --run kept
ok "nothing is lost" eval 'ended_with 0 && same kept'
dbperf run --label failed --results-db "${central/port=5432/port=5431}" -- sh -c 'exit 7'
ok "a command's own status stands above" ended_with 7
unset DBPERF_RESULTS_DATABASE_URL

# --- who may, and which version ---
measure roles
dbperf push --run roles --results-db "$(as ci)"
failed_with "a role without rights" 3 'may not send to the results database "results"' 'allow_pushing'
results -c "SELECT dbperf.allow_pushing('ci'), dbperf.allow_reading('viewer')" >/dev/null
dbperf push --run roles --results-db "$(as ci)"
ok "a sender's rights are enough" eval 'ended_with 0 && same roles'
ok "they are rights to nothing else" eval '! "$psql" -XqAt "$(as ci)" -c "SELECT * FROM dbperf.run" >/dev/null 2>&1 && ! "$psql" -XqAt "$(as ci)" -c "DELETE FROM dbperf.run_2020_02" >/dev/null 2>&1 && ! "$psql" -XqAt "$(as ci)" -c "SELECT dbperf.prune('\''1 day'\'')" >/dev/null 2>&1'
may() { "$psql" -XqAt -v ON_ERROR_STOP=1 "$(as "${2:-ci}")" -c "$1" >"$work/out" 2>"$work/err"; } # STATEMENT [ROLE]
may_not() { ! may "$2" "${3:-ci}" && complained "$1"; }                                          # COMPLAINT STATEMENT [ROLE]
begin() { echo "SELECT dbperf.runs_to_send('[{\"project\": \"$1\", \"run_id\": \"$2\", \"started_at\": \"$3\"}]')"; } # PROJECT RUN TIME
text_of() { echo "SELECT dbperf.store_rows('query_text', '[$1]')"; }
finding() { # PROJECT RUN TIME
    echo "SELECT dbperf.store_rows('finding', '[{\"project\": \"$1\", \"run_id\": \"$2\", \"run_started_at\": \"$3\", \"number\": 99, \"kind\": \"deadlock\", \"severity\": \"error\", \"gate\": true, \"reason\": \"spoofed\"}]')"
}
relations() { results -c 'SELECT count(*) FROM pg_class'; }
texts() { results -c 'SELECT count(*) FROM dbperf.query_text WHERE fingerprint = 42'; }
now=$(results -c "SELECT date_trunc('day', now())") new=11111111-1111-4111-8111-111111111111
mine='{"project": "", "fingerprint": 42, "query": "SELECT 1"}' theirs='{"project": "shop", "fingerprint": 42, "query": "SELECT lies"}'
before=$(relations)
ok "a project of others: no run" may_not 'may not send runs of the project "shop"' "$(begin shop $new "$now")"
ok "a project of others: no text" may_not 'may not send runs of the project "shop"' "$(text_of "$theirs")"
ok "nor beside one of its own" may_not 'may not send runs of the project "shop"' "$(text_of "$mine, $theirs")"
ok "no project at all" may_not 'may not send runs of the project "null"' "$(text_of '{"fingerprint": 42, "query": "SELECT lies"}')"
first_run=$(sql -c "SELECT run_id || ' ' || started_at FROM dbperf.run WHERE label = 'first'")
ok "a run that is complete: nothing is added" eval 'may "$(finding "" "${first_run%% *}" "${first_run#* }")" && [ "$(cat "$work/out")" = 0 ] && same first'
ok "a run that it did not begin to send" may_not 'did not begin to send the run' "$(finding '' $new "$now")"
ok "it begins to send it" may "$(begin '' $new "$now")"
ok "then it may" may "$(finding '' $new "$now")"
ok "but not as one of another time" may_not 'did not begin to send the run' "$(finding '' $new '2020-02-15')"
results -c "CREATE ROLE other_ci LOGIN" -c "SELECT dbperf.allow_pushing('other_ci')" >/dev/null
ok "nor may another role begin it" may_not 'another role began to send the run' "$(begin '' $new "$now")" other_ci
ok "or go on with it" may_not 'did not begin to send the run' "$(finding '' $new "$now")" other_ci
for month in 0100-01-01 2019-05-01 2999-01-01; do
    ok "no partitions for $month" may_not 'a sender makes none' "$(begin '' $new "$month 00:00+00")"
done
ok "none of it left anything" eval '[ "$(relations)" = "$before" ] && [ "$(texts)" = 0 ]'
results -c "SELECT dbperf.make_partitions('2019-05-01 00:00+00')" >/dev/null
ok "where the owner made some it may send" may "$(begin '' $new '2019-05-01 00:00+00')"
results -c "SELECT dbperf.allow_pushing('ci', 'shop')" >/dev/null
ok "another project, when the owner says so" may "$(text_of "$theirs")"
may "$(text_of "$mine")"
results -c "SELECT dbperf.prune('100 years')" >/dev/null
ok "nothing refers to both: that of the project that is being sent stays" [ "$(texts)" = 1 ]
results -c 'DELETE FROM dbperf.push' -c "DELETE FROM dbperf.finding WHERE reason = 'spoofed'" -c "SELECT dbperf.prune('100 years')" >/dev/null
ok "when nothing is being sent, what nothing refers to goes" eval '[ "$(texts)" = 0 ] && same first'
results -c 'DELETE FROM dbperf.pusher WHERE role::text = $$ci$$'
ok "a role that the owner took back may no more" may_not 'may not send runs' "$(begin '' $new "$now")"
dbperf push --all --results-db "$(as viewer)"
failed_with "who only reads cannot send" 3 'permission denied' 'allow_pushing'
results -c 'CREATE OR REPLACE FUNCTION dbperf.results_version() RETURNS integer LANGUAGE sql IMMUTABLE RETURN 7'
dbperf push --run roles --results-db "$central"
failed_with "another version" 3 'has version 7, this program needs 1' 'use the program'
results -c 'CREATE OR REPLACE FUNCTION dbperf.results_version() RETURNS integer LANGUAGE sql IMMUTABLE RETURN 1'
"$psql" -XqAt "$own" -c 'ALTER TABLE dbperf.statement RENAME COLUMN calls TO number'
dbperf push --run roles --results-db "$own"
failed_with "tables of another version" 3 'statement" of the results database has no column "calls"' 'push --init'
dbperf push --run nowhere --results-db "$central"
failed_with "no such run" 3 'no finished run with the label "nowhere"'

# --- a collector of several servers ---
measure first on_other
dbperf collect --results-db "$central" --from "$server" --from 'host=/nowhere dbname=x' --from "$other"
ok "one server is away: exit 3, and says which" eval 'ended_with 3 && complained "^dbperf: warning: server 2: cannot connect"'
ok "the others are collected" eval 'said "^sent run twice of server 1: " && said "^sent run first of server 3: "'
dbperf collect --results-db "$central" --from "$server" --from "$other"
ok "again: nothing to send" eval 'ended_with 0 && [ "$(grep -c "nothing to send" "$work/out")" = 2 ]'
ok "labels may be those of others" [ "$(results -c "SELECT string_agg(project, '|' ORDER BY project) FROM dbperf.runs WHERE label = 'first'")" = '|billing' ]
measure later on_other
more_once_later_is_there() { grep -q 'sent run later' "$work/out" && [ ! -e "$work/more" ] && touch "$work/more" && measure after on_other; }
interrupt_when TERM "grep -q 'sent run after' '$work/out' || { more_once_later_is_there; false; }" \
    collect --interval 1 --results-db "$central" --from "$other"
ok "again and again, until stopped: exit 0" eval 'ended_with 0 && said "^sent run later of server 1" && said "^sent run after of server 1"'

# --- what there is to see, as a role that only reads ---
seen() { "$psql" -XqAt "$(as viewer)" "$@"; }
ok "every view can be read" eval 'seen -c "SELECT format('\''SELECT count(*) >= 0 FROM dbperf.%I;'\'', viewname) FROM pg_views WHERE schemaname = '\''dbperf'\''" | seen -v ON_ERROR_STOP=1 -f - >"$work/out" 2>"$work/err" && [ "$(sort -u "$work/out")" = t ]'
ok "histograms of all runs and runners together" [ "$(seen -c "SELECT sum(q.calls) = sum(s.calls) AND sum(q.calls) = sum(h.counted) AND bool_and(q.p95_ms > 0)
    FROM dbperf.query_days q
    CROSS JOIN LATERAL (SELECT sum(q.histogram[i]) AS counted FROM generate_series(2, cardinality(q.histogram), 2) i) h
    CROSS JOIN LATERAL (SELECT sum(s.calls) AS calls FROM dbperf.statement s JOIN dbperf.run r USING (project, run_id)
        WHERE r.project = q.project AND (r.started_at AT TIME ZONE 'UTC')::date = q.day AND s.query_name = q.query AND s.top_level) s
    WHERE q.query = 'by_id'")" = t ]
dbperf report --query by_id --results-db "$(as viewer)"
ok "history of the project without a name" eval 'ended_with 0 && said "twice" && did_not_say "later"'
dbperf report --query by_id --project billing --results-db "$(as viewer)"
ok "history there" eval 'ended_with 0 && said "later" && did_not_say "twice"'
dbperf report --since '1 day' --project nothing --results-db "$(as viewer)"
failed_with "a project without runs" 3 'no runs of the project "nothing"' 'dbperf.projects'
dbperf report --run first --results-db "$central"
failed_with "a single run there" 2 'goes together with --since'

# --- partitions on another server ---
on_other -c 'CREATE DATABASE shard' >/dev/null
shard=${other/dbname=postgres/dbname=shard}
dbperf push --init --results-db "$shard"
"$psql" -XqAt "$shard" -c "SELECT dbperf.make_partitions('2020-01-01 00:00+00')" >/dev/null
host=$(sed 's/.*host=\([^ ]*\).*/\1/' <<<"$other") port=$(sed 's/.*port=\([^ ]*\).*/\1/' <<<"$other")
results -c "CREATE EXTENSION postgres_fdw; CREATE SERVER shard FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'shard');
    CREATE USER MAPPING FOR PUBLIC SERVER shard OPTIONS (user 'postgres', password_required 'false');
    SELECT dbperf.use_server('shard', '2020-01-01 00:00+00', '2020-02-01 00:00+00')" >/dev/null
measure old
sql -c "UPDATE dbperf.run SET started_at = '2020-01-31 23:59:59.999999+00' WHERE label = 'old'"
ok "two at once through the foreign partitions" twice old 'LOCK TABLE dbperf.query_text IN SHARE MODE'
ok "each row once, seen from here" same old
ok "they are on the other server" [ "$("$psql" -XqAt "$shard" -c 'SELECT count(*) FROM dbperf.statement')" = "$(there old | grep -c ^statement)" ]
ok "the month after is here" [ "$(results -c "SELECT tableoid::regclass FROM dbperf.run WHERE label = 'partitions'")" = dbperf.run_2020_02 ]
ok "views take both together" [ "$(seen -c "SELECT count(DISTINCT run) FROM dbperf.statements WHERE run IN ('old', 'partitions')")" = 2 ]
results -c "SELECT dbperf.prune('1 year')" >/dev/null
ok "prune drops what is old and here" [ "$(results -c "SELECT string_agg(label, ' ' ORDER BY label) FROM dbperf.runs WHERE label IN ('partitions', 'old', 'first') AND project = ''")" = 'first old' ]

results -c "UPDATE dbperf.run SET project = 'shop' WHERE project = ''"
dbperf report --query by_id --results-db "$central"
failed_with "several projects" 2 'several projects' '--project'

# --- on a server that has loaded dbperf, where a session cannot set dbperf.project ---
sql -c 'CREATE DATABASE loaded' >/dev/null
loaded=${server/dbname=postgres/dbname=loaded}
dbperf push --init --results-db "$loaded"
dbperf push --run first --results-db "$loaded"
dbperf report --since '1 day' --results-db "$loaded"
ok "history of the only project, the one without a name" eval 'ended_with 0 && silent && said "^  by_id +[0-9]"'
dbperf report --since '1 day' --results-db "$loaded" --project ''
ok "named as such" eval 'ended_with 0 && silent && said "^  by_id +[0-9]"'
"$psql" -XqAt "$loaded" -c "SELECT format('UPDATE dbperf.%I SET project = ''shop'';', relname) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'project'
    WHERE relnamespace = 'dbperf'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition" | "$psql" -XqAt "$loaded" -f - >"$work/out" 2>&1
dbperf report --since '1 day' --results-db "$loaded"
failed_with "the only project, not the server's own" 3 'project "shop" cannot be read.* has loaded dbperf' 'dbperf.project = '
dbperf report --since '1 day' --results-db "$loaded" --project shop
failed_with "the same, named" 3 'project "shop" cannot be read.* has loaded dbperf' 'dbperf.project = '
sql -c "ALTER SYSTEM SET dbperf.project = 'shop'" -c 'SELECT pg_reload_conf()' >/dev/null
sleep 0.5
dbperf report --since '1 day' --results-db "$loaded" --project shop
ok "as the hint says" eval 'ended_with 0 && silent && said "^  by_id +[0-9]"'

done_testing
