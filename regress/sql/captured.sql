-- Text that was seen of a role is executed only as that role, in a security-restricted operation that it can't leave.
\set VERBOSITY terse
SELECT dbperf.reset();
CREATE ROLE regress_dbperf_seen;
CREATE ROLE regress_dbperf_member IN ROLE regress_dbperf_seen;
CREATE ROLE regress_dbperf_outsider;
CREATE TABLE item (id int PRIMARY KEY, name text, score float8);
INSERT INTO item SELECT i, 'name ' || i, i FROM generate_series(1, 10) i;
CREATE SCHEMA seen AUTHORIZATION regress_dbperf_seen;
GRANT ALL ON item TO regress_dbperf_seen;
SET ROLE regress_dbperf_seen;
-- Each way out, with what came of it.
CREATE FUNCTION seen.leave() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    told text := '';
    way text;
BEGIN
    FOREACH way IN ARRAY ARRAY['RESET SESSION AUTHORIZATION', 'RESET ROLE', 'SET ROLE NONE', 'CREATE TEMP TABLE kept (a int)',
                               'PREPARE kept AS SELECT 1', 'LISTEN kept', 'DECLARE kept CURSOR WITH HOLD FOR SELECT 1', 'DISCARD ALL'] LOOP
        BEGIN
            EXECUTE way;
            told := told || ' ' || way;
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END LOOP;
    PERFORM set_config('work_mem', '77MB', false), set_config('search_path', 'seen', false), pg_advisory_lock(77);
    RETURN current_user || told;
END $$;
CREATE FUNCTION seen.name(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock(CASE WHEN rolsuper THEN 666 ELSE 1 END) FROM pg_roles WHERE rolname = current_user;
    RETURN $1;
END $$;
CREATE TABLE seen.parent (id int PRIMARY KEY);
INSERT INTO seen.parent VALUES (1);
CREATE TABLE seen.child (id int, parent_id int REFERENCES seen.parent DEFERRABLE INITIALLY DEFERRED);
RESET ROLE;

-- For the client: SHOW dbperf.captured executes what dbperf.captured says.
CREATE PROCEDURE ask(action text, role text, statement text, VARIADIC rest text[] DEFAULT '{0}') LANGUAGE sql AS $$
    SELECT set_config('dbperf.captured', (ARRAY[action, role, '2', 'app.tenant', '3', 'enable_seqscan', 'off', statement] || rest)::text, false) $$;
BEGIN;
CALL ask('execute', 'regress_dbperf_seen', 'SELECT seen.leave(), id, score, NULL AS nothing FROM item WHERE id = $1 OR name = $2', '2', 'integer', '3', 'text', NULL);
SHOW dbperf.captured;
CALL ask('execute', 'regress_dbperf_seen', 'SELECT current_setting(''app.tenant''), current_setting(''enable_seqscan'')');
SHOW dbperf.captured;
SHOW work_mem;
SELECT current_user, NULLIF(current_setting('app.tenant', true), '') AS tenant, current_setting('enable_seqscan') AS enable_seqscan;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
CALL ask('execute', 'regress_dbperf_seen', 'UPDATE item SET name = name WHERE id < 4');
SHOW dbperf.captured;
-- What is deferred is done with the statement.
CALL ask('execute', 'regress_dbperf_seen', 'INSERT INTO seen.child VALUES (1, 1)');
SHOW dbperf.captured;
CALL ask('inspect', 'regress_dbperf_seen', 'ROLLBACK TO "a b"');
SHOW dbperf.captured;
CALL ask('inspect', 'regress_dbperf_seen', 'SET work_mem = 64');
SHOW dbperf.captured;
-- Nothing of it may stay.
COMMIT;
SELECT count(*) FROM seen.child;

-- Left out by name.
BEGIN;
SAVEPOINT s;
\set ECHO none
\set refused 'ROLLBACK TO s; CALL ask(\'replay\', \'regress_dbperf_seen\', :statement); SHOW dbperf.captured;'
\set statement '$$DO \'BEGIN END\'$$'
:refused
\set statement '$$CALL nothing()$$'
:refused
\set statement '$$COPY item TO PROGRAM \'true\'$$'
:refused
\set statement '$$COPY item TO \'/dev/null\'$$'
:refused
\set statement '$$COPY item TO STDOUT$$'
:refused
\set statement '$$SET ROLE postgres$$'
:refused
\set statement '$$RESET SESSION AUTHORIZATION$$'
:refused
\set statement '$$COMMIT$$'
:refused
\set statement '$$VACUUM item$$'
:refused
\set statement '$$ALTER ROLE regress_dbperf_seen SUPERUSER$$'
:refused
\set statement '$$DECLARE c CURSOR WITH HOLD FOR SELECT 1$$'
:refused
\set statement '$$SELECT 1; SELECT 2$$'
:refused
\set statement '$$$$'
:refused
\set ECHO all
ROLLBACK TO s;
CALL ask('execute', 'regress_dbperf_seen', 'LOCK TABLE item');
SHOW dbperf.captured;
ROLLBACK TO s;
CALL ask('execute', 'regress_dbperf_gone', 'SELECT 1');
SHOW dbperf.captured;
ROLLBACK;

-- For superusers and members; the text of a superuser is for superusers.
GRANT EXECUTE ON PROCEDURE ask TO PUBLIC;
SET SESSION AUTHORIZATION regress_dbperf_member;
BEGIN;
CALL ask('execute', 'regress_dbperf_seen', 'SELECT current_user');
SHOW dbperf.captured;
ROLLBACK;
SET SESSION AUTHORIZATION regress_dbperf_outsider;
BEGIN;
CALL ask('execute', 'regress_dbperf_seen', 'SELECT current_user');
SHOW dbperf.captured;
ROLLBACK;
RESET SESSION AUTHORIZATION;
SET dbperf.captured = '{execute}';
SHOW dbperf.captured;
BEGIN;
SHOW dbperf.captured;
ROLLBACK;
RESET dbperf.captured;

-- Settings of the session are kept with a statement, those of its role too, and make another set of it.
SET dbperf.keep_parameters = on;
ALTER ROLE regress_dbperf_seen SET enable_mergejoin = off;
SELECT dbperf.start_run('settings') IS NOT NULL AS started;
SET ROLE regress_dbperf_seen;
SET app.tenant = '3';
SELECT name AS of_tenant FROM item WHERE id = 1;
SET app.tenant = '4';
SET enable_hashjoin = off;
SELECT name AS of_tenant FROM item WHERE id = 1;
RESET ROLE;
RESET enable_hashjoin;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT role, settings ->> 'app.tenant' AS tenant, settings ->> 'enable_hashjoin' AS hashjoin, settings ? 'search_path' AS path, calls
  FROM dbperf.workload WHERE run = 'settings' AND statement ~ 'of_tenant' ORDER BY 2;
RESET dbperf.keep_parameters;

-- A measurement executes a text as the role that was seen to execute it, under what ALTER ROLE gave that role.
SET ROLE regress_dbperf_seen;
\o /dev/null
SELECT seen.name(name) FROM item WHERE id = 1;
\o
RESET ROLE;
SELECT pg_advisory_unlock_all();
SELECT keys, same_rows FROM dbperf.measure_rewrite('SELECT seen.name(name) FROM item WHERE id = $1', NULL, '{1,2}');
SELECT DISTINCT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SELECT keys, same_rows FROM dbperf.measure_rewrite('SELECT current_user, current_setting(''enable_mergejoin'') FROM item WHERE id = $1', NULL, '{1,2}', 'regress_dbperf_seen');
SET ROLE regress_dbperf_outsider;
SELECT keys FROM dbperf.measure_rewrite('SELECT seen.name(name) FROM item WHERE id = $1', NULL, '{1,2}');
SELECT keys FROM dbperf.measure_rewrite('SELECT name FROM item WHERE id = $1', NULL, '{1,2}', 'regress_dbperf_seen');
SELECT dbperf.find_keys_as('regress_dbperf_seen', '{1}', NULL, NULL, NULL, NULL);
RESET ROLE;
SELECT pg_advisory_unlock_all();

-- So are the keys of a finding looked up, which a view may stand for.
CREATE VIEW seen.keys AS SELECT i AS id FROM generate_series(1, 3) i WHERE seen.name('x') = 'x';
ALTER VIEW seen.keys OWNER TO regress_dbperf_seen;
SELECT dbperf.find_keys_as('regress_dbperf_seen', ARRAY[dbperf.key_hash(2)], 'seen.keys', 'id', NULL, NULL);
SELECT DISTINCT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SELECT pg_advisory_unlock_all();

-- Looking at a text executes nothing: not even what a domain checks of a constant.
CREATE SEQUENCE checked;
CREATE FUNCTION seen.check(int) RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('public.checked') > 0 $$;
CREATE DOMAIN seen.number AS int CHECK (seen.check(VALUE));
SELECT dbperf.suggest_rewrite('SELECT name FROM item WHERE id = $1 AND ''{1}''::seen.number[] IS NOT NULL') AS suggestion,
       dbperf.suggest_rewrite('SELECT name FROM item WHERE id = $1 AND name <> ''x''') AS other;
SELECT is_called FROM checked;

\set ECHO none
\o /dev/null
SET client_min_messages = warning;
DROP SCHEMA seen CASCADE;
DROP TABLE item;
DROP SEQUENCE checked;
DROP PROCEDURE ask;
DROP OWNED BY regress_dbperf_seen;
DROP ROLE regress_dbperf_seen, regress_dbperf_member, regress_dbperf_outsider;
DELETE FROM dbperf.parameter_set;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.plan_node;
DELETE FROM dbperf.schema_snapshot;
DELETE FROM dbperf.n_plus_one_finding;
DELETE FROM dbperf.run;
