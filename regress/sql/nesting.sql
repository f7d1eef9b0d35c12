-- What runs below the statements of the client.
CREATE TABLE item (id int PRIMARY KEY, name text);
CREATE TABLE part (id int PRIMARY KEY, item_id int REFERENCES item ON DELETE CASCADE);
CREATE TABLE log (id int);
INSERT INTO item SELECT i, 'name ' || i FROM generate_series(1, 10) i;
CREATE VIEW seen AS
    SELECT top_level AS top, calls, rows, aborted AS abort, query FROM dbperf.statements
     WHERE database = current_database() AND run IS NULL ORDER BY top_level DESC, query COLLATE "C";

-- PL/pgSQL.
CREATE FUNCTION loops(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE total int := 0; r record;
BEGIN
    FOR i IN 1 .. n LOOP
        SELECT total + id INTO total FROM item WHERE id = i;
    END LOOP;
    FOR r IN SELECT id AS looped FROM item LOOP
        EXIT WHEN r.looped > 3;
    END LOOP;
    PERFORM id FROM item WHERE id = 1;
    EXECUTE 'SELECT id AS dynamic FROM item WHERE id = $1' USING 1;
    RETURN total;
END $$;
SELECT dbperf.reset();
SELECT loops(3);
SELECT loops(4);
SELECT * FROM seen WHERE query NOT LIKE '%total + id%' AND query NOT LIKE 'n%';
SELECT top, calls, rows, abort FROM seen WHERE query LIKE '%total + id%';

-- An exception block: what failed is counted so, what follows is at its level.
CREATE FUNCTION catches() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        INSERT INTO item VALUES (1, 'caught');
    EXCEPTION WHEN unique_violation THEN
        INSERT INTO log VALUES (1);
    END;
    BEGIN
        INSERT INTO log SELECT 1 / (id - 5) FROM item;
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
    INSERT INTO log VALUES (2), (3);
    RETURN 'done';
END $$;
SELECT dbperf.reset();
SELECT catches();
SELECT catches();
SELECT id FROM item WHERE id = 1;
SELECT * FROM seen;

-- An error that leaves several levels at once.
CREATE FUNCTION inner_fails() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT 1 / (id - 1) FROM item WHERE id = 1); END $$;
CREATE FUNCTION outer_fails() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT inner_fails() FROM item WHERE id = 2); END $$;
SELECT dbperf.reset();
\set VERBOSITY terse
SELECT outer_fails();
\set VERBOSITY default
SELECT id FROM item WHERE id = 1;
DO $$ BEGIN PERFORM outer_fails(); EXCEPTION WHEN OTHERS THEN PERFORM id FROM log WHERE id = 2; END $$;
SELECT id FROM item WHERE id = 1;
SELECT top, sum(calls) AS calls, sum(abort) AS aborted FROM seen GROUP BY top ORDER BY top DESC;
SELECT * FROM seen WHERE query ~ '(DO|SELECT id FROM)';

-- An error while a statement is planned: calls of functions are folded then, which runs others.
CREATE FUNCTION folded(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT 10 / n FROM item WHERE id = 3); END $$;
SELECT dbperf.reset();
\set VERBOSITY terse
SELECT id FROM item WHERE id = folded(0);
\set VERBOSITY default
SELECT id FROM item WHERE id = 1;
DO $$
BEGIN
    FOR i IN 1 .. 100 LOOP
        BEGIN
            EXECUTE 'SELECT id FROM item WHERE id = folded(0)';
        EXCEPTION WHEN division_by_zero THEN
            PERFORM id FROM log WHERE id = 2;
        END;
    END LOOP;
END $$;
BEGIN;
SELECT id FROM item WHERE id = folded(5);
SAVEPOINT before;
\set VERBOSITY terse
SELECT id FROM item WHERE id = folded(0);
\set VERBOSITY default
ROLLBACK TO SAVEPOINT before;
SELECT id FROM item WHERE id = 1;
COMMIT;
SELECT id FROM item WHERE id = 1;
SELECT * FROM seen;

-- SQL functions that are not inlined: by text, and with a body parsed once.
CREATE FUNCTION by_text(n int) RETURNS SETOF int LANGUAGE sql VOLATILE AS $$
    INSERT INTO log VALUES (n);
    SELECT id FROM item WHERE id <= n;
$$;
SELECT dbperf.reset();
SELECT count(*) FROM by_text(3);
SELECT count(*) FROM by_text(5);
SELECT * FROM seen;
-- The body of a BEGIN ATOMIC function is stored as a tree; its statements have no text to be known by and are not counted.
CREATE FUNCTION by_body(n int) RETURNS bigint LANGUAGE sql VOLATILE BEGIN ATOMIC
    INSERT INTO log VALUES (n);
    SELECT count(*) FROM item WHERE id <= n;
END;
SELECT dbperf.reset();
SELECT by_body(3);
SELECT by_body(5);
SELECT top, calls, query FROM seen WHERE top;
SELECT COALESCE(sum(calls), 0) AS nested_calls FROM seen WHERE NOT top;

-- Procedures that commit, DO.
CREATE PROCEDURE commits(n int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. n LOOP
        INSERT INTO log VALUES (i);
        COMMIT;
    END LOOP;
    INSERT INTO log VALUES (0);
    ROLLBACK;
END $$;
SELECT dbperf.reset();
CALL commits(3);
CALL commits(2);
DO $$ BEGIN INSERT INTO log VALUES (1); COMMIT; INSERT INTO log VALUES (2); END $$;
SELECT id FROM item WHERE id = 1;
SELECT * FROM seen;

-- A loop over a query that commits in between.
SELECT dbperf.reset();
DO $$ DECLARE r record; BEGIN FOR r IN SELECT id AS walked FROM item LOOP UPDATE log SET id = r.walked WHERE id = -1; COMMIT; END LOOP; END $$;
SELECT * FROM seen WHERE NOT top;

-- Triggers of all kinds.
CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO log VALUES (coalesce(NEW.id, 0)); RETURN NEW; END $$;
CREATE TRIGGER before_row BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION logs();
SELECT dbperf.reset();
INSERT INTO item VALUES (11, 'a'), (12, 'b');
SELECT * FROM seen;
DROP TRIGGER before_row ON item;
CREATE TRIGGER after_row AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION logs();
SELECT dbperf.reset();
INSERT INTO item VALUES (13, 'a'), (14, 'b');
SELECT * FROM seen;
DROP TRIGGER after_row ON item;
CREATE CONSTRAINT TRIGGER deferred_row AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION logs();
SELECT dbperf.reset();
BEGIN;
INSERT INTO item VALUES (15, 'a'), (16, 'b');
COMMIT;
INSERT INTO item VALUES (17, 'a');
SELECT * FROM seen;
DROP TRIGGER deferred_row ON item;

-- ... in which a deferred one fails.
CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 / (id - id) AS failing FROM item; RETURN NEW; END $$;
CREATE CONSTRAINT TRIGGER failing_row AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fails();
SELECT dbperf.reset();
\set SHOW_CONTEXT never
INSERT INTO item VALUES (18, 'a');
\set SHOW_CONTEXT errors
SELECT id FROM item WHERE id = 2;
SELECT * FROM seen;
DROP TRIGGER failing_row ON item;

-- Foreign keys: the server's own queries are below, whichever way they are checked.
SELECT dbperf.reset();
INSERT INTO part VALUES (1, 1), (2, 2), (3, 1);
INSERT INTO part VALUES (4, 999);
DELETE FROM item WHERE id = 1;
SELECT * FROM seen WHERE top;
SELECT bool_and(NOT top) AS nested FROM seen WHERE query LIKE '%ONLY %';

-- Rules and views are what the client sent.
CREATE VIEW items AS SELECT * FROM item WHERE id > 0;
SELECT dbperf.reset();
\o /dev/null
SELECT count(*) FROM items;
\o
UPDATE items SET name = 'x' WHERE id = 2;
SELECT * FROM seen;

-- EXPLAIN ANALYZE, CREATE TABLE AS, COPY carry a query below them.
SELECT dbperf.reset();
\o /dev/null
EXPLAIN ANALYZE SELECT id FROM item WHERE id = 2;
EXPLAIN SELECT id FROM item WHERE id = 2;
COPY (SELECT id AS copied FROM item) TO STDOUT;
\o
CREATE TEMP TABLE carried AS SELECT id FROM item WHERE id = 2;
SELECT * FROM seen WHERE top OR query !~ 'copied';

-- More open statements than are followed: nothing breaks, the rest is counted as unobserved.
CREATE FUNCTION deep(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE result int;
BEGIN
    IF n = 0 THEN RETURN 0; END IF;
    SELECT 1 + deep(n - 1) INTO result;
    RETURN result;
END $$;
SELECT dbperf.reset();
SELECT deep(30);
SELECT deep(100);
SELECT deep(30);
SELECT id FROM item WHERE id = 2;
SELECT top, calls, query FROM seen WHERE top;
SELECT value::int > 0 AS unobserved FROM dbperf.status() WHERE item = 'unobserved_executions';

SELECT dbperf.reset();
DROP VIEW seen, items;
DROP FUNCTION loops, catches, inner_fails, outer_fails, by_text, by_body, deep;
DROP TABLE part, item, log, carried;
DROP FUNCTION logs, fails;
DROP PROCEDURE commits;
