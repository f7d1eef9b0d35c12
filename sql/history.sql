-- Queries over runs, and runs that nobody needs any more.

-- Where a query changed noticeably from one run to the next in which it was executed, the change in words.
CREATE FUNCTION dbperf.sentence_of_trend(query text, run text, time_change text, time_ratio float8, blocks_before float8, blocks_after float8)
RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN time_change = 'better' AND time_ratio < 0.05
      THEN pg_catalog.format('%s became %s times as fast with %s', query, pg_catalog.round((1 / time_ratio)::numeric), run)
    WHEN time_change = 'better' THEN pg_catalog.format('%s became %s %% faster with %s', query, pg_catalog.round(((1 - time_ratio) * 100)::numeric), run)
    WHEN time_change = 'worse' AND time_ratio >= 2
      THEN pg_catalog.format('%s takes %s times as long with %s', query, pg_catalog.round(time_ratio::numeric, 1), run)
    WHEN time_change = 'worse' THEN pg_catalog.format('%s became %s %% slower with %s', query, pg_catalog.round(((time_ratio - 1) * 100)::numeric), run)
    WHEN pg_catalog.abs(blocks_after - blocks_before) > 64
         AND GREATEST(blocks_after, blocks_before) > 1.2 * LEAST(blocks_after, blocks_before)
      THEN pg_catalog.format('%s touches %s blocks a call instead of %s with %s', query, pg_catalog.round(blocks_after::numeric),
                             pg_catalog.round(blocks_before::numeric), run)
END;
COMMENT ON FUNCTION dbperf.sentence_of_trend(text, text, text, float8, float8, float8) IS
    'internal: the change of a query from one run to the next in words; null: none worth a word';

-- The DDL, setting or growth between two runs that fits a query, by the plans that it was executed with most often.
CREATE FUNCTION dbperf.cause_of_change(project text, before uuid, after uuid, key text) RETURNS text
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    WITH planned AS MATERIALIZED (
        SELECT DISTINCT ON (p.run_id) p.run_id, p.plan_id
          FROM dbperf.plan p
         WHERE p.project = cause_of_change.project AND p.run_id IN (cause_of_change.before, cause_of_change.after) AND p.top_level
           AND COALESCE(NULLIF(p.query_name, ''), p.fingerprint::text) = cause_of_change.key
         ORDER BY p.run_id, p.aborted, p.executions DESC, p.plan_id
    )
    SELECT dbperf.likeliest_cause(
               ARRAY(SELECT c FROM dbperf.causes(cause_of_change.before, cause_of_change.after) c),
               dbperf.touched_by(cause_of_change.project, cause_of_change.before, b.plan_id, cause_of_change.project, cause_of_change.after, a.plan_id),
               '{}'::text[])
      FROM planned b JOIN planned a ON b.run_id = cause_of_change.before AND a.run_id = cause_of_change.after;
END;
COMMENT ON FUNCTION dbperf.cause_of_change(text, uuid, uuid, text) IS
    'internal: what fits the change of a query between two runs; null: nothing';

CREATE FUNCTION dbperf.history(
    of_query text DEFAULT NULL, since timestamptz DEFAULT NULL, OUT query text, OUT run text, OUT started_at timestamptz,
    OUT commit text, OUT calls bigint, OUT mean_ms float8, OUT p50_ms float8, OUT p95_ms float8, OUT blocks float8, OUT rows float8,
    OUT time_ratio float8, OUT blocks_ratio float8, OUT change text, OUT cause text, OUT run_id uuid)
RETURNS SETOF record
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    WITH chosen AS MATERIALIZED (
        SELECT r.*, r.started_at >= COALESCE(history.since, '-infinity') AS is_shown
          FROM dbperf.run r
         WHERE r.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '') AND r.finished_at IS NOT NULL
           -- the last run before shows what the first one changed
           AND r.started_at >= COALESCE((SELECT pg_catalog.max(e.started_at) FROM dbperf.run e
                                          WHERE e.project = r.project AND e.finished_at IS NOT NULL AND e.started_at < history.since),
                                        history.since, '-infinity')
    ), executed AS MATERIALIZED (
        SELECT s.project, s.run_id, COALESCE(NULLIF(s.query_name, ''), s.fingerprint::text) AS key,
               pg_catalog.min(COALESCE(NULLIF(s.query_name, ''), t.query, s.fingerprint::text)) AS query,
               pg_catalog.sum(s.calls)::bigint AS calls, pg_catalog.sum(s.total_ms) AS total_ms, pg_catalog.max(s.max_ms) AS max_ms,
               pg_catalog.count(*) AS parts, pg_catalog.min(s.histogram) AS histogram,
               pg_catalog.sum(s.shared_blks_hit + s.shared_blks_read)::float8 AS blocks, pg_catalog.sum(s.rows)::float8 AS rows
          FROM chosen c
         -- OFFSET 0: by key, run by run; how few runs are chosen is not known when this is planned
         CROSS JOIN LATERAL (SELECT i.* FROM dbperf.statement i WHERE i.project = c.project AND i.run_id = c.run_id OFFSET 0) s
          LEFT JOIN LATERAL (SELECT q.query FROM dbperf.query_text q
                              WHERE q.project = s.project AND q.fingerprint = s.fingerprint OFFSET 0) t ON true
         WHERE s.top_level
           AND (history.of_query IS NULL OR history.of_query IN (s.query_name, t.query, s.fingerprint::text))
         GROUP BY s.project, s.run_id, 3
    ), merged AS MATERIALIZED (
        SELECT e.project, e.run_id, e.key, e.query, e.calls, e.total_ms, e.max_ms, e.blocks, e.rows, h.histogram, dbperf.quantile(h.histogram, 0.5) AS p50_ms
          FROM executed e
         CROSS JOIN LATERAL (
               SELECT CASE WHEN e.parts = 1 THEN e.histogram
                           ELSE (SELECT dbperf.merge_histograms(s.histogram) FROM dbperf.statement s
                                  WHERE s.project = e.project AND s.run_id = e.run_id AND s.top_level
                                    AND e.key = COALESCE(NULLIF(s.query_name, ''), s.fingerprint::text)) END) h(histogram)
    ), placed AS (
        SELECT c.label, c.started_at, c.attributes, c.is_shown, e.*,
               pg_catalog.lag(e.run_id) OVER runs AS before, pg_catalog.lag(e.histogram) OVER runs AS histogram_before,
               pg_catalog.lag(e.p50_ms) OVER runs AS p50_before,
               pg_catalog.lag(e.blocks / e.calls::float8) OVER runs AS blocks_before
          FROM chosen c JOIN merged e ON e.run_id = c.run_id
        WINDOW runs AS (PARTITION BY e.key ORDER BY c.started_at, c.run_id)
    ), compared AS MATERIALIZED (
        SELECT p.*, p.blocks / p.calls::float8 AS blocks_after, t.change AS time_change, COALESCE(t.ratio, p.p50_ms / NULLIF(p.p50_before, 0)) AS ratio
          FROM placed p
          -- medians that are nearly alike need no closer look
         CROSS JOIN LATERAL (SELECT NOT p.p50_ms / NULLIF(p.p50_before, 0) BETWEEN 0.9 AND 1.1) l(is_doubtful)
         CROSS JOIN LATERAL dbperf.compare_times(CASE WHEN l.is_doubtful THEN dbperf.histogram_samples(p.histogram_before) END,
                                                 CASE WHEN l.is_doubtful THEN dbperf.histogram_samples(p.histogram) END,
                                                 minimum_difference => 0.05) t
         WHERE p.is_shown
    ), described AS (
        SELECT c.*, dbperf.sentence_of_trend(c.query, c.label, c.time_change, c.ratio, c.blocks_before, c.blocks_after) AS sentence
          FROM compared c
    )
    SELECT t.query, t.label, t.started_at, t.attributes ->> 'commit', t.calls, t.total_ms / t.calls::float8,
           LEAST(t.max_ms, t.p50_ms), LEAST(t.max_ms, dbperf.quantile(t.histogram, 0.95)), t.blocks_after,
           t.rows / t.calls::float8, t.ratio, t.blocks_after / NULLIF(t.blocks_before, 0), t.sentence,
           CASE WHEN t.sentence IS NOT NULL THEN dbperf.cause_of_change(t.project, t.before, t.run_id, t.key) END, t.run_id
      FROM described t
     ORDER BY t.query COLLATE "C", t.key, t.started_at, t.run_id;
END;
COMMENT ON FUNCTION dbperf.history(text, timestamptz) IS
'how a query (name, text or fingerprint; null: every one) did in the finished runs of this project, one row a run, the oldest first; since: only runs that were started then or later. commit: of the run''s attributes. Times in ms; blocks and rows a call. time_ratio, blocks_ratio: to the run before in which the query was executed, null in the first. change: in words, where the time of at least ten executions changed by more than a fifth and 0.05 ms beyond what chance explains (dbperf.compare_times()), or blocks by more than a fifth and 64; cause: the DDL, setting or growth that fits it. Runs at different times also differ by what else the machine did: this is no verdict, dbperf.comparison() is';

CREATE VIEW dbperf.query_runs AS
SELECT COALESCE(NULLIF(s.query_name, ''), s.fingerprint::text) AS key,
       COALESCE(NULLIF(s.query_name, ''), t.query, s.fingerprint::text) AS query,
       r.label AS run, r.started_at, r.attributes ->> 'commit' AS commit, s.database, s.role, s.calls, s.rows, s.aborted, s.over_budget,
       s.total_ms, s.total_ms / s.calls AS mean_ms, LEAST(s.max_ms, GREATEST(s.min_ms, dbperf.quantile(s.histogram, 0.5))) AS p50_ms,
       LEAST(s.max_ms, GREATEST(s.min_ms, dbperf.quantile(s.histogram, 0.95))) AS p95_ms,
       LEAST(s.max_ms, GREATEST(s.min_ms, dbperf.quantile(s.histogram, 0.99))) AS p99_ms, s.max_ms,
       s.shared_blks_hit + s.shared_blks_read AS shared_blks, s.temp_blks_read + s.temp_blks_written AS temp_blks, s.wal_bytes,
       s.histogram, s.fingerprint, r.run_id, r.project
  FROM dbperf.run r
  JOIN dbperf.statement s USING (project, run_id)
  LEFT JOIN dbperf.query_text t USING (project, fingerprint)
 WHERE r.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '') AND r.finished_at IS NOT NULL AND s.top_level;
COMMENT ON VIEW dbperf.query_runs IS
'top-level statements of the finished runs of this project, one row a run, database, role and statement, with the start of the run: for dashboards, which choose by time; key: the name or the fingerprint, as monitoring calls a query; times in ms, rows and blocks are sums';
COMMENT ON COLUMN dbperf.query_runs.key IS 'name or fingerprint of the query, as monitoring calls it';
COMMENT ON COLUMN dbperf.query_runs.query IS 'name of the query, else its text, else its fingerprint';
COMMENT ON COLUMN dbperf.query_runs.run IS 'label of the run';
COMMENT ON COLUMN dbperf.query_runs.started_at IS 'when the run began';
COMMENT ON COLUMN dbperf.query_runs.commit IS 'commit noted in the attributes of the run; null: none';
COMMENT ON COLUMN dbperf.query_runs.database IS 'name of the database it happened in';
COMMENT ON COLUMN dbperf.query_runs.role IS 'name of the role that executed it';
COMMENT ON COLUMN dbperf.query_runs.calls IS 'executions, those that failed included';
COMMENT ON COLUMN dbperf.query_runs.rows IS 'rows returned or changed, of all calls together';
COMMENT ON COLUMN dbperf.query_runs.aborted IS 'calls that failed or were cancelled';
COMMENT ON COLUMN dbperf.query_runs.over_budget IS 'calls that took longer than budget_ms';
COMMENT ON COLUMN dbperf.query_runs.total_ms IS 'execution time of all calls, ms';
COMMENT ON COLUMN dbperf.query_runs.mean_ms IS 'execution time of a call, ms';
COMMENT ON COLUMN dbperf.query_runs.p50_ms IS 'median execution time, ms, within 1.6 %';
COMMENT ON COLUMN dbperf.query_runs.p95_ms IS '95th percentile of the execution time, ms, within 1.6 %';
COMMENT ON COLUMN dbperf.query_runs.p99_ms IS '99th percentile of the execution time, ms, within 1.6 %';
COMMENT ON COLUMN dbperf.query_runs.max_ms IS 'longest execution, ms';
COMMENT ON COLUMN dbperf.query_runs.shared_blks IS 'shared blocks hit and read';
COMMENT ON COLUMN dbperf.query_runs.temp_blks IS 'temporary blocks read and written';
COMMENT ON COLUMN dbperf.query_runs.wal_bytes IS 'bytes of WAL written';
COMMENT ON COLUMN dbperf.query_runs.histogram IS 'execution times: bucket, calls, bucket, calls, ...; for dbperf.quantile() and dbperf.merge_histograms()';
COMMENT ON COLUMN dbperf.query_runs.fingerprint IS 'identity of the statement, from its normalised text';
COMMENT ON COLUMN dbperf.query_runs.run_id IS 'id of the run';
COMMENT ON COLUMN dbperf.query_runs.project IS 'dbperf.project of the server that stored it; '''' if none';

CREATE FUNCTION dbperf.prune(older_than interval, keep text[] DEFAULT '{}', OUT runs bigint, OUT rows bigint) RETURNS record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    current_project text := coalesce(current_setting('dbperf.project', true), '');
    nil CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    expired uuid[];
    stored record;
    deleted bigint;
    unused text;
BEGIN
    IF older_than IS NULL OR older_than < interval '0' THEN
        RAISE EXCEPTION 'an age of at least 0 is needed'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT * FROM dbperf.prune(''90 days'') deletes what is older.';
    END IF;
    -- Neither what is under way nor what somebody compares with.
    SELECT coalesce(array_agg(r.run_id), '{}') INTO expired
      FROM dbperf.run r
     WHERE r.project = current_project AND coalesce(r.finished_at, r.started_at) < now() - older_than
       AND r.label <> ALL (coalesce(keep, '{}'))
       AND NOT EXISTS (SELECT FROM dbperf.live_runs() l WHERE l.run_id = r.run_id);
    runs := cardinality(expired);
    rows := 0;
    -- Whatever belongs to a run says so in columns of these names; dbperf.run itself goes last.
    FOR stored IN
        SELECT c.oid::regclass AS relation, a.attname AS key
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('run_id', 'baseline_run_id') AND NOT a.attisdropped
         WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')
         ORDER BY c.relname = 'run', c.relname, a.attname
    LOOP
        EXECUTE format('DELETE FROM %s WHERE project = $1 AND %I = ANY ($2)', stored.relation, stored.key) USING current_project, expired;
        GET DIAGNOSTICS deleted = ROW_COUNT;
        rows := rows + deleted;
    END LOOP;
    -- What was observed outside runs has an age of its own.
    WITH old_deadlocks AS (
        DELETE FROM dbperf.deadlock d WHERE d.project = current_project AND d.run_id = nil AND d.happened_at < now() - older_than
        RETURNING d.deadlock_id
    ), members AS (
        DELETE FROM dbperf.deadlock_member m USING old_deadlocks o
         WHERE m.project = current_project AND m.run_id = nil AND m.deadlock_id = o.deadlock_id RETURNING 1
    ), steps AS (
        DELETE FROM dbperf.deadlock_step s USING old_deadlocks o
         WHERE s.project = current_project AND s.run_id = nil AND s.deadlock_id = o.deadlock_id RETURNING 1
    ), bystanders AS (
        DELETE FROM dbperf.deadlock_bystander b USING old_deadlocks o
         WHERE b.project = current_project AND b.run_id = nil AND b.deadlock_id = o.deadlock_id RETURNING 1
    ), old_plans AS (
        DELETE FROM dbperf.plan p WHERE p.project = current_project AND p.run_id = nil AND p.captured_at < now() - older_than
        RETURNING p.plan_id
    ), nodes AS (
        DELETE FROM dbperf.plan_node n USING old_plans o
         WHERE n.project = current_project AND n.run_id = nil AND n.plan_id = o.plan_id RETURNING 1
    ), findings AS (
        DELETE FROM dbperf.n_plus_one_finding f
         WHERE f.project = current_project AND f.run_id = nil AND f.first_at < now() - older_than RETURNING 1
    )
    SELECT rows + (SELECT count(*) FROM old_deadlocks) + (SELECT count(*) FROM members) + (SELECT count(*) FROM steps)
           + (SELECT count(*) FROM bystanders) + (SELECT count(*) FROM old_plans) + (SELECT count(*) FROM nodes) + (SELECT count(*) FROM findings)
      INTO rows;
    -- Texts that nothing refers to any more. The recorder writes a text and what refers to it in one transaction, which the lock
    -- waits for; a snapshot from before it would not show that.
    IF current_setting('transaction_isolation') = 'read committed' THEN
        LOCK TABLE dbperf.query_text IN SHARE ROW EXCLUSIVE MODE;
        SELECT string_agg(format('NOT EXISTS (SELECT FROM %s o WHERE o.project = t.project AND o.%I = t.fingerprint)', c.oid::regclass, a.attname), ' AND ')
          INTO unused
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname LIKE '%fingerprint' AND NOT a.attisdropped
         WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'query_text'
           AND EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e');
        EXECUTE format('DELETE FROM dbperf.query_text t WHERE t.project = $1 AND %s AND NOT EXISTS ('
                       'SELECT FROM dbperf.lock_cycle l CROSS JOIN jsonb_array_elements(l.steps) s'
                       ' WHERE l.project = t.project AND s ->> ''fingerprint'' = t.fingerprint::text)', unused) USING current_project;
        GET DIAGNOSTICS deleted = ROW_COUNT;
        rows := rows + deleted;
    END IF;
END
$$;
COMMENT ON FUNCTION dbperf.prune(interval, text[]) IS
'deletes the runs of this project that ended longer ago than this, with all that is stored of them, but none with a label of keep and none under way; deadlocks, plans and findings from outside runs that are older; texts that nothing refers to any more. Gives how many runs and rows. Live statistics, budgets, acknowledgements and acceptances stay. For the owner of the extension and whom a GRANT EXECUTE allows it; autovacuum gives the space back. Errors: no age, or a negative one';
