-- Runs: begin, labels, finish.
\set SHOW_CONTEXT never
SELECT dbperf.reset();
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
CREATE TABLE item (id int PRIMARY KEY);
INSERT INTO item SELECT generate_series(1, 10);
SELECT dbperf.reset();

SELECT dbperf.finish_run();
SELECT dbperf.finish_run('unknown');
SELECT dbperf.start_run('');
SELECT dbperf.start_run(repeat('x', 128));
SELECT dbperf.start_run('x', jsonb_build_object('long', repeat('x', 3000)));
SELECT dbperf.start_run(NULL) IS NULL AS nothing;
SELECT count(*) FROM dbperf.runs;

-- A run of the whole server.
SELECT id FROM item WHERE id = 1;
SELECT dbperf.start_run('first', '{"commit": "abc"}') AS run_id \gset
SELECT label, state, finished_at IS NULL AS open, attributes FROM dbperf.runs WHERE run_id = :'run_id';
SELECT dbperf.start_run('first');
SELECT dbperf.start_run('second');
SELECT id FROM item WHERE id = 2;
SELECT id FROM item WHERE id = 3;
SELECT run, calls, query FROM dbperf.statements WHERE database = current_database() AND query LIKE 'SELECT id%' ORDER BY run NULLS FIRST;
SELECT dbperf.finish_run() = :'run_id' AS same;
SELECT label, state, started_at <= finished_at AS ordered, attributes, settings ? 'work_mem' AS settings, server_version = current_setting('server_version_num')::int AS version
  FROM dbperf.runs WHERE run_id = :'run_id';
SELECT run, calls, query FROM dbperf.statements WHERE database = current_database() AND query LIKE 'SELECT id%' ORDER BY run NULLS FIRST;
SELECT value FROM dbperf.status() WHERE item = 'active_runs';
SELECT dbperf.finish_run();

-- A session with a label of its own; its run begins with the first observation.
SELECT dbperf.start_run('whole') IS NOT NULL AS started;
SET dbperf.run = 'mine';
SELECT count(*) FROM dbperf.runs WHERE label = 'mine' AND state = 'active';
SELECT id FROM item WHERE id = 4;
SELECT label, state FROM dbperf.runs WHERE state = 'active' ORDER BY label;
SELECT run, calls, query FROM dbperf.statements WHERE database = current_database() AND run = 'mine';
SELECT dbperf.start_run('mine');
RESET dbperf.run;
SELECT id FROM item WHERE id = 5;
SELECT dbperf.finish_run('mine') IS NOT NULL AS finished;
SELECT label, state FROM dbperf.runs WHERE label IN ('mine', 'whole') ORDER BY label;
SET dbperf.run = 'mine';
SELECT dbperf.finish_run();
SELECT id FROM item WHERE id = 6;
SELECT id FROM item WHERE id = 6;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
RESET dbperf.run;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT label, count(*), count(DISTINCT run_id) FROM dbperf.runs GROUP BY label ORDER BY label;
SELECT run, calls FROM dbperf.statements WHERE query = 'SELECT id FROM item WHERE id = $1' AND run IN ('mine', 'whole') ORDER BY run, calls;

-- SET LOCAL is for a transaction.
SELECT dbperf.reset();
BEGIN;
SET LOCAL dbperf.run = 'local';
SELECT id FROM item WHERE id = 7;
ROLLBACK;
SELECT id FROM item WHERE id = 7;
SELECT run, calls FROM dbperf.statements WHERE database = current_database() AND query LIKE 'SELECT id%' ORDER BY run NULLS FIRST;

-- Labels by database and by role.
SELECT dbperf.reset();
SELECT current_database() AS database, current_user AS owner \gset
ALTER DATABASE :"database" SET dbperf.run = 'of database';
\c -
SELECT id FROM item WHERE id = 8;
CREATE ROLE regress_dbperf_runner LOGIN;
GRANT SELECT ON item TO regress_dbperf_runner;
ALTER ROLE regress_dbperf_runner SET dbperf.run = 'of role';
\c - regress_dbperf_runner
SELECT id FROM item WHERE id = 8;
\c - :owner
ALTER DATABASE :"database" RESET dbperf.run;
\c -
SELECT run, role = 'regress_dbperf_runner' AS runner, calls FROM dbperf.statements
 WHERE database = current_database() AND query LIKE 'SELECT id%' ORDER BY run;
SELECT dbperf.finish_run('of database') IS NOT NULL AS finished, dbperf.finish_run('of role') IS NOT NULL AS finished_too;
DROP OWNED BY regress_dbperf_runner;
DROP ROLE regress_dbperf_runner;
SELECT run, role, calls FROM dbperf.statements WHERE query LIKE 'SELECT id%' AND run = 'of role';

-- More labels than there is room for: the others are observed outside runs.
SELECT dbperf.reset();
\set ECHO none
\o /dev/null
SELECT format('SET dbperf.run = %L', 'many ' || i), 'SELECT id FROM item WHERE id = 9' FROM generate_series(1, 40) i \gexec
\o
\set ECHO all
RESET dbperf.run;
SELECT count(DISTINCT run) AS runs, sum(calls) AS calls, sum(calls) FILTER (WHERE run IS NULL) AS outside
  FROM dbperf.statements WHERE database = current_database() AND query LIKE 'SELECT id%' AND (run IS NULL OR run LIKE 'many%');
SELECT dbperf.start_run('one more');
SELECT dbperf.reset();
SELECT count(*) FROM dbperf.runs WHERE state = 'active';

-- A transaction that is rolled back is observed like any other, and so is what a read-only one does.
SELECT dbperf.start_run('rolled back') IS NOT NULL AS started;
BEGIN READ ONLY;
SELECT id FROM item WHERE id = 1;
ROLLBACK;
BEGIN;
DELETE FROM item WHERE id = 1;
SELECT dbperf.flush();
ROLLBACK;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT calls, rows, query FROM dbperf.statements WHERE run = 'rolled back' ORDER BY query COLLATE "C";
SELECT count(*) > 0 AS plans FROM dbperf.plans WHERE run = 'rolled back';

-- start_run in a transaction that is rolled back has begun all the same.
BEGIN;
SELECT dbperf.start_run('kept') IS NOT NULL AS started;
ROLLBACK;
SELECT dbperf.finish_run() IS NOT NULL AS finished;

-- Which run a label stands for.
SELECT label FROM dbperf.run WHERE run_id = dbperf.find_run(NULL);
SELECT dbperf.find_run('never');

-- reset() leaves what is stored.
SELECT dbperf.reset();
SELECT count(*) FROM dbperf.runs WHERE label = 'kept';

DROP TABLE item;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.run;
