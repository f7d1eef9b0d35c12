-- The extension comes and goes while the module stays.
SELECT dbperf.reset();
SET client_min_messages = warning;
CREATE TABLE item (id int PRIMARY KEY);
INSERT INTO item VALUES (1);

-- Plans of dbperf's own functions and views, cached in this session.
PREPARE status AS SELECT count(*) > 10 AS items FROM dbperf.status();
PREPARE statements AS SELECT calls FROM dbperf.statements WHERE database = current_database() AND query = 'SELECT id FROM item WHERE id = $1';
PREPARE ours (int) AS SELECT id FROM item WHERE id = $1;
CREATE FUNCTION flushes() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM dbperf.flush(); RETURN 'flushed'; END $$;
EXECUTE ours (1);
EXECUTE status;
EXECUTE statements;
SELECT flushes();

-- Without the extension the module goes on observing; what it stores waits.
SELECT dbperf.start_run('across') IS NOT NULL AS started;
DROP EXTENSION dbperf;
EXECUTE ours (1);
EXECUTE status;
EXECUTE statements;
SELECT flushes();
SELECT count(*) FROM pg_namespace WHERE nspname = 'dbperf';
CREATE EXTENSION dbperf;
EXECUTE status;
EXECUTE statements;
EXECUTE ours (1);
SELECT flushes();
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT calls FROM dbperf.statements WHERE run = 'across' AND query = 'SELECT id FROM item WHERE id = $1';

-- In one transaction, rolled back.
BEGIN;
DROP EXTENSION dbperf;
EXECUTE ours (1);
ROLLBACK;
EXECUTE status;
SELECT flushes();

-- It makes its schema and comes whole.
CREATE EXTENSION dbperf;
CREATE EXTENSION dbperf SCHEMA public;
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'dbperf'::regnamespace
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e');
SELECT count(*) AS schemas FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_namespace n ON n.oid = d.objid
 WHERE d.classid = 'pg_namespace'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND n.nspname = 'dbperf'
   AND n.nspowner = e.extowner;

-- A schema that somebody made before is not taken, not even an empty one, nor one that is named.
CREATE ROLE regress_dbperf_early;
DROP EXTENSION dbperf;
CREATE SCHEMA dbperf AUTHORIZATION regress_dbperf_early;
\set SHOW_CONTEXT never
CREATE EXTENSION dbperf;
CREATE EXTENSION dbperf SCHEMA dbperf;
CREATE EXTENSION dbperf CASCADE;
\set SHOW_CONTEXT errors
SELECT count(*) FROM pg_extension WHERE extname = 'dbperf';
DROP SCHEMA dbperf;

-- Default privileges were not meant for it: what is stored is as closed as anywhere else.
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_dbperf_early;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_dbperf_early;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_dbperf_early;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC;
CREATE EXTENSION dbperf;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_dbperf_early;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM regress_dbperf_early;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM regress_dbperf_early;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM PUBLIC;
SELECT has_schema_privilege('regress_dbperf_early', 'dbperf', 'CREATE') AS may_create,
       has_function_privilege('regress_dbperf_early', 'dbperf.reset()', 'EXECUTE') AS may_reset,
       count(*) FILTER (WHERE has_table_privilege('regress_dbperf_early', c.oid, 'SELECT, TRIGGER, INSERT')) AS tables,
       count(*) FILTER (WHERE c.relkind = 'S' AND has_sequence_privilege('regress_dbperf_early', c.oid, 'USAGE, SELECT, UPDATE')) AS sequences
  FROM pg_class c WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind IN ('r', 'v', 'S');
DROP ROLE regress_dbperf_early;

-- A copy of the database by pg_dump has what is stored, and goes on numbering where it was: all but how far the recorder of
-- this server has come is the extension's configuration.
SELECT c.oid::regclass AS left_out FROM pg_class c
 WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind IN ('r', 'p', 'S')
   AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'dbperf' AND c.oid = ANY (e.extconfig));
SELECT coalesce(string_agg(DISTINCT condition, ', '), '') = '' AS whole FROM pg_extension e, unnest(e.extcondition) condition WHERE extname = 'dbperf';

DROP FUNCTION flushes;
DROP TABLE item;
DEALLOCATE ALL;
