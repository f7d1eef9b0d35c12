-- Comparing two runs: work by plan, blocks and rows, time by statistics. docs/regressions.md has the rules.

-- Times of two runs that were measured in turns, with the same parameters on both sides, so that pairs can be judged.
CREATE TABLE dbperf.interleaved_times (
    project text NOT NULL,
    run_id uuid NOT NULL, -- the candidate
    baseline_run_id uuid NOT NULL,
    query text NOT NULL,
    before_ms float8[] NOT NULL,
    after_ms float8[] NOT NULL,
    plan_before bigint, -- of one execution with the same parameters on both sides
    plan_after bigint,
    unstable text, -- what moved when tables were only analyzed again; null: nothing did, or nobody looked
    PRIMARY KEY (project, run_id, baseline_run_id, query)
);
COMMENT ON TABLE dbperf.interleaved_times IS 'internal: times that dbperf compare measured in turns, for dbperf.comparison()';

-- The last plan of a query that was captured because the session asked for all.
CREATE FUNCTION dbperf.last_plan_on_demand(project text, run uuid, query text) RETURNS bigint
LANGUAGE sql STABLE
RETURN (SELECT pg_catalog.max(p.plan_id) FROM dbperf.plan p
         WHERE p.project = last_plan_on_demand.project AND p.run_id = last_plan_on_demand.run
           AND p.query_name = last_plan_on_demand.query AND p.top_level AND p.reason = 'all');
COMMENT ON FUNCTION dbperf.last_plan_on_demand(text, uuid, text) IS
    'internal: the last plan of a query that was captured under dbperf.capture_plans = all';

CREATE FUNCTION dbperf.store_interleaved_times(
    baseline text, candidate text, query text, before_ms float8[], after_ms float8[], unstable text DEFAULT NULL) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO dbperf.interleaved_times AS t
    SELECT a.project, a.run_id, b.run_id, store_interleaved_times.query, store_interleaved_times.before_ms,
           store_interleaved_times.after_ms, dbperf.last_plan_on_demand(b.project, b.run_id, store_interleaved_times.query),
           dbperf.last_plan_on_demand(a.project, a.run_id, store_interleaved_times.query), store_interleaved_times.unstable
      FROM dbperf.run b CROSS JOIN dbperf.run a
     WHERE b.run_id = dbperf.find_run(store_interleaved_times.baseline) AND a.run_id = dbperf.find_run(store_interleaved_times.candidate)
    ON CONFLICT ON CONSTRAINT interleaved_times_pkey DO UPDATE
       SET before_ms = excluded.before_ms, after_ms = excluded.after_ms, plan_before = excluded.plan_before,
           plan_after = excluded.plan_after, unstable = excluded.unstable;
END;
COMMENT ON FUNCTION dbperf.store_interleaved_times(text, text, text, float8[], float8[], text) IS
'for whoever executes a named query on two databases in turns: dbperf.comparison() of these two finished runs judges pairs. before_ms[i] and after_ms[i] are times in ms with the same parameters, as dbperf.last_execution() gives them, as many of each; the last plan that each run captured of the query under dbperf.capture_plans = all should be of the same parameters, and stands for it; unstable: in words, which plan changes by ANALYZE alone';

CREATE FUNCTION dbperf.needs_more_pairs(before_ms float8[], after_ms float8[]) RETURNS boolean
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT t.change IN ('worse', 'better', 'unclear')
      FROM dbperf.compare_times(needs_more_pairs.before_ms, needs_more_pairs.after_ms, true, minimum_difference => 0.01) t;
END;
COMMENT ON FUNCTION dbperf.needs_more_pairs(float8[], float8[]) IS
'for whoever measures in turns, before dbperf.store_interleaved_times(): whether these pairs (ms) show a change or do not rule it out by the rules of dbperf.comparison(), so that as many again should be measured and all be stored; asked once, that makes no false alarm more likely, because only no change is concluded early; false also for too few pairs';

-- What a run did per statement of each query: a query is all statements under its name, or one statement without a name.
-- Times in ms; blocks, rows and bytes a call. The plan is of the shape that was executed most often, and of its captured
-- executions the one with the most usual number of blocks; one that ran to its end if there is any.
CREATE FUNCTION dbperf.query_profile(
    project text, run uuid, OUT key text, OUT query text, OUT fingerprint bigint, OUT calls bigint, OUT histogram bigint[],
    OUT p50_ms float8, OUT max_ms float8, OUT blocks float8, OUT rows float8, OUT temp float8, OUT wal float8, OUT plan_id bigint,
    OUT shape bigint, OUT shapes bigint[])
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH grouped AS (
        SELECT COALESCE(NULLIF(s.query_name, ''), s.fingerprint::text) AS key, s.fingerprint,
               COALESCE(pg_catalog.min(NULLIF(s.query_name, '')), pg_catalog.min(t.query), s.fingerprint::text) AS query,
               pg_catalog.sum(s.calls) AS calls, dbperf.merge_histograms(s.histogram) AS histogram, pg_catalog.max(s.max_ms) AS max_ms,
               pg_catalog.sum(s.shared_blks_hit + s.shared_blks_read)::float8 / pg_catalog.sum(s.calls)::float8 AS blocks,
               pg_catalog.sum(s.rows)::float8 / pg_catalog.sum(s.calls)::float8 AS rows,
               pg_catalog.sum(s.temp_blks_read + s.temp_blks_written)::float8 / pg_catalog.sum(s.calls)::float8 AS temp,
               pg_catalog.sum(s.wal_bytes)::float8 / pg_catalog.sum(s.calls)::float8 AS wal
          FROM dbperf.statement s LEFT JOIN dbperf.query_text t USING (project, fingerprint)
         WHERE s.project = query_profile.project AND s.run_id = query_profile.run AND s.top_level
         GROUP BY 1, 2
    ), captured AS (
        SELECT COALESCE(NULLIF(p.query_name, ''), p.fingerprint::text) AS key, p.fingerprint, p.plan_id, p.shape, p.aborted,
               p.shared_blks_hit + p.shared_blks_read AS blocks,
               GREATEST(p.executions, pg_catalog.count(*) OVER (PARTITION BY p.query_name, p.fingerprint, p.shape)) AS executions
          FROM dbperf.plan p
         WHERE p.project = query_profile.project AND p.run_id = query_profile.run AND p.top_level
    ), planned AS (
        SELECT c.key, c.fingerprint, pg_catalog.array_agg(DISTINCT c.shape) AS shapes,
               (pg_catalog.array_agg(c.plan_id ORDER BY c.aborted, c.executions DESC, pg_catalog.abs(c.blocks::float8 - g.blocks), c.plan_id))[1] AS plan_id,
               (pg_catalog.array_agg(c.shape ORDER BY c.aborted, c.executions DESC, pg_catalog.abs(c.blocks::float8 - g.blocks), c.plan_id))[1] AS shape
          FROM captured c JOIN grouped g USING (key, fingerprint)
         GROUP BY c.key, c.fingerprint
    )
    SELECT g.key, g.query, g.fingerprint, g.calls::bigint, g.histogram, dbperf.quantile(g.histogram, 0.5), g.max_ms, g.blocks, g.rows,
           g.temp, g.wal, n.plan_id, n.shape, n.shapes
      FROM grouped g LEFT JOIN planned n USING (key, fingerprint)
     WHERE g.key IN (SELECT k.key FROM planned k);
END;
COMMENT ON FUNCTION dbperf.query_profile(text, uuid) IS 'internal: what a run did per statement of each query';

-- The same for whole queries.
CREATE FUNCTION dbperf.query_total(
    project text, run uuid, OUT key text, OUT query text, OUT histogram bigint[], OUT p50_ms float8, OUT max_ms float8,
    OUT blocks float8, OUT rows float8, OUT temp float8, OUT wal float8)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.*
      FROM (SELECT p.key, pg_catalog.min(p.query), dbperf.merge_histograms(p.histogram),
                   dbperf.quantile(dbperf.merge_histograms(p.histogram), 0.5), pg_catalog.max(p.max_ms),
                   pg_catalog.sum(p.blocks * p.calls::float8) / pg_catalog.sum(p.calls)::float8,
                   pg_catalog.sum(p.rows * p.calls::float8) / pg_catalog.sum(p.calls)::float8,
                   pg_catalog.sum(p.temp * p.calls::float8) / pg_catalog.sum(p.calls)::float8,
                   pg_catalog.sum(p.wal * p.calls::float8) / pg_catalog.sum(p.calls)::float8
              FROM dbperf.query_profile(query_total.project, query_total.run) p GROUP BY p.key) t;
END;
COMMENT ON FUNCTION dbperf.query_total(text, uuid) IS 'internal: what a run did per query';

-- The two runs and, in words, why they cannot be compared, else null.
CREATE FUNCTION dbperf.runs_to_compare(
    baseline text, candidate text, OUT project_before text, OUT before uuid, OUT project_after text, OUT after uuid, OUT difference text)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT b.project, b.run_id, a.project, a.run_id,
           CASE
             WHEN b.server_version / 10000 <> a.server_version / 10000
               THEN pg_catalog.format('the runs were made on PostgreSQL %s and %s', b.server_version / 10000, a.server_version / 10000)
             WHEN b.settings <> a.settings
               THEN 'settings differ: ' || (SELECT pg_catalog.string_agg(k, ', ' ORDER BY k)
                                              FROM pg_catalog.jsonb_object_keys(b.settings || a.settings) k
                                             WHERE b.settings -> k IS DISTINCT FROM a.settings -> k)
           END
      -- outer joins: the labels are looked up, and complained about, even when there is no run at all
      FROM (SELECT dbperf.find_run(runs_to_compare.baseline) AS before, dbperf.find_run(runs_to_compare.candidate) AS after) f
      LEFT JOIN dbperf.run b ON b.run_id = f.before LEFT JOIN dbperf.run a ON a.run_id = f.after;
END;
COMMENT ON FUNCTION dbperf.runs_to_compare(text, text) IS 'internal: the two runs that labels stand for';

-- Whether the time of each query changed (change: as dbperf.judge_time() says it), with p adjusted to the number of queries.
-- Pairs need no absolute difference between the two machines' states, only that 10 us are exceeded: of executions that
-- take no longer, processor and caches decide. Of runs at different times what never took the minimum cannot have grown by it.
CREATE FUNCTION dbperf.time_changes(
    project_before text, before uuid, project_after text, after uuid, ratio float8, milliseconds float8,
    OUT key text, OUT change text, OUT time_ratio float8, OUT low float8, OUT high float8, OUT p float8, OUT samples integer)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH measured AS MATERIALIZED (
        SELECT b.key, i.query IS NOT NULL AS paired, GREATEST(b.max_ms, a.max_ms) AS max_ms,
               CASE WHEN i.query IS NULL THEN time_changes.ratio ELSE 1 END AS proven,
               CASE WHEN i.query IS NULL THEN time_changes.milliseconds ELSE LEAST(time_changes.milliseconds, 0.01) END AS least_difference,
               COALESCE(i.before_ms, dbperf.histogram_samples(b.histogram)) AS times_before,
               COALESCE(i.after_ms, dbperf.histogram_samples(a.histogram)) AS times_after
          FROM dbperf.query_total(time_changes.project_before, time_changes.before) b
          JOIN dbperf.query_total(time_changes.project_after, time_changes.after) a USING (key)
          LEFT JOIN dbperf.interleaved_times i ON i.project = time_changes.project_after AND i.run_id = time_changes.after
               AND i.baseline_run_id = time_changes.before AND i.query = b.key
    ), compared AS MATERIALIZED (
        SELECT m.key, m.paired, m.max_ms, m.proven, m.least_difference, t.*, pg_catalog.row_number() OVER (ORDER BY m.key) AS number
          FROM measured m, dbperf.compare_times(m.times_before, m.times_after, m.paired, time_changes.ratio, m.proven, m.least_difference) t
    ), adjusted AS (
        SELECT h.p, h.number
          FROM (SELECT dbperf.adjust_holm(pg_catalog.array_agg(c.p ORDER BY c.number)) AS all_p FROM compared c) s,
               pg_catalog.unnest(s.all_p) WITH ORDINALITY h(p, number)
    )
    SELECT c.key,
           CASE WHEN c.change = 'not_enough_samples' AND NOT c.paired AND c.max_ms < c.least_difference THEN 'equal'
                ELSE dbperf.judge_time(c.samples, c.median_before, c.median_after, c.ratio, c.low, c.high, a.p, c.paired,
                                       time_changes.ratio, c.proven, c.least_difference) END,
           c.ratio, c.low, c.high, a.p, c.samples
      FROM compared c JOIN adjusted a USING (number);
END;
COMMENT ON FUNCTION dbperf.time_changes(text, uuid, text, uuid, float8, float8) IS 'internal: the time of each query in two runs, judged';

-- What changed in the work of each query's statements, the worst statement of each query (work: regressed, improved or
-- unchanged; plan_alone: blocks and the like do not show it; factor: after / before, infinity or zero when it is another kind of work;
-- changed: relations of the nodes that show it). A plan decides when its shape is new to the run, or the parameters were
-- the same.
CREATE FUNCTION dbperf.work_changes(
    project_before text, before uuid, project_after text, after uuid, ratio float8, blocks float8, rows float8,
    OUT key text, OUT work text, OUT plan_alone boolean, OUT factor float8, OUT changed text[], OUT lead text, OUT per_call text,
    OUT statements bigint, OUT plan_before bigint, OUT plan_after bigint)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH old AS MATERIALIZED (
        SELECT p.* FROM dbperf.query_profile(work_changes.project_before, work_changes.before) p
    ), new AS MATERIALIZED (
        SELECT p.* FROM dbperf.query_profile(work_changes.project_after, work_changes.after) p
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
        SELECT key, COALESCE(a.fingerprint, b.fingerprint) AS fingerprint, p.plan AS plan_of_before, q.plan AS plan_of_after,
               p.plan_id AS plan_before, q.plan_id AS plan_after,
               p.shape <> q.shape AS reshaped, i.query IS NOT NULL AS same_parameters,
               i.query IS NOT NULL OR NOT q.shape = ANY (b.shapes) OR NOT p.shape = ANY (a.shapes) AS plan_counts,
               b.blocks AS blocks_before, a.blocks AS blocks_after, b.temp AS temp_before, a.temp AS temp_after, b.wal AS wal_before,
               a.wal AS wal_after, b.p50_ms AS ms_before, a.p50_ms AS ms_after, b.blocks IS NOT NULL AND a.blocks IS NOT NULL AS on_both_sides,
               a.blocks > b.blocks * r AND a.blocks - b.blocks > d AS more_blocks,
               b.blocks > a.blocks * r AND b.blocks - a.blocks > d AS fewer_blocks,
               a.temp > b.temp * r AND a.temp - b.temp > d AS more_temp,
               b.temp > a.temp * r AND b.temp - a.temp > d AS less_temp,
               -- as much as so many blocks: a full page image now and then is no change
               a.wal > b.wal * r AND a.wal - b.wal > d * 8192 AS more_wal,
               b.wal > a.wal * r AND b.wal - a.wal > d * 8192 AS less_wal
          FROM (VALUES (work_changes.ratio, work_changes.blocks)) rules(r, d)
         CROSS JOIN (old_numbered b FULL JOIN new_numbered a USING (key, kept, number))
          LEFT JOIN dbperf.interleaved_times i ON i.project = work_changes.project_after AND i.run_id = work_changes.after
               AND i.baseline_run_id = work_changes.before AND i.query = key AND i.plan_before IS NOT NULL AND i.plan_after IS NOT NULL
               AND b.fingerprint = a.fingerprint
          LEFT JOIN dbperf.plan p ON p.project = work_changes.project_before AND p.run_id = work_changes.before
               AND p.plan_id = COALESCE(i.plan_before, b.plan_id)
          LEFT JOIN dbperf.plan q ON q.project = work_changes.project_after AND q.run_id = work_changes.after
               AND q.plan_id = COALESCE(i.plan_after, a.plan_id)
    ), weighed AS (
        SELECT p.*, COALESCE(more_blocks OR more_temp OR more_wal, false) AS more, COALESCE(fewer_blocks OR less_temp OR less_wal, false) AS less,
               COALESCE(c.worse, false) AND plan_counts AS plan_worse, COALESCE(c.better, false) AND plan_counts AS plan_better,
               c.worst, c.best, c.other, c.times_worse, c.times_better, c.worse_relations, c.better_relations
          FROM pairs p
         CROSS JOIN LATERAL (
               SELECT pg_catalog.bool_or(c.direction = 'worse') AS worse, pg_catalog.bool_or(c.direction = 'better') AS better,
                      (pg_catalog.array_agg(c.sentence ORDER BY c."position") FILTER (WHERE c.direction = 'worse'))[1] AS worst,
                      (pg_catalog.array_agg(c.sentence ORDER BY c."position") FILTER (WHERE c.direction = 'better'))[1] AS best,
                      (pg_catalog.array_agg(c.sentence ORDER BY c."position") FILTER (WHERE c.direction = 'neutral'))[1] AS other,
                      pg_catalog.array_agg(DISTINCT c.relation) FILTER (WHERE c.direction = 'worse' AND c.relation IS NOT NULL) AS worse_relations,
                      pg_catalog.array_agg(DISTINCT c.relation) FILTER (WHERE c.direction = 'better' AND c.relation IS NOT NULL) AS better_relations,
                      pg_catalog.max(CASE WHEN c.unit = 'kB' OR c.kind = 'access' AND c.node_after = 'Seq Scan' THEN 'Infinity'::float8
                                          ELSE c.figure_after / GREATEST(c.figure_before, 1) END) FILTER (WHERE c.direction = 'worse') AS times_worse,
                      pg_catalog.min(CASE WHEN c.unit = 'kB' OR c.kind = 'access' AND c.node_before = 'Seq Scan' THEN 0
                                          ELSE GREATEST(c.figure_after, 1) / c.figure_before END) FILTER (WHERE c.direction = 'better') AS times_better
                 FROM dbperf.plan_changes(p.plan_of_before, p.plan_of_after, work_changes.ratio, work_changes.blocks, work_changes.rows) c) c
    ), judged AS (
        SELECT t.*, CASE WHEN more OR plan_worse AND NOT less THEN 'regressed' WHEN less OR plan_better THEN 'improved' ELSE 'unchanged' END AS work
          FROM weighed t
    )
    -- The worst statement speaks for its query.
    SELECT DISTINCT ON (j.key)
           j.key, j.work, NOT j.more AND NOT j.less,
           CASE j.work
             WHEN 'regressed' THEN GREATEST(CASE WHEN j.more_blocks THEN j.blocks_after / GREATEST(j.blocks_before, 1) END,
                                            CASE WHEN j.more_temp THEN j.temp_after / GREATEST(j.temp_before, 1) END,
                                            CASE WHEN j.more_wal THEN j.wal_after / GREATEST(j.wal_before, 1) END,
                                            CASE WHEN j.plan_worse THEN j.times_worse END)
             WHEN 'improved' THEN LEAST(CASE WHEN j.fewer_blocks THEN GREATEST(j.blocks_after, 1) / j.blocks_before END,
                                        CASE WHEN j.less_temp THEN GREATEST(j.temp_after, 1) / j.temp_before END,
                                        CASE WHEN j.less_wal THEN GREATEST(j.wal_after, 1) / j.wal_before END,
                                        CASE WHEN j.plan_better THEN j.times_better END) END,
           COALESCE(CASE j.work WHEN 'regressed' THEN j.worse_relations WHEN 'improved' THEN j.better_relations END, '{}'),
           COALESCE(CASE j.work WHEN 'regressed' THEN j.worst WHEN 'improved' THEN j.best END, CASE WHEN j.reshaped THEN j.other END,
                    CASE WHEN j.reshaped THEN 'the plan has another shape' ELSE 'same plan' END),
           pg_catalog.format('%s -> %s blocks', pg_catalog.round(j.blocks_before::numeric, 0), pg_catalog.round(j.blocks_after::numeric, 0))
           || CASE WHEN j.more_temp OR j.less_temp
                   THEN pg_catalog.format(', %s -> %s temporary', pg_catalog.round(j.temp_before::numeric, 0), pg_catalog.round(j.temp_after::numeric, 0)) ELSE '' END
           || CASE WHEN j.more_wal OR j.less_wal
                   THEN pg_catalog.format(', %s -> %s bytes of WAL', pg_catalog.round(j.wal_before::numeric, 0), pg_catalog.round(j.wal_after::numeric, 0)) ELSE '' END
           || pg_catalog.format(', %s -> %s ms', pg_catalog.round(j.ms_before::numeric, 2), pg_catalog.round(j.ms_after::numeric, 2)),
           pg_catalog.count(*) OVER (PARTITION BY j.key), j.plan_before, j.plan_after
      FROM judged j
     ORDER BY j.key, j.on_both_sides DESC, CASE j.work WHEN 'regressed' THEN 1 WHEN 'improved' THEN 2 ELSE 3 END,
              GREATEST(j.blocks_before, j.blocks_after) DESC, j.fingerprint;
END;
COMMENT ON FUNCTION dbperf.work_changes(text, uuid, text, uuid, float8, float8, float8) IS
    'internal: the work of each query in two runs, judged';

CREATE FUNCTION dbperf.comparison(
    baseline text, candidate text,
    ratio float8 DEFAULT 1.2, blocks float8 DEFAULT 64, rows float8 DEFAULT 1000, milliseconds float8 DEFAULT 1,
    OUT query text, OUT verdict text, OUT reason text, OUT cause text, OUT time_ratio float8, OUT time_low float8,
    OUT time_high float8, OUT blocks_before float8, OUT blocks_after float8, OUT rows_before float8, OUT rows_after float8,
    OUT cost_before float8, OUT cost_after float8, OUT plan_before bigint, OUT plan_after bigint, OUT ms_before float8,
    OUT ms_after float8, OUT p float8, OUT samples integer, OUT temp_before float8, OUT temp_after float8, OUT wal_before float8,
    OUT wal_after float8, OUT accepted text)
RETURNS SETOF record
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    WITH chosen AS MATERIALIZED (
        SELECT r.* FROM dbperf.runs_to_compare(comparison.baseline, comparison.candidate) r
    -- each once, not once per query
    ), times AS MATERIALIZED (
        SELECT t.* FROM chosen c CROSS JOIN LATERAL dbperf.time_changes(c.project_before, c.before, c.project_after, c.after, comparison.ratio,
                                                                        comparison.milliseconds) t
    ), total_before AS MATERIALIZED (
        SELECT b.* FROM chosen c CROSS JOIN LATERAL dbperf.query_total(c.project_before, c.before) b
    ), total_after AS MATERIALIZED (
        SELECT a.* FROM chosen c CROSS JOIN LATERAL dbperf.query_total(c.project_after, c.after) a
    ), judged AS MATERIALIZED (
        SELECT w.*, t.change, t.time_ratio, t.low, t.high, t.p, t.samples, i.unstable, i.query IS NOT NULL AS paired,
               o.verdict AS outcome, o.sentence AS seen,
               CASE WHEN t.change = 'worse' OR w.work = 'regressed' AND NOT (w.plan_alone AND t.change = 'better') THEN 'regressed'
                    WHEN w.work = 'improved' OR t.change = 'better' THEN 'improved'
                    WHEN t.change = 'not_enough_samples' THEN 'not_enough_samples'
                    ELSE 'unchanged' END AS found
          FROM chosen c
         CROSS JOIN LATERAL dbperf.work_changes(c.project_before, c.before, c.project_after, c.after, comparison.ratio,
                                                comparison.blocks, comparison.rows) w
          LEFT JOIN times t ON t.key = w.key
          LEFT JOIN dbperf.interleaved_times i ON i.project = c.project_after AND i.run_id = c.after
               AND i.baseline_run_id = c.before AND i.query = w.key
          LEFT JOIN dbperf.query_outcome o ON o.project = c.project_after AND o.run_id = c.after
               AND o.baseline_run_id = c.before AND o.query = w.key
    ), causes AS MATERIALIZED (
        SELECT pg_catalog.array_agg(k) AS list FROM chosen c CROSS JOIN LATERAL dbperf.causes(c.before, c.after) k
    ), touched AS MATERIALIZED (
        SELECT j.key, dbperf.touched_by(c.project_before, c.before, j.plan_before, c.project_after, c.after, j.plan_after) AS names
          FROM judged j CROSS JOIN chosen c
         WHERE j.found IN ('regressed', 'improved') OR j.outcome IN ('fails', 'result_changed', 'regressed', 'improved')
    ), explained AS MATERIALIZED (
        SELECT t.key, dbperf.likeliest_cause(k.list, t.names, j.changed) AS cause,
               CASE WHEN NOT j.paired
                    THEN dbperf.other_conditions(k.list, t.names, comparison.ratio, CASE WHEN j.work <> 'unchanged' THEN j.factor
                                                                                         WHEN j.found = 'regressed' THEN j.low ELSE j.high END) END AS difference
          FROM touched t JOIN judged j USING (key) CROSS JOIN causes k
    )
    SELECT COALESCE(a.query, b.query),
           CASE WHEN j.outcome IS NOT NULL THEN j.outcome
                WHEN b.key IS NULL OR a.key IS NULL THEN 'not_enough_samples'
                WHEN COALESCE(c.difference, x.difference) IS NOT NULL THEN 'incomparable'
                WHEN j.unstable IS NOT NULL AND j.found IN ('regressed', 'improved') THEN 'unstable'
                ELSE j.found END,
           dbperf.reason_with_outcome(j.outcome, j.seen,
           CASE WHEN b.key IS NULL THEN 'not executed in the baseline'
                WHEN a.key IS NULL THEN 'not executed in the candidate'
                WHEN c.difference IS NOT NULL AND x.key IS NULL THEN c.difference
                ELSE CASE WHEN q.reason IS NOT NULL THEN pg_catalog.format('accepted (%s); ', q.reason) ELSE '' END
                     || CASE WHEN COALESCE(c.difference, x.difference) IS NOT NULL THEN COALESCE(c.difference, x.difference) || '; '
                             WHEN j.unstable IS NOT NULL AND x.key IS NOT NULL THEN j.unstable || '; ' ELSE '' END
                     || CASE WHEN j.found = 'not_enough_samples'
                             THEN pg_catalog.format('too few executions to judge the time (%s); ', j.samples) ELSE '' END
                     || CASE WHEN j.statements = 1 THEN ''
                             ELSE pg_catalog.format(CASE j.work WHEN 'unchanged' THEN 'the largest of %s statements: '
                                                                ELSE 'one of %s statements: ' END, j.statements) END
                     || j.lead
                     || CASE WHEN j.change IN ('worse', 'better')
                             THEN pg_catalog.format(', %s times the time (%s to %s)', pg_catalog.round(j.time_ratio::numeric, 2),
                                                    pg_catalog.round(j.low::numeric, 2), pg_catalog.round(j.high::numeric, 2)) ELSE '' END
                     || '; per call ' || j.per_call END),
           CASE WHEN b.key IS NOT NULL AND a.key IS NOT NULL OR j.outcome IS NOT NULL THEN x.cause END, COALESCE(j.time_ratio, a.p50_ms / NULLIF(b.p50_ms, 0)), j.low, j.high,
           b.blocks, a.blocks, b.rows, a.rows,
           (SELECT (p.plan -> 0 -> 'Plan' ->> 'Total Cost')::float8 FROM dbperf.plan p
             WHERE p.project = c.project_before AND p.run_id = c.before AND p.plan_id = j.plan_before),
           (SELECT (p.plan -> 0 -> 'Plan' ->> 'Total Cost')::float8 FROM dbperf.plan p
             WHERE p.project = c.project_after AND p.run_id = c.after AND p.plan_id = j.plan_after),
           j.plan_before, j.plan_after, b.p50_ms, a.p50_ms, j.p, j.samples, b.temp, a.temp, b.wal, a.wal, q.reason
      FROM judged j CROSS JOIN chosen c
      LEFT JOIN total_before b ON b.key = j.key
      LEFT JOIN total_after a ON a.key = j.key
      LEFT JOIN explained x ON x.key = j.key
      LEFT JOIN LATERAL dbperf.acceptance_of(COALESCE(a.query, b.query), j.key) q
        ON j.outcome IN ('regressed', 'fails', 'result_changed') OR j.found = 'regressed' AND c.difference IS NULL AND x.difference IS NULL
     ORDER BY COALESCE(a.query, b.query), j.key;
END;
COMMENT ON FUNCTION dbperf.comparison(text, text, float8, float8, float8, float8) IS
'every query of two finished runs, before and after. verdict: fails or result_changed (in the candidate, as dbperf.store_query_outcome() was given), regressed, improved, unchanged, unstable (the plan also changes by ANALYZE alone), not_enough_samples (executed on one side only, or fewer than ten times a side while its work is the same) or incomparable (another server version or other settings; or the work changed, and in sessions with other settings, while a table was analyzed on one side only, or by no more than a table grew or shrank).
cause: of what changed, the DDL, setting or growth of a table that fits best, null if there is none, and for what did not change; accepted: why somebody wants it, where dbperf.accept() says so.
Work decides by plan (dbperf.plan_changes()), blocks, temporary blocks and bytes of WAL a call, each by more than the ratio and more than the difference: blocks, for WAL as many bytes; a sequential scan of fewer rows than rows is not worse. Time decides by dbperf.compare_times(), adjusted to the number of queries: pairs where dbperf compare measured in turns, else by more than milliseconds, and from histograms.
time_ratio: after / before, with its 99 % interval time_low to time_high and the adjusted p of samples a side; ms_*: medians; blocks_*, rows_*, temp_* (blocks), wal_* (bytes): means a call; cost_*, plan_*: of the plan that was executed most often, where pairs were measured one with the same parameters';

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
COMMENT ON FUNCTION dbperf.previous_run_label() IS
    'internal: default baseline of dbperf.regressions(): the latest finished run with another label than the latest. Error: there is none';

CREATE FUNCTION dbperf.regressions(
    baseline text DEFAULT dbperf.previous_run_label(), candidate text DEFAULT NULL,
    ratio float8 DEFAULT 1.2, blocks float8 DEFAULT 64, rows float8 DEFAULT 1000, milliseconds float8 DEFAULT 1,
    OUT query text, OUT verdict text, OUT reason text, OUT cause text, OUT time_ratio float8, OUT time_low float8,
    OUT time_high float8, OUT blocks_before float8, OUT blocks_after float8, OUT rows_before float8, OUT rows_after float8,
    OUT cost_before float8, OUT cost_after float8, OUT plan_before bigint, OUT plan_after bigint, OUT ms_before float8,
    OUT ms_after float8, OUT p float8, OUT samples integer, OUT temp_before float8, OUT temp_after float8, OUT wal_before float8,
    OUT wal_after float8, OUT accepted text)
RETURNS SETOF record
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    SELECT * FROM dbperf.comparison(regressions.baseline, regressions.candidate, regressions.ratio, regressions.blocks, regressions.rows,
                                    regressions.milliseconds) c
     WHERE c.verdict IN ('regressed', 'fails', 'result_changed') AND c.accepted IS NULL;
END;
COMMENT ON FUNCTION dbperf.regressions(text, text, float8, float8, float8, float8) IS
'what got worse between two finished runs, by default between the last two, and was not accepted (dbperf.accept()); columns and thresholds as of dbperf.comparison(). Errors: no finished run has a label, there is no other run to compare with';
