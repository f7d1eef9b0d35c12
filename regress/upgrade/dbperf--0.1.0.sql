-- Guard and conventions of the install script. Topic files follow in the order of extension/CMakeLists.txt.
--
-- Every stored row carries project and run first in its key, so that the tables of many servers can be put together and
-- partitioned. The run of what was observed outside any run is the nil UUID; views show it as null.
\echo Use "CREATE EXTENSION dbperf" to load this file. \quit

-- All of dbperf is named with its schema, so nothing that lies in that schema already can be mistaken for an operator or
-- function of PostgreSQL. CREATE EXTENSION puts the setting back.
SET LOCAL search_path = pg_catalog, pg_temp;

-- How far the recorder has stored the queue of one life of shared memory (epoch): makes writing exactly-once.
CREATE TABLE dbperf.recorder_progress (
    epoch bigint PRIMARY KEY,
    last_sequence bigint NOT NULL
);

CREATE FUNCTION dbperf.status(OUT item text, OUT value text, OUT note text) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_status' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.status() IS 'what is loaded, how full it is, and what was dropped';
-- Runs: labelled periods of observation.

CREATE TABLE dbperf.run (
    project text NOT NULL,
    run_id uuid NOT NULL,
    label text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    server_version integer NOT NULL,
    attributes jsonb NOT NULL,
    settings jsonb NOT NULL,
    imported boolean NOT NULL DEFAULT false, -- measured elsewhere
    PRIMARY KEY (project, run_id)
);
CREATE INDEX run_label ON dbperf.run (project, label, started_at);

CREATE FUNCTION dbperf.start_run(label text, attributes jsonb DEFAULT '{}') RETURNS uuid
AS 'MODULE_PATHNAME', 'dbperf_start_run' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.start_run(text, jsonb) IS
    'begins a run for the whole server; sessions with a dbperf.run of their own belong to that label instead';

CREATE FUNCTION dbperf.finish_run(label text DEFAULT NULL) RETURNS uuid
AS 'MODULE_PATHNAME', 'dbperf_finish_run' LANGUAGE C CALLED ON NULL INPUT VOLATILE;
COMMENT ON FUNCTION dbperf.finish_run(text) IS
    'closes a run and returns when all of it is stored; null: the run this session belongs to';

CREATE FUNCTION dbperf.flush() RETURNS void
AS 'MODULE_PATHNAME', 'dbperf_flush' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.flush() IS 'returns when everything observed before the call is committed to the tables';

CREATE FUNCTION dbperf.reset() RETURNS void
AS 'MODULE_PATHNAME', 'dbperf_reset' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.reset() IS
    'forgets runs under way, live statistics and everything observed outside runs; stored runs stay';

CREATE FUNCTION dbperf.stats_reset() RETURNS timestamptz
AS 'MODULE_PATHNAME', 'dbperf_stats_reset' LANGUAGE C STRICT STABLE;
COMMENT ON FUNCTION dbperf.stats_reset() IS 'when dbperf.reset() was last called since the server started, or null';

CREATE FUNCTION dbperf.live_runs(
    OUT run_id uuid, OUT label text, OUT server_wide boolean, OUT started_at timestamptz, OUT finished_at timestamptz,
    OUT attributes jsonb) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_runs' LANGUAGE C STRICT VOLATILE;

CREATE FUNCTION dbperf.last_execution(
    OUT number bigint, OUT exec_ms float8, OUT rows bigint, OUT shared_blks bigint, OUT temp_blks bigint, OUT wal_bytes bigint)
RETURNS record
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT r.* FROM pg_catalog.jsonb_to_record(NULLIF(pg_catalog.current_setting('dbperf.last_execution', true), '')::jsonb)
        AS r(number bigint, exec_ms float8, rows bigint, shared_blks bigint, temp_blks bigint, wal_bytes bigint);
END;
COMMENT ON FUNCTION dbperf.last_execution() IS
'what the last top-level statement that this session completed in a run took: its number in the session, to tell it from the one before; ms from the start of its execution to its last row, by the server''s clock; rows returned or changed; blocks touched, bytes of WAL; utility statements and those that ask dbperf do not count; null before the first. Where the extension is not installed, SHOW dbperf.last_execution gives the same as JSON';

-- Settings of the server that decide plans, as the recorder has them (which turns jit off for itself): what makes two runs comparable or not.
CREATE FUNCTION dbperf.relevant_settings() RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT pg_catalog.jsonb_object_agg(name, setting ORDER BY name)
      FROM pg_catalog.pg_settings
     WHERE category LIKE 'Query Tuning%' AND name <> 'jit' OR name IN ('work_mem', 'shared_buffers', 'track_io_timing', 'data_checksums');
END;

CREATE VIEW dbperf.runs AS
SELECT r.run_id, r.label, CASE WHEN r.finished_at IS NULL AND l.run_id IS NOT NULL THEN 'active'
                               WHEN r.finished_at IS NULL THEN 'lost' ELSE 'finished' END AS state,
       r.started_at, r.finished_at, r.server_version, r.attributes, r.settings, r.project
  FROM dbperf.run r LEFT JOIN dbperf.live_runs() l USING (run_id)
UNION ALL
SELECT l.run_id, l.label, 'active', l.started_at, l.finished_at,
       pg_catalog.current_setting('server_version_num')::integer, l.attributes, NULL, pg_catalog.current_setting('dbperf.project', true)
  FROM dbperf.live_runs() l
 WHERE NOT EXISTS (SELECT FROM dbperf.run r WHERE r.run_id = l.run_id);
COMMENT ON VIEW dbperf.runs IS
    'one row a run: active, finished, or lost (the server went down before it was finished)';

-- The run that a label stands for: the latest with it. Null stands for the latest finished run.
CREATE FUNCTION dbperf.find_run(label text) RETURNS uuid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found uuid;
BEGIN
    SELECT r.run_id INTO found
      FROM dbperf.run r
     WHERE r.finished_at IS NOT NULL AND (find_run.label IS NULL OR r.label OPERATOR(pg_catalog.=) find_run.label)
     ORDER BY r.started_at DESC LIMIT 1;
    IF found IS NULL THEN
        IF find_run.label IS NULL THEN
            RAISE EXCEPTION 'there is no finished run'
                USING ERRCODE = 'undefined_object', HINT = 'Call dbperf.start_run(''label''), run something, call dbperf.finish_run().';
        END IF;
        RAISE EXCEPTION 'there is no finished run with the label "%"', find_run.label
            USING ERRCODE = 'undefined_object', HINT = 'SELECT label FROM dbperf.runs lists them.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION dbperf.find_run(text) IS 'id of the latest finished run with this label; null: of any label';
-- Statement statistics, live and stored, and their histograms.

CREATE TABLE dbperf.query_text (
    project text NOT NULL,
    fingerprint bigint NOT NULL,
    query text NOT NULL,
    PRIMARY KEY (project, fingerprint)
);

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

CREATE FUNCTION dbperf.live_statements(
    OUT run_id uuid, OUT run text, OUT database oid, OUT role oid, OUT query_name text, OUT fingerprint bigint, OUT query text,
    OUT top_level boolean, OUT calls bigint, OUT rows bigint, OUT aborted bigint, OUT over_budget bigint, OUT budget_ms float8,
    OUT plans bigint, OUT planning_ms float8, OUT total_ms float8, OUT min_ms float8, OUT max_ms float8,
    OUT shared_blks_hit bigint, OUT shared_blks_read bigint, OUT shared_blks_dirtied bigint, OUT shared_blks_written bigint,
    OUT temp_blks_read bigint, OUT temp_blks_written bigint, OUT wal_bytes bigint, OUT histogram bigint[])
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_statements' LANGUAGE C STRICT VOLATILE;

-- Bounds of a bucket in milliseconds. Below 1024 ns buckets are 32 ns wide, above every power of two has 32 linear steps.
-- Not STRICT: PostgreSQL inlines no strict function with a CASE, and null gives null as it is.
CREATE FUNCTION dbperf.bucket_low_ms(bucket bigint) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN bucket < 32 THEN bucket * 32
            ELSE (32 + (bucket - 32) % 32) << ((bucket - 32) / 32 + 5)::int END / 1e6::float8;

CREATE FUNCTION dbperf.bucket_width_ms(bucket bigint) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN bucket < 32 THEN 32 ELSE 1::bigint << ((bucket - 32) / 32 + 5)::int END / 1e6::float8;

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

CREATE AGGREGATE dbperf.merge_histograms(bigint[]) (
    SFUNC = dbperf.add_histograms, STYPE = bigint[], INITCOND = '{}', COMBINEFUNC = dbperf.add_histograms, PARALLEL = SAFE
);
COMMENT ON AGGREGATE dbperf.merge_histograms(bigint[]) IS 'sum of histograms';

CREATE VIEW dbperf.statements AS
WITH every AS (
    SELECT l.run, COALESCE(d.datname::text, 'dropped database ' || l.database) AS database,
           COALESCE(a.rolname::text, 'dropped role ' || l.role) AS role, l.query_name, l.fingerprint, l.query, l.top_level,
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

CREATE FUNCTION dbperf.slow_query_threshold_ms() RETURNS float8
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT setting::float8 FROM pg_catalog.pg_settings WHERE name = 'dbperf.slow_query_threshold';
END;

CREATE VIEW dbperf.slow_statements AS
SELECT s.* FROM dbperf.statements s
 WHERE s.max_ms >= (SELECT t.ms FROM dbperf.slow_query_threshold_ms() t(ms) WHERE t.ms >= 0) -- once, not for every row
 ORDER BY s.p95_ms DESC, s.total_ms DESC;
COMMENT ON VIEW dbperf.slow_statements IS
    'statements of which at least one execution took dbperf.slow_query_threshold or longer, the slowest first';
-- Captured plans, whole and as rows of nodes.

CREATE TABLE dbperf.plan (
    project text NOT NULL,
    run_id uuid NOT NULL,
    plan_id bigint GENERATED ALWAYS AS IDENTITY,
    database text NOT NULL,
    role text NOT NULL,
    query_name text,
    fingerprint bigint NOT NULL,
    shape bigint NOT NULL,
    reason text NOT NULL,
    aborted boolean NOT NULL,
    top_level boolean NOT NULL,
    timed boolean NOT NULL,
    captured_at timestamptz NOT NULL,
    exec_ms float8 NOT NULL,
    rows bigint NOT NULL,
    plan jsonb NOT NULL,
    shared_blks_hit bigint NOT NULL,
    shared_blks_read bigint NOT NULL,
    shared_blks_dirtied bigint NOT NULL,
    shared_blks_written bigint NOT NULL,
    temp_blks_read bigint NOT NULL,
    temp_blks_written bigint NOT NULL,
    wal_bytes bigint NOT NULL,
    executions bigint NOT NULL DEFAULT 1, -- of this shape in the run, captured or not, where dbperf.capture_plans is new
    PRIMARY KEY (project, run_id, plan_id)
);
CREATE INDEX plan_fingerprint ON dbperf.plan (project, fingerprint, run_id);

CREATE TABLE dbperf.plan_node (
    project text NOT NULL,
    run_id uuid NOT NULL,
    plan_id bigint NOT NULL,
    node_id integer NOT NULL, -- 1 is the root, children after their parent
    parent_id integer,
    depth integer NOT NULL,
    node_type text NOT NULL,
    relationship text,
    join_type text,
    strategy text,
    relation text,
    alias text,
    index_name text,
    subplan_name text,
    plan_rows float8,
    actual_rows float8,       -- in all loops together
    loops float8,
    startup_cost float8,
    total_cost float8,
    actual_ms float8,         -- in all loops together; null without timing
    exclusive_ms float8,
    blks bigint,              -- shared blocks hit and read, with children
    exclusive_blks bigint,
    temp_blks bigint,
    rows_removed float8,      -- by filter, join filter and recheck, in all loops together
    condition text,           -- index, hash, merge or recheck condition
    filter text,
    sort_key text,
    PRIMARY KEY (project, run_id, plan_id, node_id),
    FOREIGN KEY (project, run_id, plan_id) REFERENCES dbperf.plan ON DELETE CASCADE
);

-- The nodes of a plan in EXPLAIN's JSON of any supported version. Exclusive means without the children; those of
-- InitPlans and CTEs are children of the node that shows them. Times and blocks of parallel workers are inside already.
CREATE FUNCTION dbperf.nodes_of_plan(
    plan jsonb, OUT node_id integer, OUT parent_id integer, OUT depth integer, OUT node_type text, OUT relationship text,
    OUT join_type text, OUT strategy text, OUT relation text, OUT alias text, OUT index_name text, OUT subplan_name text,
    OUT plan_rows float8, OUT actual_rows float8, OUT loops float8, OUT startup_cost float8, OUT total_cost float8,
    OUT actual_ms float8, OUT exclusive_ms float8, OUT blks bigint, OUT exclusive_blks bigint, OUT temp_blks bigint,
    OUT rows_removed float8, OUT condition text, OUT filter text, OUT sort_key text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE tree AS (
        SELECT ARRAY[1]::integer[] AS path,
               CASE pg_catalog.jsonb_typeof(nodes_of_plan.plan) WHEN 'array' THEN nodes_of_plan.plan -> 0
                    ELSE nodes_of_plan.plan END -> 'Plan' AS node
        UNION ALL
        SELECT tree.path || child.number::integer, child.node
          FROM tree, pg_catalog.jsonb_array_elements(tree.node -> 'Plans') WITH ORDINALITY child(node, number)
    ), measured AS (
        SELECT pg_catalog.row_number() OVER (ORDER BY path)::integer AS id, path, node,
               (node ->> 'Actual Loops')::float8 AS loops,
               (node ->> 'Actual Total Time')::float8 * (node ->> 'Actual Loops')::float8 AS ms,
               (node ->> 'Shared Hit Blocks')::bigint + (node ->> 'Shared Read Blocks')::bigint AS blks
          FROM tree WHERE node IS NOT NULL
    )
    SELECT m.id, p.id, pg_catalog.cardinality(m.path) - 1, m.node ->> 'Node Type', m.node ->> 'Parent Relationship',
           m.node ->> 'Join Type', m.node ->> 'Strategy', m.node ->> 'Relation Name', m.node ->> 'Alias',
           m.node ->> 'Index Name', m.node ->> 'Subplan Name', (m.node ->> 'Plan Rows')::float8,
           (m.node ->> 'Actual Rows')::float8 * m.loops, m.loops, (m.node ->> 'Startup Cost')::float8,
           (m.node ->> 'Total Cost')::float8, m.ms, GREATEST(m.ms - COALESCE(c.ms, 0), 0), m.blks,
           GREATEST(m.blks - COALESCE(c.blks, 0), 0),
           (m.node ->> 'Temp Read Blocks')::bigint + (m.node ->> 'Temp Written Blocks')::bigint,
           (COALESCE((m.node ->> 'Rows Removed by Filter')::float8, 0)
            + COALESCE((m.node ->> 'Rows Removed by Join Filter')::float8, 0)
            + COALESCE((m.node ->> 'Rows Removed by Index Recheck')::float8, 0)) * m.loops,
           COALESCE(m.node ->> 'Index Cond', m.node ->> 'Hash Cond', m.node ->> 'Merge Cond', m.node ->> 'Recheck Cond',
                    m.node ->> 'TID Cond'),
           m.node ->> 'Filter', m.node ->> 'Sort Key'
      FROM measured m
      LEFT JOIN measured p ON p.path = m.path[1:pg_catalog.cardinality(m.path) - 1]
      LEFT JOIN LATERAL (SELECT pg_catalog.sum(k.ms) AS ms, pg_catalog.sum(k.blks)::bigint AS blks
                           FROM measured k
                          WHERE pg_catalog.cardinality(k.path) = pg_catalog.cardinality(m.path) + 1
                            AND k.path[1:pg_catalog.cardinality(m.path)] = m.path) c ON true
     ORDER BY m.id;
END;
COMMENT ON FUNCTION dbperf.nodes_of_plan(jsonb) IS 'the nodes of an EXPLAIN (FORMAT JSON) plan as rows';

CREATE VIEW dbperf.plans AS
SELECT r.label AS run, p.plan_id, p.database, p.role, p.query_name, t.query, p.fingerprint, p.shape, p.reason, p.aborted,
       p.top_level, p.timed, p.captured_at, p.exec_ms, p.rows, (p.plan -> 0 -> 'Plan' ->> 'Total Cost')::float8 AS total_cost,
       p.shared_blks_hit + p.shared_blks_read AS shared_blks, p.temp_blks_read + p.temp_blks_written AS temp_blks, p.wal_bytes,
       p.plan, p.run_id, p.executions, p.project
  FROM dbperf.plan p
  LEFT JOIN dbperf.run r USING (project, run_id)
  LEFT JOIN dbperf.query_text t USING (project, fingerprint);
COMMENT ON VIEW dbperf.plans IS 'captured plans with ANALYZE and BUFFERS; reason: new shape, slowest, slow, all; executions: of the same shape in the run, known when it is finished';

CREATE VIEW dbperf.plan_nodes AS
SELECT r.label AS run, n.*
  FROM dbperf.plan_node n LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.plan_nodes IS 'nodes of captured plans; times, rows and blocks are those of all loops together';
-- Parameters kept of a run's statements, so that they can be executed again: dbperf compare --workload.

CREATE TABLE dbperf.parameter_set (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    role text NOT NULL,
    query_name text NOT NULL, -- '' without
    fingerprint bigint NOT NULL,
    parameters_hash bigint NOT NULL,
    left_out text, -- why there is nothing but this row
    search_path text,
    statement text,
    parameter_types text[],
    parameter_values text[],
    calls bigint NOT NULL DEFAULT 0, -- 0 until the run is finished
    PRIMARY KEY (project, run_id, database, role, fingerprint, query_name, parameters_hash)
);

-- Which sets of a statement stay when its run is finished, and how often each was executed.
CREATE FUNCTION dbperf.settle_parameter_sets(
    project text, run_id uuid, database text, role text, query_name text, fingerprint bigint, hashes bigint[], calls bigint[])
RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    WITH gone AS (
        DELETE FROM dbperf.parameter_set p
         WHERE (p.project, p.run_id, p.database, p.role, p.query_name, p.fingerprint)
             = (settle_parameter_sets.project, settle_parameter_sets.run_id, settle_parameter_sets.database,
                settle_parameter_sets.role, settle_parameter_sets.query_name, settle_parameter_sets.fingerprint)
           AND p.parameters_hash <> ALL (settle_parameter_sets.hashes)
    )
    UPDATE dbperf.parameter_set p SET calls = k.calls
      FROM ROWS FROM (pg_catalog.unnest(settle_parameter_sets.hashes), pg_catalog.unnest(settle_parameter_sets.calls)) k(hash, calls)
     WHERE (p.project, p.run_id, p.database, p.role, p.query_name, p.fingerprint, p.parameters_hash)
         = (settle_parameter_sets.project, settle_parameter_sets.run_id, settle_parameter_sets.database,
            settle_parameter_sets.role, settle_parameter_sets.query_name, settle_parameter_sets.fingerprint, k.hash);
END;

CREATE VIEW dbperf.workload AS
SELECT r.label AS run, p.database, p.role, NULLIF(p.query_name, '') AS query_name, t.query, p.fingerprint,
       pg_catalog.row_number() OVER (PARTITION BY p.project, p.run_id, p.database, p.role, p.query_name, p.fingerprint
                                     ORDER BY p.parameters_hash) AS parameter_set,
       p.statement, p.parameter_types, p.parameter_values, p.search_path, p.calls, p.left_out, p.run_id
  FROM dbperf.parameter_set p
  LEFT JOIN dbperf.run r USING (project, run_id)
  LEFT JOIN dbperf.query_text t USING (project, fingerprint);
COMMENT ON VIEW dbperf.workload IS
'statements of runs as they can be executed again, one row for each kept set of parameters: dbperf.max_parameter_sets of a statement at most, evenly sampled from the different ones; kept only where dbperf.keep_parameters was on. statement: with its own constants, and $1, $2, ... for parameter_values (texts, null is NULL) of parameter_types (names with their schema); search_path: of the session; calls: known when the run is finished; left_out: why statement and values are null';

CREATE FUNCTION dbperf.unkept_statements(run text, OUT database text, OUT role text, OUT query_name text, OUT query text, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.database, s.role, NULLIF(s.query_name, ''), t.query,
           COALESCE('its parameters were not kept: ' || k.left_out, 'its parameters were not kept')
      FROM dbperf.statement s
      JOIN dbperf.run r USING (project, run_id)
      LEFT JOIN dbperf.query_text t USING (project, fingerprint)
      LEFT JOIN LATERAL (
           SELECT pg_catalog.count(p.statement) AS kept, pg_catalog.min(p.left_out) AS left_out
             FROM dbperf.parameter_set p
            WHERE (p.project, p.run_id, p.database, p.role, p.query_name, p.fingerprint)
                = (s.project, s.run_id, s.database, s.role, s.query_name, s.fingerprint)) k ON true
     WHERE r.run_id = dbperf.find_run(unkept_statements.run) AND s.top_level AND k.kept = 0
       -- what has no plan has nothing to compare
       AND COALESCE(t.query, 'SELECT') ~* '^[\s(]*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE)\y'
     ORDER BY s.database COLLATE "C", s.role COLLATE "C", s.query_name COLLATE "C", t.query COLLATE "C";
END;
COMMENT ON FUNCTION dbperf.unkept_statements(text) IS
    'queries that a finished run counted but that cannot be executed again, and why; null: the latest finished run';
-- What the schema was and how it changed: the log of DDL, and one snapshot a run and database.

CREATE TABLE dbperf.ddl (
    project text NOT NULL,
    run_id uuid NOT NULL, -- all zeros outside runs
    ddl_id bigint GENERATED ALWAYS AS IDENTITY,
    database text NOT NULL,
    database_id oid NOT NULL,
    role text NOT NULL,
    happened_at timestamptz NOT NULL,
    command text NOT NULL,
    statement text NOT NULL,
    is_cut boolean NOT NULL,
    objects text[] NOT NULL, -- names without schema: relations, indexes and their tables, functions, settings
    PRIMARY KEY (project, ddl_id)
);

-- The log keeps the last 10,000 statements of a project.
CREATE FUNCTION dbperf.add_ddl(
    project text, run_id uuid, database text, database_id oid, role text, happened_at timestamptz, command text,
    statement text, is_cut boolean, objects text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    added bigint;
BEGIN
    INSERT INTO dbperf.ddl (project, run_id, database, database_id, role, happened_at, command, statement, is_cut, objects)
    VALUES (add_ddl.project, add_ddl.run_id, add_ddl.database, add_ddl.database_id, add_ddl.role, add_ddl.happened_at,
            add_ddl.command, add_ddl.statement, add_ddl.is_cut, add_ddl.objects)
    RETURNING ddl_id INTO added;
    DELETE FROM dbperf.ddl d WHERE d.project = add_ddl.project AND d.ddl_id <= added - 10000;
END
$$;

CREATE VIEW dbperf.ddl_log AS
SELECT r.label AS run, d.ddl_id, d.database, d.role, d.happened_at, d.command, d.statement, d.is_cut, d.objects, d.run_id
  FROM dbperf.ddl d LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.ddl_log IS
    'committed DDL of all databases, the last 10,000 statements; run is null outside runs';

-- {kind: {name: {"relation": ..., "relations": [...], "definition": ...}}} of tables, columns, indexes, constraints, statistics objects,
-- views, functions and settings; {"size": {name: {"relations", "rows", "pages"}}}. relations: the tables it belongs to.
CREATE TABLE dbperf.schema_snapshot (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    database_id oid NOT NULL,
    taken_at timestamptz NOT NULL,
    schema jsonb NOT NULL,
    PRIMARY KEY (project, run_id, database)
);
COMMENT ON TABLE dbperf.schema_snapshot IS
    'schema, sizes and settings of every database of a run, when the run was finished';

CREATE FUNCTION dbperf.take_snapshot() RETURNS void
AS 'MODULE_PATHNAME', 'dbperf_take_snapshot' LANGUAGE C STRICT VOLATILE
SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION dbperf.take_snapshot() IS
    'stores the schema of this database for the run of this session; finish_run() does it for all databases of the run, and replaces it';

-- Which database of the candidate is compared with which of the baseline: those with one name; when a run has just one,
-- that one.
CREATE FUNCTION dbperf.paired_snapshots(
    baseline uuid, candidate uuid, OUT database_before text, OUT id_before oid, OUT schema_before jsonb, OUT database_after text,
    OUT id_after oid, OUT schema_after jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH before AS (
        SELECT s.*, pg_catalog.count(*) OVER () AS databases FROM dbperf.schema_snapshot s WHERE s.run_id = paired_snapshots.baseline
    ), after AS (
        SELECT s.*, pg_catalog.count(*) OVER () AS databases FROM dbperf.schema_snapshot s WHERE s.run_id = paired_snapshots.candidate
    )
    SELECT b.database, b.database_id, b.schema, a.database, a.database_id, a.schema
      FROM before b JOIN after a ON a.database = b.database OR a.databases = 1 AND b.databases = 1;
END;

CREATE FUNCTION dbperf.sentence_of_change(kind text, name text, change text, before text, after text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN kind = 'index'
            THEN CASE change WHEN 'altered' THEN pg_catalog.format('index %s %s became %s', name, before, after)
                             ELSE pg_catalog.format('%sindex %s %s was %s', CASE WHEN COALESCE(after, before) LIKE 'unique %' THEN 'unique ' ELSE '' END,
                                                    name, pg_catalog.regexp_replace(COALESCE(after, before), '^unique ', ''), change) END
            WHEN kind IN ('view', 'function') THEN pg_catalog.format('%s %s was %s', kind, name, change)
                 || CASE WHEN kind = 'function' AND change = 'altered' THEN pg_catalog.format(': %s became %s', before, after) ELSE '' END
            WHEN change = 'altered' THEN pg_catalog.format('%s %s: %s became %s', kind, name, before, after)
            ELSE pg_catalog.format('%s %s (%s) was %s', kind, name, COALESCE(after, before), change) END;

-- relations: without schema, as plans name them; of a partition also its parents, of a function its own name.
CREATE FUNCTION dbperf.schema_changes_between(
    baseline uuid, candidate uuid, OUT database text, OUT kind text, OUT name text, OUT relation text, OUT relations text[],
    OUT change text, OUT before text, OUT after text, OUT sentence text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH objects AS (
        SELECT p.database_after AS database, k.kind, o.*
          FROM dbperf.paired_snapshots(schema_changes_between.baseline, schema_changes_between.candidate) p
         CROSS JOIN LATERAL (SELECT DISTINCT j.kind FROM pg_catalog.jsonb_object_keys(p.schema_before || p.schema_after) j(kind)
                              WHERE j.kind <> 'size') k
         CROSS JOIN LATERAL (SELECT COALESCE(a.name, b.name) AS name, b.object AS before, a.object AS after
                               FROM pg_catalog.jsonb_each(p.schema_before -> k.kind) b(name, object)
                               FULL JOIN pg_catalog.jsonb_each(p.schema_after -> k.kind) a(name, object) ON a.name = b.name) o
         WHERE o.after IS DISTINCT FROM o.before
    ), changed AS (
        SELECT o.database, o.kind, o.name,
               ARRAY(SELECT DISTINCT r.name FROM (SELECT pg_catalog.jsonb_array_elements_text(o.before -> 'relations')
                                                  UNION SELECT pg_catalog.jsonb_array_elements_text(o.after -> 'relations')) r(name)
                      ORDER BY r.name) AS relations,
               CASE WHEN o.before IS NULL THEN 'created' WHEN o.after IS NULL THEN 'dropped' ELSE 'altered' END AS change,
               COALESCE(o.after, o.before) ->> 'relation' AS relation, o.before ->> 'definition' AS before, o.after ->> 'definition' AS after
          FROM objects o
    )
    SELECT c.database, c.kind, c.name,
           c.relation,
           c.relations, c.change, c.before, c.after, dbperf.sentence_of_change(c.kind, c.name, c.change, c.before, c.after)
      FROM changed c
     ORDER BY c.database, c.kind, c.name;
END;

CREATE FUNCTION dbperf.schema_changes(
    baseline text, candidate text, OUT database text, OUT kind text, OUT name text, OUT relation text, OUT relations text[],
    OUT change text, OUT before text, OUT after text, OUT sentence text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM dbperf.schema_changes_between(dbperf.find_run(schema_changes.baseline), dbperf.find_run(schema_changes.candidate));
END;
COMMENT ON FUNCTION dbperf.schema_changes(text, text) IS
    'what differs between the schemas and settings of two finished runs, one row an object; databases of one name are compared, or the only ones';
-- What to do instead of N statements: the one that does their work, and what it would save.

CREATE FUNCTION dbperf.suggest_rewrite(query text, key_column text DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_suggest_rewrite' LANGUAGE C CALLED ON NULL INPUT STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.suggest_rewrite(text, text) IS
    'one statement that does the work of this one for an array of keys, each of them once; null where none is known';

CREATE FUNCTION dbperf.suggest_n_plus_one(kind text, query text, key_column text) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
RETURN CASE kind
    WHEN 'redundant' THEN 'read it once per unit of work and keep the result'
    WHEN 'server_loop' THEN 'join in the query that the loop inside the server reads from, or write the loop as one statement'
         || COALESCE(': ' || dbperf.suggest_rewrite(query, key_column), '')
    ELSE COALESCE(dbperf.suggest_rewrite(query, key_column),
                  CASE kind WHEN 'n_plus_one_write' THEN 'write all rows in one statement'
                            ELSE 'load all rows in one statement' END
                  || COALESCE(': ... WHERE ' || key_column || ' = ANY($1)', ''))
    END;
COMMENT ON FUNCTION dbperf.suggest_n_plus_one(text, text, text) IS
    'what to do about a finding of this kind: a statement that runs, or words; never raises';

CREATE FUNCTION dbperf.key_hash(key anyelement) RETURNS bigint
AS 'MODULE_PATHNAME', 'dbperf_key_hash' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.key_hash(anyelement) IS
    'the hash by which findings remember keys: integers of any width, uuid, short text; null for all else';

CREATE FUNCTION dbperf.lookup_source(query text, key_column text, OUT relation regclass, OUT column_name text)
AS 'MODULE_PATHNAME', 'dbperf_lookup_source' LANGUAGE C CALLED ON NULL INPUT STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.lookup_source(text, text) IS 'table and column whose values the statement is called with';

CREATE FUNCTION dbperf.measure_rewrite(query text, key_column text, key_values text[])
RETURNS TABLE (keys integer, original_ms float8, suggestion_ms float8, factor float8, original_blocks bigint,
               suggestion_blocks bigint, original_rows bigint, suggestion_rows bigint, same_rows boolean)
AS 'MODULE_PATHNAME', 'dbperf_measure_rewrite' LANGUAGE C CALLED ON NULL INPUT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.measure_rewrite(text, text, text[]) IS
    'executes a SELECT once per key and its rewrite for all of them, read-only and with the rights of the caller: medians, in ms';

CREATE FUNCTION dbperf.finding_to_measure(
    finding bigint, OUT query text, OUT key_column text, OUT parent_relation text, OUT parent_column text, OUT key_hashes bigint[])
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f record;
BEGIN
    SELECT n.kind, n.query, n.key_column, n.parent_relation, n.parent_column, n.key_hashes, n.database INTO f
      FROM dbperf.n_plus_one n WHERE n.finding_id = finding_to_measure.finding LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no finding %', finding
            USING ERRCODE = 'undefined_object', HINT = 'SELECT finding_id, query FROM dbperf.n_plus_one lists them.';
    END IF;
    IF f.database <> current_database() THEN
        RAISE EXCEPTION 'finding % is of database "%"', finding, f.database
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Connect to that database and call dbperf.measure_rewrite() with the query, the key column and keys.';
    END IF;
    IF f.kind = 'n_plus_one_write' THEN
        RAISE EXCEPTION 'finding % is of a statement that writes; only a SELECT can be measured', finding
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'To measure a write, execute both forms in transactions that are rolled back.';
    END IF;
    query := f.query;
    key_column := f.key_column;
    parent_relation := f.parent_relation;
    parent_column := f.parent_column;
    key_hashes := f.key_hashes;
END
$$;

-- The values behind hashes of keys, from the first of two columns that has some of them. The parent's column may be
-- given with its table's name in front.
CREATE FUNCTION dbperf.find_keys(
    key_hashes bigint[], parent_relation text, parent_column text, own_relation regclass, own_column text) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    place record;
    found text[];
BEGIN
    FOR place IN
        (SELECT c.attrelid::regclass AS relation, c.attname AS name FROM pg_attribute c
          WHERE c.attrelid = to_regclass(find_keys.parent_relation) AND c.attnum > 0 AND NOT c.attisdropped
            AND (find_keys.parent_column IN (c.attname, quote_ident(c.attname))
                 OR right(find_keys.parent_column, length(c.attname) + 1) = '.' || c.attname
                 OR right(find_keys.parent_column, length(quote_ident(c.attname)) + 1) = '.' || quote_ident(c.attname))
          ORDER BY length(c.attname) DESC LIMIT 1)
        UNION ALL
        SELECT find_keys.own_relation, find_keys.own_column::name WHERE find_keys.own_column IS NOT NULL
    LOOP
        EXECUTE format('SELECT array_agg(DISTINCT %2$I::text) FROM %1$s WHERE dbperf.key_hash(%2$I) = ANY ($1)', place.relation,
                       place.name) INTO found USING find_keys.key_hashes;
        EXIT WHEN found IS NOT NULL;
    END LOOP;
    IF found IS NULL THEN
        RAISE EXCEPTION 'the keys of the finding are not to be found any more'
            USING ERRCODE = 'no_data_found', HINT = 'Call dbperf.measure_rewrite() with keys of your choice.';
    END IF;
    RETURN found;
END
$$;

CREATE FUNCTION dbperf.measure_suggestion(finding bigint)
RETURNS TABLE (keys integer, original_ms float8, suggestion_ms float8, factor float8, original_blocks bigint,
               suggestion_blocks bigint, original_rows bigint, suggestion_rows bigint, same_rows boolean)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT m.*
      FROM dbperf.finding_to_measure(measure_suggestion.finding) f
     CROSS JOIN LATERAL dbperf.lookup_source(f.query, f.key_column) s
     CROSS JOIN LATERAL dbperf.find_keys(f.key_hashes, f.parent_relation, f.parent_column, s.relation, s.column_name) k
     CROSS JOIN LATERAL dbperf.measure_rewrite(f.query, f.key_column, k) m;
END;
COMMENT ON FUNCTION dbperf.measure_suggestion(bigint) IS
    'measure_rewrite() for a finding_id of dbperf.n_plus_one, with the keys that were looked up; executes the statement that was found with the rights of the caller';
-- N+1 findings.

CREATE TABLE dbperf.n_plus_one_finding (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    role text NOT NULL,
    scope text NOT NULL,
    kind text NOT NULL,
    fingerprint bigint NOT NULL,
    edge bigint NOT NULL, -- hash of the parent's statement and column, 0 without
    confidence text NOT NULL,
    key_column text,
    parent_fingerprint bigint,
    parent_relation text,
    parent_column text,
    calls bigint NOT NULL,
    distinct_keys bigint NOT NULL,
    scopes bigint NOT NULL,
    scope_calls_min bigint NOT NULL,
    scope_calls_median bigint NOT NULL,
    scope_calls_max bigint NOT NULL,
    backends integer NOT NULL,
    exec_ms float8 NOT NULL,
    wait_ms float8 NOT NULL,
    call_site text,
    application_name text,
    key_hashes bigint[] NOT NULL, -- of up to 256 distinct keys; the keys themselves are never stored
    first_at timestamptz NOT NULL,
    PRIMARY KEY (project, run_id, database, role, scope, kind, fingerprint, edge)
);

CREATE FUNCTION dbperf.live_n_plus_one(
    OUT run_id uuid, OUT run text, OUT database oid, OUT role oid, OUT scope text, OUT kind text, OUT fingerprint bigint,
    OUT confidence text, OUT query text, OUT key_column text, OUT edge bigint, OUT parent_fingerprint bigint,
    OUT parent_query text, OUT parent_relation text, OUT parent_column text, OUT calls bigint, OUT distinct_keys bigint,
    OUT scopes bigint, OUT scope_calls_min bigint, OUT scope_calls_median bigint, OUT scope_calls_max bigint,
    OUT backends integer, OUT exec_ms float8, OUT wait_ms float8, OUT call_site text, OUT application_name text,
    OUT key_hashes bigint[], OUT first_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_n_plus_one' LANGUAGE C STRICT VOLATILE;

-- Live findings take precedence over their last stored state.
CREATE VIEW dbperf.n_plus_one AS
WITH live AS (
    SELECT l.*, COALESCE(d.datname::text, 'dropped database ' || l.database) AS database_name,
           COALESCE(a.rolname::text, 'dropped role ' || l.role) AS role_name
      FROM dbperf.live_n_plus_one() l
      LEFT JOIN pg_catalog.pg_database d ON d.oid = l.database
      LEFT JOIN pg_catalog.pg_roles a ON a.oid = l.role
), every AS (
    SELECT run_id, run, database_name AS database, role_name AS role, scope, kind, fingerprint, edge, confidence, query,
           key_column, parent_fingerprint, parent_query, parent_relation, parent_column, calls, distinct_keys, scopes,
           scope_calls_min, scope_calls_median, scope_calls_max, backends, exec_ms, wait_ms, call_site, application_name,
           key_hashes, first_at
      FROM live
    UNION ALL
    SELECT NULLIF(f.run_id, '00000000-0000-0000-0000-000000000000'), r.label, f.database, f.role, f.scope, f.kind,
           f.fingerprint, f.edge, f.confidence, t.query, f.key_column, f.parent_fingerprint, p.query, f.parent_relation,
           f.parent_column, f.calls, f.distinct_keys, f.scopes, f.scope_calls_min, f.scope_calls_median,
           f.scope_calls_max, f.backends, f.exec_ms, f.wait_ms, f.call_site, f.application_name, f.key_hashes, f.first_at
      FROM dbperf.n_plus_one_finding f
      LEFT JOIN dbperf.run r USING (project, run_id)
      LEFT JOIN dbperf.query_text t USING (project, fingerprint)
      LEFT JOIN dbperf.query_text p ON p.project = f.project AND p.fingerprint = f.parent_fingerprint
     -- Outside runs reset() forgets at once; the recorder deletes later.
     WHERE (f.run_id <> '00000000-0000-0000-0000-000000000000' OR f.first_at >= COALESCE(dbperf.stats_reset(), '-infinity'))
       AND NOT EXISTS (SELECT FROM live l
                        WHERE (l.run_id = f.run_id OR l.run_id IS NULL AND f.run_id = '00000000-0000-0000-0000-000000000000')
                          AND (l.database_name, l.role_name, l.scope, l.kind, l.fingerprint, l.edge)
                            = (f.database, f.role, f.scope, f.kind, f.fingerprint, f.edge))
)
SELECT run, NULLIF(scope, '') AS scope, kind, confidence, query, key_column, parent_query, parent_column, calls,
       distinct_keys, scopes, backends, exec_ms, wait_ms,
       -- Elsewhere the names may mean other tables.
       dbperf.suggest_n_plus_one(kind, CASE WHEN database = pg_catalog.current_database() THEN query END, key_column) AS suggestion,
       scope_calls_min, scope_calls_median, scope_calls_max, parent_relation, call_site, application_name, database, role,
       fingerprint, parent_fingerprint, key_hashes,
       pg_catalog.hashtextextended(pg_catalog.concat_ws(' ', run_id, database, role, scope, kind, fingerprint, edge), 0)
           AS finding_id, first_at, run_id
  FROM every;
COMMENT ON VIEW dbperf.n_plus_one IS
    'statements repeated with other lookup keys within one unit of work; proven and likely findings fail a check';
-- Repetitions that somebody knows of and accepts, up to a number of calls.

CREATE TABLE dbperf.n_plus_one_acknowledgement (
    project text NOT NULL DEFAULT COALESCE(pg_catalog.current_setting('dbperf.project', true), ''),
    fingerprint bigint NOT NULL, -- of the repeated statement
    max_calls bigint NOT NULL CHECK (max_calls >= 0),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    expires timestamptz,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    created_by text NOT NULL DEFAULT CURRENT_USER,
    PRIMARY KEY (project, fingerprint)
);
COMMENT ON TABLE dbperf.n_plus_one_acknowledgement IS
    'repeated statements that fail no check while they stay within max_calls a unit of work; expires null: for good';

CREATE FUNCTION dbperf.acknowledge_n_plus_one(fingerprint bigint, max_calls bigint, reason text, expires timestamptz DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF acknowledge_n_plus_one.reason IS NULL OR acknowledge_n_plus_one.reason !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'an acknowledgement needs a reason'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why the repetition is wanted, for who reads it next year.';
    END IF;
    IF acknowledge_n_plus_one.fingerprint IS NULL OR acknowledge_n_plus_one.max_calls IS NULL
       OR acknowledge_n_plus_one.max_calls < 0 THEN
        RAISE EXCEPTION 'an acknowledgement needs a fingerprint and a number of calls'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'SELECT fingerprint, calls, query FROM dbperf.n_plus_one lists what there is.';
    END IF;
    INSERT INTO dbperf.n_plus_one_acknowledgement AS a (fingerprint, max_calls, reason, expires)
    VALUES (acknowledge_n_plus_one.fingerprint, acknowledge_n_plus_one.max_calls, acknowledge_n_plus_one.reason,
            acknowledge_n_plus_one.expires)
    ON CONFLICT ON CONSTRAINT n_plus_one_acknowledgement_pkey DO UPDATE
       SET max_calls = excluded.max_calls, reason = excluded.reason, expires = excluded.expires,
           created_at = excluded.created_at, created_by = excluded.created_by;
END
$$;
COMMENT ON FUNCTION dbperf.acknowledge_n_plus_one(bigint, bigint, text, timestamptz) IS
    'findings of this statement fail no check while one unit of work has at most max_calls of it; replaces an earlier acknowledgement, withdraw_n_plus_one() removes it';

CREATE FUNCTION dbperf.withdraw_n_plus_one(fingerprint bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM dbperf.n_plus_one_acknowledgement a
     WHERE a.project = COALESCE(current_setting('dbperf.project', true), '') AND a.fingerprint = withdraw_n_plus_one.fingerprint;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION dbperf.withdraw_n_plus_one(bigint) IS 'takes an acknowledgement back; false when there was none';

-- The acknowledgement in force for a statement, or null.
CREATE FUNCTION dbperf.acknowledgement_of(fingerprint bigint) RETURNS dbperf.n_plus_one_acknowledgement
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a FROM dbperf.n_plus_one_acknowledgement a
     WHERE a.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '')
       AND a.fingerprint = acknowledgement_of.fingerprint AND (a.expires IS NULL OR a.expires > pg_catalog.now());
END;

CREATE FUNCTION dbperf.stale_acknowledgements(
    run text DEFAULT NULL, OUT fingerprint bigint, OUT query text, OUT max_calls bigint, OUT acknowledged text,
    OUT expires timestamptz, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH examined AS MATERIALIZED (
        SELECT dbperf.find_run(stale_acknowledgements.run) AS run_id
    ), executed AS (
        SELECT s.fingerprint, pg_catalog.sum(s.calls) AS calls
          FROM dbperf.statement s JOIN examined e USING (run_id) GROUP BY s.fingerprint
    )
    SELECT a.fingerprint, t.query, a.max_calls, a.reason, a.expires,
           CASE WHEN a.expires <= pg_catalog.now()
                  THEN pg_catalog.format('the acknowledgement expired on %s', pg_catalog.to_char(a.expires AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
                WHEN x.calls IS NULL
                  THEN 'the acknowledgement matched nothing: the statement was not executed in this run'
                ELSE pg_catalog.format('the acknowledgement matched nothing: the statement was executed %s in this run, and not repeated',
                                       CASE x.calls WHEN 1 THEN 'once' ELSE x.calls || ' times' END) END
      FROM examined e
     CROSS JOIN dbperf.n_plus_one_acknowledgement a
      LEFT JOIN executed x ON x.fingerprint = a.fingerprint
      LEFT JOIN dbperf.query_text t ON t.project = a.project AND t.fingerprint = a.fingerprint
     -- the run is looked up, and complained about, even when there is no acknowledgement
     WHERE (SELECT run_id FROM examined) IS NOT NULL
       AND a.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '')
       AND (a.expires <= pg_catalog.now()
            OR NOT EXISTS (SELECT FROM dbperf.n_plus_one_finding f
                            WHERE f.run_id = e.run_id AND f.project = a.project AND f.fingerprint = a.fingerprint))
     ORDER BY a.fingerprint;
END;
COMMENT ON FUNCTION dbperf.stale_acknowledgements(text) IS
    'acknowledgements that matched nothing in one finished run of everything (default: the latest), or that have expired';
-- The evidence of a comparison: times judged by statistics, plans by their differences.

CREATE FUNCTION dbperf.compare_times(
    before float8[], after float8[], paired boolean DEFAULT false, minimum_ratio float8 DEFAULT 1.2,
    proven_ratio float8 DEFAULT NULL, minimum_difference float8 DEFAULT NULL, confidence float8 DEFAULT 0.99,
    minimum_samples integer DEFAULT 10,
    OUT samples integer, OUT median_before float8, OUT median_after float8, OUT ratio float8, OUT low float8, OUT high float8,
    OUT p float8, OUT change text)
RETURNS record
AS 'MODULE_PATHNAME', 'dbperf_compare_times' LANGUAGE C CALLED ON NULL INPUT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.compare_times(float8[], float8[], boolean, float8, float8, float8, float8, integer) IS
'did times change? before, after: times of single executions, positive, in any unit (ms for the default of minimum_difference), in any order, at most 100000 a side; paired: before[i] and after[i] were measured in turns with the same parameters, as many of each.
ratio: after / before by Hodges and Lehmann (1963) on logarithms, 2 is twice as slow; low, high: its interval of the given confidence, null when there are too few samples for one; p: two-sided, that the ratio is not beyond proven_ratio, by Mann and Whitney (1947) or, paired, Wilcoxon (1945), null below minimum_samples; samples: of the smaller side; median_before, median_after: in the unit of the times.
change: worse or better when the interval excludes proven_ratio (or its inverse), p is at most 1 - confidence, ratio reaches minimum_ratio (or its inverse) and the medians differ by minimum_difference; equal when that is excluded; unclear when neither is proven; not_enough_samples below minimum_samples a side.
Null takes what suits the measurement: for separate runs a proven_ratio of 1.2 and a minimum_difference of 1, for pairs 1 and 0. A null array gives null. Errors: null or not positive elements, pairs of unequal number, thresholds out of range. Many queries: pass their p through dbperf.adjust_holm(), then ask dbperf.judge_time()';

CREATE FUNCTION dbperf.judge_time(
    samples integer, median_before float8, median_after float8, ratio float8, low float8, high float8, p float8,
    paired boolean DEFAULT false, minimum_ratio float8 DEFAULT 1.2, proven_ratio float8 DEFAULT NULL,
    minimum_difference float8 DEFAULT NULL, confidence float8 DEFAULT 0.99, minimum_samples integer DEFAULT 10) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_judge_time' LANGUAGE C CALLED ON NULL INPUT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.judge_time(integer, float8, float8, float8, float8, float8, float8, boolean, float8, float8, float8, float8, integer) IS
'the change of dbperf.compare_times() from its figures and an adjusted p: worse, better, equal, unclear or not_enough_samples; the rules as there';

CREATE FUNCTION dbperf.adjust_holm(p_values float8[]) RETURNS float8[]
AS 'MODULE_PATHNAME', 'dbperf_adjust_holm' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.adjust_holm(float8[]) IS
'p-values of many queries, each raised so that calling all below alpha changed is wrong about any of them with a probability of at most alpha, however they depend on each other (Holm 1979); same shape and order; nulls and what is no probability stay as they are and do not count';

CREATE FUNCTION dbperf.plan_changes(
    before jsonb, after jsonb, ratio float8 DEFAULT 1.2, blocks float8 DEFAULT 64, rows float8 DEFAULT 1000,
    executions float8 DEFAULT 100,
    OUT "position" integer, OUT kind text, OUT direction text, OUT relation text, OUT alias text, OUT node_before text,
    OUT node_after text, OUT sentence text, OUT unit text, OUT figure_before float8, OUT figure_after float8,
    OUT ms_before float8, OUT ms_after float8)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_plan_changes' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.plan_changes(jsonb, jsonb, float8, float8, float8, float8) IS
'what differs between two plans of one statement, the worst first; both as EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) prints them, or one of them under its key Plan, of any supported server; nodes are matched by alias and relation, others by what they read.
kind: access, join_method, join_order, strategy, appeared, gone, spill_started, spill_ended, removed_rows, rechecked_rows, blocks, executions; direction: worse, better or neutral. relation, alias: in the later plan, else the earlier; null above one relation. node_before, node_after: node types as in EXPLAIN, null in the plan that has none. sentence: for people, without a period.
figure_before, figure_after: in the unit (blocks, kB on disk, rows, executions), what the node did itself in all its loops; ms_before, ms_after: its own time, null with TIMING off.
A figure changed when it did so by more than the ratio and by more than the difference: blocks, rows (also those that make a sequential scan in place of an index scan worse), executions. At most 256 nodes of a plan are compared. Errors: what is no plan, a ratio below 1, a negative threshold. No row: no change';

CREATE FUNCTION dbperf.plan_shape(plan json) RETURNS bigint
AS 'MODULE_PATHNAME', 'dbperf_plan_shape' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.plan_shape(json) IS
'identity of a plan by names, as in dbperf.plans: equal for plans that do the same in the same way, on any server, whatever they cost; null for what is no plan; takes EXPLAIN (FORMAT JSON) as it is printed';
-- What the tables of two runs held, and whether anybody had looked at their data.

-- A partitioned table has one row of all its partitions, its members, and so has each of them; null where a side has no such table
-- or rows are unknown. Empty tables need no ANALYZE.
CREATE FUNCTION dbperf.size_changes(
    baseline uuid, candidate uuid, OUT database text, OUT relation text, OUT members text[], OUT rows_before float8, OUT rows_after float8,
    OUT pages_before float8, OUT pages_after float8, OUT analyzed_before boolean, OUT analyzed_after boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH stored AS (
        SELECT p.database_after AS database, s.is_after, e.name, pg_catalog.regexp_replace(e.name, '[^.]*$', '') AS prefix,
               pg_catalog.regexp_replace(e.name, '^.*\.', '') AS plain, (e.object ->> 'rows')::float8 AS rows,
               (e.object ->> 'pages')::float8 AS pages, (e.object ->> 'analyzed')::boolean AS analyzed, e.object -> 'relations' AS relations
          FROM dbperf.paired_snapshots(size_changes.baseline, size_changes.candidate) p
         CROSS JOIN LATERAL (VALUES (false, p.schema_before -> 'size'), (true, p.schema_after -> 'size')) s(is_after, sizes)
         CROSS JOIN LATERAL pg_catalog.jsonb_each(s.sizes) e(name, object)
    )
    SELECT s.database, s.prefix || r.name, pg_catalog.array_agg(DISTINCT s.plain),
           CASE WHEN pg_catalog.bool_and(s.rows IS NOT NULL) FILTER (WHERE NOT s.is_after) THEN pg_catalog.sum(s.rows) FILTER (WHERE NOT s.is_after) END,
           CASE WHEN pg_catalog.bool_and(s.rows IS NOT NULL) FILTER (WHERE s.is_after) THEN pg_catalog.sum(s.rows) FILTER (WHERE s.is_after) END,
           pg_catalog.sum(s.pages) FILTER (WHERE NOT s.is_after), pg_catalog.sum(s.pages) FILTER (WHERE s.is_after),
           pg_catalog.bool_and(s.analyzed) FILTER (WHERE NOT s.is_after), pg_catalog.bool_and(s.analyzed) FILTER (WHERE s.is_after)
      FROM stored s CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(s.relations) r(name)
     GROUP BY s.database, s.prefix, r.name;
END;

CREATE FUNCTION dbperf.sentence_of_size(relation text, before float8, after float8, suffix text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.format('%s %s from %s to %s %s', relation, CASE WHEN after > before THEN 'grew' ELSE 'shrank' END,
                         pg_catalog.to_char(before, 'FM999,999,999,999,990'), pg_catalog.to_char(after, 'FM999,999,999,999,990'), suffix);
-- Why a plan changed: the DDL, setting or growth that lies between two runs and touches its relations.

-- DDL of one side only. Two runs of one database: what happened from the begin of the earlier to the end of the later. Two
-- databases, copies perhaps: what the log of just one has.
CREATE FUNCTION dbperf.ddl_between(
    baseline uuid, candidate uuid, OUT ddl_id bigint, OUT only_baseline boolean, OUT command text, OUT objects text[], OUT database text,
    OUT statement text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH runs AS MATERIALIZED (
        SELECT b.project, b.started_at > a.started_at AS reversed, LEAST(b.started_at, a.started_at) AS since,
               GREATEST(b.finished_at, a.finished_at) AS until
          FROM dbperf.run b, dbperf.run a WHERE b.run_id = ddl_between.baseline AND a.run_id = ddl_between.candidate
    ), pairs AS MATERIALIZED (
        SELECT p.id_before, p.id_after FROM dbperf.paired_snapshots(ddl_between.baseline, ddl_between.candidate) p
    ), found AS (
        SELECT d.*, r.reversed AS only_baseline
          FROM runs r JOIN dbperf.ddl d ON d.project = r.project AND d.happened_at BETWEEN r.since AND r.until
         WHERE d.database_id IN (SELECT p.id_after FROM pairs p WHERE p.id_after = p.id_before)
            -- settings are set from anywhere
            OR d.command IN ('ALTER SYSTEM', 'ALTER DATABASE', 'ALTER ROLE')
            -- databases that were gone when their run was finished
            OR NOT EXISTS (SELECT FROM pairs) AND d.database IN (SELECT s.database FROM dbperf.statement s WHERE s.run_id = ddl_between.candidate)
        UNION ALL
        SELECT d.*, d.database_id = p.id_before
          FROM runs r CROSS JOIN pairs p
          JOIN dbperf.ddl d ON d.project = r.project AND d.database_id IN (p.id_before, p.id_after) AND d.happened_at <= r.until
         WHERE p.id_before <> p.id_after
           -- a copy has no log of how its template was tended
           AND NOT (d.database_id = p.id_before AND d.command IN ('ANALYZE', 'VACUUM', 'CLUSTER', 'REINDEX'))
           AND d.command NOT IN ('ALTER SYSTEM', 'ALTER DATABASE', 'ALTER ROLE')
           AND NOT EXISTS (SELECT FROM dbperf.ddl o
                            WHERE o.project = d.project AND o.statement = d.statement AND o.happened_at <= r.until
                              AND o.database_id = CASE d.database_id WHEN p.id_before THEN p.id_after ELSE p.id_before END)
    )
    SELECT f.ddl_id, f.only_baseline, f.command, f.objects,
           CASE WHEN f.command NOT IN ('ALTER SYSTEM', 'ALTER DATABASE', 'ALTER ROLE') THEN f.database END,
           CASE WHEN f.only_baseline THEN 'only in the baseline: ' ELSE '' END
           || CASE WHEN pg_catalog.length(t.text) > 200 THEN pg_catalog.left(t.text, 199) || '…' ELSE t.text END
      FROM found f CROSS JOIN LATERAL (SELECT pg_catalog.regexp_replace(f.statement, '\s+', ' ', 'g')) t(text);
END;

-- Something that can be to blame. names: what it touches, null: everything; own: what it is about (an index, a column, a
-- function, a setting); database: where, null: everywhere; role: whose setting it is; factor: of a table's size, after / before.
CREATE TYPE dbperf.possible_cause AS (
    rank integer, kind text, own text[], names text[], database text, role text, factor float8, sentence text, ddl_id bigint
);

-- The likelier the lower the rank, where nothing is known about the query; dbperf.likeliest_cause() knows more.
CREATE FUNCTION dbperf.causes(baseline uuid, candidate uuid) RETURNS SETOF dbperf.possible_cause
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    WITH ddl AS MATERIALIZED (
        SELECT d.* FROM dbperf.ddl_between(causes.baseline, causes.candidate) d
    ), changed AS MATERIALIZED (
        SELECT c.*, pg_catalog.regexp_replace(pg_catalog.regexp_replace(c.name, '\(.*$| of role .*$', ''), '^.*\.', '') AS plain,
               CASE WHEN c.kind = 'setting' THEN pg_catalog.substring(c.name, ' of role (.*)$') END AS role,
               CASE c.kind WHEN 'index' THEN 0 WHEN 'statistics object' THEN 1 WHEN 'table' THEN 2 WHEN 'column' THEN 3 WHEN 'view' THEN 4
                           WHEN 'function' THEN 5 WHEN 'constraint' THEN 6 WHEN 'trigger' THEN 7 WHEN 'policy' THEN 8 ELSE 20 END AS place
          FROM dbperf.schema_changes_between(causes.baseline, causes.candidate) c
    ), explained AS (
        SELECT c.*, d.ddl_id, d.statement, d.objects
          FROM changed c
          LEFT JOIN LATERAL (
               SELECT l.* FROM ddl l
                WHERE CASE c.kind
                        WHEN 'setting' THEN l.command IN ('ALTER SYSTEM', 'ALTER DATABASE', 'ALTER ROLE') AND c.plain = ANY (l.objects)
                        WHEN 'column' THEN l.command IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'DROP TABLE') AND l.objects && c.relations
                        WHEN 'constraint' THEN l.command IN ('ALTER TABLE', 'CREATE TABLE', 'DROP TABLE') AND l.objects && c.relations
                        ELSE c.plain = ANY (l.objects) AND l.command NOT IN ('ANALYZE', 'VACUUM') AND (l.command <> 'CLUSTER' OR c.kind = 'index')
                             -- the index of a partition comes with that of its parent
                             OR c.kind = 'index' AND pg_catalog.cardinality(c.relations) > 1 AND l.command LIKE '% INDEX' AND l.objects && c.relations
                             OR l.command IN ('ALTER TABLE', 'CREATE TABLE', 'DROP TABLE') AND l.objects && c.relations END
                      -- what was created was not created by a DROP
                  AND l.command NOT LIKE CASE c.change WHEN CASE WHEN l.only_baseline THEN 'dropped' ELSE 'created' END THEN 'DROP %'
                                                       WHEN CASE WHEN l.only_baseline THEN 'created' ELSE 'dropped' END THEN 'CREATE %'
                                                       ELSE '' END
                -- of several statements about a table the one that says the name
                ORDER BY (l.command = 'ALTER ROLE') = (c.role IS NOT NULL) DESC, COALESCE(pg_catalog.strpos(l.statement, c.role) > 0, false) DESC,
                         l.objects[1] = c.plain DESC, c.plain = ANY (l.objects) DESC, pg_catalog.strpos(pg_catalog.lower(l.statement), pg_catalog.lower(c.plain)) > 0 DESC,
                         l.ddl_id DESC LIMIT 1) d ON true
    ), sized AS MATERIALIZED (
        SELECT s.*, s.members || pg_catalog.regexp_replace(s.relation, '^.*\.', '') AS names,
               s.analyzed_before IS FALSE AS unknown_before, s.analyzed_after IS FALSE AS unknown_after,
               s.rows_before IS NOT NULL AND s.rows_after IS NOT NULL AS is_counted,
               GREATEST(s.rows_after, 1) / GREATEST(s.rows_before, 1) AS by_rows, GREATEST(s.pages_after, 1) / GREATEST(s.pages_before, 1) AS by_pages
          FROM dbperf.size_changes(causes.baseline, causes.candidate) s
    )
    SELECT CASE WHEN e.kind = 'setting' THEN 30 WHEN e.ddl_id IS NOT NULL THEN 10 ELSE 20 END + e.place % 20,
           CASE WHEN e.kind = 'index' AND COALESCE(e.after, e.before) LIKE 'unique %' THEN 'unique index'
                WHEN e.kind = 'column' AND e.change = 'dropped' THEN 'dropped column' ELSE e.kind END,
           ARRAY[e.plain], CASE WHEN e.kind <> 'setting' THEN e.relations || e.plain || COALESCE(e.objects, '{}') END,
           CASE WHEN e.kind <> 'setting' THEN e.database END, e.role, NULL::float8, COALESCE(e.statement, e.sentence), e.ddl_id
      FROM explained e
    UNION ALL
    SELECT r.rank, CASE r.rank WHEN 40 THEN 'rewrite' WHEN 60 THEN 'maintenance' ELSE 'ddl' END, '{}', NULLIF(d.objects, '{}'), d.database,
           NULL, NULL,
           d.statement, d.ddl_id
      FROM ddl d
     CROSS JOIN LATERAL (SELECT CASE WHEN d.command IN ('CLUSTER', 'REINDEX') OR d.statement ~* '^[^;]*vacuum\s*(\([^)]*)?\s*full' THEN 40
                                     WHEN d.command IN ('ANALYZE', 'VACUUM') THEN 60 ELSE 15 END) r(rank)
     WHERE d.command IN ('CLUSTER', 'REINDEX', 'ANALYZE', 'VACUUM')
        -- without schemas to look at, the log alone has to do
        OR d.objects <> '{}' AND NOT EXISTS (SELECT FROM dbperf.paired_snapshots(causes.baseline, causes.candidate))
    UNION ALL
    SELECT 45, 'unanalyzed', '{}', s.names, s.database, NULL, NULL,
           pg_catalog.format('%s was never analyzed in the %s', s.relation, CASE WHEN s.unknown_before THEN 'baseline' ELSE 'candidate' END), NULL
      FROM sized s WHERE s.unknown_before <> s.unknown_after
    UNION ALL
    SELECT 50, 'growth', '{}', s.names, s.database, NULL, s.by_rows, dbperf.sentence_of_size(s.relation, s.rows_before, s.rows_after, 'rows'), NULL
      FROM sized s WHERE s.is_counted AND NOT s.by_rows BETWEEN 1 / 1.2 AND 1.2 AND pg_catalog.abs(s.rows_after - s.rows_before) >= 100
    UNION ALL
    -- as many rows on more pages are bloat; of a table that nobody analyzed only the pages are known
    SELECT 55, CASE WHEN s.is_counted THEN 'bloat' ELSE 'growth' END, '{}', s.names, s.database, NULL, s.by_pages,
           dbperf.sentence_of_size(s.relation, s.pages_before, s.pages_after, CASE WHEN s.is_counted THEN 'pages with as many rows' ELSE 'pages' END), NULL
      FROM sized s WHERE NOT s.by_pages BETWEEN 1 / 1.2 AND 1.2 AND pg_catalog.abs(s.pages_after - s.pages_before) >= 16
                     AND (NOT s.is_counted OR s.by_rows BETWEEN 1 / 1.2 AND 1.2);
END;
COMMENT ON FUNCTION dbperf.causes(uuid, uuid) IS
    'what differs between two finished runs and may have changed plans, the likeliest with the lowest rank; names null: touches everything';

CREATE FUNCTION dbperf.cause_of(baseline text, candidate text, relation_names text[]) RETURNS text
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    SELECT c.sentence
      FROM dbperf.causes(dbperf.find_run(cause_of.baseline), dbperf.find_run(cause_of.candidate)) c
     WHERE c.names IS NULL OR c.names && cause_of.relation_names
     ORDER BY c.rank / 10,
              (SELECT pg_catalog.count(*) FROM pg_catalog.unnest(cause_of.relation_names) n WHERE n = ANY (c.names)) DESC,
              c.rank, c.ddl_id DESC, c.sentence
     LIMIT 1;
END;
COMMENT ON FUNCTION dbperf.cause_of(text, text, text[]) IS
    'the DDL, schema change, setting or growth between two runs that touches these relations (also: indexes, functions), or null';
-- Which of all possible causes fits a changed query: by what its plans and its text touch.

-- Names without schema. scanned: relations that are read, by nodes or by constraints; modified: written, or looked up by a constraint when others are; said: words of
-- the text; words: also of the plans; settings: those that differ between the sessions of both plans.
CREATE TYPE dbperf.touched AS (
    relations text[], scanned text[], indexes text[], modified text[], triggers text[], said text[], words text[], calls text[], settings text[], roles text[],
    databases text[]
);

CREATE FUNCTION dbperf.touched_by(
    project_before text, before uuid, plan_before bigint, project_after text, after uuid, plan_after bigint) RETURNS dbperf.touched
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH plans AS MATERIALIZED (
        SELECT p.plan, p.role, p.database, p.fingerprint, p.project, false AS is_after FROM dbperf.plan p
         WHERE p.project = touched_by.project_before AND p.run_id = touched_by.before AND p.plan_id = touched_by.plan_before
        UNION ALL
        SELECT p.plan, p.role, p.database, p.fingerprint, p.project, true FROM dbperf.plan p
         WHERE p.project = touched_by.project_after AND p.run_id = touched_by.after AND p.plan_id = touched_by.plan_after
    ), texts AS MATERIALIZED (
        SELECT pg_catalog.left(p.plan::text, 200000) AS text, false AS said FROM plans p
        UNION ALL
        SELECT t.query, true FROM dbperf.query_text t WHERE (t.project, t.fingerprint) IN (SELECT p.project, p.fingerprint FROM plans p)
    ), words AS MATERIALIZED (
        SELECT m[1] AS word, pg_catalog.bool_or(t.said) AS said
          FROM texts t, pg_catalog.regexp_matches(t.text, '[[:alpha:]_][[:alnum:]_$]*', 'g') m GROUP BY 1
    ), triggers AS MATERIALIZED (
        SELECT DISTINCT v #>> '{}' AS name
          FROM plans p, pg_catalog.jsonb_path_query(p.plan, '$[*]."Triggers"[*].*') v WHERE pg_catalog.jsonb_typeof(v) = 'string'
    ), looked_up AS MATERIALIZED (
        SELECT DISTINCT r.name
          FROM dbperf.schema_snapshot s CROSS JOIN LATERAL pg_catalog.jsonb_each(s.schema -> 'constraint') c(name, object)
         CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(c.object -> 'relations') r(name)
         WHERE EXISTS (SELECT FROM triggers) AND s.run_id IN (touched_by.before, touched_by.after)
           AND pg_catalog.regexp_replace(c.name, '^.*\.', '') IN (SELECT t.name FROM triggers t)
    )
    SELECT ROW(
        ARRAY(SELECT v #>> '{}' FROM plans p, pg_catalog.jsonb_path_query(p.plan, 'strict $.**."Relation Name"', '{}', true) v
              UNION SELECT l.name FROM looked_up l),
        ARRAY(SELECT v #>> '{}' FROM plans p, pg_catalog.jsonb_path_query(p.plan, 'strict $.** ? (@."Node Type" != "ModifyTable")."Relation Name"', '{}', true) v
              UNION SELECT l.name FROM looked_up l),
        ARRAY(SELECT DISTINCT v #>> '{}' FROM plans p, pg_catalog.jsonb_path_query(p.plan, 'strict $.**."Index Name"', '{}', true) v),
        ARRAY(SELECT v #>> '{}' FROM plans p, pg_catalog.jsonb_path_query(p.plan, 'strict $.** ? (@."Node Type" == "ModifyTable")."Relation Name"', '{}', true) v
              UNION SELECT l.name FROM looked_up l),
        ARRAY(SELECT t.name FROM triggers t),
        ARRAY(SELECT w.word FROM words w WHERE w.said),
        ARRAY(SELECT w.word FROM words w),
        ARRAY(SELECT DISTINCT m[1] FROM texts t, pg_catalog.regexp_matches(t.text, '([[:alpha:]_][[:alnum:]_$]*)\\?"?\s*\(', 'g') m),
        ARRAY(SELECT k.name
                FROM (SELECT (SELECT p.plan #> '{0,Settings}' FROM plans p WHERE NOT p.is_after) AS before,
                             (SELECT p.plan #> '{0,Settings}' FROM plans p WHERE p.is_after) AS after) s
               CROSS JOIN LATERAL (SELECT pg_catalog.jsonb_object_keys(s.before) UNION SELECT pg_catalog.jsonb_object_keys(s.after)) k(name)
               WHERE (SELECT pg_catalog.count(*) FROM plans) = 2 AND s.before -> k.name IS DISTINCT FROM s.after -> k.name
                 -- names are found or not found by it, plans are no others
                 AND k.name <> 'search_path' AND k.name NOT LIKE 'jit%'
               ORDER BY k.name),
        ARRAY(SELECT DISTINCT p.role FROM plans p), ARRAY(SELECT p.database FROM plans p
              -- what fails has no plan after
              UNION SELECT s.database FROM dbperf.schema_snapshot s
               WHERE s.run_id = touched_by.after AND NOT EXISTS (SELECT FROM plans p WHERE p.is_after)))::dbperf.touched;
END;

-- The lower the likelier, null: has nothing to do with it. changed: relations of the nodes that changed.
CREATE FUNCTION dbperf.strength_of(cause dbperf.possible_cause, touched dbperf.touched, changed text[]) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN cause.database <> ALL (touched.databases) THEN NULL
    -- about something the query surely uses
    WHEN cause.kind = 'setting' AND cause.own && touched.settings AND (cause.role IS NULL OR cause.role = ANY (touched.roles)) THEN 5
    WHEN cause.kind IN ('index', 'unique index') AND cause.own && touched.indexes
         OR cause.kind IN ('trigger', 'constraint') AND cause.own && touched.triggers
         OR cause.kind = 'function' AND cause.own && touched.calls
         OR cause.kind = 'view' AND cause.own && touched.said THEN 10
    WHEN cause.kind = 'table' AND cause.own && touched.said THEN 11
    WHEN cause.kind IN ('setting', 'function') OR NOT COALESCE(cause.names && (touched.relations || touched.indexes), true) THEN NULL
    ELSE CASE
        WHEN cause.kind IN ('index', 'unique index') AND cause.names && touched.modified THEN 20
        -- a unique index is a proof that a join may need
        WHEN cause.kind = 'unique index' THEN 45
        WHEN cause.kind = 'table' THEN 13
        WHEN cause.kind IN ('column', 'dropped column') AND cause.own && touched.words THEN 14
        WHEN cause.kind = 'ddl' THEN 15
        WHEN cause.kind IN ('unanalyzed', 'growth') AND NOT cause.names && touched.scanned THEN NULL
        WHEN cause.kind = 'unanalyzed' THEN 16
        WHEN cause.kind = 'growth' AND NOT cause.factor BETWEEN 0.5 AND 2 THEN 18
        WHEN cause.kind IN ('statistics object', 'policy') THEN 25
        WHEN cause.kind = 'trigger' AND cause.names && touched.modified THEN 30
        WHEN cause.kind = 'rewrite' THEN 34
        WHEN cause.kind = 'constraint' THEN 40
        -- rows may have become wider
        WHEN cause.kind = 'column' THEN 42
        WHEN cause.kind = 'bloat' THEN 48
        WHEN cause.kind = 'growth' THEN 50
        WHEN cause.kind = 'view' THEN 60
        WHEN cause.kind = 'maintenance' THEN 80 END
      + CASE WHEN cause.names && changed THEN 0 ELSE 7 END
    END;

CREATE FUNCTION dbperf.likeliest_cause(causes dbperf.possible_cause[], touched dbperf.touched, changed text[]) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT c.sentence
      FROM (SELECT u.*, dbperf.strength_of(u, likeliest_cause.touched, likeliest_cause.changed) AS strength
              FROM pg_catalog.unnest(likeliest_cause.causes) u) c
     WHERE c.strength IS NOT NULL
     ORDER BY c.strength, COALESCE(c.names && likeliest_cause.changed, false) DESC,
              (SELECT pg_catalog.count(*) FROM pg_catalog.unnest(c.names) n
                WHERE n = ANY ((likeliest_cause.touched).relations || (likeliest_cause.touched).indexes)) DESC,
              pg_catalog.abs(pg_catalog.ln(c.factor)) DESC NULLS LAST, c.rank, c.ddl_id DESC, c.sentence
     LIMIT 1;
END;

-- In words, what besides the schema differs between both sides of a changed query so that they cannot be compared, else
-- null. factor: of its work or time, after / before. What changed by more than its tables grew has another reason to.
CREATE FUNCTION dbperf.other_conditions(causes dbperf.possible_cause[], touched dbperf.touched, ratio float8, factor float8) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN pg_catalog.cardinality(touched.settings) > 0 THEN 'settings differ: ' || pg_catalog.array_to_string(touched.settings, ', ')
    ELSE (SELECT c.sentence FROM pg_catalog.unnest(causes) c
           WHERE c.names && touched.scanned AND c.database = ANY (touched.databases)
             AND (c.kind = 'unanalyzed'
                  OR c.kind = 'growth' AND CASE WHEN other_conditions.factor > 1 THEN c.factor >= ratio AND other_conditions.factor <= ratio * c.factor
                                              ELSE c.factor <= 1 / ratio AND other_conditions.factor >= c.factor / ratio END)
           ORDER BY c.kind = 'growth', pg_catalog.abs(pg_catalog.ln(c.factor)) DESC, c.sentence LIMIT 1) END;
-- Changes of a query's performance that somebody wanted.

CREATE TABLE dbperf.acceptance (
    project text NOT NULL DEFAULT COALESCE(pg_catalog.current_setting('dbperf.project', true), ''),
    query text NOT NULL, -- name or text, as dbperf.comparison() shows it, or fingerprint
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    expires timestamptz,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    created_by text NOT NULL DEFAULT CURRENT_USER,
    PRIMARY KEY (project, query)
);
COMMENT ON TABLE dbperf.acceptance IS 'queries whose regression is wanted; expires null: for good';

CREATE FUNCTION dbperf.accept(query text, reason text, expires timestamptz DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF accept.reason IS NULL OR accept.reason !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'an acceptance needs a reason'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why the change is wanted, for who reads it next year.';
    END IF;
    IF accept.query IS NULL OR accept.query !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'an acceptance needs a query'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT query FROM dbperf.regressions() lists what got worse.';
    END IF;
    INSERT INTO dbperf.acceptance AS a (query, reason, expires)
    VALUES (accept.query, accept.reason, accept.expires)
    ON CONFLICT ON CONSTRAINT acceptance_pkey DO UPDATE
       SET reason = excluded.reason, expires = excluded.expires, created_at = excluded.created_at, created_by = excluded.created_by;
END
$$;
COMMENT ON FUNCTION dbperf.accept(text, text, timestamptz) IS
    'regressions of this query (name, text or fingerprint) are wanted: dbperf.regressions() leaves them out, dbperf.comparison() says so; replaces an earlier acceptance, withdraw_acceptance() removes it';

CREATE FUNCTION dbperf.withdraw_acceptance(query text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM dbperf.acceptance a
     WHERE a.project = COALESCE(current_setting('dbperf.project', true), '') AND a.query = withdraw_acceptance.query;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION dbperf.withdraw_acceptance(text) IS 'takes an acceptance back; false when there was none';

-- The acceptance in force for a query, or null; fingerprint: under which it may be accepted, too.
CREATE FUNCTION dbperf.acceptance_of(query text, fingerprint text DEFAULT NULL) RETURNS dbperf.acceptance
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a FROM dbperf.acceptance a
     WHERE a.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '')
       AND a.query IN (acceptance_of.query, acceptance_of.fingerprint) AND (a.expires IS NULL OR a.expires > pg_catalog.now())
     ORDER BY a.query = acceptance_of.query DESC LIMIT 1;
END;
-- What whoever executed a query on two databases saw and no statistics tell: it failed, was cancelled, returned something else.

CREATE TABLE dbperf.query_outcome (
    project text NOT NULL,
    run_id uuid NOT NULL, -- the candidate
    baseline_run_id uuid NOT NULL,
    query text NOT NULL,
    verdict text CHECK (verdict IN ('fails', 'result_changed', 'regressed', 'improved', 'incomparable', 'not_enough_samples')),
    sentence text NOT NULL,
    PRIMARY KEY (project, run_id, baseline_run_id, query)
);

CREATE FUNCTION dbperf.store_query_outcome(baseline text, candidate text, query text, verdict text, sentence text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO dbperf.query_outcome AS o
    SELECT a.project, a.run_id, b.run_id, store_query_outcome.query, store_query_outcome.verdict, store_query_outcome.sentence
      FROM dbperf.run b CROSS JOIN dbperf.run a
     WHERE b.run_id = dbperf.find_run(store_query_outcome.baseline) AND a.run_id = dbperf.find_run(store_query_outcome.candidate)
    ON CONFLICT ON CONSTRAINT query_outcome_pkey DO UPDATE SET verdict = excluded.verdict, sentence = excluded.sentence;
END;
COMMENT ON FUNCTION dbperf.store_query_outcome(text, text, text, text, text) IS
'for whoever executes a named query on two databases: what dbperf.comparison() of these two finished runs says of it. verdict: fails, result_changed, regressed (cancelled in the candidate only), improved, incomparable or not_enough_samples, in place of its own; null: only the sentence is added. sentence: why, without a period. Errors: no such run, an unknown verdict';

-- A reason, given what was seen beside the statistics: of a query that fails they tell nothing.
CREATE FUNCTION dbperf.reason_with_outcome(verdict text, sentence text, reason text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN sentence IS NULL THEN reason
            WHEN verdict IN ('fails', 'incomparable', 'not_enough_samples') THEN sentence
            WHEN verdict IS NULL THEN reason || '; ' || sentence
            ELSE pg_catalog.concat_ws('; ', sentence, reason) END;
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

-- The last plan of a query that was captured because the session asked for all.
CREATE FUNCTION dbperf.last_plan_on_demand(project text, run uuid, query text) RETURNS bigint
LANGUAGE sql STABLE
RETURN (SELECT pg_catalog.max(p.plan_id) FROM dbperf.plan p
         WHERE p.project = last_plan_on_demand.project AND p.run_id = last_plan_on_demand.run
           AND p.query_name = last_plan_on_demand.query AND p.top_level AND p.reason = 'all');

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
               CASE WHEN i.query IS NULL THEN time_changes.milliseconds ELSE LEAST(time_changes.milliseconds, 0.01) END AS floor,
               COALESCE(i.before_ms, dbperf.histogram_samples(b.histogram)) AS times_before,
               COALESCE(i.after_ms, dbperf.histogram_samples(a.histogram)) AS times_after
          FROM dbperf.query_total(time_changes.project_before, time_changes.before) b
          JOIN dbperf.query_total(time_changes.project_after, time_changes.after) a USING (key)
          LEFT JOIN dbperf.interleaved_times i ON i.project = time_changes.project_after AND i.run_id = time_changes.after
               AND i.baseline_run_id = time_changes.before AND i.query = b.key
    ), compared AS MATERIALIZED (
        SELECT m.key, m.paired, m.max_ms, m.proven, m.floor, t.*, pg_catalog.row_number() OVER (ORDER BY m.key) AS number
          FROM measured m, dbperf.compare_times(m.times_before, m.times_after, m.paired, time_changes.ratio, m.proven, m.floor) t
    ), adjusted AS (
        SELECT h.p, h.number
          FROM (SELECT dbperf.adjust_holm(pg_catalog.array_agg(c.p ORDER BY c.number)) AS all_p FROM compared c) s,
               pg_catalog.unnest(s.all_p) WITH ORDINALITY h(p, number)
    )
    SELECT c.key,
           CASE WHEN c.change = 'not_enough_samples' AND NOT c.paired AND c.max_ms < c.floor THEN 'equal'
                ELSE dbperf.judge_time(c.samples, c.median_before, c.median_after, c.ratio, c.low, c.high, a.p, c.paired,
                                       time_changes.ratio, c.proven, c.floor) END,
           c.ratio, c.low, c.high, a.p, c.samples
      FROM compared c JOIN adjusted a USING (number);
END;

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
    ), told AS (
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
          FROM told t
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
'every query of two finished runs, before and after. verdict: fails or result_changed (in the candidate, as told by dbperf.store_query_outcome()), regressed, improved, unchanged, unstable (the plan also changes by ANALYZE alone), not_enough_samples (executed on one side only, or fewer than ten times a side while its work is the same) or incomparable (another server version or other settings; or the work changed, and in sessions with other settings, while a table was analyzed on one side only, or by no more than a table grew or shrank).
cause: of what changed, the DDL, setting or growth of a table that fits best, null without any and for what did not change; accepted: why somebody wants it, where dbperf.accept() says so.
Work decides by plan (dbperf.plan_changes()), blocks, temporary blocks and bytes of WAL a call, each by more than the ratio and more than the difference: blocks, for WAL as many bytes; rows is the floor below which a sequential scan is not worse. Time decides by dbperf.compare_times(), adjusted to the number of queries: pairs where dbperf compare measured in turns, else by more than milliseconds, and from histograms.
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
    'what got worse between two finished runs, by default between the last two, and was not accepted (dbperf.accept()); columns and thresholds as of dbperf.comparison()';
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
    ), needing AS MATERIALIZED ( -- what cannot be told may need it
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
-- Runs as JSON, to be kept beside the code that they are of.

-- All that dbperf.comparison() needs of a run. Nothing in it names a row or an object by number, and its lists are sorted, so
-- that an export differs from another one only by what was measured.
CREATE FUNCTION dbperf.export_run(label text DEFAULT NULL) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1
AS $$
    WITH exported AS MATERIALIZED (
        SELECT r.* FROM dbperf.run r WHERE r.run_id = dbperf.find_run(export_run.label)
    ), statements AS MATERIALIZED (
        SELECT s.* FROM dbperf.statement s JOIN exported e USING (project, run_id)
    ), plans AS MATERIALIZED (
        SELECT p.* FROM dbperf.plan p JOIN exported e USING (project, run_id)
    )
    SELECT jsonb_build_object(
        'schema_version', 1,
        'kind', 'dbperf run',
        'run', jsonb_build_object(
            'label', e.label, 'attributes', e.attributes, 'server_version', e.server_version, 'settings', e.settings,
            'started_at', to_char(e.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'finished_at', to_char(e.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
        'queries', (
            SELECT coalesce(jsonb_object_agg(t.fingerprint::text, t.query), '{}') FROM dbperf.query_text t
             WHERE t.project = e.project
               AND t.fingerprint IN (SELECT s.fingerprint FROM statements s UNION ALL SELECT p.fingerprint FROM plans p)),
        'statements', (
            SELECT coalesce(jsonb_agg(to_jsonb(s) - '{project,run_id}'::text[] || jsonb_build_object('fingerprint', s.fingerprint::text)
                            ORDER BY s.database COLLATE "C", s.query_name COLLATE "C", s.fingerprint, s.role COLLATE "C", s.top_level), '[]')
              FROM statements s),
        'plans', (
            SELECT coalesce(jsonb_agg(to_jsonb(p) - '{project,run_id,plan_id,captured_at}'::text[]
                                      || jsonb_build_object('fingerprint', p.fingerprint::text, 'shape', p.shape::text)
                            ORDER BY p.database COLLATE "C", p.query_name COLLATE "C" NULLS FIRST, p.fingerprint, p.role COLLATE "C",
                                     p.shape, p.plan_id), '[]')
              FROM plans p),
        'schemas', (
            SELECT coalesce(jsonb_object_agg(s.database, s.schema), '{}')
              FROM dbperf.schema_snapshot s WHERE s.project = e.project AND s.run_id = e.run_id))
      FROM exported e
$$;
COMMENT ON FUNCTION dbperf.export_run(text) IS
'a finished run as one JSON object for dbperf.import_run(), here or on another server: {"schema_version": 1, "kind": "dbperf run", "run": {...}, "queries": {fingerprint: text}, "statements": [...], "plans": [...], "schemas": {database: schema}}; fingerprints and shapes are texts, times ms, lists sorted; the same run gives the same object every time; null: the latest finished run. It has what dbperf.comparison() needs: no findings and no kept parameters. Error: no finished run has the label';

-- What an earlier import under this label left.
CREATE FUNCTION dbperf.forget_imported_runs(project text, label text) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    WITH old AS (
        DELETE FROM dbperf.run r
         WHERE r.project = forget_imported_runs.project AND r.label = forget_imported_runs.label AND r.imported
        RETURNING r.run_id
    ), statements AS (
        DELETE FROM dbperf.statement s USING old WHERE s.project = forget_imported_runs.project AND s.run_id = old.run_id
    ), plans AS (
        DELETE FROM dbperf.plan p USING old WHERE p.project = forget_imported_runs.project AND p.run_id = old.run_id
    ), nodes AS (
        DELETE FROM dbperf.plan_node n USING old WHERE n.project = forget_imported_runs.project AND n.run_id = old.run_id
    ), schemas AS (
        DELETE FROM dbperf.schema_snapshot s USING old WHERE s.project = forget_imported_runs.project AND s.run_id = old.run_id
    )
    DELETE FROM dbperf.interleaved_times t USING old
     WHERE t.project = forget_imported_runs.project AND old.run_id IN (t.run_id, t.baseline_run_id);
END;

-- Stores what an export holds under a run that is there already; null where a column must not be null raises.
CREATE FUNCTION dbperf.store_exported(project text, run uuid, finished_at timestamptz, export jsonb) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    INSERT INTO dbperf.query_text (project, fingerprint, query)
    SELECT store_exported.project, q.key::bigint, q.value
      FROM pg_catalog.jsonb_each_text(store_exported.export -> 'queries') q
    ON CONFLICT DO NOTHING;

    INSERT INTO dbperf.statement
    SELECT s.*
      FROM pg_catalog.jsonb_array_elements(store_exported.export -> 'statements') WITH ORDINALITY e(object, number)
     CROSS JOIN LATERAL pg_catalog.jsonb_populate_record(NULL::dbperf.statement,
               e.object || pg_catalog.jsonb_build_object('project', store_exported.project, 'run_id', store_exported.run)) s
     ORDER BY e.number;

    WITH stored AS (
        INSERT INTO dbperf.plan (project, run_id, database, role, query_name, fingerprint, shape, reason, aborted, top_level, timed,
                                 captured_at, exec_ms, rows, plan, shared_blks_hit, shared_blks_read, shared_blks_dirtied,
                                 shared_blks_written, temp_blks_read, temp_blks_written, wal_bytes, executions)
        SELECT store_exported.project, store_exported.run, p.database, p.role, p.query_name, p.fingerprint, p.shape, p.reason, p.aborted,
               p.top_level, p.timed, store_exported.finished_at, p.exec_ms, p.rows, p.plan, p.shared_blks_hit, p.shared_blks_read,
               p.shared_blks_dirtied, p.shared_blks_written, p.temp_blks_read, p.temp_blks_written, p.wal_bytes, p.executions
          FROM pg_catalog.jsonb_array_elements(store_exported.export -> 'plans') WITH ORDINALITY e(object, number)
         CROSS JOIN LATERAL pg_catalog.jsonb_populate_record(NULL::dbperf.plan, e.object) p
         ORDER BY e.number
        RETURNING project, run_id, plan_id, plan
    )
    INSERT INTO dbperf.plan_node
    SELECT s.project, s.run_id, s.plan_id, n.* FROM stored s, dbperf.nodes_of_plan(s.plan) n;

    INSERT INTO dbperf.schema_snapshot (project, run_id, database, database_id, taken_at, schema)
    SELECT store_exported.project, store_exported.run, s.key, 0, store_exported.finished_at, s.value
      FROM pg_catalog.jsonb_each(store_exported.export -> 'schemas') s;
END;

CREATE FUNCTION dbperf.import_run(export jsonb, label text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    understood CONSTANT integer := 1;
    current_project text := coalesce(current_setting('dbperf.project', true), '');
    new_label text := coalesce(import_run.label, import_run.export #>> '{run,label}');
    added uuid := gen_random_uuid();
BEGIN
    IF export IS NULL OR export ->> 'kind' IS DISTINCT FROM 'dbperf run' OR jsonb_typeof(export -> 'schema_version') IS DISTINCT FROM 'number' THEN
        RAISE EXCEPTION 'this is no exported run'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'dbperf.export_run() and `dbperf baseline export` make one.';
    END IF;
    IF (export ->> 'schema_version')::numeric > understood THEN
        RAISE EXCEPTION 'the export has schema_version %, this dbperf understands versions up to %', export ->> 'schema_version', understood
            USING ERRCODE = 'feature_not_supported', HINT = 'Update dbperf on this server, or export the run again with its version.';
    END IF;
    IF coalesce(new_label, '') = '' OR octet_length(new_label) > 127 THEN
        RAISE EXCEPTION 'a run needs a label of 1 to 127 bytes'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give one as the second argument.';
    END IF;
    IF EXISTS (SELECT FROM dbperf.run r WHERE r.project = current_project AND r.label = new_label AND NOT r.imported) THEN
        RAISE EXCEPTION 'a run with the label "%" was measured here', new_label
            USING ERRCODE = 'duplicate_object', HINT = 'An import replaces only imported runs: import it under another label.';
    END IF;
    PERFORM dbperf.forget_imported_runs(current_project, new_label);
    BEGIN
        IF jsonb_typeof(export -> 'run') IS DISTINCT FROM 'object' OR jsonb_typeof(export -> 'queries') IS DISTINCT FROM 'object'
           OR jsonb_typeof(export -> 'statements') IS DISTINCT FROM 'array' OR jsonb_typeof(export -> 'plans') IS DISTINCT FROM 'array'
           OR jsonb_typeof(export -> 'schemas') IS DISTINCT FROM 'object' THEN
            RAISE EXCEPTION 'it lacks run, queries, statements, plans or schemas' USING ERRCODE = 'data_exception';
        END IF;
        INSERT INTO dbperf.run (project, run_id, label, started_at, finished_at, server_version, attributes, settings, imported)
        SELECT current_project, added, new_label, r.started_at, r.finished_at, r.server_version, r.attributes, r.settings, true
          FROM jsonb_populate_record(NULL::dbperf.run, export -> 'run') r;
        PERFORM dbperf.store_exported(current_project, added, (export #>> '{run,finished_at}')::timestamptz, export);
    EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
        RAISE EXCEPTION 'the export is damaged: %', sqlerrm
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Take the file as `dbperf baseline export` wrote it.';
    END;
    RETURN added;
END
$$;
COMMENT ON FUNCTION dbperf.import_run(jsonb, text) IS
'stores a run that dbperf.export_run() gave, under its own label or another one, and gives its id: a baseline for dbperf.comparison(). It replaces what was imported under this label before; a run that was measured here is not replaced. Times of the run are those of its origin. Errors: no export, one of a later version, a damaged one, the label of a measured run';
-- Deadlocks that happened: their members, what each transaction had done, and who waited behind them.

CREATE TABLE dbperf.deadlock (
    project text NOT NULL,
    run_id uuid NOT NULL,
    deadlock_id bigint GENERATED ALWAYS AS IDENTITY,
    happened_at timestamptz NOT NULL,
    database text NOT NULL,
    members integer NOT NULL,
    victim_pid integer NOT NULL,
    closed_by_pid integer NOT NULL, -- the member that was the last to wait
    detection_ms float8 NOT NULL,   -- from the closing of the cycle until the victim's error
    lost_ms float8 NOT NULL,        -- of the victim, since the first statement of its transaction
    lost_rows bigint NOT NULL,      -- written by the victim
    lost_wal_bytes bigint NOT NULL,
    incomplete boolean NOT NULL,    -- something of a member is not known
    PRIMARY KEY (project, run_id, deadlock_id)
);
CREATE INDEX deadlock_number ON dbperf.deadlock (deadlock_id);

CREATE TABLE dbperf.deadlock_member (
    project text NOT NULL,
    run_id uuid NOT NULL,
    deadlock_id bigint NOT NULL,
    position integer NOT NULL, -- each waits for the next, the last for the first
    pid integer NOT NULL,
    role text NOT NULL,
    application_name text NOT NULL,
    blocked_by integer NOT NULL,
    waits_for text NOT NULL,
    wait_mode text,
    waited_ms float8 NOT NULL,
    lasted_ms float8,               -- its transaction, since its first statement; null: not known
    rows bigint NOT NULL,           -- written by statements that ended
    steps integer NOT NULL,
    dropped_steps integer NOT NULL, -- the oldest, beyond dbperf.max_trail
    kept_by_prepared boolean NOT NULL, -- what it waits for is locked by a prepared transaction as well
    PRIMARY KEY (project, run_id, deadlock_id, position)
);

CREATE TABLE dbperf.deadlock_step (
    project text NOT NULL,
    run_id uuid NOT NULL,
    deadlock_id bigint NOT NULL,
    pid integer NOT NULL,
    step integer NOT NULL,
    level integer NOT NULL,    -- 0: sent by the client
    fingerprint bigint,
    query text,                -- only of a statement without a fingerprint
    relation text,
    mode text,
    row_key text,
    start_ms float8,
    elapsed_ms float8,
    rows bigint,
    waited_ms float8,
    blocks_pid integer,
    evidence text,
    closed_cycle boolean NOT NULL,
    released boolean NOT NULL,
    locks text[] NOT NULL,
    PRIMARY KEY (project, run_id, deadlock_id, pid, step)
);

CREATE TABLE dbperf.deadlock_bystander (
    project text NOT NULL,
    run_id uuid NOT NULL,
    deadlock_id bigint NOT NULL,
    pid integer NOT NULL,
    blocked_by integer NOT NULL,
    waits_for text NOT NULL,
    wait_mode text,
    waited_ms float8 NOT NULL,
    PRIMARY KEY (project, run_id, deadlock_id, pid)
);

CREATE VIEW dbperf.deadlock_steps AS
SELECT s.deadlock_id, s.pid, s.step, COALESCE(s.query, t.query) AS query, s.relation, s.mode, s.row_key, s.waited_ms,
       s.blocks_pid, s.evidence, s.closed_cycle, s.pid = d.victim_pid AS victim, s.released, s.level, s.locks, s.start_ms,
       s.elapsed_ms, s.rows, m.position AS member, s.fingerprint, r.label AS run, NULLIF(s.run_id, '00000000-0000-0000-0000-000000000000') AS run_id
  FROM dbperf.deadlock_step s
  JOIN dbperf.deadlock d USING (project, run_id, deadlock_id)
  JOIN dbperf.deadlock_member m USING (project, run_id, deadlock_id, pid)
  LEFT JOIN dbperf.query_text t USING (project, fingerprint)
  LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.deadlock_steps IS
    'what the members of deadlocks did, in order; one row a statement, with the lock that matters: the one it waits for (waited_ms), or keeps from session blocks_pid';

CREATE VIEW dbperf.deadlock_members AS
SELECT m.deadlock_id, m.position AS member, m.pid, m.pid = d.victim_pid AS victim, m.role, m.application_name, m.blocked_by,
       m.waits_for, m.wait_mode, m.waited_ms, m.lasted_ms, m.rows, m.steps, m.dropped_steps, m.kept_by_prepared, r.label AS run, NULLIF(m.run_id, '00000000-0000-0000-0000-000000000000') AS run_id
  FROM dbperf.deadlock_member m
  JOIN dbperf.deadlock d USING (project, run_id, deadlock_id)
  LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.deadlock_members IS 'sessions that were in deadlocks: each waits for the next, the last for the first';

CREATE VIEW dbperf.deadlock_bystanders AS
SELECT b.deadlock_id, b.pid, b.blocked_by, b.waits_for, b.wait_mode, b.waited_ms, r.label AS run, NULLIF(b.run_id, '00000000-0000-0000-0000-000000000000') AS run_id
  FROM dbperf.deadlock_bystander b
  LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.deadlock_bystanders IS 'sessions that waited behind deadlocks without being in them';

-- What sort of deadlock it is, which decides the advice: advisory_locks, table_locks, lock_upgrade, unique_keys, scan_order or row_order.
CREATE FUNCTION dbperf.deadlock_kind(deadlock_id bigint) RETURNS text
LANGUAGE sql STABLE STRICT
BEGIN ATOMIC
    WITH waits AS (
        SELECT w.pid, w.relation, w.row_key, w.mode, m.waits_for, b.relation AS held_relation, b.row_key AS held_key,
               b.mode AS held_mode, b.evidence
          FROM dbperf.deadlock_steps w
          JOIN dbperf.deadlock_members m ON m.deadlock_id = w.deadlock_id AND m.pid = w.pid
          LEFT JOIN dbperf.deadlock_steps b ON b.deadlock_id = w.deadlock_id AND b.blocks_pid = w.pid
         WHERE w.deadlock_id = deadlock_kind.deadlock_id AND w.waited_ms IS NOT NULL
    )
    SELECT CASE WHEN pg_catalog.bool_or(waits_for LIKE 'advisory lock %') THEN 'advisory_locks'
                WHEN pg_catalog.count(DISTINCT (relation, row_key)) = 1 AND pg_catalog.count(*) > 1
                     AND pg_catalog.bool_and(relation = held_relation AND row_key IS NOT DISTINCT FROM held_key AND mode <> held_mode)
                  THEN 'lock_upgrade'
                WHEN pg_catalog.bool_or(waits_for <> 'end of a transaction' AND waits_for NOT LIKE 'row (%') THEN 'table_locks'
                WHEN pg_catalog.bool_and(mode = 'INSERT' OR held_mode = 'INSERT') THEN 'unique_keys'
                WHEN pg_catalog.bool_or(row_key IS NULL OR row_key LIKE 'ctid=%' OR evidence IS DISTINCT FROM 'exact') THEN 'scan_order'
                ELSE 'row_order' END
      FROM waits;
END;
COMMENT ON FUNCTION dbperf.deadlock_kind(bigint) IS
    'advisory_locks, table_locks, lock_upgrade, unique_keys, scan_order (several rows in one statement) or row_order; null for an unknown deadlock';

CREATE FUNCTION dbperf.deadlock_advice(kind text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE deadlock_advice.kind
        WHEN 'advisory_locks' THEN 'Take advisory locks in one order, for example by number, or give up with pg_try_advisory_lock() when the second one is taken.'
        WHEN 'table_locks' THEN 'Take all table locks at the beginning of the transaction, in one order of the tables and the strongest mode first. Run DDL in a transaction of its own with lock_timeout set, so that it does not wait while it holds locks that readers need.'
        WHEN 'lock_upgrade' THEN 'Take the strongest lock first: a transaction that will change a row should not begin with a weaker lock of it (FOR SHARE, or the FOR KEY SHARE of a foreign key check). SELECT ... FOR NO KEY UPDATE at the beginning is enough for an UPDATE that leaves the key alone, and does not conflict with foreign key checks as FOR UPDATE does.'
        WHEN 'unique_keys' THEN 'Insert keys in one order: sort the rows of a batch by the unique key, also before INSERT ... ON CONFLICT, and insert them in one statement.'
        WHEN 'scan_order' THEN 'A statement on several rows locks them in the order its plan finds them. A sorted IN list does not change that: a bitmap scan goes by place in the table. Lock the rows first with SELECT ... ORDER BY id FOR NO KEY UPDATE, then change them; sort the rows of a batch upsert by key.'
        WHEN 'row_order' THEN 'Lock rows in one order in all transactions: sort the ids before the first statement, or lock all rows at the beginning with SELECT ... ORDER BY id FOR NO KEY UPDATE.'
        END;
END;
COMMENT ON FUNCTION dbperf.deadlock_advice(text) IS 'what to do about a kind of deadlock, in a few sentences';

CREATE VIEW dbperf.deadlocks AS
SELECT d.deadlock_id, r.label AS run, d.happened_at, d.database, d.members, d.victim_pid, k.kind, d.closed_by_pid, d.detection_ms,
       d.lost_ms, d.lost_rows, d.lost_wal_bytes,
       (SELECT pg_catalog.count(*) FROM dbperf.deadlock_bystander b
         WHERE (b.project, b.run_id, b.deadlock_id) = (d.project, d.run_id, d.deadlock_id)) AS bystanders,
       d.incomplete, dbperf.deadlock_advice(k.kind) AS advice, NULLIF(d.run_id, '00000000-0000-0000-0000-000000000000') AS run_id
  FROM dbperf.deadlock d
 CROSS JOIN LATERAL (SELECT dbperf.deadlock_kind(d.deadlock_id)) k(kind)
  LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.deadlocks IS
    'deadlocks that happened; times in milliseconds, lost_* is the work of the victim; dbperf.deadlock_report(deadlock_id) tells one as text';

-- Members are called A, B, C in the order of waiting.
CREATE FUNCTION dbperf.deadlock_report(deadlock_id bigint) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    d dbperf.deadlocks;
    m record;
    s record;
    report text;
    others record;
BEGIN
    SELECT * INTO d FROM dbperf.deadlocks v WHERE v.deadlock_id = deadlock_report.deadlock_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no deadlock %', deadlock_report.deadlock_id
            USING ERRCODE = 'undefined_object', HINT = 'SELECT deadlock_id FROM dbperf.deadlocks lists them; dbperf.flush() first stores those just observed.';
    END IF;
    report := format(E'deadlock %s in database %s at %s%s\n%s transactions waited for each other in a circle: %s',
                     d.deadlock_id, d.database, date_trunc('second', d.happened_at), COALESCE(', run ' || d.run, ''), d.members,
                     replace(d.kind, '_', ' '));
    FOR m IN SELECT v.*, chr(64 + v.member) AS letter, chr(64 + v.member % d.members + 1) AS next
               FROM dbperf.deadlock_members v WHERE v.deadlock_id = d.deadlock_id ORDER BY v.member LOOP
        report := report || format(E'\n\n%s: session %s, role %s%s%s', m.letter, m.pid, m.role,
                                   COALESCE(', ' || NULLIF(m.application_name, ''), ''), CASE WHEN m.victim THEN ' (victim)' ELSE '' END);
        IF m.lasted_ms IS NULL THEN
            report := report || E'\n  (what it did before is not known)';
        ELSIF m.dropped_steps > 0 THEN
            report := report || format(E'\n  (incomplete: its first %s locks are not known)', m.dropped_steps);
        END IF;
        FOR s IN SELECT v.*, chr(64 + w.member) AS waiter
                   FROM dbperf.deadlock_steps v
                   LEFT JOIN dbperf.deadlock_members w ON w.deadlock_id = v.deadlock_id AND w.pid = v.blocks_pid
                  WHERE v.deadlock_id = d.deadlock_id AND v.pid = m.pid ORDER BY v.step LOOP
            report := report || format(E'\n  %s%s. %s', repeat('  ', s.level), s.step,
                                       COALESCE(regexp_replace(s.query, '\s+', ' ', 'g'), '(text no longer known)'));
            IF s.released THEN
                report := report || E'\n       rolled back to a savepoint; its locks were given back';
            END IF;
            IF s.blocks_pid IS NOT NULL THEN
                report := report || CASE WHEN s.waited_ms IS NULL
                    THEN format(E'\n       locked %s%s%s: %s%s waits for it', s.relation, COALESCE(' (' || s.row_key || ')', ''),
                                COALESCE(' ' || s.mode, ''), CASE s.evidence WHEN 'likely' THEN 'likely ' ELSE '' END, s.waiter)
                    ELSE format(E'\n       holds what %s waits for', s.waiter) END;
            END IF;
            IF s.waited_ms IS NOT NULL THEN
                report := report || format(E'\n       waits for %s%s%s, kept by %s; %s ms%s', COALESCE(s.relation, 'the end of a transaction'),
                                           COALESCE(' (' || s.row_key || ')', ''), COALESCE(' ' || s.mode, ''), m.next,
                                           round(s.waited_ms::numeric), concat(CASE WHEN m.kept_by_prepared THEN '; a prepared transaction keeps it, too' END,
                                                  CASE WHEN s.closed_cycle THEN '; this closed the circle' END));
            END IF;
        END LOOP;
    END LOOP;
    report := report || format(E'\n\ncost: noticed %s ms after the circle was closed; the victim lost %s ms of work, %s rows, %s bytes of WAL',
                               round(d.detection_ms::numeric), round(d.lost_ms::numeric), d.lost_rows, d.lost_wal_bytes);
    SELECT count(*) AS number, max(b.waited_ms) AS longest INTO others FROM dbperf.deadlock_bystanders b WHERE b.deadlock_id = d.deadlock_id;
    IF others.number > 0 THEN
        report := report || format(E'\nbehind it waited %s other sessions, the longest %s ms', others.number, round(others.longest::numeric));
    END IF;
    RETURN report || E'\nadvice: ' || COALESCE(d.advice, '-');
END
$$;
COMMENT ON FUNCTION dbperf.deadlock_report(bigint) IS
    'one deadlock as text to paste into a ticket: what every member did, who waited for what, what it cost, what to do; an unknown id is an error';
-- Deadlocks that were predicted: transactions that would have met, had they run at the same time.

CREATE TABLE dbperf.lock_cycle (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    cycle_id bigint NOT NULL, -- of the statements, tables and modes: the same in every run
    confidence text NOT NULL,
    status text NOT NULL DEFAULT 'predicted'
        CHECK (status IN ('predicted', 'confirmed', 'not_reproduced', 'not_replayable')),
    outcome text, -- of an attempt to confirm it
    members integer NOT NULL,
    description text NOT NULL,
    rows_in_common jsonb NOT NULL,
    steps jsonb NOT NULL,
    replay jsonb NOT NULL,
    PRIMARY KEY (project, run_id, database, cycle_id)
);

CREATE VIEW dbperf.lock_cycles AS
SELECT r.label AS run, c.database, c.confidence, c.status, c.members, c.description, c.rows_in_common, c.steps, c.outcome,
       c.replay, c.cycle_id, c.run_id
  FROM dbperf.lock_cycle c
  JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.lock_cycles IS
    'deadlocks that transactions of a finished run could have had with each other (dbperf.track_locks); proven: the same rows were locked; possible (dbperf.possible_cycles): other parameters could lead to it. steps: of each member the locks up to the one it requests, in order; rows_in_common: what each member requests of the next one. status: what dbperf deadlock --confirm found, outcome: in words. replay: of each member what its client sent up to that request (statements with types and values of their parameters, null is NULL), search_path, role and isolation level of its transaction; pause: where it has to stop within its last statement, for dbperf.pause_before_lock; gate: the statement of another session that keeps it from the lock it holds, where it cannot stop; not_replayable: why it cannot be executed again';

CREATE FUNCTION dbperf.store_cycle_outcome(run text, database text, cycle_id bigint, status text, outcome text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    UPDATE dbperf.lock_cycle c SET status = store_cycle_outcome.status, outcome = store_cycle_outcome.outcome
     WHERE c.run_id = dbperf.find_run(store_cycle_outcome.run) AND c.database = store_cycle_outcome.database
       AND c.cycle_id = store_cycle_outcome.cycle_id;
END;
COMMENT ON FUNCTION dbperf.store_cycle_outcome(text, text, bigint, text, text) IS
    'for whoever tried to make a predicted deadlock of a finished run happen (null: the latest): its status (predicted, confirmed, not_reproduced, not_replayable) and what happened, without a period. A cycle that does not exist is ignored. Errors: no such run, an unknown status';
-- Test databases: copies of a template, one session's at a time, clean each time.

CREATE FUNCTION dbperf.acquire_database(template text) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_acquire_database' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.acquire_database(text) IS
'name of a database that is a copy of this one and nobody else''s until this session ends or releases it; the first call copies the template, to which nobody may be connected then (55006), later ones take a copy from the pool; waits up to dbperf.acquire_timeout; for superusers, and roles with CREATEDB that own the template';

CREATE FUNCTION dbperf.release_database(name text, keep boolean DEFAULT false) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_release_database' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.release_database(text, boolean) IS
'gives a database back, from a session that is not connected to it: ''clean'' (nothing was written), ''reset'' (put back), ''replaced: reason'' (dropped, a new copy is made), or ''ending'' (others are still connected to it; the rest is done when they leave); keep leaves it as a failed test left it, ''kept'', to be looked at: nobody is handed it any more, it survives restarts, and it goes when more than dbperf.max_kept_databases newer ones are kept, when its room is needed, or when it is released once more (''dropped'')';

CREATE FUNCTION dbperf.reset_database(session boolean DEFAULT true) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_reset_database' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.reset_database(boolean) IS
'makes the leased database of this connection equal to its template: rows, their order, sequences; returns the name of the database that is clean now: this one, or, with a warning, that of a new copy to connect to, when more than rows was changed; session also does what DISCARD ALL does, but leaves statements that the driver prepared; not in a transaction that has written (25001)';

CREATE FUNCTION dbperf.written_relations(OUT schema text, OUT relation text, OUT pages integer) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_written_relations' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.written_relations() IS
'relations of this leased database that were written to since it was clean, indexes and sequences included, with the number of pages; by the write-ahead log, which names no unlogged ones';

CREATE FUNCTION dbperf.collect_test_databases(kept boolean DEFAULT false) RETURNS integer
AS 'MODULE_PATHNAME', 'dbperf_collect_test_databases' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.collect_test_databases(boolean) IS
'drops all test databases that nobody holds, those that an earlier start of the server left included, and those that are kept only when told so; never one that somebody is connected to; returns how many remain';

CREATE FUNCTION dbperf.live_test_databases(
    OUT name text, OUT template text, OUT state text, OUT holder_pid integer, OUT since timestamptz, OUT resets integer,
    OUT reason text) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_test_databases' LANGUAGE C STRICT VOLATILE;

CREATE VIEW dbperf.test_databases AS
SELECT name, template, state, holder_pid, since, resets, reason FROM dbperf.live_test_databases();
COMMENT ON VIEW dbperf.test_databases IS
'copies that exist: state is creating, ready, leased (by holder_pid), ending (the lease has ended, others are connected), settling (being put back), doomed (to be dropped, for this reason) or kept (as a failed test left it); since: when it got there; resets: how often it was put back';
-- Budgets and all findings in one shape.

CREATE TABLE dbperf.budgets (
    project text NOT NULL DEFAULT COALESCE(pg_catalog.current_setting('dbperf.project', true), ''),
    query text NOT NULL, -- a name, or a fingerprint
    metric text NOT NULL CHECK (metric IN ('avg_ms', 'p95_ms', 'p99_ms', 'max_ms', 'rows', 'blocks', 'calls')),
    budget float8 NOT NULL CHECK (budget >= 0),
    PRIMARY KEY (project, query, metric)
);
COMMENT ON TABLE dbperf.budgets IS 'limits per query; rows and blocks are averages a call, calls are those of a run';

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
COMMENT ON FUNCTION dbperf.set_budget(text, text, float8) IS 'sets or changes one budget; null removes it';

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
    'every budget against one finished run (default: the latest): violated, ok or not_enough_samples';

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
                                                 'scope', n.scope, 'fingerprint', n.fingerprint, 'finding_id', n.finding_id,
                                                 'parent_query', n.parent_query, 'parent_column', n.parent_column,
                                                 'call_site', n.call_site,
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
 CROSS JOIN LATERAL dbperf.stale_acceptances(r.label) s;
COMMENT ON VIEW dbperf.findings IS 'all findings in one shape; gate: fails a check';
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
'statements of a finished run (null: the latest) whose p95 is over a limit in ms: violated, when so many slow calls would be seen by chance in fewer than 1 of 100 runs, or not_enough_samples, with fewer than 20 calls some of which were slow; a query with a p95 budget of its own is left out. Times in ms. Error: no finished run has the label';
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
        SELECT COALESCE(d.datname::text, 'dropped database ' || l.database) AS database, l.query_name, l.fingerprint, l.calls, l.total_ms,
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
               pg_catalog.row_number() OVER (PARTITION BY e.query_name IS NULL ORDER BY pg_catalog.sum(e.total_ms) DESC) AS place,
               e.query_name IS NOT NULL AS is_named
          FROM every e
         GROUP BY e.database, e.query_name, CASE WHEN e.query_name IS NULL THEN e.fingerprint END,
                  COALESCE(e.query_name, e.fingerprint::text)
    )
    SELECT g.database, g.query, g.calls, g.seconds, dbperf.histogram_counts(g.histogram, query_metrics.bounds_ms), g.rows, g.aborted,
           g.over_budget, g.planning_seconds, g.hit, g.read, g.temp, g.wal
      FROM grouped g
     WHERE g.is_named OR g.place <= query_metrics.most
     ORDER BY g.database, g.query;
END;
COMMENT ON FUNCTION dbperf.query_metrics(text, integer, float8[]) IS
'one row a database and query: all named queries, and of statements without a name the most that took the most time; query: the name, or the fingerprint, never SQL. run null: what the server observed outside runs since it started or dbperf.reset(), else a finished run. calls, rows, blocks, bytes and seconds are sums of top-level statements; buckets: calls that took at most so many ms, one count for each of bounds_ms. Error: no finished run has the label';
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
           -- the last run before tells what the first one changed
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
    ), told AS (
        SELECT c.*, dbperf.sentence_of_trend(c.query, c.label, c.time_change, c.ratio, c.blocks_before, c.blocks_after) AS sentence
          FROM compared c
    )
    SELECT t.query, t.label, t.started_at, t.attributes ->> 'commit', t.calls, t.total_ms / t.calls::float8,
           LEAST(t.max_ms, t.p50_ms), LEAST(t.max_ms, dbperf.quantile(t.histogram, 0.95)), t.blocks_after,
           t.rows / t.calls::float8, t.ratio, t.blocks_after / NULLIF(t.blocks_before, 0), t.sentence,
           CASE WHEN t.sentence IS NOT NULL THEN dbperf.cause_of_change(t.project, t.before, t.run_id, t.key) END, t.run_id
      FROM told t
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

CREATE FUNCTION dbperf.prune(older_than interval, keep text[] DEFAULT '{}', OUT runs bigint, OUT rows bigint) RETURNS record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    current_project text := coalesce(current_setting('dbperf.project', true), '');
    doomed uuid[];
    stored record;
    deleted bigint;
BEGIN
    IF older_than IS NULL OR older_than < interval '0' THEN
        RAISE EXCEPTION 'an age of at least 0 is needed'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT * FROM dbperf.prune(''90 days'') deletes what is older.';
    END IF;
    -- Neither what is under way nor what somebody compares with.
    SELECT coalesce(array_agg(r.run_id), '{}') INTO doomed
      FROM dbperf.run r
     WHERE r.project = current_project AND coalesce(r.finished_at, r.started_at) < now() - older_than
       AND r.label <> ALL (coalesce(keep, '{}'))
       AND NOT EXISTS (SELECT FROM dbperf.live_runs() l WHERE l.run_id = r.run_id);
    runs := cardinality(doomed);
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
        EXECUTE format('DELETE FROM %s WHERE project = $1 AND %I = ANY ($2)', stored.relation, stored.key) USING current_project, doomed;
        GET DIAGNOSTICS deleted = ROW_COUNT;
        rows := rows + deleted;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dbperf.prune(interval, text[]) IS
'deletes the runs of this project that ended longer ago than this, with all that is stored of them, but none with a label of keep and none under way; gives how many runs and rows. Live statistics, budgets, acknowledgements and acceptances stay. For members of pg_monitor; autovacuum gives the space back. Errors: no age, or a negative one';
-- A run as rows for a results database of its own (sql/results), which has the same tables.

-- Numbers that are a sequence's here are other runs' numbers elsewhere: those that views take for a key become unique. Kept
-- parameters, also those of predicted deadlocks, stay on this server, and so does its log of DDL.
CREATE FUNCTION dbperf.run_rows(run_id uuid, OUT relation text, OUT content jsonb) RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH chosen AS MATERIALIZED (
        SELECT r.project, r.run_id, pg_catalog.jsonb_build_object('run_started_at', r.started_at) AS at
          FROM dbperf.run r WHERE r.run_id = run_rows.run_id AND r.finished_at IS NOT NULL
    ), met AS MATERIALIZED (
        SELECT c.*, d.deadlock_id, pg_catalog.jsonb_build_object(
                   'deadlock_id', pg_catalog.hashtextextended(pg_catalog.concat_ws(' ', d.run_id, d.deadlock_id), 0) & 9223372036854775807) || c.at AS keys
          FROM chosen c JOIN dbperf.deadlock d USING (project, run_id)
    ), text_of AS (
        SELECT s.project, s.fingerprint FROM chosen c JOIN dbperf.statement s USING (project, run_id)
        UNION
        SELECT p.project, p.fingerprint FROM chosen c JOIN dbperf.plan p USING (project, run_id)
        UNION
        SELECT n.project, k.fingerprint FROM chosen c JOIN dbperf.n_plus_one_finding n USING (project, run_id)
         CROSS JOIN LATERAL (VALUES (n.fingerprint), (n.parent_fingerprint)) k(fingerprint)
        UNION
        SELECT s.project, s.fingerprint FROM chosen c JOIN dbperf.deadlock_step s USING (project, run_id)
    )
    SELECT 'query_text', pg_catalog.to_jsonb(t) FROM text_of f JOIN dbperf.query_text t USING (project, fingerprint)
    UNION ALL
    SELECT 'statement', pg_catalog.to_jsonb(s) || c.at FROM chosen c JOIN dbperf.statement s USING (project, run_id)
    UNION ALL
    SELECT 'plan', pg_catalog.to_jsonb(p) || c.at FROM chosen c JOIN dbperf.plan p USING (project, run_id)
    UNION ALL
    SELECT 'plan_node', pg_catalog.to_jsonb(n) || c.at FROM chosen c JOIN dbperf.plan_node n USING (project, run_id)
    UNION ALL
    SELECT 'schema_snapshot', pg_catalog.to_jsonb(s) || c.at FROM chosen c JOIN dbperf.schema_snapshot s USING (project, run_id)
    UNION ALL
    SELECT 'n_plus_one_finding', pg_catalog.to_jsonb(n) || c.at FROM chosen c JOIN dbperf.n_plus_one_finding n USING (project, run_id)
    UNION ALL
    SELECT 'interleaved_times', pg_catalog.to_jsonb(i) || c.at FROM chosen c JOIN dbperf.interleaved_times i USING (project, run_id)
    UNION ALL
    SELECT 'query_outcome', pg_catalog.to_jsonb(o) || c.at FROM chosen c JOIN dbperf.query_outcome o USING (project, run_id)
    UNION ALL
    SELECT 'deadlock', pg_catalog.to_jsonb(d) || m.keys FROM met m JOIN dbperf.deadlock d USING (project, run_id, deadlock_id)
    UNION ALL
    SELECT 'deadlock_member', pg_catalog.to_jsonb(d) || m.keys FROM met m JOIN dbperf.deadlock_member d USING (project, run_id, deadlock_id)
    UNION ALL
    SELECT 'deadlock_step', pg_catalog.to_jsonb(d) || m.keys FROM met m JOIN dbperf.deadlock_step d USING (project, run_id, deadlock_id)
    UNION ALL
    SELECT 'deadlock_bystander', pg_catalog.to_jsonb(d) || m.keys
      FROM met m JOIN dbperf.deadlock_bystander d USING (project, run_id, deadlock_id)
    UNION ALL
    SELECT 'lock_cycle', pg_catalog.to_jsonb(l) || '{"replay": []}' || c.at FROM chosen c JOIN dbperf.lock_cycle l USING (project, run_id)
    UNION ALL
    SELECT 'finding', pg_catalog.to_jsonb(f) - 'run' || c.at || pg_catalog.jsonb_build_object('project', c.project, 'number',
               pg_catalog.row_number() OVER (ORDER BY f.kind, f.database, f.query, f.reason, f.details))
           || CASE f.kind WHEN 'deadlock' THEN pg_catalog.jsonb_build_object('details', f.details || (
                  SELECT m.keys - 'run_started_at' FROM met m WHERE m.deadlock_id = (f.details ->> 'deadlock_id')::bigint)) ELSE '{}' END
      FROM dbperf.findings f JOIN chosen c USING (run_id)
    UNION ALL
    SELECT 'run', pg_catalog.to_jsonb(r) FROM chosen c JOIN dbperf.run r USING (project, run_id);
END;
COMMENT ON FUNCTION dbperf.run_rows(uuid) IS
'a finished run as rows of tables in a results database, where dbperf.store_rows() takes them: with the time the run was started as run_started_at, the findings as rows of a table "finding", ids of deadlocks unique among servers; "run" must be stored last. No kept parameters. No row: there is no such finished run';
-- Who may see and do what. Texts and plans can hold data of any user, so what is stored is for those who may read all
-- statistics; live statistics show every role its own texts, as pg_stat_statements does.

GRANT USAGE ON SCHEMA dbperf TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA dbperf TO pg_read_all_stats;
REVOKE EXECUTE ON FUNCTION dbperf.start_run(text, jsonb), dbperf.finish_run(text), dbperf.reset(), dbperf.collect_test_databases(boolean),
    dbperf.store_interleaved_times(text, text, text, float8[], float8[], text),
    dbperf.store_query_outcome(text, text, text, text, text),
    dbperf.store_cycle_outcome(text, text, bigint, text, text), dbperf.import_run(jsonb, text),
    dbperf.prune(interval, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dbperf.start_run(text, jsonb), dbperf.finish_run(text), dbperf.reset(), dbperf.collect_test_databases(boolean),
    dbperf.store_interleaved_times(text, text, text, float8[], float8[], text),
    dbperf.store_query_outcome(text, text, text, text, text),
    dbperf.store_cycle_outcome(text, text, bigint, text, text), dbperf.import_run(jsonb, text),
    dbperf.prune(interval, text[]) TO pg_monitor;

SELECT pg_catalog.pg_extension_config_dump('dbperf.run', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.query_text', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.statement', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.plan', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.plan_node', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.interleaved_times', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.parameter_set', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.query_outcome', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.n_plus_one_finding', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.lock_cycle', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.budgets', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.n_plus_one_acknowledgement', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.deadlock', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.deadlock_member', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.deadlock_step', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.deadlock_bystander', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.ddl', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.schema_snapshot', '');
SELECT pg_catalog.pg_extension_config_dump('dbperf.acceptance', '');
