-- Parameters of statements in runs, kept to execute them again.
SELECT dbperf.reset();
SHOW dbperf.keep_parameters;
SHOW dbperf.max_parameter_sets;
CREATE TABLE item (id int PRIMARY KEY, name text, price numeric, tags text[], at timestamptz, ok boolean, raw bytea, score float8);
INSERT INTO item SELECT i, 'name ' || i FROM generate_series(1, 100) i;
CREATE VIEW kept AS SELECT query_name, statement, parameter_types AS types, parameter_values AS values, calls, left_out FROM dbperf.workload;

-- Nothing is kept unless somebody wants it, and nothing outside runs.
SELECT dbperf.start_run('off') IS NOT NULL AS started;
SELECT name FROM item WHERE id = 1;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SET dbperf.keep_parameters = on;
SELECT name FROM item WHERE id = 2;
SELECT dbperf.flush();
SELECT count(*) FROM dbperf.workload;
SELECT query, reason FROM dbperf.unkept_statements('off');

-- Values of all kinds, as texts that any session reads back whatever its settings are.
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = -3;
SET timezone = 'UTC';
SELECT dbperf.start_run('types') IS NOT NULL AS started;
PREPARE types (int, text, numeric, text[], timestamptz, boolean, bytea, float8, interval, date) AS
    SELECT count(*) AS types FROM item WHERE id = $1 AND name = $2 AND price = $3 AND tags = $4 AND at = $5 AND ok = $6 AND raw = $7 AND score = $8 AND at + $9 > $10;
EXECUTE types (1, 'it''s "quoted" \ $1', 12.50, ARRAY['a', 'b,c', NULL, '"d"'], '2026-03-04 05:06:07.89+02', true, '\x00ff', 0.30000000000000004, '1 day 02:03:04', '2026-03-04');
EXECUTE types (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
EXECUTE types (2, '', 'NaN', '{}', 'infinity', false, '', 'Infinity', '0', '-infinity');
SELECT dbperf.finish_run() IS NOT NULL AS finished;
RESET datestyle;
RESET intervalstyle;
RESET extra_float_digits;
SELECT statement, types FROM kept GROUP BY 1, 2;
SELECT v.number, array_agg(v.value ORDER BY k.values[2]) AS values
  FROM kept k, unnest(k.values) WITH ORDINALITY v(value, number) GROUP BY 1 ORDER BY 1;
RESET timezone;

-- Constants stay where they were written; what differs only by what a comment says is the same; each is counted.
DELETE FROM dbperf.parameter_set;
SELECT dbperf.start_run('constants') IS NOT NULL AS started;
SELECT name FROM item WHERE id = 5 /*traceparent='00-0123456789abcdef0123456789abcdef-0123456789abcdef-01'*/;
SELECT name   FROM item WHERE id = 5 /*traceparent='00-fedcba9876543210fedcba9876543210-0123456789abcdef-01'*/;
SELECT name FROM item WHERE id = -5;
SELECT 'one' AS a \; SELECT 'two' AS b;
SELECT name FROM item WHERE id IN (1, 2);
SELECT name FROM item WHERE id IN (1, 2, 3) ORDER BY id;
UPDATE item SET name = 'it''s' WHERE id = 7;
INSERT INTO item (id) VALUES (1000);
BEGIN;
DECLARE of_items CURSOR FOR SELECT id FROM item WHERE id < 3 ORDER BY id;
FETCH ALL FROM of_items;
COMMIT;
SET dbperf.query_name = 'named';
SELECT name FROM item WHERE id = 6;
RESET dbperf.query_name;
SELECT dbperf.flush();
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT query_name, statement, types, values, calls FROM kept ORDER BY statement COLLATE "C";
SELECT query, reason FROM dbperf.unkept_statements('constants');

-- Not kept: what fails, what runs below a statement, utility statements.
DELETE FROM dbperf.parameter_set;
CREATE FUNCTION below() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM item WHERE name = 'below'); END $$;
SELECT dbperf.start_run('others') IS NOT NULL AS started;
SELECT below();
SELECT 1 / (id - 7) FROM item WHERE id = 7;
CREATE TABLE copied AS SELECT id FROM item;
\o /dev/null
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) UPDATE item SET name = name WHERE false;
\o
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT statement, calls FROM kept ORDER BY statement COLLATE "C";

-- Of many different sets as many as dbperf.max_parameter_sets, whatever their order; the same ones each time.
DELETE FROM dbperf.parameter_set;
PREPARE one (int) AS SELECT name AS many FROM item WHERE id = $1;
\set ECHO none
\o /dev/null
SELECT dbperf.start_run('many') IS NOT NULL AS started;
SELECT format('EXECUTE one (%s)', i) FROM generate_series(1, 500) i \gexec
SELECT format('EXECUTE one (%s)', i) FROM generate_series(1, 500) i \gexec
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT dbperf.start_run('many again') IS NOT NULL AS started;
SELECT format('EXECUTE one (%s)', i) FROM generate_series(500, 1, -1) i \gexec
SELECT dbperf.finish_run() IS NOT NULL AS finished;
\o
\set ECHO all
SELECT run, count(*), min(calls), max(calls), max(parameter_set), max(parameter_values[1]::int) > 100 AS late_ones FROM dbperf.workload WHERE statement ~ 'many' GROUP BY 1 ORDER BY 1;
SELECT array_agg(parameter_values ORDER BY parameter_set) FILTER (WHERE run = 'many') = array_agg(parameter_values ORDER BY parameter_set) FILTER (WHERE run = 'many again') AS same
  FROM dbperf.workload WHERE statement ~ 'many';

-- Another search path is another set.
DELETE FROM dbperf.parameter_set;
CREATE SCHEMA tenant;
CREATE TABLE tenant.item (id int);
SELECT dbperf.start_run('paths') IS NOT NULL AS started;
SELECT count(id) FROM item WHERE id = 1;
SET search_path = tenant, public;
SELECT count(id) FROM item WHERE id = 1;
RESET search_path;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT statement, search_path, calls FROM dbperf.workload ORDER BY search_path COLLATE "C";

-- What is too long is left out, named, and counted.
DELETE FROM dbperf.parameter_set;
SELECT dbperf.start_run('long') IS NOT NULL AS started;
PREPARE long (text) AS SELECT count(*) AS long FROM item WHERE name = $1;
SELECT format('EXECUTE long (%L)', repeat('x', 20000)) AS statement \gset
:statement;
SELECT format('SELECT count(*) AS constant FROM item WHERE name = %L', repeat('x', 20000)) AS statement \gset
:statement;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT query, statement, types, values, calls, left_out FROM dbperf.workload w, LATERAL (SELECT w.parameter_types, w.parameter_values) v(types, values)
 WHERE query ~ ' AS (long|constant)' ORDER BY query COLLATE "C";
SELECT query, reason FROM dbperf.unkept_statements('long') ORDER BY query COLLATE "C";
SELECT item, value FROM dbperf.status() WHERE item IN ('dropped_parameters', 'left_out_parameters');

-- Who may turn it on, and who may see.
CREATE ROLE regress_dbperf_workload;
SET ROLE regress_dbperf_workload;
SET dbperf.keep_parameters = off;
SELECT count(*) FROM dbperf.workload;
SELECT count(*) FROM dbperf.parameter_set;
RESET ROLE;
DROP ROLE regress_dbperf_workload;

RESET dbperf.keep_parameters;
DROP VIEW kept;
DROP TABLE item, copied;
DROP SCHEMA tenant CASCADE;
DROP FUNCTION below;
DEALLOCATE ALL;
DELETE FROM dbperf.parameter_set;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.plan_node;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.schema_snapshot;
DELETE FROM dbperf.run;
