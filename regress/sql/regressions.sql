-- Two runs compared.
\set SHOW_CONTEXT never
SELECT dbperf.reset();
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
CREATE TABLE item (id int PRIMARY KEY, kind int, filler text) WITH (fillfactor = 10);
INSERT INTO item SELECT i, i % 1000, repeat('x', 100) FROM generate_series(1, 5000) i;
CREATE INDEX item_kind ON item (kind);
CREATE TABLE small (id int, filler text);
INSERT INTO small SELECT i, 'x' FROM generate_series(1, 100) i;
CREATE INDEX small_id ON small (id);
VACUUM ANALYZE item, small;
CREATE VIEW compared AS
    SELECT c.query, c.verdict, regexp_replace(c.reason, ': \d+ -> \d+ blocks, [\d.]+ -> [\d.]+ ms$', ' (numbers)') AS reason
      FROM dbperf.comparison('before', 'after') c;
CREATE FUNCTION workload() RETURNS SETOF text LANGUAGE sql AS $$
    VALUES ('SET dbperf.query_name = by_kind'), ('SELECT count(filler) FROM item WHERE kind = 7'),
           ('SET dbperf.query_name = by_id'), ('SELECT filler FROM item WHERE id = 7'),
           ('SET dbperf.query_name = whole'), ('SELECT count(filler) FROM item'),
           ('SET dbperf.query_name = tiny'), ('SELECT filler FROM small WHERE id = 7'),
           ('RESET dbperf.query_name')
$$;

-- One run cannot be compared with itself by mistake.
SELECT * FROM dbperf.regressions();

-- Nothing changed.
SELECT dbperf.start_run('before') IS NOT NULL AS started;
\o /dev/null
\set ECHO none
SELECT workload() \gexec
\o
\set ECHO all
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT * FROM dbperf.regressions();
SELECT dbperf.start_run('after') IS NOT NULL AS started;
\o /dev/null
\set ECHO none
SELECT workload() \gexec
\o
\set ECHO all
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT * FROM compared;
SELECT query FROM dbperf.regressions('before', 'after');
SELECT query FROM dbperf.regressions();
SELECT bool_and(time_ratio > 0 AND blocks_before = blocks_after AND rows_before = rows_after AND cost_before = cost_after) AS same,
       bool_and((SELECT count(*) FROM dbperf.plans p WHERE p.run = 'before' AND p.plan_id = c.plan_before) = 1) AS plans
  FROM dbperf.comparison('before', 'after') c;

-- An index is dropped: worse for what used it; a new one: better for what it helps. What was not executed is not judged.
DROP INDEX item_kind;
DROP INDEX small_id;
SELECT dbperf.start_run('after') IS NOT NULL AS started;
\o /dev/null
\set ECHO none
SELECT workload() \gexec
SELECT 1 AS only_after;
\o
\set ECHO all
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT * FROM compared;
SELECT query, verdict, blocks_before < blocks_after AS more_blocks, rows_before, rows_after, cost_before < cost_after AS dearer
  FROM dbperf.regressions('before', 'after');
SELECT query, verdict FROM dbperf.comparison('after', 'before') ORDER BY 1;
-- By default the latest run is compared with the latest one of another label.
SELECT query, verdict FROM dbperf.regressions();

-- Another setting of the planner makes runs incomparable, and says which.
CREATE TABLE kept AS SELECT * FROM dbperf.run WHERE label = 'after' ORDER BY started_at DESC LIMIT 1;
UPDATE dbperf.run SET settings = settings || '{"work_mem": "1", "random_page_cost": "99"}' WHERE run_id = (SELECT run_id FROM kept);
SELECT * FROM compared;
SELECT query FROM dbperf.regressions('before', 'after');
UPDATE dbperf.run SET settings = (SELECT settings FROM kept), server_version = 140000 WHERE run_id = (SELECT run_id FROM kept);
SELECT DISTINCT verdict, regexp_replace(reason, '\d+ and', 'N and') AS reason FROM compared ORDER BY 1 DESC;
UPDATE dbperf.run SET server_version = (SELECT server_version FROM kept) WHERE run_id = (SELECT run_id FROM kept);
SELECT count(*) FROM dbperf.regressions('before', 'after');

-- Several statements under one name are one query: one row. Each is compared with itself, the worst speaks for the name;
-- how often each ran does not matter. A statement of one side only is taken for a rewritten one of the other.
CREATE INDEX item_kind ON item (kind);
VACUUM ANALYZE item;
SELECT dbperf.start_run('before') IS NOT NULL AS started;
SET dbperf.query_name = page;
SELECT count(filler) FROM item WHERE kind = 7;
SELECT count(filler) FROM item;
SELECT filler FROM small WHERE id = 7;
RESET dbperf.query_name;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT dbperf.start_run('after') IS NOT NULL AS started;
SET dbperf.query_name = page;
SELECT filler AS rewritten FROM small WHERE id = 7;
SELECT count(filler) FROM item;
SELECT count(filler) FROM item;
SELECT count(filler) FROM item WHERE kind = 7;
RESET dbperf.query_name;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT * FROM compared;
SELECT rows_before, rows_after, blocks_before < blocks_after AS more_blocks, p.fingerprint = q.fingerprint AS same_statement
  FROM dbperf.comparison('before', 'after') c JOIN dbperf.plan p ON p.plan_id = c.plan_before JOIN dbperf.plan q ON q.plan_id = c.plan_after;
DROP INDEX item_kind;
SELECT dbperf.start_run('after') IS NOT NULL AS started;
SET dbperf.query_name = page;
SELECT count(filler) FROM item WHERE kind = 7;
SELECT filler FROM small WHERE id = 7;
RESET dbperf.query_name;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT * FROM compared;

-- Runs that do not exist.
SELECT * FROM dbperf.comparison('before', 'never');
SELECT * FROM dbperf.comparison('never', 'before');


DROP VIEW compared;
DROP FUNCTION workload;
DROP TABLE item, small, kept;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
