-- What is counted as one call, with which rows, at which level.
CREATE TABLE item (id int PRIMARY KEY, name text);
INSERT INTO item SELECT i, 'name ' || i FROM generate_series(1, 100) i;
CREATE VIEW seen AS
    SELECT top_level AS top, calls, rows, aborted, query FROM dbperf.statements
     WHERE database = current_database() AND run IS NULL ORDER BY top_level DESC, query COLLATE "C";

-- Rows of every command.
SELECT dbperf.reset();
\o /dev/null
SELECT id FROM item WHERE id <= 10;
SELECT id FROM item WHERE id <= 20;
TABLE item;
VALUES (1), (2), (3);
\o
INSERT INTO item VALUES (101, 'a'), (102, 'b');
UPDATE item SET name = name WHERE id > 95;
DELETE FROM item WHERE id > 100;
INSERT INTO item VALUES (1, 'x') ON CONFLICT DO NOTHING;
INSERT INTO item VALUES (101, 'x') RETURNING id;
WITH gone AS (DELETE FROM item WHERE id = 101 RETURNING id) SELECT count(*) FROM gone;
MERGE INTO item i USING (VALUES (1, 'one'), (200, 'new')) v(id, name) ON i.id = v.id
 WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.name);
DELETE FROM item WHERE id = 200;
SELECT * FROM seen;

-- Utility statements; COPY tells its rows.
SELECT dbperf.reset();
CREATE TABLE made AS SELECT id FROM item WHERE id <= 7;
CREATE TABLE blank (id int);
COPY blank FROM stdin;
1
2
3
\.
COPY blank TO stdout;
COPY (SELECT id FROM blank WHERE id > 1) TO stdout;
SELECT id INTO made_too FROM item WHERE id <= 4;
CREATE MATERIALIZED VIEW stored AS SELECT id FROM blank;
REFRESH MATERIALIZED VIEW stored;
SET work_mem = '1MB';
RESET work_mem;
VACUUM blank;
ANALYZE blank;
DROP MATERIALIZED VIEW stored;
DROP TABLE made, made_too, blank;
SELECT * FROM seen WHERE top;

-- A cursor fetched in pieces is one call with all rows, as is one that is left early or held.
SELECT dbperf.reset();
BEGIN;
DECLARE pieces CURSOR FOR SELECT id AS pieces FROM item;
\o /dev/null
FETCH 10 FROM pieces;
FETCH 10 FROM pieces;
FETCH ALL FROM pieces;
FETCH ALL FROM pieces;
\o
CLOSE pieces;
DECLARE early CURSOR FOR SELECT id AS early FROM item;
\o /dev/null
FETCH 10 FROM early;
\o
COMMIT;
BEGIN;
DECLARE held NO SCROLL CURSOR WITH HOLD FOR SELECT id AS held FROM item;
\o /dev/null
FETCH 10 FROM held;
\o
COMMIT;
\o /dev/null
FETCH 10 FROM held;
\o
CLOSE held;
BEGIN;
DECLARE untouched CURSOR FOR SELECT id AS untouched FROM item;
COMMIT;
SELECT * FROM seen WHERE query LIKE 'SELECT%';

-- FETCH_COUNT makes psql use a cursor.
SELECT dbperf.reset();
\set FETCH_COUNT 7
\o /dev/null
SELECT id FROM item WHERE id <= 50;
\o
\unset FETCH_COUNT
SELECT * FROM seen WHERE query LIKE 'SELECT%';

-- Errors are counted as aborted, where they were raised at execution; a savepoint changes nothing in that.
SELECT dbperf.reset();
SELECT id / 0 FROM item;
SELECT nothing FROM item;
SELECT FROM WHERE;
INSERT INTO item VALUES (1, 'duplicate');
BEGIN;
SAVEPOINT s;
INSERT INTO item VALUES (2, 'duplicate');
ROLLBACK TO s;
SELECT count(*) FROM item;
RELEASE s;
SELECT id FROM item LIMIT 1;
ROLLBACK;
CREATE TABLE item (id int);
DROP TABLE missing;
SELECT * FROM seen;

-- A deferred error is raised after the COMMIT that it undoes.
SELECT dbperf.reset();
CREATE TABLE late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
BEGIN;
INSERT INTO late VALUES (1), (1);
COMMIT;
DROP TABLE late;
SELECT * FROM seen;

-- Roles have statistics of their own.
SELECT dbperf.reset();
CREATE ROLE regress_dbperf_reader;
GRANT SELECT ON item TO regress_dbperf_reader;
SELECT id FROM item WHERE id = 1;
SET ROLE regress_dbperf_reader;
SELECT id FROM item WHERE id = 1;
SELECT id FROM item WHERE id = 2;
RESET ROLE;
SELECT role = current_user AS mine, CASE WHEN role <> current_user THEN role END AS role, calls
  FROM dbperf.statements WHERE query LIKE 'SELECT id FROM item%' AND database = current_database() ORDER BY 1 DESC;
DROP OWNED BY regress_dbperf_reader;
DROP ROLE regress_dbperf_reader;
SELECT CASE WHEN role = current_user THEN '' ELSE role END AS role, calls
  FROM dbperf.statements WHERE query LIKE 'SELECT id FROM item%' AND database = current_database() ORDER BY 1;

-- Names are given to what the client sends, and are part of the identity.
SELECT dbperf.reset();
SET dbperf.query_name = 'first';
SELECT id FROM item WHERE id = 1;
SELECT id FROM item WHERE id = 1;
SET dbperf.query_name = 'second';
SELECT id FROM item WHERE id = 1;
RESET dbperf.query_name;
SELECT id FROM item WHERE id = 1;
SELECT query_name, calls, query FROM dbperf.statements
 WHERE database = current_database() AND run IS NULL ORDER BY query_name NULLS FIRST;
SET dbperf.query_name = 'much too long much too long much too long much too long much too long much too long much too long much too long much too long much too long much too long';

-- Budgets: an execution over the setting counts.
SELECT dbperf.reset();
SET dbperf.budget = 10000;
SELECT id FROM item WHERE id = 1;
SET dbperf.budget = 0.001;
SELECT count(*) FROM item, generate_series(1, 100);
RESET dbperf.budget;
SELECT calls, over_budget, budget_ms, query FROM dbperf.statements
 WHERE database = current_database() AND query LIKE 'SELECT%' ORDER BY query COLLATE "C";

-- Times and blocks hang together.
SELECT bool_and(min_ms > 0 AND min_ms <= p50_ms AND p50_ms <= p95_ms AND p95_ms <= p99_ms AND p99_ms <= max_ms) AS quantiles,
       bool_and(abs(mean_ms * calls - total_ms) < 1e-6 AND total_ms BETWEEN max_ms AND max_ms * calls) AS sums,
       bool_and(shared_blks_hit + shared_blks_read > 0) AS blocks, bool_and(temp_blks_written = 0) AS temp,
       bool_and(plans > 0 AND planning_ms > 0) AS planning
  FROM dbperf.statements WHERE database = current_database() AND query LIKE 'SELECT%';

-- The threshold of slow statements is read once a query, not once a row.
BEGIN;
SET LOCAL track_functions = 'all';
SET LOCAL dbperf.slow_query_threshold = 0;
SELECT count(*) > 2 AS slow FROM dbperf.slow_statements;
SELECT pg_stat_get_xact_function_calls('dbperf.slow_query_threshold_ms()'::regprocedure) AS calls;
SET LOCAL dbperf.slow_query_threshold = -1;
SELECT count(*) AS off FROM dbperf.slow_statements;
ROLLBACK;

-- Switched off, nothing is seen.
SELECT dbperf.reset();
SET dbperf.enabled = off;
SELECT id FROM item WHERE id = 1;
PREPARE across AS SELECT id FROM item WHERE id = 2;
BEGIN;
DECLARE across CURSOR FOR SELECT id FROM item;
RESET dbperf.enabled;
SELECT * FROM seen;
FETCH 1 FROM across;
COMMIT;
EXECUTE across;
SET dbperf.enabled = off;
EXECUTE across;
RESET dbperf.enabled;
SELECT * FROM seen WHERE query LIKE 'SELECT%';
DEALLOCATE ALL;

SELECT dbperf.reset();
DROP VIEW seen;
DROP TABLE item;
