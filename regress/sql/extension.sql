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

-- It belongs to its schema and comes whole.
CREATE EXTENSION dbperf;
CREATE EXTENSION dbperf SCHEMA public;
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'dbperf'::regnamespace
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e');

-- A copy of the database by pg_dump has what is stored, and goes on numbering where it was: all but how far the recorder of
-- this server has come is the extension's configuration.
SELECT c.oid::regclass AS left_out FROM pg_class c
 WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind IN ('r', 'p', 'S')
   AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'dbperf' AND c.oid = ANY (e.extconfig));
SELECT coalesce(string_agg(DISTINCT condition, ', '), '') = '' AS whole FROM pg_extension e, unnest(e.extcondition) condition WHERE extname = 'dbperf';

DROP FUNCTION flushes;
DROP TABLE item;
DEALLOCATE ALL;
