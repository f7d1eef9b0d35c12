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
DELETE FROM dbperf.n_plus_one_finding;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.run;
SELECT dbperf.reset();
