-- What a suggestion saves: N statements and their rewrite, executed read-only side by side.
\set VERBOSITY terse
CREATE SCHEMA shop;
SET search_path = shop;
\set ECHO none
\o /dev/null
\i ../migrations/001_baseline.sql
\i ../benchmarks/data/seed.sql
\o
\set ECHO all
SELECT dbperf.reset();

-- The users of 20 orders, the items of 200 orders.
SELECT keys, factor > 1 AS faster, suggestion_blocks < original_blocks AS fewer_blocks, original_rows, suggestion_rows, same_rows
  FROM dbperf.measure_rewrite('SELECT email FROM users WHERE id = $1', 'users.id', ARRAY(SELECT user_id::text FROM orders WHERE id <= 20));
SELECT keys, factor > 1 AS faster, suggestion_blocks < original_blocks AS fewer_blocks, original_rows > 200 AS many_rows, same_rows
  FROM dbperf.measure_rewrite('SELECT * FROM order_items WHERE order_id = $1 ORDER BY line', 'order_items.order_id',
                              ARRAY(SELECT id::text FROM orders WHERE id <= 200));

-- Every kind of rewrite returns the same rows.
SELECT name, keys, original_rows > 0 AS rows, original_rows = suggestion_rows AS as_many, same_rows
  FROM (VALUES (1, 'latest', 'SELECT id, created_at FROM orders WHERE user_id = $1 ORDER BY created_at DESC LIMIT 3'),
               (2, 'counts', 'SELECT count(*) FROM orders WHERE user_id = $1'),
               (3, 'groups', 'SELECT status, sum(total_cents) FROM orders WHERE user_id = $1 GROUP BY status'),
               (4, 'distinct', 'SELECT DISTINCT status FROM orders WHERE user_id = $1'),
               (5, 'exists', 'SELECT EXISTS (SELECT FROM orders WHERE user_id = $1)'),
               (6, 'list', 'SELECT id FROM orders WHERE user_id = ANY ($1)'),
               (7, 'list of groups', 'SELECT max(id) FROM orders WHERE user_id = ANY ($1)'),
               (8, 'join', 'SELECT o.id, i.line, p.name FROM orders o JOIN order_items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id WHERE o.user_id = $1'),
               (9, 'outer join', 'SELECT u.id, o.id FROM users u LEFT JOIN orders o ON o.user_id = u.id AND o.status = ''returned'' WHERE u.id = $1'),
               (10, 'join to the key', 'SELECT w.name, o.id FROM warehouses w LEFT JOIN orders o ON o.user_id = $1 AND o.id < 30'),
               (11, 'union', 'SELECT id FROM orders WHERE user_id = $1 UNION SELECT id FROM users WHERE id = $1'),
               (12, 'window', 'SELECT id, row_number() OVER (ORDER BY created_at, id) FROM orders WHERE user_id = $1'),
               (13, 'common table', 'WITH mine AS (SELECT * FROM orders WHERE user_id = $1) SELECT max(total_cents), min(total_cents) FROM mine'),
               (14, 'recursion', 'WITH RECURSIVE r AS (SELECT id, 1 AS depth FROM users WHERE id = $1 UNION ALL SELECT r.id, depth + 1 FROM r WHERE depth < 4) SELECT * FROM r'),
               (15, 'either', 'SELECT id FROM orders WHERE user_id = $1 OR id = 17'),
               (16, 'expression', 'SELECT id FROM orders WHERE user_id = $1 + 1'),
               (17, 'below', 'SELECT (SELECT count(*) FROM orders o WHERE o.user_id = u.id AND o.id > $1) FROM users u WHERE u.id = $1'),
               (18, 'nulls', 'SELECT note FROM orders WHERE user_id = $1'),
               (19, 'documents', 'SELECT shipping_address, risk_check FROM orders WHERE user_id = $1')) v(n, name, query)
 CROSS JOIN LATERAL dbperf.measure_rewrite(query, NULL, ARRAY(SELECT id::text FROM users WHERE id <= 40) || '{1,2,NULL,100000}') ORDER BY n;
SELECT keys, original_rows, same_rows FROM dbperf.measure_rewrite('SELECT id FROM users WHERE email = $1', 'users.email', ARRAY(SELECT email FROM users WHERE id <= 10));

-- Nothing of it is observed, also when it is called by another name; nothing of it stays.
SELECT query FROM dbperf.statements WHERE database = current_database() AND query ~ '(users|orders|order_items)' AND query !~ 'dbperf';
SELECT count(*) FROM dbperf.n_plus_one WHERE database = current_database();
PREPARE by_name AS SELECT same_rows FROM dbperf.measure_rewrite('SELECT id FROM orders WHERE user_id = $1', NULL, '{1,2,3,4,5,6,7,8,9,10}');
EXECUTE by_name;
SET search_path = dbperf, shop;
SELECT same_rows FROM measure_rewrite('SELECT id FROM orders WHERE user_id = $1', NULL, '{1,2,3,4,5,6,7,8,9,10}');
SET search_path = shop;
SELECT query FROM dbperf.statements WHERE database = current_database() AND query ~ 'orders WHERE user_id = \$1$';
SHOW transaction_read_only;

-- Read-only, and only what can be measured.
CREATE SEQUENCE touched;
CREATE FUNCTION touch(i bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN INSERT INTO warehouses (name, country) VALUES ('w' || i, 'DE'); RETURN i; END $$;
SELECT same_rows FROM dbperf.measure_rewrite('SELECT nextval(''touched'') FROM orders WHERE id = $1', NULL, '{1,2}');
SELECT same_rows FROM dbperf.measure_rewrite('SELECT touch($1)', NULL, '{1,2}');
SELECT same_rows FROM dbperf.measure_rewrite('DELETE FROM orders WHERE id = $1', NULL, '{1,2}');
SELECT same_rows FROM dbperf.measure_rewrite('COMMIT', NULL, '{1,2}');
SELECT same_rows FROM dbperf.measure_rewrite('SELECT id FROM orders WHERE user_id = $1 AND status = $2', NULL, '{1,2}');
SELECT same_rows FROM dbperf.measure_rewrite('SELECT id FROM orders WHERE user_id = $1 AND status = ''paid''', NULL, '{1,2}');
SELECT same_rows FROM dbperf.measure_rewrite('SELECT id FROM orders', NULL, '{1,2}');
SELECT same_rows FROM dbperf.measure_rewrite('SELECT id FROM nowhere WHERE id = $1', NULL, '{1,2}');
SELECT same_rows FROM dbperf.measure_rewrite('SELECT id / 0 FROM orders WHERE id = $1', NULL, '{1,2}');
SELECT same_rows FROM dbperf.measure_rewrite('SELECT id FROM orders WHERE id = $1', NULL, '{1,x}');
SELECT same_rows FROM dbperf.measure_rewrite('SELECT id FROM orders WHERE id = $1', NULL, '{NULL}');
SELECT same_rows FROM dbperf.measure_rewrite('SELECT id FROM orders WHERE id = $1', NULL, NULL);
DO $$
BEGIN
    PERFORM dbperf.measure_rewrite('SELECT touch($1)', NULL, '{1,2}');
EXCEPTION WHEN read_only_sql_transaction THEN
    INSERT INTO warehouses (name, country) VALUES ('after a failure', 'DE');
END $$;
SELECT count(*) FROM warehouses;

-- The hash of keys: the same for all widths of integers and through domains.
CREATE DOMAIN number AS bigint;
SELECT dbperf.key_hash(7::smallint) = dbperf.key_hash(7) AND dbperf.key_hash(7) = dbperf.key_hash(7::bigint)
       AND dbperf.key_hash(7) = dbperf.key_hash(7::number) AS widths,
       dbperf.key_hash('a'::text) = dbperf.key_hash('a'::varchar) AS texts, dbperf.key_hash('a'::text) <> dbperf.key_hash('b'::text) AS differ,
       dbperf.key_hash(md5('x')::uuid) IS NOT NULL AS uuid, dbperf.key_hash(1.5) = dbperf.key_hash(1.50) AND dbperf.key_hash(7.0) = dbperf.key_hash(7) AS numeric,
       dbperf.key_hash(repeat('x', 65)) IS NULL AS long, dbperf.key_hash(NULL::int) IS NULL AS null;

-- Keys are found again by their hashes: in the parent's column, else in the one that was looked up.
SELECT array_length(k, 1) AS found, k <@ '{1,2,3}' AS of_these
  FROM dbperf.find_keys(ARRAY(SELECT dbperf.key_hash(i) FROM generate_series(1, 3) i), 'shop.orders', 'orders.user_id', 'users', 'id') k;
SELECT dbperf.find_keys(ARRAY[dbperf.key_hash(2)], 'shop.orders', 'user_id', NULL, NULL);
SELECT dbperf.find_keys(ARRAY[dbperf.key_hash(2)], 'shop.gone', 'user_id', 'users', 'id');
SELECT dbperf.find_keys(ARRAY[dbperf.key_hash(2)], NULL, NULL, 'users', 'id');
SELECT dbperf.find_keys(ARRAY[dbperf.key_hash(-1)], 'shop.orders', 'user_id', 'users', 'id');
SELECT * FROM dbperf.lookup_source('SELECT email FROM users WHERE id = $1', 'users.id');
SELECT * FROM dbperf.lookup_source('SELECT email FROM nowhere WHERE id = $1', 'users.id');

-- Of a finding.
BEGIN;
ALTER VIEW dbperf.n_plus_one RENAME TO as_it_is;
CREATE VIEW dbperf.n_plus_one AS
SELECT * FROM (VALUES
    (1::bigint, 'n_plus_one', 'SELECT email FROM users WHERE id = $1', 'users.id', 'shop.orders', 'user_id', current_database()::text),
    (2, 'n_plus_one', 'SELECT email FROM users WHERE id = $1', 'users.id', NULL, NULL, current_database()),
    (3, 'n_plus_one', 'SELECT email FROM users WHERE id = $1', 'users.id', NULL, NULL, 'elsewhere'),
    (4, 'n_plus_one_write', 'UPDATE users SET email = $1 WHERE id = $2', 'users.id', NULL, NULL, current_database()),
    (5, 'n_plus_one', 'SELECT email FROM users WHERE id = $1 AND country = $2', 'users.id', NULL, NULL, current_database())
    ) v(finding_id, kind, query, key_column, parent_relation, parent_column, database),
    (SELECT array_agg(dbperf.key_hash(user_id)) FROM orders WHERE id <= 20) h(key_hashes), (SELECT current_user::text) r(role),
    (SELECT NULL::uuid) u(run_id);
SELECT keys > 10 AS keys, factor > 1 AS faster, same_rows FROM dbperf.measure_suggestion(1);
SELECT keys > 10 AS keys, factor > 1 AS faster, same_rows FROM dbperf.measure_suggestion(2);
\set VERBOSITY default
\set SHOW_CONTEXT never
SAVEPOINT refused;
SELECT * FROM dbperf.measure_suggestion(3);
ROLLBACK TO refused;
SELECT * FROM dbperf.measure_suggestion(4);
ROLLBACK TO refused;
SELECT * FROM dbperf.measure_suggestion(5);
ROLLBACK TO refused;
SELECT * FROM dbperf.measure_suggestion(6);
ROLLBACK;

DEALLOCATE ALL;
SELECT dbperf.reset();
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
