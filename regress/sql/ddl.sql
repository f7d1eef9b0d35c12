-- The log of DDL: what is in it, what is not, which objects it names.
SELECT dbperf.reset();
SELECT dbperf.flush();
DELETE FROM dbperf.ddl;
SET client_min_messages = warning;
CREATE VIEW logged AS
    SELECT run, command, statement, (SELECT string_agg(o, ' ' ORDER BY o COLLATE "C") FROM unnest(objects) o) AS objects
      FROM dbperf.ddl_log WHERE database = current_database() AND ddl_id > 0 ORDER BY ddl_id;

-- Every kind.
CREATE TABLE orders (id int, user_id int, created_at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (1) TO (1000);
CREATE TABLE orders_2 (LIKE orders);
ALTER TABLE orders ATTACH PARTITION orders_2 FOR VALUES FROM (1000) TO (2000);
CREATE TABLE "Odd name" AS SELECT 1 AS x;
  -- a comment
 /* another /* inside */ */ CREATE INDEX by_user ON public.orders_1 (user_id) ; SELECT 1 AS same_line;
CREATE UNIQUE INDEX CONCURRENTLY by_id ON orders_1 (id);
ALTER INDEX by_user RENAME TO by_user_id;
ALTER TABLE orders_1 ALTER COLUMN user_id SET STATISTICS 10;
ALTER TABLE orders RENAME COLUMN created_at TO made_at;
CREATE VIEW recent AS SELECT o.id FROM orders_1 o JOIN (SELECT x FROM "Odd name") n ON n.x = o.id WHERE EXISTS (SELECT FROM orders_2);
CREATE STATISTICS together ON id, user_id FROM orders_1;
ALTER STATISTICS together SET STATISTICS 10;
CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql AS 'SELECT 2 * x';
ALTER FUNCTION twice VOLATILE;
REINDEX INDEX by_user_id;
CLUSTER orders_1 USING by_id;
VACUUM (FULL) orders_1;
ANALYZE orders_1, "Odd name";
ALTER ROLE CURRENT_USER SET work_mem = '8MB';
ALTER ROLE CURRENT_USER RESET work_mem;
DROP STATISTICS together;
DROP INDEX by_user_id;
DROP FUNCTION twice(int);
DROP VIEW recent;
DROP TABLE "Odd name", orders_2;
SELECT dbperf.flush();
SELECT * FROM logged;

-- Not in it: what failed or was rolled back, what others cannot see, what is no schema, what may hold a secret.
DELETE FROM dbperf.ddl;
CREATE INDEX ON missing (x);
DROP TABLE missing;
BEGIN;
CREATE INDEX rolled_back ON orders_1 (id);
ROLLBACK;
CREATE TEMP TABLE mine (id int);
CREATE INDEX of_mine ON mine (id);
DROP TABLE mine;
TRUNCATE orders_1;
SET work_mem = '5MB';
RESET work_mem;
CREATE ROLE regress_dbperf_secret PASSWORD 'secret';
DROP ROLE regress_dbperf_secret;
ALTER SYSTEM SET primary_conninfo = 'password=secret';
ALTER SYSTEM RESET primary_conninfo;
EXPLAIN (COSTS off) SELECT id FROM orders_1;
SET dbperf.enabled = off;
CREATE INDEX unseen ON orders_1 (id);
DROP INDEX unseen;
RESET dbperf.enabled;
SELECT dbperf.flush();
SELECT * FROM logged;

-- Savepoints: what is rolled back to is not told, what is released is.
BEGIN;
CREATE INDEX kept_1 ON orders_1 (id);
SAVEPOINT a;
CREATE INDEX lost_1 ON orders_1 (id);
SAVEPOINT b;
CREATE INDEX lost_2 ON orders_1 (id);
RELEASE b;
ROLLBACK TO a;
CREATE INDEX kept_2 ON orders_1 (id);
SAVEPOINT c;
CREATE INDEX kept_3 ON orders_1 (id);
RELEASE c;
COMMIT;
-- Below other statements, and a procedure that commits.
DO $$ BEGIN EXECUTE 'CREATE INDEX in_block ON orders_1 (user_id)';
    BEGIN EXECUTE 'CREATE INDEX lost_3 ON orders_1 (user_id)'; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN END; END $$;
CREATE PROCEDURE stepwise() LANGUAGE plpgsql AS $$ BEGIN DROP INDEX kept_1; COMMIT; DROP INDEX kept_2; ROLLBACK; DROP INDEX kept_3; END $$;
CALL stepwise();
SELECT dbperf.flush();
SELECT command, objects, statement FROM logged;

-- Of a run; long texts are cut.
DELETE FROM dbperf.ddl;
SELECT dbperf.start_run('migration') IS NOT NULL AS started;
CREATE INDEX in_run ON orders_1 (made_at);
DO $$ BEGIN EXECUTE 'CREATE VIEW long AS SELECT ''' || repeat('x', 5000) || '''::text AS x FROM orders_1'; END $$;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT run, command, left(statement, 50) AS statement, length(statement), is_cut, objects FROM dbperf.ddl_log ORDER BY ddl_id;

-- The log is bounded.
SELECT count(dbperf.add_ddl('', '00000000-0000-0000-0000-000000000000', 'x', 1, 'x', now(), 'x', 'x', false, '{}')) FROM generate_series(1, 10010);
SELECT count(*) FROM dbperf.ddl;

DROP VIEW logged, long;
DROP PROCEDURE stepwise;
DROP TABLE orders;
SELECT dbperf.flush();
DELETE FROM dbperf.ddl;
DELETE FROM dbperf.run;
