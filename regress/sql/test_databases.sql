-- What needs no connection to the copies themselves; regress/t/test_databases.pl has the rest.
CREATE DATABASE dbperf_regress_origin;
SELECT dbperf.acquire_database('dbperf_regress_nowhere');
SELECT dbperf.acquire_database(current_database());
SELECT dbperf.reset_database();
SELECT dbperf.release_database('dbperf_regress_origin');
SELECT dbperf.release_database('nowhere');

-- The first call copies, the next ones take what is there.
SELECT dbperf.acquire_database('dbperf_regress_origin') AS first \gset
SELECT dbperf.acquire_database('dbperf_regress_origin') AS second \gset
SELECT :'first' LIKE 'dbperf\_test\_%' AS named, :'first' <> :'second' AS different;
SELECT state, holder_pid = pg_backend_pid() AS mine, template, resets, reason
  FROM dbperf.test_databases WHERE name IN (:'first', :'second');
SELECT shobj_description(oid, 'pg_database'), datallowconn, datistemplate FROM pg_database WHERE datname = :'first';
SELECT dbperf.release_database(:'first');
\set VERBOSITY sqlstate
SELECT dbperf.release_database(:'first');
\set VERBOSITY default
SELECT state, holder_pid IS NULL AS free FROM dbperf.test_databases WHERE name = :'first';
SELECT dbperf.release_database(:'second');

-- Settings and owner come along.
CREATE ROLE regress_dbperf_owner CREATEDB;
CREATE ROLE regress_dbperf_other CREATEDB;
CREATE ROLE regress_dbperf_nobody;
CREATE DATABASE dbperf_regress_owned OWNER regress_dbperf_owner;
ALTER DATABASE dbperf_regress_owned SET search_path = 'somewhere';
SET ROLE regress_dbperf_nobody;
SELECT dbperf.acquire_database('dbperf_regress_owned');
SET ROLE regress_dbperf_other;
SELECT dbperf.acquire_database('dbperf_regress_owned');
SELECT dbperf.collect_test_databases();
SET ROLE regress_dbperf_owner;
SELECT dbperf.acquire_database('dbperf_regress_owned') AS owned \gset
RESET ROLE;
SELECT datdba::regrole, setconfig FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid WHERE datname = :'owned';
SELECT dbperf.release_database(:'owned');

-- Nothing is kept for longer than somebody holds it.
ALTER SYSTEM SET dbperf.max_test_databases = 1;
SELECT pg_reload_conf();
SELECT dbperf.collect_test_databases();
SELECT dbperf.acquire_database('dbperf_regress_origin') IS NOT NULL AS only_one;
SET dbperf.acquire_timeout = '300ms';
SELECT dbperf.acquire_database('dbperf_regress_origin');
RESET dbperf.acquire_timeout;
ALTER SYSTEM RESET dbperf.max_test_databases;
SELECT pg_reload_conf();
SELECT dbperf.release_database(name) FROM dbperf.test_databases WHERE state = 'leased';
SELECT dbperf.collect_test_databases();
SELECT count(*) FROM pg_database WHERE datname LIKE 'dbperf\_test%' OR datname LIKE 'dbperf\_template%';
DROP DATABASE dbperf_regress_origin;
DROP DATABASE dbperf_regress_owned;
DROP ROLE regress_dbperf_owner, regress_dbperf_other, regress_dbperf_nobody;
