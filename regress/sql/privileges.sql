-- Who may do and see what.
SELECT dbperf.reset();
SELECT current_user AS owner \gset
CREATE ROLE regress_dbperf_plain LOGIN;
CREATE ROLE regress_dbperf_monitor LOGIN IN ROLE pg_monitor;
CREATE ROLE regress_dbperf_stats LOGIN IN ROLE pg_read_all_stats;
CREATE TABLE secret (id int, name text);
GRANT SELECT ON secret TO regress_dbperf_plain;
SELECT id FROM secret WHERE name = 'of the owner';
SELECT dbperf.start_run('private') IS NOT NULL AS started;
SELECT id AS in_run FROM secret WHERE name = 'of the owner';
SELECT dbperf.finish_run() IS NOT NULL AS finished;

-- A plain role: nothing stored, no command, its own texts only.
SET ROLE regress_dbperf_plain;
SELECT id AS mine FROM secret WHERE name = 'of the plain role';
SELECT dbperf.start_run('mine');
SELECT dbperf.finish_run();
SELECT dbperf.reset();
SELECT count(*) > 0 AS some FROM dbperf.status();
SELECT dbperf.flush();
SELECT count(*) FROM dbperf.statement;
SELECT count(*) FROM dbperf.plans;
SELECT count(*) FROM dbperf.run;
INSERT INTO dbperf.budgets VALUES ('', 'q', 'avg_ms', 1);
DELETE FROM dbperf.run;
SELECT query COLLATE "C" AS query, fingerprint IS NULL AS no_fingerprint FROM dbperf.live_statements()
 WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (query ~ 'secret' OR query ~ '<') GROUP BY 1, 2 ORDER BY 1;
SET dbperf.enabled = off;
SET dbperf.database = 'elsewhere';
RESET ROLE;

-- Those who may read all statistics see all and change nothing.
SET ROLE regress_dbperf_stats;
SELECT run, query FROM dbperf.statements WHERE query ~ 'secret' AND query LIKE 'SELECT%' ORDER BY query COLLATE "C";
SELECT count(*) FROM dbperf.plans WHERE run = 'private';
SELECT label, state FROM dbperf.runs WHERE label = 'private';
SELECT count(*) >= 0 AS readable FROM dbperf.findings;
SELECT count(*) >= 0 AS readable FROM dbperf.n_plus_one;
SELECT count(*) >= 0 AS readable FROM dbperf.slow_statements;
SELECT count(*) >= 0 AS readable FROM dbperf.comparison('private', 'private');
SELECT dbperf.start_run('stats');
DELETE FROM dbperf.run;
RESET ROLE;

-- A monitor may also make runs, and destroy nothing.
SET ROLE regress_dbperf_monitor;
SELECT dbperf.start_run('monitored') IS NOT NULL AS started;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT label, state FROM dbperf.runs WHERE label = 'monitored';
SELECT dbperf.reset();
SELECT dbperf.prune('1 second');
SELECT dbperf.import_run('{}');
SELECT dbperf.collect_test_databases();
SELECT dbperf.collect_test_databases(kept => true);
RESET ROLE;
SELECT p.proname, pg_get_userbyid(a.grantee) AS grantee
  FROM pg_proc p CROSS JOIN aclexplode(p.proacl) a
 WHERE p.pronamespace = 'dbperf'::regnamespace AND a.grantee NOT IN (0, p.proowner) ORDER BY 1, 2;
-- All but role_of_text(), which answers only about roles that are the session's own.
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'dbperf'::regnamespace AND p.prosecdef AND p.proname <> 'role_of_text'
   AND (has_function_privilege('regress_dbperf_monitor', p.oid, 'EXECUTE') OR p.proconfig IS DISTINCT FROM '{"search_path=pg_catalog, pg_temp"}') ORDER BY 1;

-- Unless the owner says so.
GRANT EXECUTE ON FUNCTION dbperf.prune(interval, text[]) TO regress_dbperf_monitor;
SET ROLE regress_dbperf_monitor;
SELECT runs FROM dbperf.prune('1000 years');
RESET ROLE;

-- A label begins a run only when who sets it may begin runs; whoever may not joins what is under way. What is stored for a role or
-- database was looked at when it was stored, and begins runs for whoever connects.
SELECT current_database() AS here \gset
CREATE DATABASE regress_dbperf_owned OWNER regress_dbperf_plain;
SET ROLE regress_dbperf_plain;
SET dbperf.run = 'of nobody';
SELECT 1 AS unheard;
SELECT count(*) FROM dbperf.live_runs();
ALTER ROLE regress_dbperf_plain SET dbperf.run = 'of nobody';
ALTER ROLE regress_dbperf_plain SET dbperf.run FROM CURRENT;
ALTER DATABASE regress_dbperf_owned SET dbperf.run = 'of nobody';
CREATE FUNCTION pg_temp.labelled() RETURNS int LANGUAGE sql SET dbperf.run = 'of nobody' AS 'SELECT 1';
ALTER ROLE regress_dbperf_plain SET dbperf.run = '';
RESET ROLE;
-- The label was set by a role that may not.
SELECT 1 AS unheard;
SELECT count(*) FROM dbperf.live_runs();
\connect -reuse-previous=on "user=regress_dbperf_plain options='-c dbperf.run=of_nobody'"
SELECT 1 AS unheard;
SELECT count(*) FROM dbperf.live_runs();
\connect -reuse-previous=on "user=regress_dbperf_monitor options='-c dbperf.run=of_the_monitor'"
SELECT 1 AS heard;
\connect -reuse-previous=on "user=regress_dbperf_plain options='-c dbperf.run=of_the_monitor'"
SELECT 2 AS joined;
\connect -reuse-previous=on "options=''"
\connect - :owner
ALTER ROLE regress_dbperf_plain IN DATABASE :"here" SET dbperf.run = 'of the application';
\connect - regress_dbperf_plain
SELECT 3 AS heard;
SET dbperf.run = 'of nobody';
SELECT 1 AS unheard;
RESET dbperf.run;
SELECT 4 AS heard_again;
\connect - :owner
SELECT label FROM dbperf.live_runs() ORDER BY label COLLATE "C";
SELECT dbperf.finish_run('of the application') IS NOT NULL AS finished, dbperf.finish_run('of_the_monitor') IS NOT NULL AS finished_too;
SELECT run, query FROM dbperf.statements WHERE query LIKE '%heard%' OR query LIKE '%joined%' ORDER BY run COLLATE "C", query COLLATE "C";
ALTER ROLE regress_dbperf_plain RESET dbperf.run;
ALTER ROLE regress_dbperf_plain IN DATABASE :"here" RESET dbperf.run;
DROP DATABASE regress_dbperf_owned;

-- What changes what all share is no reading.
BEGIN READ ONLY;
\set ON_ERROR_ROLLBACK on
SELECT dbperf.start_run('read only');
SELECT dbperf.finish_run('read only');
SELECT dbperf.flush();
SELECT dbperf.reset();
SELECT dbperf.take_snapshot();
SELECT dbperf.choose_results_database();
SELECT count(*) > 0 AS readable FROM dbperf.status();
\set ON_ERROR_ROLLBACK off
COMMIT;

-- Of the findings of other roles a plain one sees that there are some, and no more.
SET dbperf.scope_gap = '1h';
SET dbperf.scope = 'of the owner';
\o /dev/null
\set ECHO none
SELECT format('SELECT name FROM secret WHERE id = %s', i) FROM generate_series(1, 20) i \gexec
\set ECHO all
SET ROLE regress_dbperf_plain;
SET dbperf.scope = 'of the plain role';
\set ECHO none
SELECT format('SELECT name AS mine FROM secret WHERE id = %s', i) FROM generate_series(1, 20) i \gexec
\set ECHO all
SET dbperf.scope = '';
\o
SELECT scope, key_column, fingerprint IS NULL AS no_fingerprint, query, calls FROM dbperf.live_n_plus_one()
 WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY query COLLATE "C";
SET ROLE regress_dbperf_stats;
SELECT scope, key_column, fingerprint IS NULL AS no_fingerprint, query, calls FROM dbperf.n_plus_one
 WHERE database = current_database() AND scope LIKE 'of the %' ORDER BY query COLLATE "C";
RESET ROLE;
RESET dbperf.scope_gap;
RESET dbperf.scope;

DROP TABLE secret;
DROP OWNED BY regress_dbperf_plain, regress_dbperf_monitor, regress_dbperf_stats;
DROP ROLE regress_dbperf_plain, regress_dbperf_monitor, regress_dbperf_stats;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
