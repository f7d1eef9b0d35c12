-- What a role without rights can send: it neither brings down the server nor invents, hides or stops anything.
SET client_min_messages = warning;
CREATE TABLE item (id int PRIMARY KEY, code text, tag uuid);
INSERT INTO item SELECT i, 'code ' || i, ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid FROM generate_series(1, 100) i;
ANALYZE item;

-- More cursors than a session remembers statements, at two distances from that limit, closed and not.
\set ECHO none
\c -
BEGIN;
SELECT format('DECLARE c%s CURSOR FOR SELECT 1 AS shape_%s', i, i) FROM generate_series(1, 2300) i \gexec
COMMIT;
\c -
SELECT 1 AS extra;
BEGIN;
SELECT format('DECLARE c%s CURSOR FOR SELECT 1 AS other_%s; CLOSE c%s', i, i, i) FROM generate_series(1, 2300) i \gexec
COMMIT;
\set ECHO all
SELECT 'alive' AS server;

-- Parameters beyond 32767.
\set ECHO none
SELECT format('PREPARE wide(%s) AS SELECT id FROM item WHERE %s', rtrim(repeat(kind || ',', number), ','), format(condition, number)),
       format('EXECUTE wide(%s)', rtrim(repeat(quote_literal(given) || ',', number), ',')),
       'DEALLOCATE wide'
  FROM (VALUES (32767, 'text', 'tag = $%s::uuid', '00000000-0000-0000-0000-000000000001'), (32770, 'text', 'tag = $%s::uuid', '00000000-0000-0000-0000-000000000002'),
               (32770, 'uuid[]', 'tag = ANY ($%s)', '{00000000-0000-0000-0000-000000000003}'), (65535, 'text', 'tag = $%s::uuid', '00000000-0000-0000-0000-000000000004'),
               (65535, 'int', 'id = $%s', '5')) v(number, kind, condition, given)
\gexec
\set ECHO all

-- One text with parameters of several types; plans that are kept are executed after the text was planned with another.
-- The texts are too long to be remembered by their place.
DO $$
DECLARE f text[];
BEGIN
    FOREACH f SLICE 1 IN ARRAY ARRAY[['as_number', 'bigint', 'id = p::int'], ['as_text', 'text', 'id = p::int'],
                                     ['as_list', 'text[]', 'code = ANY (p::text[])'], ['as_spelled_list', 'text', 'code = ANY (p::text[])']] LOOP
        EXECUTE format('CREATE FUNCTION %s(p %s) RETURNS int LANGUAGE plpgsql AS $f$ DECLARE r int; BEGIN SELECT id INTO r FROM item WHERE %s%s; RETURN r; END $f$',
                       f[1], f[2], repeat(' ', 9000), f[3]);
    END LOOP;
END $$;
SELECT sum(as_number(5)), sum(as_spelled_list('{code 5}')) FROM generate_series(1, 12);
SELECT as_text('7'), as_list('{code 7}');
SELECT as_number(5), as_spelled_list('{code 5}');
SELECT sum(as_text('7')), sum(as_list('{code 7}')) FROM generate_series(1, 12);
SELECT as_number(5), as_spelled_list('{code 5}'), as_text('7'), as_list('{code 7}');
SELECT id FROM item WHERE code = ANY ('{code 8}'::text::text[]);

-- A type that a statement drops while it runs with a parameter of it.
CREATE TYPE gone AS ENUM ('a', 'b');
CREATE FUNCTION drops(really bool) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF really THEN DROP TYPE gone CASCADE; END IF; RETURN 1; END $$;
SET dbperf.scope = 'one';
PREPARE dropping(gone, int, bool) AS SELECT drops($3) FROM item WHERE id = $2 AND $1 IS NOT NULL;
EXECUTE dropping('a', 1, false);
EXECUTE dropping('a', 1, false);
EXECUTE dropping('a', 1, true);
RESET dbperf.scope;
DEALLOCATE dropping;

-- Plans far deeper than anybody reads.
SET statement_timeout = '60s';
SELECT dbperf.plan_shape(('[{"Plan": {"Node Type": "Sort"' || repeat(', "Plans": [{"Node Type": "Append"', 5000) || repeat('}]', 5000) || '}}]')::json) IS NOT NULL AS shape;
SELECT dbperf.start_run('deep') IS NOT NULL AS started;
\set ECHO none
SELECT string_agg('SELECT id FROM item WHERE id = ' || i, ' EXCEPT ') FROM generate_series(1, 250) i \gexec
\set ECHO all
SELECT dbperf.finish_run() IS NOT NULL AS finished;
RESET statement_timeout;

-- An error that says it is a deadlock.
SELECT dbperf.start_run('faked') IS NOT NULL AS started;
DO $$
BEGIN
    RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01',
        DETAIL = format(E'Process %1$s waits for ShareLock on transaction 1; blocked by process %2$s.\nProcess %2$s waits for ShareLock on transaction 2; blocked by process %1$s.',
                        pg_backend_pid(), (SELECT min(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()));
EXCEPTION WHEN deadlock_detected THEN NULL;
END $$;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT count(*) FROM dbperf.deadlocks WHERE run = 'faked';

-- What a statement does besides asking dbperf something is observed.
CREATE FUNCTION busy() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM id AS hidden FROM item WHERE id = 1; RETURN 1; END $$;
SELECT dbperf.reset();
SELECT busy() FROM dbperf.status() LIMIT 1;
SELECT dbperf.key_hash(id) IS NOT NULL AS hashed FROM item WHERE id = 3;
\o /dev/null
EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF) SELECT busy() AS explained, dbperf.key_hash(1) IS NULL AS unhashed;
\o
SET dbperf.query_name = '';
SELECT count(*) > 0 AS items FROM dbperf.status();
SELECT top_level AS top, calls, query FROM dbperf.statements WHERE database = current_database() AND run IS NULL ORDER BY top_level DESC, query COLLATE "C";

-- What is remembered of tables does not grow with those that are gone.
SELECT dbperf.start_run('temporary') IS NOT NULL AS started;
SET dbperf.track_locks = on;
DO $$
BEGIN
    FOR i IN 1 .. 900 LOOP
        CREATE TEMPORARY TABLE passing (id int PRIMARY KEY);
        INSERT INTO passing VALUES (i);
        DROP TABLE passing;
        COMMIT;
    END LOOP;
END $$;
SELECT sum(total_bytes) BETWEEN 1 AND 1000000 AS bounded FROM pg_backend_memory_contexts WHERE name = 'dbperf relations';
RESET dbperf.track_locks;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SET client_min_messages = warning;
DROP TABLE item;
DROP FUNCTION as_number, as_text, as_list, as_spelled_list, drops, busy;
