-- Suggestions: statements that run and return the rows of all calls.
\set VERBOSITY terse
CREATE TABLE customer (id int PRIMARY KEY, name varchar(20) NOT NULL, email text UNIQUE, region int, number int, tags text[],
                       UNIQUE (region, number));
CREATE TABLE purchase (id bigint PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, status text, total int, at date);
CREATE TABLE "Odd Table" ("Key" int PRIMARY KEY, "key" int);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE refund (id positive PRIMARY KEY, amount positive, token uuid DEFAULT gen_random_uuid());
CREATE FUNCTION doubled(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 2 * i; END $$;
INSERT INTO customer SELECT i, 'customer ' || i, 'c' || i || '@mail.example', i % 7, i FROM generate_series(1, 200) i;
INSERT INTO purchase SELECT i, 1 + i * 7 % 150, (ARRAY['new', 'paid', 'sent'])[1 + i % 3], i % 50, '2020-01-01'::date + i FROM generate_series(1, 600) i;
INSERT INTO "Odd Table" SELECT i, i FROM generate_series(1, 50) i;
ANALYZE customer, purchase, "Odd Table";

-- Every suggestion is shown, and must be accepted by PREPARE.
CREATE FUNCTION suggest(query text, key_column text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    suggestion text := dbperf.suggest_rewrite(query, key_column);
BEGIN
    IF suggestion IS NOT NULL THEN
        EXECUTE 'PREPARE suggested AS ' || suggestion;
        DEALLOCATE suggested;
    END IF;
    RETURN suggestion;
END $$;
\pset tuples_only on
\pset format unaligned

-- Plain look-ups: = ANY, with the key among the columns.
SELECT suggest('SELECT name FROM customer WHERE id = $1', 'customer.id');
SELECT suggest('SELECT name FROM customer WHERE id = $1', 'public.customer.id');
-- Who has an empty search_path, as careful programs do, is meant to see what others see.
SET search_path = '';
SELECT dbperf.suggest_rewrite('SELECT name FROM customer WHERE id = $1', 'customer.id');
SELECT pg_catalog.set_config('search_path', '', false), dbperf.suggest_rewrite('SELECT name FROM customer WHERE id = $1', 'customer.id');
SELECT keys, same_rows FROM dbperf.measure_rewrite('SELECT name FROM customer WHERE id = $1', 'customer.id', '{1,2,3}');
SHOW search_path;
RESET search_path;
SELECT suggest('SELECT name FROM customer WHERE id = $1', 'id');
SELECT suggest('SELECT name FROM customer WHERE id = $1');
SELECT suggest('SELECT c.name, c.id FROM customer AS c WHERE $1 = c.id', 'customer.id');
SELECT suggest('SELECT id FROM customer WHERE name = $1', 'customer.name');
SELECT suggest('SELECT name FROM customer WHERE id IN ($1)', 'customer.id');
SELECT suggest('SELECT name FROM customer WHERE id = ANY ($1)', 'customer.id');
SELECT suggest('SELECT name FROM customer WHERE id = $1::bigint', 'customer.id');
SELECT suggest('SELECT id FROM purchase WHERE customer_id = $1 AND total > $2 ORDER BY at DESC', 'purchase.customer_id');
SELECT suggest('SELECT id FROM purchase WHERE status = $1 AND customer_id = $2', 'purchase.customer_id');
SELECT suggest('SELECT id FROM purchase WHERE customer_id = $1 AND status IN ($2 /*, ... */) AND total NOT IN ($3 /*, ... */)', 'purchase.customer_id');
SELECT suggest('SELECT p.id, c.name FROM purchase p JOIN customer c ON c.id = p.customer_id WHERE p.customer_id = $1', 'purchase.customer_id');
SELECT suggest('SELECT p.id, c.name FROM customer c LEFT JOIN purchase p ON p.customer_id = c.id WHERE c.id = $1', 'customer.id');
SELECT suggest('SELECT p.id FROM purchase p JOIN customer c ON c.id = p.customer_id AND c.id = $1', 'customer.id');
SELECT suggest('SELECT "key" FROM "Odd Table" WHERE "Key" = $1', 'Odd Table.Key');
SELECT suggest('SELECT "key" FROM "Odd Table" WHERE "Key" = $1', '"Odd Table"."Key"');
SELECT suggest('SELECT name FROM customer WHERE id = $1 FOR UPDATE');
SELECT suggest('WITH big AS (SELECT id FROM purchase WHERE total > $1) SELECT name FROM customer WHERE id = $2', 'customer.id');

-- A limit does not matter where there is at most one row.
SELECT suggest('SELECT name FROM customer WHERE id = $1 LIMIT $2', 'customer.id');
SELECT suggest('SELECT name FROM customer WHERE email = $1 ORDER BY id LIMIT $2', 'customer.email');
SELECT suggest('SELECT name FROM customer WHERE region = $1 AND number = $2 LIMIT $3', 'customer.number');
SELECT suggest('SELECT name FROM customer WHERE region = $1 LIMIT $2', 'customer.region');
SELECT suggest('SELECT name FROM customer WHERE id = $1 OFFSET $2', 'customer.id');

-- What belongs to one key is computed key by key.
SELECT suggest('SELECT id FROM purchase WHERE customer_id = $1 ORDER BY at DESC LIMIT $2', 'purchase.customer_id');
SELECT suggest('SELECT count(*) FROM purchase WHERE customer_id = $1');
SELECT suggest('SELECT status, sum(total) FROM purchase WHERE customer_id = $1 GROUP BY status');
SELECT suggest('SELECT DISTINCT status FROM purchase WHERE customer_id = $1');
SELECT suggest('SELECT $1 AS one FROM purchase WHERE customer_id = $2 LIMIT $3', 'purchase.customer_id');
SELECT suggest('SELECT EXISTS (SELECT FROM purchase WHERE customer_id = $1)');
SELECT suggest('SELECT id FROM purchase WHERE customer_id = $1 UNION ALL SELECT id FROM customer WHERE id = $1');
SELECT suggest('SELECT row_number() OVER (ORDER BY at), id FROM purchase WHERE customer_id = $1');
SELECT suggest('WITH mine AS (SELECT * FROM purchase WHERE customer_id = $1) SELECT max(total) FROM mine');
SELECT suggest('SELECT c.id FROM customer c LEFT JOIN purchase p ON p.customer_id = $1', 'purchase.customer_id');
SELECT suggest('SELECT id FROM customer WHERE name = $1 OR email = $2', 'customer.name');
SELECT suggest('SELECT id FROM customer WHERE name = lower($1)');
SELECT suggest('SELECT (SELECT max(k.total) FROM purchase k WHERE k.customer_id = q.id AND k.id > $1) FROM customer q WHERE q.id = $1');
SELECT suggest('SELECT k.id, k.id FROM customer k WHERE k.region = $1 LIMIT $2', 'customer.region');
SELECT suggest('SELECT sum(total) FROM purchase WHERE customer_id = ANY ($1)');
SELECT suggest('SELECT doubled($1)');
SELECT suggest('SELECT doubled(total) FROM purchase WHERE customer_id = $1');
SELECT suggest('SELECT id FROM purchase WHERE customer_id = $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED', 'purchase.customer_id');
-- A range is taken for one of a single value where its column is said to be the key.
SELECT suggest('SELECT id FROM purchase WHERE at BETWEEN $1 AND $2 AND status = $3', 'purchase.at');
SELECT suggest('SELECT id FROM purchase WHERE at BETWEEN $1 AND $2 AND status = $3', 'purchase.status');
SELECT suggest('SELECT id FROM purchase WHERE at BETWEEN $1 AND $2');
-- One row may be of several keys.
SELECT suggest('DELETE FROM customer WHERE lower(email) = lower($1)', 'customer.email');
SELECT suggest('DELETE FROM customer WHERE region = $1 OR number = $2 RETURNING name', 'customer.region');
SELECT suggest('UPDATE customer SET name = upper(''x'') WHERE lower(email) = lower($1) RETURNING id', 'customer.email');
SELECT suggest('UPDATE customer SET number = number WHERE tags @> ARRAY[$1]', 'customer.tags'), dbperf.rewrite_refusal('UPDATE customer SET number = number WHERE tags @> ARRAY[$1]', 'customer.tags');

-- Writes.
SELECT suggest('UPDATE customer SET name = $1 WHERE id = $2', 'customer.id');
SELECT suggest('UPDATE purchase SET total = total + $1, status = $2 WHERE id = $3 AND status = $4 RETURNING total', 'purchase.id');
SELECT suggest('UPDATE purchase SET at = current_date WHERE id = $1', 'purchase.id');
SELECT suggest('DELETE FROM purchase WHERE customer_id = $1', 'purchase.customer_id');
SELECT suggest('DELETE FROM purchase WHERE customer_id = $1 AND total < $2 RETURNING id', 'purchase.customer_id');
SELECT suggest('INSERT INTO customer (id, name, email) VALUES ($1, $2, lower($3))');
SELECT suggest('INSERT INTO refund (id, amount) VALUES ($1, $2) RETURNING id, token');
SELECT suggest('INSERT INTO refund VALUES ($1, $2, gen_random_uuid()) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount');
SELECT suggest('INSERT INTO purchase (id, customer_id) VALUES ($1, (SELECT id FROM customer WHERE email = $2))');

-- Nothing safe is known, or the statement is not understood.
\pset null 'none'
SELECT suggest(q, k), dbperf.rewrite_refusal(q, k) FROM (VALUES
    ('SELECT name FROM customer WHERE id = $1', 'customer.name'), ('SELECT name FROM customer WHERE id = $1', 'purchase.id'),
    ('SELECT id FROM purchase WHERE customer_id = $1 ORDER BY $2', 'purchase.customer_id'),
    ('SELECT id FROM (SELECT id FROM purchase WHERE customer_id = $1 ORDER BY $2 LIMIT $3) latest', NULL),
    ('SELECT id FROM purchase WHERE customer_id IN ($1 /*, ... */)', 'purchase.customer_id'),
    ('SELECT id FROM purchase WHERE customer_id = $1 AND total = ANY (ARRAY[$2 /*, ... */])', 'purchase.customer_id'),
    ('WITH gone AS (DELETE FROM purchase WHERE customer_id = $1 RETURNING *) SELECT count(*) FROM gone', NULL),
    ('UPDATE customer SET id = $1 WHERE id = $2', 'customer.id'), ('UPDATE customer SET tags = $1 WHERE id = $2', 'customer.id'),
    ('UPDATE purchase SET total = (SELECT max(total) FROM purchase) WHERE id = $1', 'purchase.id'),
    ('UPDATE purchase SET total = doubled(total) WHERE id = $1', 'purchase.id'),
    ('UPDATE purchase SET total = $1 WHERE id = $2 OR id = $3', 'purchase.id'),
    ('DELETE FROM purchase WHERE id = $1 AND total = (SELECT min(total) FROM purchase)', 'purchase.id'),
    ('INSERT INTO customer (id, name) VALUES ($1, $2) /*, ... */', NULL), ('INSERT INTO customer DEFAULT VALUES', NULL),
    ('INSERT INTO customer (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = $3', NULL),
    ('INSERT INTO customer (id, name) SELECT id, status FROM purchase WHERE id = $1', 'purchase.id'),
    ('INSERT INTO purchase (id, customer_id) VALUES ((SELECT max(id) + $1 FROM purchase), $2)', NULL),
    ('SELECT * FROM nowhere WHERE id = $1', 'nowhere.id'), ('SELECT nothing FROM customer WHERE id = $1', 'customer.id'),
    ('SELECT name FROM customer WHERE id', NULL), ('SELECT interval $1', NULL), ('SELECT 1; SELECT 2', NULL), ('COMMIT', NULL),
    ('CREATE TABLE copy AS SELECT * FROM customer WHERE id = $1', NULL), ('SELECT * INTO copy FROM customer WHERE id = $1', NULL),
    ('SELECT name FROM customer', NULL), ('', NULL), (NULL, 'customer.id')) v(q, k);
-- Texts that were cut are not taken for whole.
SELECT suggest('SELECT name FROM customer WHERE id = $1 /*' || repeat('x', pg_size_bytes(current_setting('dbperf.max_query_length'))::int - 44) || '*/');

-- Statements, and words where there is none.
SELECT k, dbperf.suggest_n_plus_one(k, q, c), dbperf.advise_n_plus_one(k, q, c) FROM (VALUES
    ('n_plus_one', 'SELECT name FROM customer WHERE id = $1', 'customer.id'), ('n_plus_one', 'SELECT name FROM elsewhere WHERE id = $1', 'elsewhere.id'),
    ('n_plus_one_write', 'UPDATE elsewhere SET x = $1 WHERE id = $2', 'elsewhere.id'), ('n_plus_one_write', 'DELETE FROM elsewhere WHERE id = $1', 'elsewhere.id'),
    ('n_plus_one_write', 'insert into elsewhere (id) VALUES ($1)', 'elsewhere.id'), ('n_plus_one_write', NULL, NULL),
    ('redundant', 'SELECT name FROM customer WHERE id = $1', 'customer.id'), ('server_loop', 'SELECT name FROM customer WHERE id = $1', 'customer.id'),
    ('server_loop', 'PERFORM', NULL)) v(k, q, c);
SELECT dbperf.advise_n_plus_one('n_plus_one', 'SELECT name FROM customer WHERE id = $1', 'customer.id', 'another one');
\pset tuples_only off
\pset format aligned

-- No lock stays, no transaction is harmed; names are those of the search_path.
BEGIN;
SELECT dbperf.suggest_rewrite('DELETE FROM purchase WHERE customer_id = $1'), dbperf.suggest_rewrite('SELECT * FROM nowhere WHERE id = $1');
SELECT count(*) AS locks FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'purchase'::regclass;
SET LOCAL search_path = pg_catalog;
SELECT dbperf.suggest_rewrite('SELECT name FROM customer WHERE id = $1') IS NULL AS unknown_here,
       dbperf.suggest_rewrite('SELECT name FROM public.customer WHERE id = $1') AS with_schema;
COMMIT;

-- Writes do what they replace.
BEGIN;
CREATE TEMPORARY TABLE expected AS TABLE purchase;
\o /dev/null
\set ECHO none
SELECT format('UPDATE expected SET total = total + %s, status = %L WHERE id = %s', i % 5, 's' || i, i * 3) FROM generate_series(1, 100) i \gexec
\set ECHO all
\o
SELECT 'PREPARE many AS ' || dbperf.suggest_rewrite('UPDATE purchase SET total = total + $1, status = $2 WHERE id = $3', 'purchase.id') \gexec
SELECT array_agg(i % 5) AS totals, array_agg('s' || i) AS states, array_agg(i * 3) AS ids FROM generate_series(1, 100) i \gset
EXECUTE many (:'totals', :'states', :'ids');
SELECT count(*) AS differences FROM (TABLE expected EXCEPT TABLE purchase) d;
SELECT count(*) AS changed FROM purchase WHERE status ~ '^s[0-9]';
SELECT 'PREPARE fill AS ' || dbperf.suggest_rewrite('INSERT INTO customer (id, name, email) VALUES ($1, $2, lower($3))') \gexec
EXECUTE fill ('{1001,1002}', '{one,two}', '{A@X,B@X}');
SELECT id, name, email FROM customer WHERE id > 1000 ORDER BY id;
SAVEPOINT refused;
EXECUTE fill ('{1003}', '{much longer than twenty characters}', '{C@X}');
ROLLBACK TO refused;
ROLLBACK;
DEALLOCATE ALL;

DROP FUNCTION suggest, doubled;
DROP TABLE purchase, customer, "Odd Table", refund;
DROP DOMAIN positive;
