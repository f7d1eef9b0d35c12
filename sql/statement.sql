-- Statement statistics, live and stored, and their histograms.

CREATE TABLE dbperf.query_text (
    project text NOT NULL,
    fingerprint bigint NOT NULL,
    query text NOT NULL,
    PRIMARY KEY (project, fingerprint)
);
COMMENT ON TABLE dbperf.query_text IS 'internal: normalised texts of statements, each once';

CREATE TABLE dbperf.statement (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    role text NOT NULL,
    query_name text NOT NULL, -- '' without
    fingerprint bigint NOT NULL,
    top_level boolean NOT NULL,
    calls bigint NOT NULL,
    rows bigint NOT NULL,
    aborted bigint NOT NULL,
    over_budget bigint NOT NULL,
    budget_ms float8 NOT NULL,
    plans bigint NOT NULL,
    planning_ms float8 NOT NULL,
    total_ms float8 NOT NULL,
    min_ms float8 NOT NULL,
    max_ms float8 NOT NULL,
    shared_blks_hit bigint NOT NULL,
    shared_blks_read bigint NOT NULL,
    shared_blks_dirtied bigint NOT NULL,
    shared_blks_written bigint NOT NULL,
    temp_blks_read bigint NOT NULL,
    temp_blks_written bigint NOT NULL,
    wal_bytes bigint NOT NULL,
    histogram bigint[] NOT NULL, -- bucket, count, bucket, count, ...
    PRIMARY KEY (project, run_id, database, role, fingerprint, query_name, top_level)
);
COMMENT ON TABLE dbperf.statement IS 'internal: statistics of finished runs; read dbperf.statements';

CREATE FUNCTION dbperf.live_statements(
    OUT run_id uuid, OUT run text, OUT database oid, OUT role oid, OUT query_name text, OUT fingerprint bigint, OUT query text,
    OUT top_level boolean, OUT calls bigint, OUT rows bigint, OUT aborted bigint, OUT over_budget bigint, OUT budget_ms float8,
    OUT plans bigint, OUT planning_ms float8, OUT total_ms float8, OUT min_ms float8, OUT max_ms float8,
    OUT shared_blks_hit bigint, OUT shared_blks_read bigint, OUT shared_blks_dirtied bigint, OUT shared_blks_written bigint,
    OUT temp_blks_read bigint, OUT temp_blks_written bigint, OUT wal_bytes bigint, OUT histogram bigint[])
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_statements' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.live_statements() IS 'internal: statements in shared memory; read dbperf.statements';

-- Of a database or role that was dropped since, too: what is stored of it and what is still live have one name.
CREATE FUNCTION dbperf.known_database_name(database oid) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_known_database_name' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.known_database_name(oid) IS 'internal: name of a database in which statements were counted, though it may be gone; null: not known';

CREATE FUNCTION dbperf.known_role_name(role oid) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_known_role_name' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.known_role_name(oid) IS 'internal: name of a role whose statements were counted, though it may be gone; null: not known';

-- Bounds of a bucket in milliseconds. Below 1024 ns buckets are 32 ns wide, above every power of two has 32 linear steps.
-- Not STRICT: PostgreSQL inlines no strict function with a CASE, and null gives null as it is.
CREATE FUNCTION dbperf.bucket_low_ms(bucket bigint) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN bucket < 32 THEN bucket * 32
            ELSE (32 + (bucket - 32) % 32) << ((bucket - 32) / 32 + 5)::int END / 1e6::float8;
COMMENT ON FUNCTION dbperf.bucket_low_ms(bigint) IS 'internal: lower bound of a bucket of a histogram, ms';

CREATE FUNCTION dbperf.bucket_width_ms(bucket bigint) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN bucket < 32 THEN 32 ELSE 1::bigint << ((bucket - 32) / 32 + 5)::int END / 1e6::float8;
COMMENT ON FUNCTION dbperf.bucket_width_ms(bigint) IS 'internal: width of a bucket of a histogram, ms';

-- Nearest-rank quantile of a histogram in milliseconds, the midpoint of its bucket: within 1.6 % of the exact one.
CREATE FUNCTION dbperf.quantile(histogram bigint[], fraction float8) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT dbperf.bucket_low_ms(bucket) + dbperf.bucket_width_ms(bucket) / 2
      FROM (SELECT histogram[i] AS bucket,
                   pg_catalog.sum(histogram[i + 1]) OVER (ORDER BY histogram[i]) AS seen,
                   pg_catalog.sum(histogram[i + 1]) OVER () AS total
              FROM pg_catalog.generate_series(1, pg_catalog.cardinality(histogram), 2) i) b
     WHERE seen >= GREATEST(1, pg_catalog.ceil(fraction * total::float8))
     ORDER BY bucket LIMIT 1;
END;
COMMENT ON FUNCTION dbperf.quantile(bigint[], float8) IS
    'nearest-rank quantile of a histogram, in milliseconds, within 1.6 % of the exact one';

-- Observations surely above a limit: those in buckets that begin at or above it.
CREATE FUNCTION dbperf.count_above(histogram bigint[], limit_ms float8) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT COALESCE(pg_catalog.sum(histogram[i + 1]), 0)::bigint
      FROM pg_catalog.generate_series(1, pg_catalog.cardinality(histogram), 2) i
     WHERE dbperf.bucket_low_ms(histogram[i]) >= limit_ms;
END;
COMMENT ON FUNCTION dbperf.count_above(bigint[], float8) IS 'internal: observations of a histogram above a limit in ms';

CREATE FUNCTION dbperf.histogram_samples(histogram bigint[], most integer DEFAULT 400) RETURNS float8[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    WITH bucket AS (
        SELECT histogram[i] AS number, histogram[i + 1]::float8 AS count,
               pg_catalog.sum(histogram[i + 1]) OVER (ORDER BY histogram[i])::float8 AS seen,
               pg_catalog.sum(histogram[i + 1]) OVER ()::float8 AS total
          FROM pg_catalog.generate_series(1, pg_catalog.cardinality(histogram), 2) i
    )
    SELECT COALESCE(pg_catalog.array_agg(dbperf.bucket_low_ms(number) + dbperf.bucket_width_ms(number) / 2 ORDER BY number), '{}')
      FROM (SELECT b.*, LEAST(b.total, GREATEST(most, 1)::float8) / b.total AS share FROM bucket b) b,
           pg_catalog.generate_series(1, (pg_catalog.floor(b.seen * b.share + 0.5)
                                          - pg_catalog.floor((b.seen - b.count) * b.share + 0.5))::integer);
END;
COMMENT ON FUNCTION dbperf.histogram_samples(bigint[], integer) IS
    'the observations of a histogram as an ascending array in ms, each within 1.6 %; of more than most so many evenly spaced quantiles';

CREATE FUNCTION dbperf.add_histograms(a bigint[], b bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT COALESCE(pg_catalog.array_agg(x ORDER BY bucket, part), '{}')
      FROM (SELECT h[i] AS bucket, pg_catalog.sum(h[i + 1])::bigint AS count
              FROM (VALUES (a), (b)) v(h), pg_catalog.generate_series(1, pg_catalog.cardinality(h), 2) i
             GROUP BY h[i]) s,
           LATERAL (VALUES (1, bucket), (2, count)) p(part, x);
END;
COMMENT ON FUNCTION dbperf.add_histograms(bigint[], bigint[]) IS 'internal: sum of two histograms, for dbperf.merge_histograms()';

CREATE AGGREGATE dbperf.merge_histograms(bigint[]) (
    SFUNC = dbperf.add_histograms, STYPE = bigint[], INITCOND = '{}', COMBINEFUNC = dbperf.add_histograms, PARALLEL = SAFE
);
COMMENT ON AGGREGATE dbperf.merge_histograms(bigint[]) IS 'sum of histograms';

CREATE VIEW dbperf.statements AS
WITH every AS (
    SELECT l.run, COALESCE(d.datname::text, dbperf.known_database_name(l.database), 'dropped database ' || l.database) AS database,
           COALESCE(a.rolname::text, dbperf.known_role_name(l.role), 'dropped role ' || l.role) AS role, l.query_name, l.fingerprint, l.query, l.top_level,
           l.calls, l.rows, l.aborted, l.over_budget, l.budget_ms, l.plans, l.planning_ms, l.total_ms, l.min_ms, l.max_ms,
           l.shared_blks_hit, l.shared_blks_read, l.shared_blks_dirtied, l.shared_blks_written, l.temp_blks_read,
           l.temp_blks_written, l.wal_bytes, l.histogram, l.run_id
      FROM dbperf.live_statements() l
      LEFT JOIN pg_catalog.pg_database d ON d.oid = l.database
      LEFT JOIN pg_catalog.pg_roles a ON a.oid = l.role
    UNION ALL
    SELECT r.label, s.database, s.role, NULLIF(s.query_name, ''), s.fingerprint, t.query, s.top_level,
           s.calls, s.rows, s.aborted, s.over_budget, s.budget_ms, s.plans, s.planning_ms, s.total_ms, s.min_ms, s.max_ms,
           s.shared_blks_hit, s.shared_blks_read, s.shared_blks_dirtied, s.shared_blks_written, s.temp_blks_read,
           s.temp_blks_written, s.wal_bytes, s.histogram, s.run_id
      FROM dbperf.statement s
      JOIN dbperf.run r USING (project, run_id)
      LEFT JOIN dbperf.query_text t USING (project, fingerprint)
)
SELECT run, database, role, query_name, fingerprint, query, top_level, calls, rows, aborted, over_budget, budget_ms,
       total_ms, total_ms / calls AS mean_ms, min_ms,
       LEAST(max_ms, GREATEST(min_ms, dbperf.quantile(histogram, 0.5))) AS p50_ms,
       LEAST(max_ms, GREATEST(min_ms, dbperf.quantile(histogram, 0.95))) AS p95_ms,
       LEAST(max_ms, GREATEST(min_ms, dbperf.quantile(histogram, 0.99))) AS p99_ms,
       max_ms, plans, planning_ms, shared_blks_hit, shared_blks_read, shared_blks_dirtied, shared_blks_written,
       temp_blks_read, temp_blks_written, wal_bytes, histogram, run_id
  FROM every;
COMMENT ON VIEW dbperf.statements IS
    'statement statistics, live and of finished runs; run is null for what was observed outside a run; times in ms';
COMMENT ON COLUMN dbperf.statements.run IS 'label of the run; null: outside runs';
COMMENT ON COLUMN dbperf.statements.database IS 'name of the database it happened in';
COMMENT ON COLUMN dbperf.statements.role IS 'name of the role that executed it';
COMMENT ON COLUMN dbperf.statements.query_name IS 'name given by dbperf.query_name; null: none';
COMMENT ON COLUMN dbperf.statements.fingerprint IS 'identity of the statement, from its normalised text';
COMMENT ON COLUMN dbperf.statements.query IS 'normalised text of the statement; null: not known any more';
COMMENT ON COLUMN dbperf.statements.top_level IS 'sent by the client, not executed inside another statement';
COMMENT ON COLUMN dbperf.statements.calls IS 'executions, those that failed included';
COMMENT ON COLUMN dbperf.statements.rows IS 'rows returned or changed, of all calls together';
COMMENT ON COLUMN dbperf.statements.aborted IS 'calls that failed or were cancelled';
COMMENT ON COLUMN dbperf.statements.over_budget IS 'calls that took longer than budget_ms';
COMMENT ON COLUMN dbperf.statements.budget_ms IS 'dbperf.budget when it was executed, ms; 0: none';
COMMENT ON COLUMN dbperf.statements.total_ms IS 'execution time of all calls, ms';
COMMENT ON COLUMN dbperf.statements.mean_ms IS 'execution time of a call, ms';
COMMENT ON COLUMN dbperf.statements.min_ms IS 'shortest execution, ms';
COMMENT ON COLUMN dbperf.statements.p50_ms IS 'median execution time, ms, within 1.6 %';
COMMENT ON COLUMN dbperf.statements.p95_ms IS '95th percentile of the execution time, ms, within 1.6 %';
COMMENT ON COLUMN dbperf.statements.p99_ms IS '99th percentile of the execution time, ms, within 1.6 %';
COMMENT ON COLUMN dbperf.statements.max_ms IS 'longest execution, ms';
COMMENT ON COLUMN dbperf.statements.plans IS 'how often it was planned';
COMMENT ON COLUMN dbperf.statements.planning_ms IS 'planning time of all plans, ms';
COMMENT ON COLUMN dbperf.statements.shared_blks_hit IS 'shared blocks found in shared buffers';
COMMENT ON COLUMN dbperf.statements.shared_blks_read IS 'shared blocks read from outside shared buffers';
COMMENT ON COLUMN dbperf.statements.shared_blks_dirtied IS 'shared blocks dirtied';
COMMENT ON COLUMN dbperf.statements.shared_blks_written IS 'shared blocks written out by the statement itself';
COMMENT ON COLUMN dbperf.statements.temp_blks_read IS 'temporary blocks read';
COMMENT ON COLUMN dbperf.statements.temp_blks_written IS 'temporary blocks written';
COMMENT ON COLUMN dbperf.statements.wal_bytes IS 'bytes of WAL written';
COMMENT ON COLUMN dbperf.statements.histogram IS 'execution times: bucket, calls, bucket, calls, ...; for dbperf.quantile() and dbperf.merge_histograms()';
COMMENT ON COLUMN dbperf.statements.run_id IS 'id of the run; null: outside runs';

CREATE FUNCTION dbperf.slow_query_threshold_ms() RETURNS float8
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT setting::float8 FROM pg_catalog.pg_settings WHERE name = 'dbperf.slow_query_threshold';
END;
COMMENT ON FUNCTION dbperf.slow_query_threshold_ms() IS 'internal: dbperf.slow_query_threshold in ms';

CREATE VIEW dbperf.slow_statements AS
SELECT s.* FROM dbperf.statements s
 WHERE s.max_ms >= (SELECT t.ms FROM dbperf.slow_query_threshold_ms() t(ms) WHERE t.ms >= 0) -- once, not for every row
 ORDER BY s.p95_ms DESC, s.total_ms DESC;
COMMENT ON VIEW dbperf.slow_statements IS
    'statements of which at least one execution took dbperf.slow_query_threshold or longer, the slowest first';
COMMENT ON COLUMN dbperf.slow_statements.run IS 'label of the run; null: outside runs';
COMMENT ON COLUMN dbperf.slow_statements.database IS 'name of the database it happened in';
COMMENT ON COLUMN dbperf.slow_statements.role IS 'name of the role that executed it';
COMMENT ON COLUMN dbperf.slow_statements.query_name IS 'name given by dbperf.query_name; null: none';
COMMENT ON COLUMN dbperf.slow_statements.fingerprint IS 'identity of the statement, from its normalised text';
COMMENT ON COLUMN dbperf.slow_statements.query IS 'normalised text of the statement; null: not known any more';
COMMENT ON COLUMN dbperf.slow_statements.top_level IS 'sent by the client, not executed inside another statement';
COMMENT ON COLUMN dbperf.slow_statements.calls IS 'executions, those that failed included';
COMMENT ON COLUMN dbperf.slow_statements.rows IS 'rows returned or changed, of all calls together';
COMMENT ON COLUMN dbperf.slow_statements.aborted IS 'calls that failed or were cancelled';
COMMENT ON COLUMN dbperf.slow_statements.over_budget IS 'calls that took longer than budget_ms';
COMMENT ON COLUMN dbperf.slow_statements.budget_ms IS 'dbperf.budget when it was executed, ms; 0: none';
COMMENT ON COLUMN dbperf.slow_statements.total_ms IS 'execution time of all calls, ms';
COMMENT ON COLUMN dbperf.slow_statements.mean_ms IS 'execution time of a call, ms';
COMMENT ON COLUMN dbperf.slow_statements.min_ms IS 'shortest execution, ms';
COMMENT ON COLUMN dbperf.slow_statements.p50_ms IS 'median execution time, ms, within 1.6 %';
COMMENT ON COLUMN dbperf.slow_statements.p95_ms IS '95th percentile of the execution time, ms, within 1.6 %';
COMMENT ON COLUMN dbperf.slow_statements.p99_ms IS '99th percentile of the execution time, ms, within 1.6 %';
COMMENT ON COLUMN dbperf.slow_statements.max_ms IS 'longest execution, ms';
COMMENT ON COLUMN dbperf.slow_statements.plans IS 'how often it was planned';
COMMENT ON COLUMN dbperf.slow_statements.planning_ms IS 'planning time of all plans, ms';
COMMENT ON COLUMN dbperf.slow_statements.shared_blks_hit IS 'shared blocks found in shared buffers';
COMMENT ON COLUMN dbperf.slow_statements.shared_blks_read IS 'shared blocks read from outside shared buffers';
COMMENT ON COLUMN dbperf.slow_statements.shared_blks_dirtied IS 'shared blocks dirtied';
COMMENT ON COLUMN dbperf.slow_statements.shared_blks_written IS 'shared blocks written out by the statement itself';
COMMENT ON COLUMN dbperf.slow_statements.temp_blks_read IS 'temporary blocks read';
COMMENT ON COLUMN dbperf.slow_statements.temp_blks_written IS 'temporary blocks written';
COMMENT ON COLUMN dbperf.slow_statements.wal_bytes IS 'bytes of WAL written';
COMMENT ON COLUMN dbperf.slow_statements.histogram IS 'execution times: bucket, calls, bucket, calls, ...; for dbperf.quantile() and dbperf.merge_histograms()';
COMMENT ON COLUMN dbperf.slow_statements.run_id IS 'id of the run; null: outside runs';
