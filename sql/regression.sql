-- Comparing two runs, first version: plan shape, blocks and rows decide; times are shown, not judged.

-- What a run did per statement of each query: a query is all statements under its name, or one statement without a name.
-- Times in ms, blocks and rows a call. The plan is the first one captured, rather one that ran to its end.
CREATE FUNCTION dbperf.query_profile(
    project text, run uuid, OUT key text, OUT query text, OUT fingerprint bigint, OUT calls bigint, OUT histogram bigint[],
    OUT p50_ms float8, OUT blocks float8, OUT rows float8, OUT plan_id bigint, OUT shapes bigint[])
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH grouped AS (
        SELECT COALESCE(NULLIF(s.query_name, ''), s.fingerprint::text) AS key, s.fingerprint,
               COALESCE(pg_catalog.min(NULLIF(s.query_name, '')), pg_catalog.min(t.query), s.fingerprint::text) AS query,
               pg_catalog.sum(s.calls) AS calls, dbperf.merge_histograms(s.histogram) AS histogram,
               pg_catalog.sum(s.shared_blks_hit + s.shared_blks_read)::float8 / pg_catalog.sum(s.calls)::float8 AS blocks,
               pg_catalog.sum(s.rows)::float8 / pg_catalog.sum(s.calls)::float8 AS rows
          FROM dbperf.statement s LEFT JOIN dbperf.query_text t USING (project, fingerprint)
         WHERE s.project = query_profile.project AND s.run_id = query_profile.run AND s.top_level
         GROUP BY 1, 2
    ), planned AS (
        SELECT COALESCE(NULLIF(p.query_name, ''), p.fingerprint::text) AS key, p.fingerprint,
               (pg_catalog.array_agg(p.plan_id ORDER BY p.aborted, p.plan_id))[1] AS plan_id,
               pg_catalog.array_agg(DISTINCT p.shape) AS shapes
          FROM dbperf.plan p
         WHERE p.project = query_profile.project AND p.run_id = query_profile.run AND p.top_level
         GROUP BY 1, 2
    )
    SELECT g.key, g.query, g.fingerprint, g.calls::bigint, g.histogram, dbperf.quantile(g.histogram, 0.5), g.blocks, g.rows,
           n.plan_id, n.shapes
      FROM grouped g LEFT JOIN planned n USING (key, fingerprint)
     WHERE g.key IN (SELECT k.key FROM planned k);
END;

-- How each table of a plan is read: alias, relation, way, index and rows touched.
CREATE FUNCTION dbperf.scans_of_plan(
    project text, run uuid, id bigint, OUT alias text, OUT relation text, OUT way text, OUT uses_index boolean,
    OUT touched float8, OUT number bigint)
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
                          WHERE b.project = n.project AND b.run_id = n.run_id AND b.plan_id = n.plan_id AND b.node_id > n.node_id
                            AND b.node_type = 'Bitmap Index Scan' AND n.node_type = 'Bitmap Heap Scan'
                          ORDER BY b.node_id LIMIT 1) i ON true
     WHERE n.project = scans_of_plan.project AND n.run_id = scans_of_plan.run AND n.plan_id = scans_of_plan.id
       AND n.relation IS NOT NULL;
END;

CREATE FUNCTION dbperf.comparison(
    baseline text, candidate text,
    OUT query text, OUT verdict text, OUT reason text, OUT cause text, OUT time_ratio float8, OUT time_low float8,
    OUT time_high float8, OUT blocks_before float8, OUT blocks_after float8, OUT rows_before float8, OUT rows_after float8,
    OUT cost_before float8, OUT cost_after float8, OUT plan_before bigint, OUT plan_after bigint)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH found AS MATERIALIZED (
        SELECT dbperf.find_run(comparison.baseline) AS before, dbperf.find_run(comparison.candidate) AS after
    ), chosen AS MATERIALIZED (
        SELECT b.project AS project_before, b.run_id AS before, a.project AS project_after, a.run_id AS after,
               CASE
                 WHEN b.server_version / 10000 <> a.server_version / 10000
                   THEN pg_catalog.format('the runs were made on PostgreSQL %s and %s', b.server_version / 10000, a.server_version / 10000)
                 WHEN b.settings <> a.settings
                   THEN 'settings differ: ' || (SELECT pg_catalog.string_agg(k, ', ' ORDER BY k)
                                                  FROM pg_catalog.jsonb_object_keys(b.settings || a.settings) k
                                                 WHERE b.settings -> k IS DISTINCT FROM a.settings -> k)
               END AS difference
          -- outer joins: the labels are looked up, and complained about, even when there is no run at all
          FROM found f LEFT JOIN dbperf.run b ON b.run_id = f.before LEFT JOIN dbperf.run a ON a.run_id = f.after
    ), old AS MATERIALIZED (
        SELECT p.* FROM chosen c, dbperf.query_profile(c.project_before, c.before) p
    ), new AS MATERIALIZED (
        SELECT p.* FROM chosen c, dbperf.query_profile(c.project_after, c.after) p
    -- Statements of a query are compared each with itself. Those of one side only were rewritten, probably: first with first.
    ), old_numbered AS (
        SELECT o.*, n.key IS NOT NULL AS kept,
               pg_catalog.row_number() OVER (PARTITION BY o.key, n.key IS NOT NULL
                                             ORDER BY CASE WHEN n.key IS NOT NULL THEN o.fingerprint END, o.plan_id, o.fingerprint) AS number
          FROM old o LEFT JOIN new n USING (key, fingerprint)
    ), new_numbered AS (
        SELECT n.*, o.key IS NOT NULL AS kept,
               pg_catalog.row_number() OVER (PARTITION BY n.key, o.key IS NOT NULL
                                             ORDER BY CASE WHEN o.key IS NOT NULL THEN n.fingerprint END, n.plan_id, n.fingerprint) AS number
          FROM new n LEFT JOIN old o USING (key, fingerprint)
    ), pairs AS (
        SELECT key, COALESCE(a.fingerprint, b.fingerprint) AS fingerprint, b.plan_id AS plan_before, a.plan_id AS plan_after,
               b.p50_ms AS p50_before, a.p50_ms AS p50_after, b.blocks AS blocks_before, a.blocks AS blocks_after,
               NOT b.shapes && a.shapes AS reshaped, b.blocks IS NOT NULL AND a.blocks IS NOT NULL AS on_both_sides,
               a.blocks > b.blocks * 1.2 AND a.blocks - b.blocks > 64 AS more_blocks,
               b.blocks > a.blocks * 1.2 AND b.blocks - a.blocks > 64 AS fewer_blocks
          FROM old_numbered b FULL JOIN new_numbered a USING (key, kept, number)
    ), read AS (
        SELECT p.*, s.change,
               CASE WHEN s.lost_index AND NOT COALESCE(p.fewer_blocks, false) OR p.more_blocks THEN 'regressed'
                    WHEN s.gained_index OR p.fewer_blocks THEN 'improved'
                    ELSE 'unchanged' END AS verdict
          FROM pairs p CROSS JOIN chosen c
         CROSS JOIN LATERAL (
               -- the first table that is read another way
               SELECT (pg_catalog.array_agg(pg_catalog.format('%s on %s became %s', b.way, b.relation, a.way)
                                            ORDER BY GREATEST(b.touched, a.touched) DESC NULLS LAST, b.alias, b.relation, b.number)
                         FILTER (WHERE b.way <> a.way))[1] AS change,
                      pg_catalog.bool_or(b.uses_index AND NOT a.uses_index AND a.touched >= 1000) AS lost_index,
                      pg_catalog.bool_or(a.uses_index AND NOT b.uses_index AND b.touched >= 1000) AS gained_index
                 FROM dbperf.scans_of_plan(c.project_before, c.before, p.plan_before) b
                 JOIN dbperf.scans_of_plan(c.project_after, c.after, p.plan_after) a USING (alias, relation, number)) s
    -- The worst statement speaks for its query.
    ), judged AS (
        SELECT DISTINCT ON (r.key) r.*, pg_catalog.count(*) OVER (PARTITION BY r.key) AS statements
          FROM read r
         ORDER BY r.key, r.on_both_sides DESC, CASE r.verdict WHEN 'regressed' THEN 1 WHEN 'improved' THEN 2 ELSE 3 END,
                  GREATEST(r.blocks_before, r.blocks_after) DESC, r.fingerprint
    ), old_total AS (
        SELECT o.key, pg_catalog.min(o.query) AS query, dbperf.quantile(dbperf.merge_histograms(o.histogram), 0.5) AS p50_ms,
               pg_catalog.sum(o.blocks * o.calls::float8) / pg_catalog.sum(o.calls)::float8 AS blocks,
               pg_catalog.sum(o.rows * o.calls::float8) / pg_catalog.sum(o.calls)::float8 AS rows
          FROM old o GROUP BY o.key
    ), new_total AS (
        SELECT n.key, pg_catalog.min(n.query) AS query, dbperf.quantile(dbperf.merge_histograms(n.histogram), 0.5) AS p50_ms,
               pg_catalog.sum(n.blocks * n.calls::float8) / pg_catalog.sum(n.calls)::float8 AS blocks,
               pg_catalog.sum(n.rows * n.calls::float8) / pg_catalog.sum(n.calls)::float8 AS rows
          FROM new n GROUP BY n.key
    )
    SELECT COALESCE(a.query, b.query),
           CASE WHEN b.key IS NULL OR a.key IS NULL THEN 'not_enough_samples'
                WHEN c.difference IS NOT NULL THEN 'incomparable'
                ELSE j.verdict END,
           CASE WHEN b.key IS NULL THEN 'not executed in the baseline'
                WHEN a.key IS NULL THEN 'not executed in the candidate'
                WHEN c.difference IS NOT NULL THEN c.difference
                ELSE CASE WHEN j.statements = 1 THEN ''
                          ELSE pg_catalog.format(CASE j.verdict WHEN 'unchanged' THEN 'the largest of %s statements: '
                                                                ELSE 'one of %s statements: ' END, j.statements) END
                     || COALESCE(j.change, CASE WHEN j.reshaped THEN 'the plan has another shape' ELSE 'same plan' END)
                     || pg_catalog.format(': %s -> %s blocks, %s -> %s ms', pg_catalog.round(j.blocks_before::numeric, 0),
                                          pg_catalog.round(j.blocks_after::numeric, 0), pg_catalog.round(j.p50_before::numeric, 2),
                                          pg_catalog.round(j.p50_after::numeric, 2)) END,
           NULL::text, a.p50_ms / NULLIF(b.p50_ms, 0), NULL::float8, NULL::float8, b.blocks, a.blocks, b.rows, a.rows,
           (SELECT (p.plan -> 0 -> 'Plan' ->> 'Total Cost')::float8 FROM dbperf.plan p
             WHERE p.project = c.project_before AND p.run_id = c.before AND p.plan_id = j.plan_before),
           (SELECT (p.plan -> 0 -> 'Plan' ->> 'Total Cost')::float8 FROM dbperf.plan p
             WHERE p.project = c.project_after AND p.run_id = c.after AND p.plan_id = j.plan_after),
           j.plan_before, j.plan_after
      FROM judged j CROSS JOIN chosen c
      LEFT JOIN old_total b ON b.key = j.key
      LEFT JOIN new_total a ON a.key = j.key
     ORDER BY COALESCE(a.query, b.query), j.key;
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
