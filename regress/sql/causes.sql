-- What lies between two runs: snapshots of the schema, their differences, the cause of a change.
\set SHOW_CONTEXT never
SELECT dbperf.reset();
SELECT dbperf.flush();
DELETE FROM dbperf.ddl;
DELETE FROM dbperf.schema_snapshot;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
SET client_min_messages = warning;
CREATE SCHEMA elsewhere;
CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL, note varchar(20)) WITH (fillfactor = 90);
CREATE TABLE users (id int PRIMARY KEY, email text);
CREATE TABLE elsewhere.event (id int, at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE elsewhere.event_1 PARTITION OF elsewhere.event FOR VALUES FROM (1) TO (100);
CREATE TABLE quiet (id int);
CREATE VIEW buyers AS SELECT u.email FROM users u JOIN orders o ON o.user_id = u.id;
CREATE FUNCTION price(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x';
CREATE INDEX orders_note ON orders (note);
INSERT INTO orders SELECT i, i % 100, 'x' FROM generate_series(1, 1000) i;
ANALYZE orders, users, quiet;
CREATE VIEW snapshot AS SELECT r.label, s.* FROM dbperf.schema_snapshot s JOIN dbperf.run r USING (project, run_id) WHERE s.database = current_database();
CREATE VIEW changes AS SELECT kind, name, relation, change, sentence FROM dbperf.schema_changes('before', 'after');

-- Taken when a run is finished, of the databases it saw.
SELECT dbperf.start_run('before') IS NOT NULL AS started;
SELECT count(*) FROM orders;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT o.kind, d.key AS name, d.value -> 'relations' AS relations,
       CASE o.kind WHEN 'view' THEN 'as the server prints it' ELSE d.value ->> 'definition' END AS definition
  FROM snapshot s, jsonb_each(s.schema) o(kind, objects), jsonb_each(o.objects) d
 WHERE o.kind NOT IN ('setting', 'size') AND NOT d.key IN ('snapshot', 'changes') ORDER BY o.kind, d.key COLLATE "C";
SELECT (schema #> '{size,orders}') - 'pages'::text AS size, schema #> '{setting,work_mem}' AS setting, database_id = (SELECT oid FROM pg_database WHERE datname = current_database()) AS same FROM snapshot;

-- Nothing happened.
SELECT dbperf.start_run('after') IS NOT NULL AS started;
SELECT count(*) FROM orders;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT * FROM changes;
SELECT dbperf.cause_of('before', 'after', '{orders}');

-- Much happened.
-- a comment
CREATE INDEX orders_user
    ON orders (user_id);
DROP INDEX orders_note;
CREATE INDEX passing ON users (email);
DROP INDEX passing;
ALTER TABLE orders ALTER COLUMN note TYPE text;
CREATE STATISTICS together ON id, user_id FROM orders;
CREATE OR REPLACE VIEW buyers AS SELECT u.email FROM users u;
ALTER FUNCTION price VOLATILE;
CREATE UNIQUE INDEX event_id ON elsewhere.event (id);
INSERT INTO orders SELECT i, i, 'x' FROM generate_series(1001, 12000) i;
ANALYZE orders;
VACUUM quiet;
SELECT dbperf.start_run('after') IS NOT NULL AS started;
SELECT count(*) FROM orders;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT * FROM changes;
SELECT dbperf.cause_of('before', 'after', '{orders}') AS orders, dbperf.cause_of('before', 'after', '{orders,orders_user}') AS by_new_index, dbperf.cause_of('before', 'after', '{orders,orders_note}') AS by_old_index;
SELECT dbperf.cause_of('before', 'after', '{users}') AS users, dbperf.cause_of('before', 'after', '{price}') AS price;
SELECT dbperf.cause_of('before', 'after', '{event_1}') AS partition, dbperf.cause_of('before', 'after', '{quiet}') AS quiet, dbperf.cause_of('before', 'after', '{unknown}') AS unknown;
SELECT dbperf.cause_of('before', 'after', '{}') AS of_nothing, dbperf.cause_of('before', 'after', NULL) AS of_null;
-- The other way round.
SELECT dbperf.cause_of('after', 'before', '{orders,orders_note}') AS reversed;
SELECT sentence FROM dbperf.schema_changes('after', 'before') WHERE name = 'orders_user';
-- Without the log the schemas speak, and without them the sizes.
DELETE FROM dbperf.ddl;
SELECT dbperf.cause_of('before', 'after', '{orders}');
UPDATE dbperf.schema_snapshot SET schema = jsonb_build_object('size', schema -> 'size');
SELECT dbperf.cause_of('before', 'after', '{orders}') AS grew, dbperf.cause_of('after', 'before', '{orders}') AS shrank;

-- Settings touch everything; by whom they were set is told.
SELECT dbperf.start_run('before') IS NOT NULL AS started;
SELECT count(*) FROM orders;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT current_database() AS database \gset
ALTER DATABASE :"database" SET random_page_cost = 77;
SELECT dbperf.start_run('after') IS NOT NULL AS started;
SELECT count(*) FROM orders;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
ALTER DATABASE :"database" RESET random_page_cost;
SELECT * FROM changes;
SELECT dbperf.cause_of('before', 'after', '{orders}') = format('ALTER DATABASE "%s" SET random_page_cost = 77', current_database()) AS by_ddl;
DELETE FROM dbperf.ddl;
SELECT dbperf.cause_of('before', 'after', '{}');

-- Only the log is there when the database was gone.
CREATE INDEX orders_id_user ON orders (id, user_id);
SELECT dbperf.start_run('after') IS NOT NULL AS started;
SELECT count(*) FROM orders;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
DELETE FROM dbperf.schema_snapshot;
SELECT dbperf.cause_of('before', 'after', '{orders}') AS orders, dbperf.cause_of('before', 'after', '{users}') AS users;

-- By hand, in a run.
SELECT dbperf.take_snapshot();
SELECT dbperf.start_run('by hand') IS NOT NULL AS started;
SELECT dbperf.take_snapshot();
SELECT label, schema #>> '{index,orders_user,definition}' AS definition FROM snapshot;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT * FROM dbperf.schema_changes('before', 'never');

DROP VIEW snapshot, changes, buyers;
DROP FUNCTION price;
DROP TABLE orders, users, quiet;
DROP SCHEMA elsewhere CASCADE;
SELECT dbperf.flush();
DELETE FROM dbperf.ddl;
DELETE FROM dbperf.schema_snapshot;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
