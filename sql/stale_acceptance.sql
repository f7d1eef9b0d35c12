-- Acceptances that nothing needs any more.

CREATE FUNCTION dbperf.stale_acceptances(
    run text DEFAULT NULL, baseline text DEFAULT NULL, OUT query text, OUT accepted text, OUT expires timestamptz, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    WITH examined AS MATERIALIZED (
        SELECT dbperf.find_run(stale_acceptances.run) AS run_id
    ), executed AS MATERIALIZED (
        SELECT p.query, p.key FROM examined e JOIN dbperf.run r USING (run_id) CROSS JOIN LATERAL dbperf.query_profile(r.project, r.run_id) p
    ), needing AS MATERIALIZED ( -- what cannot be decided may need it
        SELECT c.query
          FROM dbperf.comparison(COALESCE(stale_acceptances.baseline, stale_acceptances.run), stale_acceptances.run) c
         WHERE stale_acceptances.baseline IS NOT NULL AND c.verdict IN ('regressed', 'unstable', 'incomparable')
    ), judged AS (
        SELECT a.query, a.reason, a.expires, a.expires <= pg_catalog.now() AS is_over, m.is_executed, m.is_needed
          FROM dbperf.acceptance a
         CROSS JOIN LATERAL (
               SELECT pg_catalog.count(*) > 0 AS is_executed,
                      stale_acceptances.baseline IS NULL OR COALESCE(pg_catalog.bool_or(x.query IN (SELECT n.query FROM needing n)), false) AS is_needed
                 FROM executed x WHERE a.query IN (x.query, x.key)) m
         WHERE a.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '')
    )
    SELECT j.query, j.reason, j.expires,
           CASE WHEN j.is_over THEN pg_catalog.format('the acceptance expired on %s', pg_catalog.to_char(j.expires AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
                WHEN NOT j.is_executed THEN 'the acceptance matched nothing: the query was not executed in this run'
                ELSE 'the acceptance matched nothing: the query did not regress' END
      FROM judged j
     -- the run is looked up, and complained about, even when there is no acceptance
     WHERE (SELECT run_id FROM examined) IS NOT NULL AND (j.is_over OR NOT j.is_executed OR NOT j.is_needed)
     ORDER BY j.query;
END;
COMMENT ON FUNCTION dbperf.stale_acceptances(text, text) IS
    'acceptances that have expired, or whose query was not executed in this finished run (default: the latest) or, given a baseline, did not regress';
