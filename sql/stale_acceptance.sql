-- Acceptances that nothing needs any more.

CREATE FUNCTION dbperf.stale_acceptances(
    run text DEFAULT NULL, baseline text DEFAULT NULL, OUT query text, OUT accepted text, OUT expires timestamptz, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH examined AS MATERIALIZED (
        SELECT dbperf.find_run(stale_acceptances.run) AS run_id
    ), executed AS (
        SELECT p.query FROM examined e JOIN dbperf.run r USING (run_id) CROSS JOIN LATERAL dbperf.query_profile(r.project, r.run_id) p
    ), judged AS (
        SELECT c.query, pg_catalog.bool_or(c.verdict = 'regressed') AS regressed
          FROM dbperf.comparison(COALESCE(stale_acceptances.baseline, stale_acceptances.run), stale_acceptances.run) c
         WHERE stale_acceptances.baseline IS NOT NULL GROUP BY c.query
    )
    SELECT a.query, a.reason, a.expires,
           CASE WHEN a.expires <= pg_catalog.now()
                  THEN pg_catalog.format('the acceptance expired on %s', pg_catalog.to_char(a.expires AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
                WHEN a.query NOT IN (SELECT x.query FROM executed x)
                  THEN 'the acceptance matched nothing: the query was not executed in this run'
                ELSE 'the acceptance matched nothing: the query did not regress' END
      FROM examined e CROSS JOIN dbperf.acceptance a LEFT JOIN judged j ON j.query = a.query
     -- the run is looked up, and complained about, even when there is no acceptance
     WHERE (SELECT run_id FROM examined) IS NOT NULL
       AND a.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '')
       AND (a.expires <= pg_catalog.now() OR a.query NOT IN (SELECT x.query FROM executed x)
            OR stale_acceptances.baseline IS NOT NULL AND NOT COALESCE(j.regressed, false))
     ORDER BY a.query;
END;
COMMENT ON FUNCTION dbperf.stale_acceptances(text, text) IS
    'acceptances that have expired, or whose query was not executed in this finished run (default: the latest) or, given a baseline, did not regress';
