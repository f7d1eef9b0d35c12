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
    traceparent text,
    PRIMARY KEY (project, run_id, plan_id)
);
COMMENT ON TABLE dbperf.plan IS 'internal: captured plans; read dbperf.plans';
-- The fingerprint first: with the project first it costs as little as the primary key while the table is empty, and the check
-- of the nodes' foreign key, planned then, would go through all plans of a run for every node.
CREATE INDEX plan_fingerprint ON dbperf.plan (fingerprint, project, run_id);

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
    actual_ms float8,         -- in all loops together; null if not timed
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
COMMENT ON TABLE dbperf.plan_node IS 'internal: nodes of captured plans; read dbperf.plan_nodes';

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
COMMENT ON FUNCTION dbperf.nodes_of_plan(jsonb) IS
'the nodes of an EXPLAIN (FORMAT JSON) plan as rows; columns as in dbperf.plan_nodes';

CREATE VIEW dbperf.plans AS
SELECT r.label AS run, p.plan_id, p.database, p.role, p.query_name, t.query, p.fingerprint, p.shape, p.reason, p.aborted,
       p.top_level, p.timed, p.captured_at, p.exec_ms, p.rows, (p.plan -> 0 -> 'Plan' ->> 'Total Cost')::float8 AS total_cost,
       p.shared_blks_hit + p.shared_blks_read AS shared_blks, p.temp_blks_read + p.temp_blks_written AS temp_blks, p.wal_bytes,
       p.plan, p.run_id, p.executions, p.project, p.traceparent
  FROM dbperf.plan p
  LEFT JOIN dbperf.run r USING (project, run_id)
  LEFT JOIN dbperf.query_text t USING (project, fingerprint);
COMMENT ON VIEW dbperf.plans IS 'captured plans with ANALYZE and BUFFERS; reason: new shape, slowest, slow, all; executions: of the same shape in the run, known when it is finished';
COMMENT ON COLUMN dbperf.plans.run IS 'label of the run; null: outside runs';
COMMENT ON COLUMN dbperf.plans.plan_id IS 'number of the plan in its results database';
COMMENT ON COLUMN dbperf.plans.database IS 'name of the database it happened in';
COMMENT ON COLUMN dbperf.plans.role IS 'name of the role that executed it';
COMMENT ON COLUMN dbperf.plans.query_name IS 'name given by dbperf.query_name; null: none';
COMMENT ON COLUMN dbperf.plans.query IS 'normalised text of the statement; null: not known any more';
COMMENT ON COLUMN dbperf.plans.fingerprint IS 'identity of the statement, from its normalised text';
COMMENT ON COLUMN dbperf.plans.shape IS 'identity of the plan by names, as dbperf.plan_shape() gives it';
COMMENT ON COLUMN dbperf.plans.reason IS 'why it was captured: new shape, slowest, slow or all';
COMMENT ON COLUMN dbperf.plans.aborted IS 'the execution failed or was cancelled; its figures are those until then';
COMMENT ON COLUMN dbperf.plans.top_level IS 'sent by the client, not executed inside another statement';
COMMENT ON COLUMN dbperf.plans.timed IS 'every node was timed (dbperf.capture_timing)';
COMMENT ON COLUMN dbperf.plans.captured_at IS 'when the execution ended';
COMMENT ON COLUMN dbperf.plans.exec_ms IS 'time of this execution, ms';
COMMENT ON COLUMN dbperf.plans.rows IS 'rows returned or changed by this execution';
COMMENT ON COLUMN dbperf.plans.total_cost IS 'estimated cost of the whole plan';
COMMENT ON COLUMN dbperf.plans.shared_blks IS 'shared blocks hit and read by this execution';
COMMENT ON COLUMN dbperf.plans.temp_blks IS 'temporary blocks read and written by this execution';
COMMENT ON COLUMN dbperf.plans.wal_bytes IS 'bytes of WAL written by this execution';
COMMENT ON COLUMN dbperf.plans.plan IS 'the plan, as EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) prints it';
COMMENT ON COLUMN dbperf.plans.run_id IS 'id of the run; null: outside runs';
COMMENT ON COLUMN dbperf.plans.executions IS 'executions of this shape in the run, known when it is finished';
COMMENT ON COLUMN dbperf.plans.project IS 'dbperf.project of the server that stored it; '''' if none';
COMMENT ON COLUMN dbperf.plans.traceparent IS 'W3C trace context of the execution, from its sqlcommenter comment; null: none';

CREATE VIEW dbperf.plan_nodes AS
SELECT r.label AS run, n.*
  FROM dbperf.plan_node n LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.plan_nodes IS 'nodes of captured plans; times, rows and blocks are those of all loops together';
COMMENT ON COLUMN dbperf.plan_nodes.run IS 'label of the run; null: outside runs';
COMMENT ON COLUMN dbperf.plan_nodes.project IS 'dbperf.project of the server that stored it; '''' if none';
COMMENT ON COLUMN dbperf.plan_nodes.run_id IS 'id of the run; all zeros: outside runs';
COMMENT ON COLUMN dbperf.plan_nodes.plan_id IS 'the plan the node belongs to, as in dbperf.plans';
COMMENT ON COLUMN dbperf.plan_nodes.node_id IS 'number in the plan: 1 is the root, children come after their parent';
COMMENT ON COLUMN dbperf.plan_nodes.parent_id IS 'node_id of the parent; null: the root';
COMMENT ON COLUMN dbperf.plan_nodes.depth IS 'number of nodes above it';
COMMENT ON COLUMN dbperf.plan_nodes.node_type IS 'node type, as in EXPLAIN';
COMMENT ON COLUMN dbperf.plan_nodes.relationship IS 'how the parent uses it: Outer, Inner, SubPlan, InitPlan, Member or Subquery';
COMMENT ON COLUMN dbperf.plan_nodes.join_type IS 'Inner, Left, Full, Right, Semi or Anti; null: no join';
COMMENT ON COLUMN dbperf.plan_nodes.strategy IS 'Plain, Sorted, Hashed or Mixed; null: no aggregate or set operation';
COMMENT ON COLUMN dbperf.plan_nodes.relation IS 'relation it reads or writes; null: none';
COMMENT ON COLUMN dbperf.plan_nodes.alias IS 'alias of the relation in the statement';
COMMENT ON COLUMN dbperf.plan_nodes.index_name IS 'index it uses; null: none';
COMMENT ON COLUMN dbperf.plan_nodes.subplan_name IS 'name of the subplan or CTE, as in EXPLAIN';
COMMENT ON COLUMN dbperf.plan_nodes.plan_rows IS 'estimated rows of one loop';
COMMENT ON COLUMN dbperf.plan_nodes.actual_rows IS 'rows returned, in all loops together';
COMMENT ON COLUMN dbperf.plan_nodes.loops IS 'how often the node was executed';
COMMENT ON COLUMN dbperf.plan_nodes.startup_cost IS 'estimated cost until the first row';
COMMENT ON COLUMN dbperf.plan_nodes.total_cost IS 'estimated cost until the last row';
COMMENT ON COLUMN dbperf.plan_nodes.actual_ms IS 'time with children, in all loops together, ms; null: not timed';
COMMENT ON COLUMN dbperf.plan_nodes.exclusive_ms IS 'time without children, in all loops together, ms; null: not timed';
COMMENT ON COLUMN dbperf.plan_nodes.blks IS 'shared blocks hit and read, children included';
COMMENT ON COLUMN dbperf.plan_nodes.exclusive_blks IS 'shared blocks hit and read without children';
COMMENT ON COLUMN dbperf.plan_nodes.temp_blks IS 'temporary blocks read and written, children included';
COMMENT ON COLUMN dbperf.plan_nodes.rows_removed IS 'rows removed by filter, join filter and recheck, in all loops together';
COMMENT ON COLUMN dbperf.plan_nodes.condition IS 'index, hash, merge, recheck or TID condition';
COMMENT ON COLUMN dbperf.plan_nodes.filter IS 'filter condition';
COMMENT ON COLUMN dbperf.plan_nodes.sort_key IS 'sort key, as JSON text';
