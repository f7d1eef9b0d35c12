-- What was seen in a database keeps its name when the database is dropped, as that of a test suite is, and is not shown twice: once
-- as it was stored before, and once as it is live.
SELECT current_database() AS here \gset
SELECT dbperf.reset();
CREATE DATABASE dbperf_suite;
SELECT dbperf.start_run('suite') IS NOT NULL AS started;
\c dbperf_suite
CREATE TABLE item (id int PRIMARY KEY, name text);
\o /dev/null
\set ECHO none
SET dbperf.scope = 'test one';
SELECT format('SELECT name FROM item WHERE id = %s', i) FROM generate_series(1, 9) i \gexec
RESET dbperf.scope;
\set ECHO all
\o
\c :here
SELECT dbperf.flush();
SELECT database, count(*) FROM dbperf.n_plus_one_finding GROUP BY 1;
DROP DATABASE dbperf_suite;
SELECT database, scope, calls FROM dbperf.n_plus_one WHERE run = 'suite';
SELECT DISTINCT database FROM dbperf.statements WHERE run = 'suite' AND query LIKE 'SELECT name FROM item%';
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT database, scope, calls FROM dbperf.n_plus_one WHERE run = 'suite';
SELECT DISTINCT database FROM dbperf.statements WHERE run = 'suite' AND query LIKE 'SELECT name FROM item%';
SELECT kind, count(*) FROM dbperf.run_findings('suite') GROUP BY 1;

-- Another one takes the name within a run, and a role is dropped: nothing is lost, and nothing is there twice.
CREATE ROLE dbperf_tester;
CREATE DATABASE dbperf_suite;
SELECT dbperf.start_run('suite again') IS NOT NULL AS started;
\c dbperf_suite
CREATE TABLE item (id int PRIMARY KEY, name text);
GRANT SELECT ON item TO dbperf_tester;
SET ROLE dbperf_tester;
\o /dev/null
\set ECHO none
SET dbperf.scope = 'test one';
SELECT format('SELECT name FROM item WHERE id = %s', i) FROM generate_series(1, 9) i \gexec
RESET dbperf.scope;
\set ECHO all
\o
\c :here
SELECT dbperf.flush();
DROP DATABASE dbperf_suite;
DROP ROLE dbperf_tester;
CREATE DATABASE dbperf_suite;
\c dbperf_suite
CREATE TABLE item (id int PRIMARY KEY, name text);
\o /dev/null
\set ECHO none
SET dbperf.scope = 'test one';
SELECT format('SELECT name FROM item WHERE id = %s', i) FROM generate_series(1, 7) i \gexec
RESET dbperf.scope;
\set ECHO all
\o
\c :here
DROP DATABASE dbperf_suite;
SELECT regexp_replace(database, '[0-9]+', 'N') AS database, CASE role WHEN current_user THEN 'me' ELSE role END AS role, calls FROM dbperf.n_plus_one WHERE run = 'suite again' ORDER BY calls;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT regexp_replace(database, '[0-9]+', 'N') AS database, CASE role WHEN current_user THEN 'me' ELSE role END AS role, calls FROM dbperf.n_plus_one WHERE run = 'suite again' ORDER BY calls;
SELECT regexp_replace(database, '[0-9]+', 'N') AS database, calls FROM dbperf.statements WHERE run = 'suite again' AND query LIKE 'SELECT name FROM item%' ORDER BY calls;
DELETE FROM dbperf.n_plus_one_finding;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.run;
SELECT dbperf.reset();
