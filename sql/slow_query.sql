-- Statements of a run against one limit for all of them.

CREATE FUNCTION dbperf.slow_queries(
    run text, threshold_ms float8, OUT query text, OUT fingerprint bigint, OUT calls bigint, OUT calls_over bigint, OUT p95_ms float8,
    OUT max_ms float8, OUT total_ms float8, OUT verdict text, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH chosen AS MATERIALIZED (
        SELECT r.project, r.run_id FROM dbperf.run r WHERE r.run_id = dbperf.find_run(slow_queries.run)
    ), grouped AS (
        SELECT pg_catalog.min(NULLIF(s.query_name, '')) AS name, s.fingerprint, pg_catalog.sum(s.calls)::bigint AS calls,
               pg_catalog.max(s.max_ms) AS max_ms, pg_catalog.sum(s.total_ms) AS total_ms, dbperf.merge_histograms(s.histogram) AS histogram
          FROM chosen c JOIN dbperf.statement s USING (project, run_id)
         WHERE s.top_level
           AND NOT EXISTS (SELECT FROM dbperf.budgets b -- its own limit stands above the one for all
                            WHERE b.project = s.project AND b.metric = 'p95_ms' AND b.query IN (s.query_name, s.fingerprint::text))
         GROUP BY s.fingerprint, s.query_name
        HAVING pg_catalog.max(s.max_ms) >= slow_queries.threshold_ms
    ), counted AS (
        SELECT g.*, t.query AS text, dbperf.count_above(g.histogram, slow_queries.threshold_ms) AS over
          FROM grouped g CROSS JOIN chosen c
          LEFT JOIN dbperf.query_text t ON t.project = c.project AND t.fingerprint = g.fingerprint
    ), judged AS (
        SELECT c.*, CASE WHEN c.calls < 20 THEN 'not_enough_samples'
                         WHEN dbperf.binomial_tail(c.calls, c.over, 0.05) < 0.01 THEN 'violated' END AS verdict
          FROM counted c
         WHERE c.over > 0
    )
    SELECT COALESCE(j.name, j.text, j.fingerprint::text), j.fingerprint, j.calls, j.over,
           LEAST(j.max_ms, dbperf.quantile(j.histogram, 0.95)), j.max_ms, j.total_ms, j.verdict,
           pg_catalog.format('%s of %s calls took longer than %s ms', j.over, j.calls, slow_queries.threshold_ms)
           || CASE j.verdict WHEN 'not_enough_samples' THEN '; 20 calls are needed to judge' ELSE '' END
      FROM judged j
     WHERE j.verdict IS NOT NULL
     ORDER BY j.verdict DESC, j.total_ms DESC, 1;
END;
COMMENT ON FUNCTION dbperf.slow_queries(text, float8) IS
'statements of a finished run (null: the latest) whose p95 is over a limit in ms: violated, when so many slow calls would be seen by chance in fewer than 1 of 100 runs, or not_enough_samples, with fewer than 20 calls some of which were slow; a query with a p95 budget of its own is skipped. Times in ms. Error: no finished run has the label';
