-- Which executions have their plan captured, and what is stored of it.
SELECT dbperf.reset();
DELETE FROM dbperf.plan;
DELETE FROM dbperf.run;
CREATE TABLE item (id int PRIMARY KEY, kind int, name text);
INSERT INTO item SELECT i, i % 10, 'name ' || i FROM generate_series(1, 10000) i;
ANALYZE item;

-- Outside a run nothing is captured.
SELECT count(name) FROM item WHERE id = 1;
SELECT dbperf.flush();
SELECT count(*) FROM dbperf.plans;

-- new: one of each shape, and a new slowest.
SELECT dbperf.start_run('new') IS NOT NULL AS started;
SELECT count(name) FROM item WHERE id = 1;
SELECT count(name) FROM item WHERE id = 2;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT count(name) FROM item WHERE id = 3;
SELECT count(name) FROM item WHERE id = 4;
RESET enable_indexscan;
RESET enable_bitmapscan;
UPDATE item SET name = name WHERE id = 5;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT query, count(DISTINCT shape) AS shapes, count(*) FILTER (WHERE reason = 'new shape') AS first,
       bool_and(reason IN ('new shape', 'slowest')) AS reasons
  FROM dbperf.plans WHERE run = 'new' GROUP BY query ORDER BY query COLLATE "C";
SELECT DISTINCT n.node_type, n.relation, n.alias, n.index_name, n.depth, n.parent_id, n.actual_rows, n.loops, n.rows_removed, n.blks > 0 AS blocks,
       n.actual_ms IS NULL AS untimed
  FROM dbperf.plan_nodes n JOIN dbperf.plans p USING (run_id, plan_id) WHERE n.run = 'new' AND query LIKE 'SELECT%' AND reason = 'new shape'
 ORDER BY depth, node_type;

-- all: every execution; off: none; the same shape in another run has its own row.
SELECT dbperf.start_run('modes') IS NOT NULL AS started;
SET dbperf.capture_plans = 'all';
SELECT count(name) FROM item WHERE id = 1;
SELECT count(name) FROM item WHERE id = 2;
SELECT count(name) FROM item WHERE id = 3;
SET dbperf.capture_plans = off;
SELECT max(name) FROM item WHERE id = 1;
SET dbperf.capture_plans = slow;
SET dbperf.slow_query_threshold = '1h';
SELECT min(name) FROM item WHERE id = 1;
SET dbperf.slow_query_threshold = 0;
SELECT min(id) AS slow FROM item WHERE id = 1;
SET dbperf.slow_query_threshold = -1;
SELECT min(id) AS never FROM item WHERE id = 1;
RESET dbperf.slow_query_threshold;
SET dbperf.capture_timing = on;
SET dbperf.capture_plans = 'all';
SELECT count(name) AS timed FROM item WHERE id = 1;
RESET dbperf.capture_timing;
RESET dbperf.capture_plans;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT query, reason, count(*), bool_and(timed) AS timed FROM dbperf.plans WHERE run = 'modes' GROUP BY 1, 2 ORDER BY query COLLATE "C";
SELECT bool_and(actual_ms >= 0 AND exclusive_ms >= 0) AS timed FROM dbperf.plan_nodes n JOIN dbperf.plans p USING (run_id, plan_id) WHERE p.query LIKE '%timed%';
SELECT a.shape = b.shape AS same_shape FROM (SELECT DISTINCT shape FROM dbperf.plans WHERE run = 'modes' AND query = 'SELECT count(name) FROM item WHERE id = $1') a,
       dbperf.plans b WHERE b.run = 'new' AND b.reason = 'new shape' AND b.query = 'SELECT count(name) FROM item WHERE id = $1' AND b.plan::text LIKE '%Index Scan%';

-- A statement that ran into its time limit is captured, marked, with what it had done.
SELECT dbperf.start_run('cancelled') IS NOT NULL AS started;
SET statement_timeout = '100ms';
SELECT count(*) FROM item a, item b, item c WHERE a.name || b.name <> c.name;
RESET statement_timeout;
BEGIN;
SELECT id FROM item WHERE id = 7;
ROLLBACK;
SELECT 1 / (id - 7) FROM item WHERE id = 7;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT aborted, reason, exec_ms >= 50 AS long, (SELECT sum(n.blks) > 0 FROM dbperf.plan_nodes n WHERE (n.run_id, n.plan_id) = (p.run_id, p.plan_id)) AS blocks, query
  FROM dbperf.plans p WHERE run = 'cancelled' ORDER BY query COLLATE "C";
SELECT aborted, calls, query FROM dbperf.statements WHERE run = 'cancelled' AND query LIKE 'SELECT%' ORDER BY query COLLATE "C";

-- Nested statements too, and every kind of node that may confuse.
CREATE FUNCTION nested() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM count(*) FROM item WHERE kind = 3; RETURN 1; END $$;
CREATE TABLE parted (id int, day int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (100) TO (200);
INSERT INTO parted SELECT i, i FROM generate_series(0, 199) i;
SELECT dbperf.start_run('nodes') IS NOT NULL AS started;
SELECT nested();
\o /dev/null
SELECT count(*) FROM parted;
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT sum(n) FROM r;
WITH m AS MATERIALIZED (SELECT id FROM item WHERE id < 10) SELECT a.id FROM m a JOIN m b USING (id);
SELECT (SELECT max(id) FROM item), (SELECT min(name) FROM item i WHERE i.id = o.id) FROM item o WHERE id < 3;
SELECT row_number() OVER (ORDER BY kind) FROM item WHERE id < 100;
SELECT DISTINCT kind FROM item ORDER BY kind LIMIT 3;
SELECT * FROM generate_series(1, 3) g, LATERAL (SELECT id FROM item WHERE id = g) i;
SELECT kind FROM item WHERE id < 5 UNION SELECT day FROM parted WHERE id = 1 INTERSECT SELECT 1;
SELECT xmin FROM item WHERE ctid = '(0,1)';
\o
INSERT INTO item VALUES (1, 1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'y';
WITH d AS (DELETE FROM parted WHERE id = 1 RETURNING *) INSERT INTO parted SELECT * FROM d;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT count(*) AS statements, bool_and(nodes > 0) AS all_have_nodes FROM (
    SELECT p.plan_id, (SELECT count(*) FROM dbperf.plan_nodes n WHERE (n.run_id, n.plan_id) = (p.run_id, p.plan_id)) AS nodes
      FROM dbperf.plans p WHERE run = 'nodes' AND reason = 'new shape') s;
SELECT top_level, query FROM dbperf.plans WHERE run = 'nodes' AND NOT top_level;
SELECT bool_and(n.node_id = 1 AND n.depth = 0 OR p.depth = n.depth - 1 AND p.node_id < n.node_id) AS tree
  FROM dbperf.plan_nodes n LEFT JOIN dbperf.plan_nodes p ON p.run_id = n.run_id AND p.plan_id = n.plan_id AND p.node_id = n.parent_id WHERE n.run = 'nodes';
SELECT value FROM dbperf.status() WHERE item IN ('failed_plans', 'failed_records', 'dropped_records', 'dropped_plans');

-- Names and roles.
SELECT dbperf.start_run('named') IS NOT NULL AS started;
SET dbperf.query_name = 'look_up';
SELECT id FROM item WHERE id = 1;
SELECT nested();
RESET dbperf.query_name;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT query_name, top_level, query FROM dbperf.plans WHERE run = 'named' AND reason = 'new shape' ORDER BY query COLLATE "C";

-- EXPLAIN ANALYZE goes on working beside it.
SELECT dbperf.start_run('beside') IS NOT NULL AS started;
CREATE FUNCTION explained(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) ' || query LOOP
        RETURN NEXT regexp_replace(line, 'rows=(\d+)\.00', 'rows=\1');
    END LOOP;
END $$;
SELECT * FROM explained('SELECT id FROM item WHERE kind = 99');
EXPLAIN (COSTS OFF) SELECT name FROM item WHERE kind = 98;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT count(*) FROM dbperf.plans WHERE run = 'beside' AND query LIKE '%name FROM item%';

-- The check of a node's foreign key, planned while no plan is stored, looks one plan up.
CREATE TABLE empty_plan (LIKE dbperf.plan INCLUDING INDEXES);
PREPARE find_plan (text, uuid, bigint) AS SELECT 1 FROM empty_plan WHERE project = $1 AND run_id = $2 AND plan_id = $3 FOR KEY SHARE;
SET plan_cache_mode = force_generic_plan;
SELECT line FROM explained('EXECUTE find_plan(''p'', gen_random_uuid(), 1)') line WHERE line LIKE '%Index Cond%';
RESET plan_cache_mode;
DEALLOCATE find_plan;

DROP TABLE item, parted, empty_plan;
DROP FUNCTION nested, explained;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
