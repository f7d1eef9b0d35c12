-- A run as rows for a results database of its own.
SELECT dbperf.reset();
SET client_min_messages = warning;

-- What belongs to a run goes there, but for kept parameters and the log of DDL: a new table has to be thought of.
SELECT c.relname AS stays_here
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'run_id'
 WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind = 'r'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = 'dbperf.run_rows'::regproc
                      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
 ORDER BY c.relname COLLATE "C";

CREATE TABLE item (id int PRIMARY KEY);
SELECT dbperf.start_run('rows') AS run_id \gset
SET dbperf.query_name = 'by_id';
SELECT id FROM item WHERE id = 1;
RESET dbperf.query_name;
SELECT count(*) AS unfinished FROM dbperf.run_rows(:'run_id');
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT relation, count(*) > 0 AS some, bool_and((content ->> 'run_id')::uuid = :'run_id' OR relation = 'query_text') AS of_run,
       bool_and(content ? 'run_started_at') AS with_time, bool_and(content ? 'project') AS with_project
  FROM dbperf.run_rows(:'run_id') GROUP BY relation ORDER BY relation COLLATE "C";
SELECT content ->> 'calls' AS calls FROM dbperf.run_rows(:'run_id') WHERE relation = 'statement' AND content ->> 'query_name' = 'by_id';
SELECT count(*) AS unknown FROM dbperf.run_rows('00000000-0000-0000-0000-000000000001');

-- Numbers of deadlocks are this server's, elsewhere they must be nobody else's; their findings say the same. Kept parameters stay.
INSERT INTO dbperf.deadlock (project, run_id, happened_at, database, members, victim_pid, closed_by_pid, detection_ms, lost_ms, lost_rows, lost_wal_bytes, incomplete)
SELECT project, run_id, finished_at, 'd', 2, 1, 2, 1, 1, 0, 0, false FROM dbperf.run WHERE run_id = :'run_id' RETURNING deadlock_id \gset
INSERT INTO dbperf.deadlock_member SELECT project, run_id, :deadlock_id, p, p, 'r', '', 3 - p, 'row (1,1)', NULL, 1, 1, 0, 0, 0, false
  FROM dbperf.run, generate_series(1, 2) p WHERE run_id = :'run_id';
INSERT INTO dbperf.lock_cycle SELECT project, run_id, 'd', 1, 'proven', 'predicted', NULL, 2, 'a cycle', '[]', '[]', '[{"parameters": ["secret"]}]'
  FROM dbperf.run WHERE run_id = :'run_id';
SELECT relation, bool_and((content ->> 'deadlock_id')::bigint NOT IN (:deadlock_id, 0)) AS is_other, count(DISTINCT content ->> 'deadlock_id')
  FROM dbperf.run_rows(:'run_id') WHERE relation LIKE 'deadlock%' GROUP BY relation ORDER BY relation COLLATE "C";
SELECT content #>> '{details,deadlock_id}' = (SELECT content ->> 'deadlock_id' FROM dbperf.run_rows(:'run_id') WHERE relation = 'deadlock') AS same
  FROM dbperf.run_rows(:'run_id') WHERE relation = 'finding' AND content ->> 'kind' = 'deadlock';
SELECT count(*) AS secrets FROM dbperf.run_rows(:'run_id') WHERE content::text LIKE '%secret%';

DELETE FROM dbperf.deadlock_member;
DELETE FROM dbperf.deadlock;
DELETE FROM dbperf.lock_cycle;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
DROP TABLE item;
