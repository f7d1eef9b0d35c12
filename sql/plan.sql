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
