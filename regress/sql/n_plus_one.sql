-- Look-ups repeated with other keys within one unit of work.
SELECT dbperf.reset();
CREATE TABLE customer (id int PRIMARY KEY, code text, token uuid, big bigint, born date);
INSERT INTO customer SELECT i, 'c' || i, md5(i::text)::uuid, i, '2000-01-01'::date + i FROM generate_series(1, 100) i;
CREATE TABLE purchase (id int PRIMARY KEY, customer_id int REFERENCES customer, total int);
INSERT INTO purchase SELECT i, i, i FROM generate_series(1, 100) i;
ANALYZE customer, purchase;
CREATE VIEW found AS
    SELECT scope, kind, confidence, key_column, calls, distinct_keys AS keys, scopes, backends, query FROM dbperf.n_plus_one
     WHERE database = current_database() AND run IS NULL ORDER BY scope NULLS FIRST, kind, query COLLATE "C";
-- The texts of `count` statements, the parameter in each counting from `first`.
CREATE FUNCTION series(statement text, count int, first int DEFAULT 1) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format(statement, i) FROM generate_series(first, first + count - 1) i
$$;
SET dbperf.scope_gap = '1h';

-- In an explicit transaction.
SELECT dbperf.reset();
\o /dev/null
BEGIN;
\set ECHO none
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 20) \gexec
\set ECHO all
COMMIT;
\o
SELECT * FROM found;
SELECT exec_ms > 0 AS exec, wait_ms > 0 AS wait, suggestion FROM dbperf.n_plus_one;

-- What belongs to no run is forgotten, stored or not.
SELECT dbperf.flush();
SELECT calls FROM dbperf.n_plus_one_finding WHERE run_id = '00000000-0000-0000-0000-000000000000';
SELECT dbperf.reset();
SELECT * FROM found;
SELECT dbperf.stats_reset() <= clock_timestamp() AS known;
SELECT dbperf.flush();
SELECT calls FROM dbperf.n_plus_one_finding WHERE run_id = '00000000-0000-0000-0000-000000000000';

-- A loop that was under way begins anew.
\o /dev/null
\set ECHO none
BEGIN;
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 4) \gexec
SELECT dbperf.reset();
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 4, 5) \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;

-- Four are too few by default; the threshold is a setting.
SELECT dbperf.reset();
\o /dev/null
BEGIN;
\set ECHO none
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 4) \gexec
\set ECHO all
COMMIT;
\o
SELECT * FROM found;
SET dbperf.n_plus_one_threshold = 4;
\o /dev/null
BEGIN;
\set ECHO none
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 4) \gexec
\set ECHO all
COMMIT;
\o
RESET dbperf.n_plus_one_threshold;
SELECT * FROM found;

-- The same key again and again is redundant.
SELECT dbperf.reset();
\o /dev/null
BEGIN;
\set ECHO none
SELECT 'SELECT total FROM purchase WHERE customer_id = 7' FROM generate_series(1, 20) \gexec
\set ECHO all
COMMIT;
\o
SELECT * FROM found;

-- Two transactions are two units of work: three each make no finding, ten each make one with two scopes.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 3) \gexec
COMMIT;
BEGIN;
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 3, 11) \gexec
COMMIT;
\o
\set ECHO all
SELECT * FROM found;
\o /dev/null
\set ECHO none
BEGIN;
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 10) \gexec
COMMIT;
BEGIN;
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 10, 11) \gexec
COMMIT;
\o
\set ECHO all
SELECT * FROM found;

-- Outside a transaction it is only adjacency: possible.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 10) \gexec
\set ECHO all
\o
SELECT * FROM found;
SELECT gate, severity FROM dbperf.findings WHERE database = current_database() AND kind = 'n_plus_one';

-- A transaction around a test is rolled back and has savepoints, one of which may come first: it ties nothing together
-- by itself. One that commits does. A pause ends what only nearness ties together: twice four are no loop.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
SAVEPOINT request;
SELECT series('SELECT total AS rolled_back FROM purchase WHERE customer_id = %s', 10) \gexec
ROLLBACK;
BEGIN;
SAVEPOINT request;
SELECT series('SELECT total AS between_requests FROM purchase WHERE customer_id = %s', 10) \gexec
SET dbperf.scope = 'GET /';
SELECT 1;
SET dbperf.scope = '';
SET dbperf.scope_gap = '20ms';
SELECT series('SELECT total AS with_a_pause FROM purchase WHERE customer_id = %s', 4) \gexec
\! sleep 0.1
SELECT series('SELECT total AS with_a_pause FROM purchase WHERE customer_id = %s', 4, 5) \gexec
SET dbperf.scope_gap = '1h';
ROLLBACK;
BEGIN;
SAVEPOINT part;
SELECT series('SELECT total AS committed FROM purchase WHERE customer_id = %s', 10) \gexec
COMMIT;
SET dbperf.scope_gap = '20ms';
BEGIN;
SELECT series('SELECT total AS paused FROM purchase WHERE customer_id = %s', 4) \gexec
\! sleep 0.1
SELECT series('SELECT total AS paused FROM purchase WHERE customer_id = %s', 4, 5) \gexec
COMMIT;
SET dbperf.scope_gap = '1h';
\set ECHO all
\o
SELECT * FROM found;

-- A named scope; digits are folded, so that requests of one kind are one finding.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
SET dbperf.scope = 'GET /orders/17';
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 10) \gexec
SET dbperf.scope = 'GET /orders/18';
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 10, 11) \gexec
SET dbperf.scope = 'GET /customers';
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 6, 11) \gexec
SET dbperf.scope = '';
\set ECHO all
\o
SELECT * FROM found;
SELECT gate, severity FROM dbperf.findings WHERE database = current_database() AND kind = 'n_plus_one' ORDER BY 1, 2;

-- The trace id of a comment.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
SELECT series($$SELECT total FROM purchase WHERE customer_id = %s /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/$$, 10) \gexec
SELECT series($$SELECT total AS other FROM purchase WHERE customer_id = %1$s /*traceparent='00-000000000000000000000000000000%1$s-b7ad6b7169203331-01'*/$$, 10, 10) \gexec
\set ECHO all
\o
SELECT * FROM found;

-- Paused.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
SET LOCAL dbperf.n_plus_one = off;
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 20) \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;

-- Writes.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
SELECT series('UPDATE purchase SET total = total + 1 WHERE customer_id = %s', 10) \gexec
SELECT series('DELETE FROM purchase WHERE id = %s', 10) \gexec
ROLLBACK;
\set ECHO all
\o
SELECT * FROM found;

-- Parameters, and keys of other types; two keys together; a constant beside the key. Each is a unit of work of its own,
-- so that no row of one is looked up by another.
SELECT dbperf.reset();
PREPARE by_number (int) AS SELECT total FROM purchase WHERE customer_id = $1;
PREPARE by_text (text) AS SELECT id FROM customer WHERE code = $1;
PREPARE by_uuid (uuid) AS SELECT id FROM customer WHERE token = $1;
PREPARE by_big (bigint) AS SELECT id FROM customer WHERE id = $1;
PREPARE by_both (int, int) AS SELECT id FROM purchase WHERE customer_id = $1 AND total = $2;
PREPARE by_list (int[]) AS SELECT id FROM purchase WHERE customer_id = ANY ($1);
\o /dev/null
\set ECHO none
BEGIN;
SELECT series('EXECUTE by_number(%s)', 8) \gexec
COMMIT;
BEGIN;
SELECT series('EXECUTE by_text(''c%s'')', 8) \gexec
COMMIT;
BEGIN;
SELECT series('EXECUTE by_uuid(md5(''%s'')::uuid)', 8) \gexec
COMMIT;
BEGIN;
SELECT series('EXECUTE by_big(%s)', 8) \gexec
COMMIT;
BEGIN;
SELECT series('EXECUTE by_both(1, %s)', 8) \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;
DEALLOCATE ALL;

-- What is not this: pages, lists, cursors, foreign key checks; a loop inside the server is told apart.
SELECT dbperf.reset();
CREATE FUNCTION loops() RETURNS void LANGUAGE plpgsql AS $$
BEGIN FOR i IN 1 .. 20 LOOP PERFORM total FROM purchase WHERE customer_id = i; END LOOP; END $$;
\o /dev/null
\set ECHO none
BEGIN;
SELECT series('SELECT id FROM purchase ORDER BY id LIMIT 5 OFFSET %s', 10) \gexec
SELECT series('SELECT id FROM purchase WHERE id > %s ORDER BY id LIMIT 5', 10) \gexec
SELECT series('SELECT id FROM purchase WHERE customer_id IN (%1$s, %1$s + 1, %1$s + 2)', 10) \gexec
DECLARE c CURSOR FOR SELECT id FROM purchase;
SELECT 'FETCH 1 FROM c' FROM generate_series(1, 10) \gexec
SELECT loops();
DELETE FROM purchase WHERE id BETWEEN 1 AND 20;
ROLLBACK;
\set ECHO all
\o
SELECT * FROM found;

-- Foreign keys that are checked at commit.
ALTER TABLE purchase ALTER CONSTRAINT purchase_customer_id_fkey DEFERRABLE INITIALLY DEFERRED;
SELECT dbperf.reset();
BEGIN;
INSERT INTO purchase SELECT 1000 + i, i, 0 FROM generate_series(1, 20) i;
COMMIT;
SELECT * FROM found;

-- Stored with the run, by label; live and stored are not shown twice.
SELECT dbperf.reset();
SELECT dbperf.start_run('repeats') IS NOT NULL AS started;
\o /dev/null
\set ECHO none
BEGIN;
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 20) \gexec
COMMIT;
\set ECHO all
\o
SELECT run, calls FROM dbperf.n_plus_one WHERE database = current_database();
SELECT dbperf.flush();
SELECT run, calls FROM dbperf.n_plus_one WHERE database = current_database();
\o /dev/null
\set ECHO none
BEGIN;
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 20) \gexec
COMMIT;
\set ECHO all
\o
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT run, calls, distinct_keys, scopes, confidence, query FROM dbperf.n_plus_one WHERE database = current_database();

-- A list and, after a pause, one save per row, each in a transaction of its own.
\c -
SET dbperf.scope_gap = '1h';
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
SELECT id FROM customer WHERE id <= 12 ORDER BY id;
SET dbperf.scope_gap = 0;
BEGIN;
UPDATE customer SET code = code WHERE id = 1;
SET dbperf.scope_gap = '1h';
COMMIT;
SELECT 'BEGIN', s, 'COMMIT' FROM series('UPDATE customer SET code = code WHERE id = %s', 11, 2) s \gexec
-- What reads in small transactions in order to write, or locks, is seen as the write beside it is.
SELECT 'BEGIN', format('SELECT id FROM customer WHERE code = ''new %s''', i), format('INSERT INTO customer (id, code) VALUES (%s, ''new %s'')', 1000 + i, i), 'COMMIT'
  FROM generate_series(1, 8) i \gexec
SELECT 'BEGIN', s, 'COMMIT' FROM series('SELECT total FROM purchase WHERE total = 1000 + %s FOR UPDATE', 8) s \gexec
SELECT 'BEGIN', s, 'COMMIT' FROM series('SELECT total FROM purchase WHERE total = 2000 + %s', 8) s \gexec
DELETE FROM customer WHERE id > 1000;
\c -
\set ECHO all
\o
SELECT kind, confidence, key_column, calls, keys, query FROM found WHERE query NOT LIKE 'DELETE%' ORDER BY query COLLATE "C";
SELECT dbperf.reset();

-- A column of ids of several tables, kept as texts: each table is looked up by its part of them, in the order of the rows.
CREATE TABLE link (id int PRIMARY KEY, kind text, target text);
INSERT INTO link SELECT i, (ARRAY['customer', 'purchase', 'item'])[1 + i % 3], 1 + i * 37 % 97 FROM generate_series(1, 30) i;
CREATE TABLE item (id int PRIMARY KEY, name text);
\c -
\o /dev/null
\set ECHO none
SELECT kind, target FROM link ORDER BY id;
SELECT format('SELECT * FROM %I WHERE id = %s', kind, target) FROM link ORDER BY id \gexec
\c -
SET dbperf.scope = 'links';
SELECT kind, target FROM link ORDER BY id;
SELECT format('SELECT * FROM %I WHERE id = %s', kind, target) FROM link ORDER BY id \gexec
\c -
\set ECHO all
\o
SELECT f.scope, f.kind, confidence, n.parent_column, f.calls, keys, f.query FROM found f JOIN dbperf.n_plus_one n USING (query, confidence)
 WHERE n.scope IS NOT DISTINCT FROM f.scope ORDER BY f.scope NULLS FIRST, f.query COLLATE "C";
SELECT dbperf.reset();
DROP TABLE link, item;

-- The first execution has no loop yet and is counted with the second, though others came between them.
\c -
\o /dev/null
\set ECHO none
SELECT 'SELECT code FROM customer WHERE id = 1'
UNION ALL SELECT series('SELECT total AS t%1$s FROM purchase WHERE customer_id = %1$s', 200)
UNION ALL SELECT series('SELECT code FROM customer WHERE id = %s', 9, 2) \gexec
\c -
\set ECHO all
\o
SELECT kind, confidence, key_column, calls, keys, query FROM found;
SELECT dbperf.reset();

-- The pause before the first statement of a unit, or of a session, is no wait between its calls.
\c -
SET dbperf.scope_gap = '1h';
\o /dev/null
\set ECHO none
\set first `date +%s%3N`
SELECT series('SELECT id FROM customer WHERE code = ''c%s''', 20) \gexec
\set first_end `date +%s%3N`
SELECT pg_sleep(0.5);
\set second `date +%s%3N`
BEGIN;
SELECT series('SELECT total FROM purchase WHERE customer_id = %s', 20) \gexec
COMMIT;
\set second_end `date +%s%3N`
\set ECHO all
\o
SELECT query, wait_ms <= CASE WHEN query LIKE '%customer WHERE%' THEN :first_end - :first ELSE :second_end - :second END AS between
  FROM dbperf.n_plus_one WHERE database = current_database() AND run IS NULL ORDER BY query COLLATE "C";

RESET dbperf.scope_gap;
SELECT dbperf.reset();
DROP VIEW found;
DROP TABLE purchase, customer;
DROP FUNCTION series, loops;
DELETE FROM dbperf.n_plus_one_finding;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
