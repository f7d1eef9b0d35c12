-- Indexes that a workload should have, by plans alone.
\set VERBOSITY terse
CREATE SCHEMA advised;
SET search_path = advised, public;
CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL, "Home Town" text, active boolean NOT NULL);
INSERT INTO customers SELECT i, 'user' || i || '@example.org', 'town ' || i % 50, i % 500 <> 0 FROM generate_series(1, 20000) i;
CREATE TABLE sales (id bigint PRIMARY KEY, customer int NOT NULL REFERENCES customers, placed timestamptz NOT NULL,
                    status text NOT NULL, amount int NOT NULL, tags text[] NOT NULL, detail jsonb NOT NULL);
INSERT INTO sales SELECT i, i % 2000 + 1, timestamptz '2026-01-01 00:00+00' + i * interval '7 min',
                         CASE WHEN i % 1000 = 0 THEN 'pending' ELSE 'done' END, i * 7919 % 10007, ARRAY['t' || i % 997],
                         jsonb_build_object('k', i % 5000)
                    FROM generate_series(1, 40000) i;
CREATE TABLE few (id int PRIMARY KEY, name text);
INSERT INTO few SELECT i, 'n' || i FROM generate_series(1, 50) i;
CREATE TABLE days (day date NOT NULL, id int NOT NULL, value int NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE "days 1" PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE other (value int NOT NULL, id int NOT NULL, day date NOT NULL);
ALTER TABLE days ATTACH PARTITION other FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
INSERT INTO days SELECT date '2026-01-01' + i % 58, i, i % 4000 FROM generate_series(1, 40000) i;
VACUUM ANALYZE;

-- Advice on statements in this search_path, by the caller.
CREATE FUNCTION advice(statements text[], calls float8[] DEFAULT '{}', most int DEFAULT NULL, bytes bigint DEFAULT NULL, who text DEFAULT current_user) RETURNS jsonb
LANGUAGE sql AS $$
    SELECT dbperf.plan_index_advice(array_agg('q' || n ORDER BY n),
               array_agg(dbperf.captured_request(who, '{}', 'advised, public', s, NULL, NULL) ORDER BY n), calls, '{}', most, bytes)
      FROM unnest(statements) WITH ORDINALITY u(s, n)
$$;
CREATE FUNCTION indexes(statements text[], calls float8[] DEFAULT '{}', most int DEFAULT NULL, bytes bigint DEFAULT NULL) RETURNS SETOF text
LANGUAGE sql AS $$
    SELECT i ->> 'ddl' FROM jsonb_array_elements(advice(statements, calls, most, bytes) -> 'indexes') i ORDER BY 1
$$;
CREATE FUNCTION reasons(VARIADIC statements text[]) RETURNS SETOF text
LANGUAGE sql AS $$
    SELECT concat_ws(': ', s ->> 'reason', s ->> 'detail') FROM jsonb_array_elements(advice(statements) -> 'statements') s
$$;

-- Each kind of condition. From 19 on the planner counts one page less of a small index, so the one of the few rows alone is
-- cheaper there than the whole column's; before, it is dearer.
SELECT q AS query, regexp_replace(indexes(ARRAY[q]), ' WHERE \(NOT active\)$', '') AS indexes FROM (VALUES
    (1, 'SELECT * FROM sales WHERE customer = $1'),
    (2, 'SELECT id, amount FROM sales WHERE customer = $1 ORDER BY placed DESC LIMIT 10'),
    (3, 'SELECT * FROM sales ORDER BY amount, placed DESC LIMIT 5'),
    (4, 'SELECT * FROM sales WHERE amount BETWEEN 10 AND 12'),
    (5, 'SELECT * FROM customers WHERE lower(email) = $1'),
    (6, 'SELECT * FROM customers WHERE "Home Town" = ''town 7'' AND email = $1'),
    (7, 'SELECT * FROM customers WHERE NOT active'),
    (8, 'SELECT * FROM sales WHERE status = ''pending'''),
    (9, 'SELECT * FROM sales WHERE tags @> ARRAY[''t5'']'),
    (10, 'SELECT * FROM customers WHERE email LIKE ''user77%'''),
    (11, 'SELECT * FROM sales WHERE amount = ANY ($1) AND customer = $2'),
    (12, 'SELECT * FROM sales WHERE customer = 5 OR amount = 70'),
    (13, 'SELECT c.email FROM customers c WHERE c.id = 7 AND EXISTS (SELECT FROM sales s WHERE s.customer = c.id)'),
    (14, 'SELECT max(placed) FROM sales WHERE customer = $1'),
    (15, 'DELETE FROM customers WHERE id = $1'),
    (16, 'SELECT * FROM days WHERE value = $1'),
    (17, 'WITH s AS (SELECT * FROM sales) SELECT * FROM s JOIN customers c ON c.id = s.customer WHERE s.amount = 70')) v(n, q) ORDER BY n;

-- What is printed is what can be said.
CREATE FUNCTION build(statements text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    count int := 0;
BEGIN
    FOR statement IN SELECT i ->> 'build' FROM jsonb_array_elements(advice(statements) -> 'indexes') i LOOP
        EXECUTE statement;
        count := count + 1;
    END LOOP;
    RETURN count || ' built';
END
$$;
BEGIN;
SELECT build(ARRAY['SELECT * FROM customers WHERE lower(email) = $1', 'SELECT * FROM customers WHERE "Home Town" = $1',
                   'SELECT * FROM sales WHERE tags @> ARRAY[''t5'']', 'SELECT * FROM days WHERE value = $1']);
ANALYZE;
SELECT reasons('SELECT * FROM customers WHERE lower(email) = $1', 'SELECT * FROM customers WHERE "Home Town" = $1');
ROLLBACK;

-- One index for several statements; none for what pays more in writes than it gains; no more than asked for.
SELECT indexes(ARRAY['SELECT * FROM sales WHERE customer = $1', 'SELECT * FROM sales WHERE customer = $1 AND amount = $2', 'SELECT * FROM sales WHERE customer = $1 AND amount > 10000']);
SELECT indexes(ARRAY['SELECT * FROM sales WHERE amount = $1', 'UPDATE sales SET amount = amount + 1 WHERE id = $1'], '{1,1000000}');
SELECT indexes(ARRAY['SELECT * FROM sales WHERE amount = $1', 'SELECT * FROM customers WHERE email = $1'], '{10,1}', 1);
SELECT count(*) FROM indexes(ARRAY['SELECT * FROM sales WHERE amount = $1', 'SELECT * FROM customers WHERE email = $1'], '{1,1}', NULL, 8192);

-- Why there is none.
SELECT q AS query, reasons(q) FROM (VALUES
    (1, 'SELECT * FROM few WHERE name = $1'),
    (2, 'SELECT * FROM sales WHERE id = $1'),
    (3, 'SELECT count(*) FROM sales'),
    (4, 'SELECT * FROM sales WHERE status <> ''pending'''),
    (5, 'SELECT * FROM sales WHERE amount::text = $1'),
    (6, 'SELECT * FROM sales WHERE amount > 5'),
    (7, 'SELECT * FROM nowhere'),
    (8, 'VACUUM sales'),
    (9, 'SELECT 1; SELECT 2'),
    (10, 'SELECT * FROM sales WHERE amount = $1 AND 1 / 0 = 1')) v(n, q) ORDER BY n;

-- Functions are planned and executed while a statement is planned; they see no index that is not there.
CREATE FUNCTION counted() RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT count(*) FROM advised.sales WHERE customer = 5); END $$;
SELECT indexes(ARRAY['SELECT * FROM sales WHERE customer = 5 AND amount > counted()']);
SELECT counted();
-- A view, and what is in it.
CREATE VIEW recent AS SELECT s.*, c.email FROM sales s JOIN customers c ON c.id = s.customer;
SELECT indexes(ARRAY['SELECT email FROM recent WHERE amount = $1']);

-- Nobody learns of what he may not read, nor has text executed as somebody else.
CREATE ROLE advised_clerk;
CREATE ROLE advised_guest;
GRANT USAGE ON SCHEMA advised TO advised_clerk, advised_guest;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA advised TO advised_clerk, advised_guest;
GRANT SELECT ON sales TO advised_clerk;
SET ROLE advised_clerk;
SELECT indexes(ARRAY['SELECT * FROM sales WHERE amount = $1']);
SELECT reasons('SELECT * FROM customers WHERE email = $1');
SELECT s ->> 'detail' FROM jsonb_array_elements(advice(ARRAY['SELECT * FROM sales WHERE amount = $1'], who => 'advised_guest') -> 'statements') s;
SELECT count(*) FROM dbperf.index_review() WHERE relation LIKE 'advised.%';
RESET ROLE;
-- A function of that role has that role's rights.
GRANT CREATE ON SCHEMA advised TO advised_clerk;
SET ROLE advised_clerk;
CREATE FUNCTION leave() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM set_config('role', 'postgres', false); RETURN 1; END $$;
SELECT s ->> 'detail' FROM jsonb_array_elements(advice(ARRAY['SELECT * FROM sales WHERE amount = leave()']) -> 'statements') s;
RESET ROLE;
SELECT s ->> 'detail' FROM jsonb_array_elements(advice(ARRAY['SELECT * FROM sales WHERE amount = leave()'], who => 'advised_clerk') -> 'statements') s;

-- What is there and not needed.
CREATE INDEX sales_customer ON sales (customer);
CREATE INDEX sales_customer_placed ON sales (customer, placed);
CREATE INDEX sales_customer_placed_too ON sales (customer, placed);
CREATE INDEX sales_placed_back ON sales (placed DESC NULLS LAST);
CREATE INDEX sales_placed ON sales (placed, id);
CREATE INDEX sales_pending ON sales (customer) WHERE status = 'pending';
CREATE INDEX sales_hash ON sales USING hash (customer);
CREATE UNIQUE INDEX sales_unique ON sales (customer, id);
CREATE UNIQUE INDEX customers_email ON customers (email);
CREATE INDEX customers_email_pattern ON customers (email text_pattern_ops);
CREATE INDEX customers_email_too ON customers (email);
CREATE INDEX few_names ON few (name);
CREATE INDEX few_names_id ON few (name, id);
CLUSTER few USING few_names;
SELECT verdict, index_name, of_index, ddl, reason FROM dbperf.index_review() WHERE relation IN ('sales', 'customers', 'few', 'days');
SELECT relation, constraint_name, ddl FROM dbperf.foreign_keys_without_index() WHERE relation = 'sales';
DROP INDEX sales_customer, sales_customer_placed, sales_customer_placed_too, sales_unique;
SELECT relation, constraint_name, referenced, ddl, reason LIKE 'each row that is deleted from customers%' AS reason FROM dbperf.foreign_keys_without_index() WHERE relation = 'sales';

-- Of a run, with parameters and without.
DROP INDEX sales_hash, sales_pending;
SELECT dbperf.start_run('advised') IS NOT NULL;
PREPARE by_amount(int) AS SELECT id FROM sales WHERE amount = $1;
EXECUTE by_amount(70);
SELECT count(*) FROM sales WHERE customer = 5;
SELECT count(*) FROM sales WHERE id = 5;
SELECT dbperf.finish_run() IS NOT NULL;
SELECT kind, name, ddl, regexp_replace(reason, '\d+ pages', 'N pages') AS reason FROM dbperf.index_advice('advised') WHERE relation IN ('advised.sales', 'sales') ORDER BY kind COLLATE "C", name COLLATE "C";
SELECT dbperf.index_advice('no such run');
SELECT dbperf.reset();
SET client_min_messages = warning;
DROP OWNED BY advised_clerk, advised_guest;
DROP SCHEMA advised CASCADE;
DROP ROLE advised_clerk, advised_guest;
