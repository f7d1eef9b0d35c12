-- Comparing two runs, first version: plan shape, blocks and rows decide; times are shown, not judged.

-- What a run did per query: its name, or its fingerprint without one. Times in ms, blocks and rows a call.
CREATE FUNCTION dbperf.query_profile(
    run uuid, OUT key text, OUT query text, OUT calls bigint, OUT aborted bigint, OUT p50_ms float8, OUT blocks float8,
    OUT rows float8, OUT plan_id bigint, OUT cost float8, OUT shapes bigint[])
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH grouped AS (
        SELECT COALESCE(NULLIF(s.query_name, ''), s.fingerprint::text) AS key,
               COALESCE(NULLIF(s.query_name, ''), pg_catalog.min(t.query), s.fingerprint::text) AS query,
               pg_catalog.sum(s.calls) AS calls, pg_catalog.sum(s.aborted) AS aborted,
               dbperf.quantile(dbperf.merge_histograms(s.histogram), 0.5) AS p50_ms,
               pg_catalog.sum(s.shared_blks_hit + s.shared_blks_read)::float8 / pg_catalog.sum(s.calls)::float8 AS blocks,
               pg_catalog.sum(s.rows)::float8 / pg_catalog.sum(s.calls)::float8 AS rows
          FROM dbperf.statement s LEFT JOIN dbperf.query_text t USING (project, fingerprint)
         WHERE s.run_id = query_profile.run AND s.top_level
         GROUP BY COALESCE(NULLIF(s.query_name, ''), s.fingerprint::text), s.query_name, s.fingerprint
    ), planned AS (
        SELECT COALESCE(p.query_name, p.fingerprint::text) AS key,
               (pg_catalog.array_agg(p.plan_id ORDER BY p.aborted, p.plan_id))[1] AS plan_id,
               pg_catalog.array_agg(DISTINCT p.shape) AS shapes
          FROM dbperf.plan p
         WHERE p.run_id = query_profile.run AND p.top_level
         GROUP BY 1
    )
    SELECT g.key, g.query, g.calls::bigint, g.aborted::bigint, g.p50_ms, g.blocks, g.rows, n.plan_id,
           (SELECT (p.plan -> 0 -> 'Plan' ->> 'Total Cost')::float8 FROM dbperf.plan p
             WHERE p.run_id = query_profile.run AND p.plan_id = n.plan_id), n.shapes
      FROM grouped g JOIN planned n USING (key);
END;

-- How each table of a plan is read: alias, relation, way, index and rows touched.
CREATE FUNCTION dbperf.scans_of_plan(
    run uuid, id bigint, OUT alias text, OUT relation text, OUT way text, OUT uses_index boolean, OUT touched float8,
    OUT number bigint)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT n.alias, n.relation,
           CASE WHEN i.index_name IS NOT NULL THEN n.node_type || ' using ' || i.index_name
                WHEN n.index_name IS NOT NULL THEN n.node_type || ' using ' || n.index_name
                ELSE n.node_type END,
           n.index_name IS NOT NULL OR n.node_type = 'Bitmap Heap Scan',
           n.actual_rows + n.rows_removed,
           pg_catalog.row_number() OVER (PARTITION BY n.alias, n.relation ORDER BY n.node_id)
      FROM dbperf.plan_node n
      LEFT JOIN LATERAL (SELECT b.index_name FROM dbperf.plan_node b
                          WHERE (b.run_id, b.plan_id) = (n.run_id, n.plan_id) AND b.node_id > n.node_id
                            AND b.node_type = 'Bitmap Index Scan' AND n.node_type = 'Bitmap Heap Scan'
                          ORDER BY b.node_id LIMIT 1) i ON true
     WHERE n.run_id = scans_of_plan.run AND n.plan_id = scans_of_plan.id AND n.relation IS NOT NULL;
END;

CREATE FUNCTION dbperf.comparison(
    baseline text, candidate text,
    OUT query text, OUT verdict text, OUT reason text, OUT cause text, OUT time_ratio float8, OUT time_low float8,
    OUT time_high float8, OUT blocks_before float8, OUT blocks_after float8, OUT rows_before float8, OUT rows_after float8,
    OUT cost_before float8, OUT cost_after float8, OUT plan_before bigint, OUT plan_after bigint)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH chosen AS (
        SELECT dbperf.find_run(comparison.baseline) AS before, dbperf.find_run(comparison.candidate) AS after
    ), environment AS (
        SELECT CASE
                 WHEN b.server_version / 10000 <> a.server_version / 10000
                   THEN pg_catalog.format('the runs were made on PostgreSQL %s and %s', b.server_version / 10000, a.server_version / 10000)
                 WHEN b.settings <> a.settings
                   THEN 'settings differ: ' || (SELECT pg_catalog.string_agg(k, ', ' ORDER BY k)
                                                  FROM pg_catalog.jsonb_object_keys(b.settings || a.settings) k
                                                 WHERE b.settings -> k IS DISTINCT FROM a.settings -> k)
               END AS difference
          FROM chosen c JOIN dbperf.run b ON b.run_id = c.before JOIN dbperf.run a ON a.run_id = c.after
    ), sides AS (
        SELECT COALESCE(a.query, b.query) AS query, b.key IS NOT NULL AS in_before, a.key IS NOT NULL AS in_after,
               b.p50_ms AS p50_before, a.p50_ms AS p50_after, b.blocks AS blocks_before, a.blocks AS blocks_after,
               b.rows AS rows_before, a.rows AS rows_after, b.cost AS cost_before, a.cost AS cost_after,
               b.plan_id AS plan_before, a.plan_id AS plan_after, b.calls AS calls_before, a.calls AS calls_after,
               b.aborted AS aborted_before, a.aborted AS aborted_after,
               NOT b.shapes && a.shapes AS reshaped
          FROM chosen c
         CROSS JOIN LATERAL dbperf.query_profile(c.before) b
          FULL JOIN LATERAL (SELECT * FROM chosen c2 CROSS JOIN LATERAL dbperf.query_profile(c2.after)) a ON a.key = b.key
    ), read AS (
        SELECT s.*,
               -- the first table that is read another way
               (SELECT pg_catalog.format('%s on %s became %s', b.way, b.relation, a.way)
                  FROM chosen c, dbperf.scans_of_plan(c.before, s.plan_before) b
                  JOIN LATERAL dbperf.scans_of_plan((SELECT after FROM chosen), s.plan_after) a USING (alias, relation, number)
                 WHERE b.way <> a.way
                 ORDER BY GREATEST(b.touched, a.touched) DESC NULLS LAST, b.alias LIMIT 1) AS change,
               (SELECT pg_catalog.bool_or(b.uses_index AND NOT a.uses_index AND a.touched >= 1000)
                  FROM chosen c, dbperf.scans_of_plan(c.before, s.plan_before) b
                  JOIN LATERAL dbperf.scans_of_plan((SELECT after FROM chosen), s.plan_after) a USING (alias, relation, number)
               ) AS lost_index,
               (SELECT pg_catalog.bool_or(a.uses_index AND NOT b.uses_index AND b.touched >= 1000)
                  FROM chosen c, dbperf.scans_of_plan(c.before, s.plan_before) b
                  JOIN LATERAL dbperf.scans_of_plan((SELECT after FROM chosen), s.plan_after) a USING (alias, relation, number)
               ) AS gained_index
          FROM sides s
    ), judged AS (
        SELECT r.*, e.difference,
               blocks_after > blocks_before * 1.2 AND blocks_after - blocks_before > 64 AS more_blocks,
               blocks_before > blocks_after * 1.2 AND blocks_before - blocks_after > 64 AS fewer_blocks
          FROM read r, environment e
    )
    SELECT j.query,
           CASE WHEN NOT j.in_before OR NOT j.in_after THEN 'not_enough_samples'
                WHEN j.difference IS NOT NULL THEN 'incomparable'
                WHEN j.lost_index AND NOT COALESCE(j.fewer_blocks, false) OR j.more_blocks THEN 'regressed'
                WHEN j.gained_index OR j.fewer_blocks THEN 'improved'
                ELSE 'unchanged' END,
           CASE WHEN NOT j.in_before THEN 'not executed in the baseline'
                WHEN NOT j.in_after THEN 'not executed in the candidate'
                WHEN j.difference IS NOT NULL THEN j.difference
                ELSE COALESCE(j.change, CASE WHEN j.reshaped THEN 'the plan has another shape' ELSE 'same plan' END)
                     || pg_catalog.format(': %s -> %s blocks, %s -> %s ms', pg_catalog.round(j.blocks_before::numeric, 0),
                                          pg_catalog.round(j.blocks_after::numeric, 0), pg_catalog.round(j.p50_before::numeric, 2),
                                          pg_catalog.round(j.p50_after::numeric, 2)) END,
           NULL::text, j.p50_after / NULLIF(j.p50_before, 0), NULL::float8, NULL::float8, j.blocks_before, j.blocks_after,
           j.rows_before, j.rows_after, j.cost_before, j.cost_after, j.plan_before, j.plan_after
      FROM judged j
     ORDER BY j.query;
END;
COMMENT ON FUNCTION dbperf.comparison(text, text) IS
    'every query of two finished runs, before and after; verdict by plan shape and blocks, times in ms are medians';

-- The label of the latest finished run but those with the label of the latest, for defaults.
CREATE FUNCTION dbperf.previous_run_label() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found text;
BEGIN
    SELECT r.label INTO found
      FROM dbperf.run r
     WHERE r.finished_at IS NOT NULL
       AND r.label OPERATOR(pg_catalog.<>) (SELECT l.label FROM dbperf.run l WHERE l.run_id OPERATOR(pg_catalog.=) dbperf.find_run(NULL))
     ORDER BY r.started_at DESC LIMIT 1;
    IF found IS NULL THEN
        RAISE EXCEPTION 'there is no other finished run to compare with'
            USING ERRCODE = 'undefined_object', HINT = 'Make two runs with different labels, before and after the change.';
    END IF;
    RETURN found;
END
$$;

CREATE FUNCTION dbperf.regressions(
    baseline text DEFAULT dbperf.previous_run_label(), candidate text DEFAULT NULL,
    OUT query text, OUT verdict text, OUT reason text, OUT cause text, OUT time_ratio float8, OUT time_low float8,
    OUT time_high float8, OUT blocks_before float8, OUT blocks_after float8, OUT rows_before float8, OUT rows_after float8,
    OUT cost_before float8, OUT cost_after float8, OUT plan_before bigint, OUT plan_after bigint)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM dbperf.comparison(regressions.baseline, regressions.candidate) c WHERE c.verdict = 'regressed';
END;
COMMENT ON FUNCTION dbperf.regressions(text, text) IS
    'what got worse between two finished runs; by default between the last two';
