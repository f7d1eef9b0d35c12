-- Statement statistics as monitoring systems want them: by name or fingerprint, with the buckets that they ask for.

CREATE FUNCTION dbperf.histogram_counts(histogram bigint[], limits_ms float8[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT COALESCE(pg_catalog.array_agg(
               (SELECT COALESCE(pg_catalog.sum(histogram[i + 1]), 0)::bigint
                  FROM pg_catalog.generate_series(1, pg_catalog.cardinality(histogram), 2) i
                 WHERE dbperf.bucket_low_ms(histogram[i]) < l.ms) ORDER BY l.number), '{}')
      FROM pg_catalog.unnest(limits_ms) WITH ORDINALITY l(ms, number);
END;
COMMENT ON FUNCTION dbperf.histogram_counts(bigint[], float8[]) IS
    'how many observations of a histogram are at or below each limit (ms), within 3.2 % of the limit: the cumulative buckets of Prometheus';

CREATE FUNCTION dbperf.query_metrics(
    run text DEFAULT NULL, most integer DEFAULT 500,
    bounds_ms float8[] DEFAULT '{0.1,0.5,1,5,10,50,100,500,1000,5000,10000}', OUT database text, OUT query text, OUT calls bigint,
    OUT seconds float8, OUT buckets bigint[], OUT rows bigint, OUT aborted bigint, OUT over_budget bigint, OUT planning_seconds float8,
    OUT shared_blocks_hit bigint, OUT shared_blocks_read bigint, OUT temp_blocks bigint, OUT wal_bytes bigint)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH every AS (
        SELECT COALESCE(d.datname::text, dbperf.known_database_name(l.database), 'dropped database ' || l.database) AS database, l.query_name, l.fingerprint, l.calls, l.total_ms,
               l.histogram, l.rows, l.aborted, l.over_budget, l.planning_ms, l.shared_blks_hit, l.shared_blks_read,
               l.temp_blks_read + l.temp_blks_written AS temp_blocks, l.wal_bytes
          FROM dbperf.live_statements() l LEFT JOIN pg_catalog.pg_database d ON d.oid = l.database
         WHERE query_metrics.run IS NULL AND l.run_id IS NULL AND l.top_level
        UNION ALL
        SELECT s.database, NULLIF(s.query_name, ''), s.fingerprint, s.calls, s.total_ms, s.histogram, s.rows, s.aborted, s.over_budget,
               s.planning_ms, s.shared_blks_hit, s.shared_blks_read, s.temp_blks_read + s.temp_blks_written, s.wal_bytes
          FROM dbperf.run r JOIN dbperf.statement s USING (project, run_id)
         WHERE query_metrics.run IS NOT NULL
           AND r.run_id = (SELECT CASE WHEN query_metrics.run IS NOT NULL THEN dbperf.find_run(query_metrics.run) END) AND s.top_level
    ), grouped AS (
        SELECT e.database, COALESCE(e.query_name, e.fingerprint::text) AS query, pg_catalog.sum(e.calls)::bigint AS calls,
               pg_catalog.sum(e.total_ms) / 1000 AS seconds, dbperf.merge_histograms(e.histogram) AS histogram,
               pg_catalog.sum(e.rows)::bigint AS rows, pg_catalog.sum(e.aborted)::bigint AS aborted,
               pg_catalog.sum(e.over_budget)::bigint AS over_budget, pg_catalog.sum(e.planning_ms) / 1000 AS planning_seconds,
               pg_catalog.sum(e.shared_blks_hit)::bigint AS hit, pg_catalog.sum(e.shared_blks_read)::bigint AS read,
               pg_catalog.sum(e.temp_blocks)::bigint AS temp, pg_catalog.sum(e.wal_bytes)::bigint AS wal,
               pg_catalog.row_number() OVER (PARTITION BY e.query_name IS NULL ORDER BY pg_catalog.sum(e.total_ms) DESC) AS rank,
               e.query_name IS NOT NULL AS is_named
          FROM every e
         GROUP BY e.database, e.query_name, CASE WHEN e.query_name IS NULL THEN e.fingerprint END,
                  COALESCE(e.query_name, e.fingerprint::text)
    )
    SELECT g.database, g.query, g.calls, g.seconds, dbperf.histogram_counts(g.histogram, query_metrics.bounds_ms), g.rows, g.aborted,
           g.over_budget, g.planning_seconds, g.hit, g.read, g.temp, g.wal
      FROM grouped g
     WHERE g.is_named OR g.rank <= query_metrics.most
     ORDER BY g.database, g.query;
END;
COMMENT ON FUNCTION dbperf.query_metrics(text, integer, float8[]) IS
'one row a database and query: all named queries, and of statements without a name the most that took the most time; query: the name, or the fingerprint, never SQL. run null: what the server observed outside runs since it started or dbperf.reset(), else a finished run. calls, rows, blocks, bytes and seconds are sums of top-level statements; buckets: calls that took at most so many ms, one count for each of bounds_ms. Error: no finished run has the label';
