-- Budgets and all findings in one shape.

CREATE TABLE dbperf.budgets (
    project text NOT NULL DEFAULT COALESCE(pg_catalog.current_setting('dbperf.project', true), ''),
    query text NOT NULL, -- a name, or a fingerprint
    metric text NOT NULL CHECK (metric IN ('avg_ms', 'p95_ms', 'p99_ms', 'max_ms', 'rows', 'blocks', 'calls')),
    budget float8 NOT NULL CHECK (budget >= 0),
    PRIMARY KEY (project, query, metric)
);
COMMENT ON TABLE dbperf.budgets IS 'limits per query; rows and blocks are averages a call, calls are those of a run';
COMMENT ON COLUMN dbperf.budgets.project IS 'value of dbperf.project that the budget is for';
COMMENT ON COLUMN dbperf.budgets.query IS 'name or fingerprint of the query';
COMMENT ON COLUMN dbperf.budgets.metric IS 'avg_ms, p95_ms, p99_ms, max_ms, rows, blocks or calls';
COMMENT ON COLUMN dbperf.budgets.budget IS 'the limit: ms, rows or blocks a call, or calls a run';

CREATE FUNCTION dbperf.set_budget(query text, metric text, budget float8) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF set_budget.budget IS NULL THEN
        DELETE FROM dbperf.budgets b
         WHERE b.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '')
           AND b.query = set_budget.query AND b.metric = set_budget.metric;
    ELSE
        INSERT INTO dbperf.budgets AS b (query, metric, budget)
        VALUES (set_budget.query, set_budget.metric, set_budget.budget)
        ON CONFLICT ON CONSTRAINT budgets_pkey DO UPDATE SET budget = excluded.budget;
    END IF;
END
$$;
COMMENT ON FUNCTION dbperf.set_budget(text, text, float8) IS
'sets or changes one budget of a query (name or fingerprint). metric: avg_ms, p95_ms, p99_ms, max_ms, rows, blocks or calls; budget: ms, rows or blocks a call, or calls a run; null removes it. Errors: an unknown metric, a negative budget';

-- P(X >= k) of a binomial distribution, exact up to n * p = 500 and by the normal approximation beyond.
CREATE FUNCTION dbperf.binomial_tail(n bigint, k bigint, p float8) RETURNS float8
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mass float8;
    below float8 := 0;
    z float8;
BEGIN
    IF k <= 0 THEN
        RETURN 1;
    END IF;
    IF n * p > 500 THEN
        z := (k - 0.5 - n * p) / sqrt(n * p * (1 - p));
        -- Abramowitz and Stegun 26.2.17, error below 7.5e-8
        mass := 1 / (1 + 0.2316419 * abs(z));
        below := exp(-z * z / 2) / sqrt(2 * pi())
                 * mass * (0.319381530 + mass * (-0.356563782 + mass * (1.781477937 + mass * (-1.821255978 + mass * 1.330274429))));
        RETURN CASE WHEN z >= 0 THEN below ELSE 1 - below END;
    END IF;
    mass := exp(n * ln(1 - p));
    FOR i IN 0 .. least(k, n + 1) - 1 LOOP
        below := below + mass;
        mass := mass * (n - i) / (i + 1) * p / (1 - p);
    END LOOP;
    RETURN greatest(0, 1 - below);
END
$$;
COMMENT ON FUNCTION dbperf.binomial_tail(bigint, bigint, float8) IS
    'internal: probability of at least k successes in n trials, each with probability p';

-- Judges every budget against one finished run. A quantile of few calls is just their maximum, so quantile budgets are
-- tested by how many calls exceeded them: violated when so many would be seen by chance in fewer than 1 of 100 runs.
CREATE FUNCTION dbperf.budget_violations(
    run text DEFAULT NULL, OUT query text, OUT metric text, OUT budget float8, OUT measured float8, OUT calls bigint,
    OUT calls_over bigint, OUT verdict text, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH measured AS (
        SELECT b.query, b.metric, b.budget, pg_catalog.sum(s.calls)::bigint AS calls,
               pg_catalog.sum(s.total_ms) / pg_catalog.sum(s.calls)::float8 AS avg_ms, pg_catalog.max(s.max_ms) AS max_ms,
               dbperf.merge_histograms(s.histogram) AS histogram,
               pg_catalog.sum(s.over_budget) FILTER (WHERE s.budget_ms = b.budget) AS counted_over,
               pg_catalog.bool_and(s.budget_ms = b.budget) AS counted_exactly,
               pg_catalog.sum(s.rows)::float8 / pg_catalog.sum(s.calls)::float8 AS rows,
               pg_catalog.sum(s.shared_blks_hit + s.shared_blks_read)::float8 / pg_catalog.sum(s.calls)::float8 AS blocks
          FROM dbperf.budgets b
          LEFT JOIN dbperf.statement s
            ON s.run_id = dbperf.find_run(budget_violations.run) AND s.project = b.project AND s.top_level
           AND b.query IN (s.query_name, s.fingerprint::text)
         GROUP BY b.query, b.metric, b.budget
    ), valued AS (
        SELECT m.*, q.fraction, q.least_calls,
               CASE m.metric WHEN 'avg_ms' THEN m.avg_ms WHEN 'max_ms' THEN m.max_ms WHEN 'rows' THEN m.rows
                             WHEN 'blocks' THEN m.blocks WHEN 'calls' THEN m.calls
                             ELSE LEAST(m.max_ms, dbperf.quantile(m.histogram, q.fraction)) END AS value,
               CASE WHEN q.fraction IS NOT NULL OR m.metric = 'max_ms'
                    THEN CASE WHEN m.counted_exactly THEN m.counted_over::bigint
                              ELSE dbperf.count_above(m.histogram, m.budget) END END AS over
          FROM measured m
          LEFT JOIN (VALUES ('p95_ms', 0.95::float8, 20), ('p99_ms', 0.99, 100)) q(metric, fraction, least_calls)
            ON q.metric = m.metric
    ), judged AS (
        SELECT v.*,
               CASE WHEN v.calls IS NULL OR v.fraction IS NOT NULL AND v.calls < v.least_calls THEN 'not_enough_samples'
                    WHEN v.fraction IS NOT NULL
                      THEN CASE WHEN dbperf.binomial_tail(v.calls, v.over, 1 - v.fraction) < 0.01 THEN 'violated' ELSE 'ok' END
                    WHEN v.value > v.budget THEN 'violated' ELSE 'ok' END AS verdict
          FROM valued v
    )
    SELECT j.query, j.metric, j.budget, j.value, COALESCE(j.calls, 0), j.over, j.verdict,
           CASE WHEN j.calls IS NULL THEN 'the query was not executed in this run'
                WHEN j.verdict = 'not_enough_samples'
                  THEN pg_catalog.format('%s calls; a %s budget needs %s', j.calls, pg_catalog.replace(j.metric, '_ms', ''), j.least_calls)
                WHEN j.fraction IS NOT NULL
                  THEN pg_catalog.format('%s of %s calls took longer than %s ms', j.over, j.calls, j.budget)
                ELSE pg_catalog.format('%s is %s, the budget %s', j.metric, pg_catalog.round(j.value::numeric, 3), j.budget) END
      FROM judged j
     ORDER BY j.query, j.metric;
END;
COMMENT ON FUNCTION dbperf.budget_violations(text) IS
'every budget against one finished run (default: the latest). measured: in the unit of the metric; calls_over: calls over a limit of time, null for other metrics; verdict: violated, ok or not_enough_samples; a quantile is violated when so many calls over it would be seen by chance in fewer than 1 of 100 runs. Error: no finished run has the label';

CREATE VIEW dbperf.findings AS
SELECT n.run, 'n_plus_one' AS kind,
       CASE WHEN n.confidence = 'possible' OR k.accepted THEN 'notice' ELSE 'error' END AS severity,
       n.confidence <> 'possible' AND NOT k.accepted AS gate, n.query,
       pg_catalog.format(CASE n.kind WHEN 'redundant' THEN '%s: read %s times with %s keys%s%s%s'
                                     WHEN 'server_loop' THEN '%s: executed %s times below one statement%4$s%5$s%6$s'
                                     ELSE '%s: executed %s times with %s keys%s%s%s' END,
                         n.confidence, n.calls, n.distinct_keys, COALESCE(' of ' || n.key_column, ''),
                         ' from ' || COALESCE(n.parent_relation || '.', '') || n.parent_column,
                         CASE WHEN k.accepted THEN '; acknowledged: ' || a.reason
                              WHEN a.fingerprint IS NOT NULL
                                THEN pg_catalog.format('; acknowledged up to %s in one unit of work', a.max_calls) END) AS reason,
       n.database, pg_catalog.jsonb_build_object('kind', n.kind, 'calls', n.calls, 'distinct_keys', n.distinct_keys,
                                                 'exec_ms', n.exec_ms, 'wait_ms', n.wait_ms, 'suggestion', n.suggestion,
                                                 'confidence', n.confidence, 'scope_calls_max', n.scope_calls_max,
                                                 'advice', n.advice, 'mapper_advice', n.mapper_advice, 'key_column', n.key_column,
                                                 'short_query', n.short_query, 'parent_relation', n.parent_relation, 'backends', n.backends,
                                                 'scope', n.scope, 'fingerprint', n.fingerprint, 'finding_id', n.finding_id,
                                                 'parent_query', n.parent_query, 'parent_column', n.parent_column,
                                                 'call_site', n.call_site, 'traceparent', n.traceparent,
                                                 'acknowledged', k.accepted) AS details,
       n.run_id
  FROM dbperf.n_plus_one n
  LEFT JOIN LATERAL dbperf.acknowledgement_of(n.fingerprint) a ON true
 CROSS JOIN LATERAL (SELECT COALESCE(n.scope_calls_max <= a.max_calls, false)) k(accepted)
UNION ALL
SELECT r.label, 'budget', CASE b.verdict WHEN 'violated' THEN 'error' ELSE 'notice' END, b.verdict = 'violated', b.query,
       b.metric || ': ' || b.reason, NULL, pg_catalog.to_jsonb(b), r.run_id
  FROM (SELECT DISTINCT ON (label) label, run_id FROM dbperf.run WHERE finished_at IS NOT NULL
         ORDER BY label, started_at DESC) r
 CROSS JOIN LATERAL dbperf.budget_violations(r.label) b
 WHERE b.verdict <> 'ok' AND (b.verdict = 'violated' OR b.calls > 0)
UNION ALL
SELECT r.label, 'budget', 'error', true, b.unit, b.reason, NULL, pg_catalog.to_jsonb(b), r.run_id
  FROM (SELECT DISTINCT ON (label) label, run_id FROM dbperf.run WHERE finished_at IS NOT NULL
         ORDER BY label, started_at DESC) r
 CROSS JOIN LATERAL dbperf.unit_budget_violations(r.label) b
 WHERE b.verdict = 'violated'
UNION ALL
SELECT r.label, 'stale_acknowledgement', 'warning', false, COALESCE(s.query, s.fingerprint::text), s.reason, NULL,
       pg_catalog.to_jsonb(s), r.run_id
  FROM (SELECT DISTINCT ON (label) label, run_id FROM dbperf.run WHERE finished_at IS NOT NULL
         ORDER BY label, started_at DESC) r
 CROSS JOIN LATERAL dbperf.stale_acknowledgements(r.label) s
UNION ALL
SELECT c.run, 'lock_cycle',
       CASE c.status WHEN 'confirmed' THEN 'error' WHEN 'predicted' THEN 'warning' ELSE 'notice' END, c.status = 'confirmed',
       (SELECT s ->> 'query' FROM pg_catalog.jsonb_array_elements(c.steps) s WHERE s ->> 'role' = 'requests' LIMIT 1),
       pg_catalog.format('%s: %s%s', c.status, c.description, '; ' || c.outcome),
       c.database, pg_catalog.jsonb_build_object('confidence', c.confidence, 'status', c.status, 'members', c.members,
                                                 'cycle_id', c.cycle_id, 'rows_in_common', c.rows_in_common, 'steps', c.steps),
       c.run_id
  FROM dbperf.lock_cycles c
UNION ALL
SELECT d.run, 'deadlock', 'error', true, v.query,
       pg_catalog.format('%s transactions waited for each other (%s); %s', d.members, pg_catalog.replace(d.kind, '_', ' '), d.advice),
       d.database, pg_catalog.to_jsonb(d) - 'advice', d.run_id
  FROM dbperf.deadlocks d
  LEFT JOIN LATERAL (SELECT s.query FROM dbperf.deadlock_steps s
                      WHERE s.deadlock_id = d.deadlock_id AND s.victim AND s.waited_ms IS NOT NULL LIMIT 1) v ON true
UNION ALL
SELECT r.label, 'stale_acceptance', 'warning', false, s.query, s.reason, NULL, pg_catalog.to_jsonb(s), r.run_id
  FROM (SELECT DISTINCT ON (label) label, run_id FROM dbperf.run WHERE finished_at IS NOT NULL
         ORDER BY label, started_at DESC) r
 CROSS JOIN LATERAL dbperf.stale_acceptances(r.label) s
UNION ALL
SELECT d.run, 'incomplete', 'warning', false, NULL, d.reason, NULL,
       pg_catalog.jsonb_build_object('item', d.item, 'dropped', d.dropped, 'setting', d.setting), d.run_id
  FROM dbperf.dropped d;
COMMENT ON VIEW dbperf.findings IS 'all findings in one shape; gate: fails a check';
COMMENT ON COLUMN dbperf.findings.run IS 'label of the run; null: outside runs';
COMMENT ON COLUMN dbperf.findings.kind IS 'n_plus_one, budget, lock_cycle, deadlock, stale_acknowledgement, stale_acceptance or incomplete';
COMMENT ON COLUMN dbperf.findings.severity IS 'error, warning or notice';
COMMENT ON COLUMN dbperf.findings.gate IS 'it fails a check';
COMMENT ON COLUMN dbperf.findings.query IS 'the statement it is about, by name or text, or of a budget the unit of work; null: none';
COMMENT ON COLUMN dbperf.findings.reason IS 'the finding in one sentence';
COMMENT ON COLUMN dbperf.findings.database IS 'name of the database; null: of no single one';
COMMENT ON COLUMN dbperf.findings.details IS 'what else is known, as an object; its keys depend on the kind';
COMMENT ON COLUMN dbperf.findings.run_id IS 'id of the run; null: outside runs';
