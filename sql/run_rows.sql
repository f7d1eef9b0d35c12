-- A run as rows for a results database of its own (sql/results), which has the same tables.

-- Numbers that are a sequence's here are other runs' numbers elsewhere: those that views take for a key become unique. Kept
-- parameters, also those of predicted deadlocks, stay on this server, and so does its log of DDL.
CREATE FUNCTION dbperf.run_rows(run_id uuid, OUT relation text, OUT content jsonb) RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH chosen AS MATERIALIZED (
        SELECT r.project, r.run_id, pg_catalog.jsonb_build_object('run_started_at', r.started_at) AS at
          FROM dbperf.run r WHERE r.run_id = run_rows.run_id AND r.finished_at IS NOT NULL
    ), met AS MATERIALIZED (
        SELECT c.*, d.deadlock_id, pg_catalog.jsonb_build_object(
                   'deadlock_id', pg_catalog.hashtextextended(pg_catalog.concat_ws(' ', d.run_id, d.deadlock_id), 0) & 9223372036854775807) || c.at AS keys
          FROM chosen c JOIN dbperf.deadlock d USING (project, run_id)
    ), text_of AS (
        SELECT s.project, s.fingerprint FROM chosen c JOIN dbperf.statement s USING (project, run_id)
        UNION
        SELECT p.project, p.fingerprint FROM chosen c JOIN dbperf.plan p USING (project, run_id)
        UNION
        SELECT n.project, k.fingerprint FROM chosen c JOIN dbperf.n_plus_one_finding n USING (project, run_id)
         CROSS JOIN LATERAL (VALUES (n.fingerprint), (n.parent_fingerprint)) k(fingerprint)
        UNION
        SELECT s.project, s.fingerprint FROM chosen c JOIN dbperf.deadlock_step s USING (project, run_id)
        UNION
        SELECT w.project, k.fingerprint FROM chosen c JOIN dbperf.lock_wait w USING (project, run_id)
         CROSS JOIN LATERAL (VALUES (w.fingerprint), (w.inner_fingerprint), (w.blocker_fingerprint), (w.head_fingerprint)) k(fingerprint)
    )
    SELECT 'query_text', pg_catalog.to_jsonb(t) FROM text_of f JOIN dbperf.query_text t USING (project, fingerprint)
    UNION ALL
    SELECT 'statement', pg_catalog.to_jsonb(s) || c.at FROM chosen c JOIN dbperf.statement s USING (project, run_id)
    UNION ALL
    SELECT 'plan', pg_catalog.to_jsonb(p) || c.at FROM chosen c JOIN dbperf.plan p USING (project, run_id)
    UNION ALL
    SELECT 'plan_node', pg_catalog.to_jsonb(n) || c.at FROM chosen c JOIN dbperf.plan_node n USING (project, run_id)
    UNION ALL
    SELECT 'schema_snapshot', pg_catalog.to_jsonb(s) || c.at FROM chosen c JOIN dbperf.schema_snapshot s USING (project, run_id)
    UNION ALL
    SELECT 'n_plus_one_finding', pg_catalog.to_jsonb(n) || c.at FROM chosen c JOIN dbperf.n_plus_one_finding n USING (project, run_id)
    UNION ALL
    SELECT 'unit', pg_catalog.to_jsonb(u) || c.at FROM chosen c JOIN dbperf.unit u USING (project, run_id)
    UNION ALL
    SELECT 'interleaved_times', pg_catalog.to_jsonb(i) || c.at FROM chosen c JOIN dbperf.interleaved_times i USING (project, run_id)
    UNION ALL
    SELECT 'query_outcome', pg_catalog.to_jsonb(o) || c.at FROM chosen c JOIN dbperf.query_outcome o USING (project, run_id)
    UNION ALL
    SELECT 'deadlock', pg_catalog.to_jsonb(d) || m.keys FROM met m JOIN dbperf.deadlock d USING (project, run_id, deadlock_id)
    UNION ALL
    SELECT 'deadlock_member', pg_catalog.to_jsonb(d) || m.keys FROM met m JOIN dbperf.deadlock_member d USING (project, run_id, deadlock_id)
    UNION ALL
    SELECT 'deadlock_step', pg_catalog.to_jsonb(d) || m.keys FROM met m JOIN dbperf.deadlock_step d USING (project, run_id, deadlock_id)
    UNION ALL
    SELECT 'deadlock_bystander', pg_catalog.to_jsonb(d) || m.keys
      FROM met m JOIN dbperf.deadlock_bystander d USING (project, run_id, deadlock_id)
    UNION ALL
    SELECT 'lock_cycle', pg_catalog.to_jsonb(l) || '{"replay": []}' || c.at FROM chosen c JOIN dbperf.lock_cycle l USING (project, run_id)
    UNION ALL
    SELECT 'lock_wait', pg_catalog.to_jsonb(w) || c.at FROM chosen c JOIN dbperf.lock_wait w USING (project, run_id)
    UNION ALL
    SELECT 'finding', pg_catalog.to_jsonb(f) - 'run' || c.at || pg_catalog.jsonb_build_object('project', c.project, 'number',
               pg_catalog.row_number() OVER (ORDER BY f.kind, f.database, f.query, f.reason, f.details))
           || CASE f.kind WHEN 'deadlock' THEN pg_catalog.jsonb_build_object('details', f.details || (
                  SELECT m.keys - 'run_started_at' FROM met m WHERE m.deadlock_id = (f.details ->> 'deadlock_id')::bigint)) ELSE '{}' END
      FROM dbperf.findings f JOIN chosen c USING (run_id)
    UNION ALL
    SELECT 'run', pg_catalog.to_jsonb(r) FROM chosen c JOIN dbperf.run r USING (project, run_id);
END;
COMMENT ON FUNCTION dbperf.run_rows(uuid) IS
'a finished run as rows of tables in a results database, where dbperf.store_rows() takes them: with the time the run was started as run_started_at, the findings as rows of a table "finding", ids of deadlocks unique among servers; "run" must be stored last. No kept parameters. No row: there is no such finished run';
