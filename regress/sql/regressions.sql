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
    SELECT c.query, c.verdict, regexp_replace(c.reason, '(: [\d,]+ -> [\d,]+ blocks)?; per call [^;]* ms$', ' (numbers)') AS reason
      FROM dbperf.comparison('before', 'after', milliseconds => 1000) c; -- nothing here takes as long
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
SELECT query, verdict FROM dbperf.comparison('after', 'before', milliseconds => 1000) ORDER BY 1;
-- By default the latest run is compared with the latest one of another label.
SELECT query, verdict FROM dbperf.regressions();

-- Another setting of the planner makes runs incomparable, and says which.
CREATE TABLE kept AS SELECT * FROM dbperf.run WHERE label = 'after' ORDER BY started_at DESC LIMIT 1;
UPDATE dbperf.run SET settings = settings || '{"work_mem": "1", "random_page_cost": "99"}' WHERE run_id = (SELECT run_id FROM kept);
SELECT * FROM compared;
SELECT query FROM dbperf.regressions('before', 'after');
UPDATE dbperf.run SET settings = (SELECT settings FROM kept), server_version = 140000 WHERE run_id = (SELECT run_id FROM kept);
SELECT DISTINCT verdict, regexp_replace(reason, '\d+ and', 'N and') AS reason FROM compared ORDER BY 1 DESC, 2;
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

-- Time. Ten executions on each side, three times as long; the work is the same.
CREATE FUNCTION sleeps(label text, seconds float8, executions int) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('SET dbperf.run = %L', label)
    UNION ALL SELECT 'SET dbperf.query_name = sleeps'
    UNION ALL SELECT format('SELECT pg_sleep(%s)', seconds) FROM generate_series(1, executions)
    UNION ALL SELECT 'SET dbperf.query_name = rests'
    UNION ALL SELECT 'SELECT pg_sleep(0.0001)' FROM generate_series(1, executions)
    UNION ALL SELECT 'RESET dbperf.query_name'
    UNION ALL SELECT 'RESET dbperf.run'
    UNION ALL SELECT format('SELECT dbperf.finish_run(%L)', label)
$$;
\o /dev/null
\set ECHO none
SELECT sleeps('before', 0.005, 10) \gexec
SELECT sleeps('after', 0.015, 10) \gexec
\o
\set ECHO all
SELECT query, verdict, regexp_replace(reason, '[\d.]+ times the time \([\d.]+ to [\d.]+\); per call.*', '(numbers)') AS reason,
       time_ratio BETWEEN 1.5 AND 4 AS thrice, time_low > 1.2 AS surely, p <= 0.01 AS proven, samples, ms_after > ms_before AS slower
  FROM dbperf.comparison('before', 'after') WHERE query = 'sleeps';
SELECT query, verdict FROM dbperf.comparison('after', 'before') WHERE query = 'sleeps';
-- The same in pairs: their order is what was stored, whatever the histograms say.
SELECT dbperf.store_interleaved_times('before', 'after', 'sleeps', ARRAY(SELECT 5.0 + i FROM generate_series(1, 15) i),
                                      ARRAY(SELECT (5.0 + i) * 1.25 + 0.01 * (i % 3) FROM generate_series(1, 15) i));
SELECT verdict, round(time_ratio::numeric, 1) AS ratio, samples FROM dbperf.comparison('before', 'after') WHERE query = 'sleeps';
SELECT dbperf.store_interleaved_times('before', 'after', 'sleeps', ARRAY(SELECT 5.0 + i FROM generate_series(1, 15) i),
                                      ARRAY(SELECT (5.0 + i) + 0.01 * (i % 3) FROM generate_series(1, 15) i));
SELECT verdict, round(time_ratio::numeric, 1) AS ratio, samples FROM dbperf.comparison('before', 'after') WHERE query = 'sleeps';
-- More pairs are wanted of what changed, of what may have, but not below 0.01 ms and not of too few to be judged.
SELECT c.pairs, c.ms, c.factor, c.spread,
       dbperf.needs_more_pairs(ARRAY(SELECT ms * (1 + 0.01 * i) FROM generate_series(1, pairs) i),
                               ARRAY(SELECT ms * (1 + 0.01 * i) * factor * (1 + spread * (i * 7 % 5 - 2)) FROM generate_series(1, pairs) i))
  FROM (VALUES (20, 5, 1, 0.001), (20, 5, 2, 0.001), (20, 5, 1.1, 0.2), (20, 0.01, 1.5, 0.001), (9, 5, 2, 0.001)) c(pairs, ms, factor, spread);
-- What changes by ANALYZE alone is no verdict on the change.
SELECT dbperf.store_interleaved_times('before', 'after', 'sleeps', ARRAY(SELECT 5.0 + i FROM generate_series(1, 15) i),
                                      ARRAY(SELECT (5.0 + i) * 2 FROM generate_series(1, 15) i), 'the plan moves');
SELECT verdict, regexp_replace(reason, '; per call.*', '') AS reason FROM dbperf.comparison('before', 'after') WHERE query = 'sleeps';
-- Too few executions, and their work is the same.
\o /dev/null
\set ECHO none
SELECT sleeps('after', 0.005, 3) \gexec
\o
\set ECHO all
SELECT verdict, regexp_replace(reason, 'per call.*', '(numbers)') AS reason FROM dbperf.comparison('before', 'after') WHERE query = 'sleeps';

-- The plan that stands for a query is the one that is usual, not the first one.
CREATE TABLE skewed AS SELECT CASE WHEN i <= 4500 THEN 0 ELSE i END AS kind, i AS id, repeat('x', 100) AS filler FROM generate_series(1, 5000) i;
CREATE INDEX skewed_kind ON skewed (kind);
VACUUM ANALYZE skewed;
CREATE FUNCTION skewed_workload(label text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('SET dbperf.run = %L', label)
    UNION ALL SELECT 'SET dbperf.query_name = skewed'
    UNION ALL SELECT format('SELECT count(filler) FROM skewed WHERE kind = %s', k) FROM unnest('{0,4600,4700,4800}'::int[]) k
    UNION ALL SELECT 'RESET dbperf.query_name'
    UNION ALL SELECT 'RESET dbperf.run'
    UNION ALL SELECT format('SELECT dbperf.finish_run(%L)', label)
$$;
\o /dev/null
\set ECHO none
SELECT skewed_workload('before') \gexec
SELECT skewed_workload('after') \gexec
\o
\set ECHO all
SELECT DISTINCT executions, plan::text ~ 'Index Scan' AS by_index FROM dbperf.plans WHERE run = 'after' AND query_name = 'skewed' ORDER BY 1;
SELECT c.query, c.verdict, p.plan::text ~ 'Index Scan' AS by_index
  FROM dbperf.comparison('before', 'after', milliseconds => 1000) c JOIN dbperf.plan p ON p.plan_id = c.plan_after WHERE c.query = 'skewed';
-- Without the index the usual plan is gone, though the other one was there before.
DROP INDEX skewed_kind;
\o /dev/null
\set ECHO none
SELECT skewed_workload('after') \gexec
\o
\set ECHO all
SELECT verdict, reason ~ '^skewed: .* using skewed_kind became a sequential scan' AS told
  FROM dbperf.comparison('before', 'after', milliseconds => 1000, blocks => 20) WHERE query = 'skewed';
SELECT verdict FROM dbperf.comparison('before', 'after', milliseconds => 1000, blocks => 1e6) WHERE query = 'skewed';

-- What the last execution took.
SELECT dbperf.start_run('last') IS NOT NULL AS started;
SELECT count(*) FROM skewed;
SELECT number > 0 AS numbered, exec_ms > 0 AS timed, rows, shared_blks > 50 AS blocks, temp_blks, wal_bytes < 8192 AS wal FROM dbperf.last_execution();
SET work_mem = '4MB';
SELECT rows FROM dbperf.last_execution();
RESET work_mem;
SELECT dbperf.finish_run() IS NOT NULL AS finished;

-- What somebody saw beside the statistics.
SELECT dbperf.store_query_outcome('before', 'after', 'skewed', 'fails', 'fails after the migration: no such column');
SELECT verdict, reason FROM dbperf.regressions('before', 'after', milliseconds => 1000) WHERE query = 'skewed';
SELECT dbperf.store_query_outcome('before', 'after', 'skewed', 'result_changed', 'returns 1 row instead of 2');
SELECT verdict, reason ~ '^returns 1 row instead of 2; .*blocks' AS told FROM dbperf.regressions('before', 'after', milliseconds => 1000) WHERE query = 'skewed';
SELECT dbperf.store_query_outcome('before', 'after', 'skewed', NULL, 'its result is not judged');
SELECT verdict, reason ~ 'blocks.*; its result is not judged$' AS told FROM dbperf.comparison('before', 'after', milliseconds => 1000) WHERE query = 'skewed';
\set VERBOSITY terse
SELECT dbperf.store_query_outcome('before', 'after', 'skewed', 'odd', 'x');
\set VERBOSITY default
DELETE FROM dbperf.query_outcome;
SELECT current_setting('dbperf.session_wal') AS wal \gset
CREATE TABLE wal AS SELECT generate_series(1, 1000) i;
SELECT current_setting('dbperf.session_wal')::bigint - :wal > 30000 AS counted;
DROP TABLE wal;

-- Runs that do not exist.
SELECT * FROM dbperf.comparison('before', 'never');
SELECT * FROM dbperf.comparison('never', 'before');


DROP VIEW compared;
DROP FUNCTION workload, sleeps, skewed_workload;
DROP TABLE item, small, kept, skewed;
DELETE FROM dbperf.interleaved_times;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
