-- Deadlocks that happened: their members, what each transaction had done, and who waited behind them.

CREATE TABLE dbperf.deadlock (
    project text NOT NULL,
    run_id uuid NOT NULL,
    deadlock_id bigint GENERATED ALWAYS AS IDENTITY,
    happened_at timestamptz NOT NULL,
    database text NOT NULL,
    members integer NOT NULL,
    victim_pid integer NOT NULL,
    closed_by_pid integer NOT NULL, -- the member that was the last to wait
    detection_ms float8 NOT NULL,   -- from the closing of the cycle until the victim's error
    lost_ms float8 NOT NULL,        -- of the victim, since the first statement of its transaction
    lost_rows bigint NOT NULL,      -- written by the victim
    lost_wal_bytes bigint NOT NULL,
    incomplete boolean NOT NULL,    -- something of a member is not known
    PRIMARY KEY (project, run_id, deadlock_id)
);
COMMENT ON TABLE dbperf.deadlock IS 'internal: stored deadlocks; read dbperf.deadlocks';
CREATE INDEX deadlock_number ON dbperf.deadlock (deadlock_id);

CREATE TABLE dbperf.deadlock_member (
    project text NOT NULL,
    run_id uuid NOT NULL,
    deadlock_id bigint NOT NULL,
    position integer NOT NULL, -- each waits for the next, the last for the first
    pid integer NOT NULL,
    role text NOT NULL,
    application_name text NOT NULL,
    blocked_by integer NOT NULL,
    waits_for text NOT NULL,
    wait_mode text,
    waited_ms float8 NOT NULL,
    lasted_ms float8,               -- its transaction, since its first statement; null: not known
    rows bigint NOT NULL,           -- written by statements that ended
    steps integer NOT NULL,
    dropped_steps integer NOT NULL, -- the oldest, beyond dbperf.max_trail
    kept_by_prepared boolean NOT NULL, -- what it waits for is locked by a prepared transaction as well
    PRIMARY KEY (project, run_id, deadlock_id, position)
);
COMMENT ON TABLE dbperf.deadlock_member IS 'internal: read dbperf.deadlock_members';

CREATE TABLE dbperf.deadlock_step (
    project text NOT NULL,
    run_id uuid NOT NULL,
    deadlock_id bigint NOT NULL,
    pid integer NOT NULL,
    step integer NOT NULL,
    level integer NOT NULL,    -- 0: sent by the client
    fingerprint bigint,
    query text,                -- only of a statement without a fingerprint
    relation text,
    mode text,
    row_key text,
    start_ms float8,
    elapsed_ms float8,
    rows bigint,
    waited_ms float8,
    blocks_pid integer,
    evidence text,
    closed_cycle boolean NOT NULL,
    released boolean NOT NULL,
    locks text[] NOT NULL,
    PRIMARY KEY (project, run_id, deadlock_id, pid, step)
);
COMMENT ON TABLE dbperf.deadlock_step IS 'internal: read dbperf.deadlock_steps';

CREATE TABLE dbperf.deadlock_bystander (
    project text NOT NULL,
    run_id uuid NOT NULL,
    deadlock_id bigint NOT NULL,
    pid integer NOT NULL,
    blocked_by integer NOT NULL,
    waits_for text NOT NULL,
    wait_mode text,
    waited_ms float8 NOT NULL,
    PRIMARY KEY (project, run_id, deadlock_id, pid)
);
COMMENT ON TABLE dbperf.deadlock_bystander IS 'internal: read dbperf.deadlock_bystanders';

CREATE VIEW dbperf.deadlock_steps AS
SELECT s.deadlock_id, s.pid, s.step, COALESCE(s.query, t.query) AS query, s.relation, s.mode, s.row_key, s.waited_ms,
       s.blocks_pid, s.evidence, s.closed_cycle, s.pid = d.victim_pid AS victim, s.released, s.level, s.locks, s.start_ms,
       s.elapsed_ms, s.rows, m.position AS member, s.fingerprint, r.label AS run, NULLIF(s.run_id, '00000000-0000-0000-0000-000000000000') AS run_id
  FROM dbperf.deadlock_step s
  JOIN dbperf.deadlock d USING (project, run_id, deadlock_id)
  JOIN dbperf.deadlock_member m USING (project, run_id, deadlock_id, pid)
  LEFT JOIN dbperf.query_text t USING (project, fingerprint)
  LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.deadlock_steps IS
    'what the members of deadlocks did, in order; one row a statement, with the lock that matters: the one it waits for (waited_ms), or the one that session blocks_pid waits for';
COMMENT ON COLUMN dbperf.deadlock_steps.deadlock_id IS 'the deadlock, as in dbperf.deadlocks';
COMMENT ON COLUMN dbperf.deadlock_steps.pid IS 'process id of the session';
COMMENT ON COLUMN dbperf.deadlock_steps.step IS 'number of the statement in its transaction, from 1';
COMMENT ON COLUMN dbperf.deadlock_steps.query IS 'normalised text of the statement; null: not known';
COMMENT ON COLUMN dbperf.deadlock_steps.relation IS 'relation of the lock that matters; null: not known';
COMMENT ON COLUMN dbperf.deadlock_steps.mode IS 'mode of that lock: of a table, or FOR UPDATE, INSERT and the like of a row';
COMMENT ON COLUMN dbperf.deadlock_steps.row_key IS 'row of that lock, as column=value or ctid=(block,line); null: several rows or none';
COMMENT ON COLUMN dbperf.deadlock_steps.waited_ms IS 'how long the statement waited for that lock, ms; null: it did not';
COMMENT ON COLUMN dbperf.deadlock_steps.blocks_pid IS 'process id of the member that waits for that lock; null: none';
COMMENT ON COLUMN dbperf.deadlock_steps.evidence IS 'exact: this statement took the lock; likely: no other that is known could; null: blocks nobody';
COMMENT ON COLUMN dbperf.deadlock_steps.closed_cycle IS 'its wait closed the cycle';
COMMENT ON COLUMN dbperf.deadlock_steps.victim IS 'the session was cancelled';
COMMENT ON COLUMN dbperf.deadlock_steps.released IS 'a rollback to a savepoint gave its locks back';
COMMENT ON COLUMN dbperf.deadlock_steps.level IS '0: sent by the client; more: executed inside another statement';
COMMENT ON COLUMN dbperf.deadlock_steps.locks IS 'every lock the statement took that is known';
COMMENT ON COLUMN dbperf.deadlock_steps.start_ms IS 'when it began, since the oldest statement of the transaction that is known, ms; null: not known';
COMMENT ON COLUMN dbperf.deadlock_steps.elapsed_ms IS 'how long it took, ms; null: it had not ended, or not known';
COMMENT ON COLUMN dbperf.deadlock_steps.rows IS 'rows it wrote; null: it had not ended, or not known';
COMMENT ON COLUMN dbperf.deadlock_steps.member IS 'position of the session in the cycle, as in dbperf.deadlock_members';
COMMENT ON COLUMN dbperf.deadlock_steps.fingerprint IS 'identity of the statement; null: it has none';
COMMENT ON COLUMN dbperf.deadlock_steps.run IS 'label of the run; null: outside runs';
COMMENT ON COLUMN dbperf.deadlock_steps.run_id IS 'id of the run; null: outside runs';

CREATE VIEW dbperf.deadlock_members AS
SELECT m.deadlock_id, m.position AS member, m.pid, m.pid = d.victim_pid AS victim, m.role, m.application_name, m.blocked_by,
       m.waits_for, m.wait_mode, m.waited_ms, m.lasted_ms, m.rows, m.steps, m.dropped_steps, m.kept_by_prepared, r.label AS run, NULLIF(m.run_id, '00000000-0000-0000-0000-000000000000') AS run_id
  FROM dbperf.deadlock_member m
  JOIN dbperf.deadlock d USING (project, run_id, deadlock_id)
  LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.deadlock_members IS 'sessions that were in deadlocks: each waits for the next, the last for the first';
COMMENT ON COLUMN dbperf.deadlock_members.deadlock_id IS 'the deadlock, as in dbperf.deadlocks';
COMMENT ON COLUMN dbperf.deadlock_members.member IS 'position in the cycle, from 1; each waits for the next, the last for the first';
COMMENT ON COLUMN dbperf.deadlock_members.pid IS 'process id of the session';
COMMENT ON COLUMN dbperf.deadlock_members.victim IS 'it was cancelled';
COMMENT ON COLUMN dbperf.deadlock_members.role IS 'role of the session';
COMMENT ON COLUMN dbperf.deadlock_members.application_name IS 'application_name of the session';
COMMENT ON COLUMN dbperf.deadlock_members.blocked_by IS 'process id of the session it waited for';
COMMENT ON COLUMN dbperf.deadlock_members.waits_for IS 'what it waited for, in words';
COMMENT ON COLUMN dbperf.deadlock_members.wait_mode IS 'lock mode it waited for; null: not known';
COMMENT ON COLUMN dbperf.deadlock_members.waited_ms IS 'how long it had waited, ms';
COMMENT ON COLUMN dbperf.deadlock_members.lasted_ms IS 'its transaction, since its first statement, ms; null: not known';
COMMENT ON COLUMN dbperf.deadlock_members.rows IS 'rows written by statements that had ended';
COMMENT ON COLUMN dbperf.deadlock_members.steps IS 'statements of its transaction';
COMMENT ON COLUMN dbperf.deadlock_members.dropped_steps IS 'its oldest locks, beyond dbperf.max_trail, that are not known any more';
COMMENT ON COLUMN dbperf.deadlock_members.kept_by_prepared IS 'what it waits for is locked by a prepared transaction as well';
COMMENT ON COLUMN dbperf.deadlock_members.run IS 'label of the run; null: outside runs';
COMMENT ON COLUMN dbperf.deadlock_members.run_id IS 'id of the run; null: outside runs';

CREATE VIEW dbperf.deadlock_bystanders AS
SELECT b.deadlock_id, b.pid, b.blocked_by, b.waits_for, b.wait_mode, b.waited_ms, r.label AS run, NULLIF(b.run_id, '00000000-0000-0000-0000-000000000000') AS run_id
  FROM dbperf.deadlock_bystander b
  LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.deadlock_bystanders IS 'sessions that waited behind deadlocks without being in them';
COMMENT ON COLUMN dbperf.deadlock_bystanders.deadlock_id IS 'the deadlock, as in dbperf.deadlocks';
COMMENT ON COLUMN dbperf.deadlock_bystanders.pid IS 'process id of the session that waited';
COMMENT ON COLUMN dbperf.deadlock_bystanders.blocked_by IS 'process id of the session it waited for';
COMMENT ON COLUMN dbperf.deadlock_bystanders.waits_for IS 'what it waited for, in words';
COMMENT ON COLUMN dbperf.deadlock_bystanders.wait_mode IS 'lock mode it waited for; null: not known';
COMMENT ON COLUMN dbperf.deadlock_bystanders.waited_ms IS 'how long it had waited when the victim was cancelled, ms';
COMMENT ON COLUMN dbperf.deadlock_bystanders.run IS 'label of the run; null: outside runs';
COMMENT ON COLUMN dbperf.deadlock_bystanders.run_id IS 'id of the run; null: outside runs';

-- What sort of deadlock it is, which decides the advice: waits_for_all, advisory_locks, table_locks, lock_upgrade, unique_keys, scan_order or row_order.
-- Who stands in line for one row waits for its turn, which is no scan.
CREATE FUNCTION dbperf.deadlock_kind(deadlock_id bigint) RETURNS text
LANGUAGE sql STABLE STRICT
BEGIN ATOMIC
    WITH waits AS (
        SELECT w.pid, w.relation, w.row_key, w.mode, m.waits_for, b.relation AS held_relation, b.row_key AS held_key,
               b.mode AS held_mode, b.evidence
          FROM dbperf.deadlock_steps w
          JOIN dbperf.deadlock_members m ON m.deadlock_id = w.deadlock_id AND m.pid = w.pid
          LEFT JOIN dbperf.deadlock_steps b ON b.deadlock_id = w.deadlock_id AND b.blocks_pid = w.pid
         WHERE w.deadlock_id = deadlock_kind.deadlock_id AND w.waited_ms IS NOT NULL
    )
    SELECT CASE WHEN pg_catalog.bool_or(waits_for = 'end of a transaction, whatever it did') THEN 'waits_for_all'
                WHEN pg_catalog.bool_or(waits_for LIKE 'advisory lock %') THEN 'advisory_locks'
                WHEN pg_catalog.count(DISTINCT (relation, row_key)) = 1 AND pg_catalog.count(*) > 1
                     AND pg_catalog.bool_and(relation = held_relation AND row_key IS NOT DISTINCT FROM held_key AND mode <> held_mode)
                  THEN 'lock_upgrade'
                WHEN pg_catalog.bool_or(waits_for LIKE 'row (%') AND pg_catalog.bool_and(waits_for = 'end of a transaction' OR waits_for LIKE 'row (%')
                     AND pg_catalog.count(DISTINCT (relation, row_key)) = 1 AND pg_catalog.bool_and(row_key NOT LIKE 'ctid=%')
                  THEN 'lock_upgrade'
                WHEN pg_catalog.bool_or(waits_for <> 'end of a transaction' AND waits_for NOT LIKE 'row (%') THEN 'table_locks'
                WHEN pg_catalog.bool_and(mode = 'INSERT' OR held_mode = 'INSERT') THEN 'unique_keys'
                WHEN pg_catalog.bool_or(row_key IS NULL OR row_key LIKE 'ctid=%' OR evidence IS DISTINCT FROM 'exact') THEN 'scan_order'
                ELSE 'row_order' END
      FROM waits;
END;
COMMENT ON FUNCTION dbperf.deadlock_kind(bigint) IS
    'waits_for_all (a command waits for every older transaction), advisory_locks, table_locks, lock_upgrade, unique_keys, scan_order (several rows in one statement) or row_order; null for an unknown deadlock';

CREATE FUNCTION dbperf.deadlock_advice(kind text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE deadlock_advice.kind
        WHEN 'waits_for_all' THEN 'CREATE INDEX CONCURRENTLY and the like wait for all transactions that began before. A session that holds a lock meanwhile, such as the advisory lock of a migration tool, must not be waited for inside a transaction: take that lock with pg_try_advisory_lock() and try again, outside of transactions, or run the command without it.'
        WHEN 'advisory_locks' THEN 'Take advisory locks in one order, for example by number, or give up with pg_try_advisory_lock() when the second one is taken.'
        WHEN 'table_locks' THEN 'Take all table locks at the beginning of the transaction, in one order of the tables and the strongest mode first. Run DDL in a transaction of its own with lock_timeout set, so that it does not wait while it holds locks that readers need.'
        WHEN 'lock_upgrade' THEN 'Take the strongest lock first: a transaction that will change a row should not begin with a weaker lock of it (FOR SHARE, or the FOR KEY SHARE of a foreign key check). SELECT ... FOR NO KEY UPDATE at the beginning is enough for an UPDATE that leaves the key alone, and does not conflict with foreign key checks as FOR UPDATE does.'
        WHEN 'unique_keys' THEN 'Insert keys in one order: sort the rows of a batch by the unique key, also before INSERT ... ON CONFLICT, and insert them in one statement.'
        WHEN 'scan_order' THEN 'A statement on several rows locks them in the order its plan finds them. A sorted IN list does not change that: a bitmap scan goes by physical location. Lock the rows first with SELECT ... ORDER BY id FOR NO KEY UPDATE, then change them; sort the rows of a batch upsert by key.'
        WHEN 'row_order' THEN 'Lock rows in one order in all transactions: sort the ids before the first statement, or lock all rows at the beginning with SELECT ... ORDER BY id FOR NO KEY UPDATE.'
        END;
END;
COMMENT ON FUNCTION dbperf.deadlock_advice(text) IS
'what to do about a kind of deadlock, in a few sentences; null for an unknown kind';

CREATE VIEW dbperf.deadlocks AS
SELECT d.deadlock_id, r.label AS run, d.happened_at, d.database, d.members, d.victim_pid, k.kind, d.closed_by_pid, d.detection_ms,
       d.lost_ms, d.lost_rows, d.lost_wal_bytes,
       (SELECT pg_catalog.count(*) FROM dbperf.deadlock_bystander b
         WHERE (b.project, b.run_id, b.deadlock_id) = (d.project, d.run_id, d.deadlock_id)) AS bystanders,
       d.incomplete, dbperf.deadlock_advice(k.kind) AS advice, NULLIF(d.run_id, '00000000-0000-0000-0000-000000000000') AS run_id
  FROM dbperf.deadlock d
 CROSS JOIN LATERAL (SELECT dbperf.deadlock_kind(d.deadlock_id)) k(kind)
  LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.deadlocks IS
    'deadlocks that happened; times in milliseconds, lost_* is the work of the victim; dbperf.deadlock_report(deadlock_id) gives one as text';
COMMENT ON COLUMN dbperf.deadlocks.deadlock_id IS 'number of the deadlock in its results database';
COMMENT ON COLUMN dbperf.deadlocks.run IS 'label of the run; null: outside runs';
COMMENT ON COLUMN dbperf.deadlocks.happened_at IS 'when the victim was cancelled';
COMMENT ON COLUMN dbperf.deadlocks.database IS 'name of the database it happened in';
COMMENT ON COLUMN dbperf.deadlocks.members IS 'sessions in the cycle';
COMMENT ON COLUMN dbperf.deadlocks.victim_pid IS 'process id of the session that was cancelled';
COMMENT ON COLUMN dbperf.deadlocks.kind IS 'waits_for_all, advisory_locks, table_locks, lock_upgrade, unique_keys, scan_order or row_order';
COMMENT ON COLUMN dbperf.deadlocks.closed_by_pid IS 'process id of the member that was the last to wait';
COMMENT ON COLUMN dbperf.deadlocks.detection_ms IS 'from the closing of the cycle until the victim''s error, ms';
COMMENT ON COLUMN dbperf.deadlocks.lost_ms IS 'the victim''s time since the first statement of its transaction, ms';
COMMENT ON COLUMN dbperf.deadlocks.lost_rows IS 'rows that the victim had written';
COMMENT ON COLUMN dbperf.deadlocks.lost_wal_bytes IS 'bytes of WAL that the victim had written';
COMMENT ON COLUMN dbperf.deadlocks.bystanders IS 'sessions that waited behind it';
COMMENT ON COLUMN dbperf.deadlocks.incomplete IS 'something about a member is not known';
COMMENT ON COLUMN dbperf.deadlocks.advice IS 'how to avoid this kind of deadlock';
COMMENT ON COLUMN dbperf.deadlocks.run_id IS 'id of the run; null: outside runs';

-- Members are called A, B, C in the order of waiting.
CREATE FUNCTION dbperf.deadlock_report(deadlock_id bigint) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    d dbperf.deadlocks;
    m record;
    s record;
    report text;
    others record;
BEGIN
    SELECT * INTO d FROM dbperf.deadlocks v WHERE v.deadlock_id = deadlock_report.deadlock_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no deadlock %', deadlock_report.deadlock_id
            USING ERRCODE = 'undefined_object', HINT = 'SELECT deadlock_id FROM dbperf.deadlocks lists them; dbperf.flush() first stores those just observed.';
    END IF;
    report := format(E'deadlock %s in database %s at %s%s\n%s transactions waited for each other in a cycle: %s',
                     d.deadlock_id, d.database, date_trunc('second', d.happened_at), COALESCE(', run ' || d.run, ''), d.members,
                     replace(d.kind, '_', ' '));
    FOR m IN SELECT v.*, chr(64 + v.member) AS letter, chr(64 + v.member % d.members + 1) AS next
               FROM dbperf.deadlock_members v WHERE v.deadlock_id = d.deadlock_id ORDER BY v.member LOOP
        report := report || format(E'\n\n%s: session %s, role %s%s%s', m.letter, m.pid, m.role,
                                   COALESCE(', ' || NULLIF(m.application_name, ''), ''), CASE WHEN m.victim THEN ' (victim)' ELSE '' END);
        IF m.lasted_ms IS NULL THEN
            report := report || E'\n  (what it did before is not known)';
        ELSIF m.dropped_steps > 0 THEN
            report := report || format(E'\n  (incomplete: its first %s locks are not known)', m.dropped_steps);
        END IF;
        FOR s IN SELECT v.*, chr(64 + w.member) AS waiter
                   FROM dbperf.deadlock_steps v
                   LEFT JOIN dbperf.deadlock_members w ON w.deadlock_id = v.deadlock_id AND w.pid = v.blocks_pid
                  WHERE v.deadlock_id = d.deadlock_id AND v.pid = m.pid ORDER BY v.step LOOP
            report := report || format(E'\n  %s%s. %s', repeat('  ', s.level), s.step,
                                       COALESCE(regexp_replace(s.query, '\s+', ' ', 'g'), '(text no longer known)'));
            IF s.released THEN
                report := report || E'\n       rolled back to a savepoint; its locks were given back';
            END IF;
            IF s.blocks_pid IS NOT NULL THEN
                report := report || CASE WHEN s.waited_ms IS NULL
                    THEN format(E'\n       locked %s%s%s: %s%s waits for it', s.relation, COALESCE(' (' || s.row_key || ')', ''),
                                COALESCE(' ' || s.mode, ''), CASE s.evidence WHEN 'likely' THEN 'likely ' ELSE '' END, s.waiter)
                    ELSE format(E'\n       holds what %s waits for', s.waiter) END;
            END IF;
            IF s.waited_ms IS NOT NULL THEN
                report := report || format(E'\n       waits for %s%s%s, held by %s; %s ms%s', COALESCE(s.relation, 'the end of a transaction'),
                                           COALESCE(' (' || s.row_key || ')', ''), COALESCE(' ' || s.mode, ''), m.next,
                                           round(s.waited_ms::numeric), concat(CASE WHEN m.kept_by_prepared THEN '; a prepared transaction holds it, too' END,
                                                  CASE WHEN s.closed_cycle THEN '; this closed the wait cycle' END));
            END IF;
        END LOOP;
    END LOOP;
    report := report || format(E'\n\ncost: detected %s ms after the wait cycle was closed; the victim lost %s ms of work, %s rows, %s bytes of WAL',
                               round(d.detection_ms::numeric), round(d.lost_ms::numeric), d.lost_rows, d.lost_wal_bytes);
    SELECT count(*) AS number, max(b.waited_ms) AS longest INTO others FROM dbperf.deadlock_bystanders b WHERE b.deadlock_id = d.deadlock_id;
    IF others.number > 0 THEN
        report := report || format(E'\nbehind it waited %s other sessions, the longest %s ms', others.number, round(others.longest::numeric));
    END IF;
    RETURN report || E'\nadvice: ' || COALESCE(d.advice, '-');
END
$$;
COMMENT ON FUNCTION dbperf.deadlock_report(bigint) IS
    'one deadlock as text to paste into a ticket: what every member did, who waited for what, what it cost, what to do; an unknown id is an error';
