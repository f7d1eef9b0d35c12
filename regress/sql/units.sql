-- Units of work: what they are counted by, their names, their bounds, and who may see them.
SELECT dbperf.reset();
CREATE TABLE shelf (id int PRIMARY KEY, name text);
INSERT INTO shelf SELECT i, 'shelf ' || i FROM generate_series(1, 20) i;

SELECT dbperf.start_run('units') IS NOT NULL AS started;
SELECT count(*) FROM shelf; -- of no unit
SET dbperf.scope = 'GET /shelves';
SELECT count(*) FROM shelf WHERE id < 5;
SELECT name FROM shelf WHERE id = 1;
SELECT name FROM shelf WHERE id = 2;
-- The same name again is another occurrence; what only steers the session is no statement of it.
SET dbperf.scope = 'GET /shelves';
BEGIN;
SAVEPOINT a;
SELECT name FROM shelf WHERE id = 3;
SHOW dbperf.scope;
ROLLBACK TO a;
COMMIT;
SET dbperf.scope = 'POST /shelves';
INSERT INTO shelf VALUES (100, 'new'), (101, 'newer');
-- What fails was a statement, too.
INSERT INTO shelf VALUES (100, 'again');
SELECT 1 / 0 AS failed;
-- Cursors are counted by their query, once; what carries a statement is not.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM shelf WHERE id < 100 ORDER BY id;
FETCH 3 FROM c;
FETCH 2 FROM c;
CLOSE c;
COMMIT;
PREPARE by_id(int) AS SELECT name FROM shelf WHERE id = $1;
EXECUTE by_id(4);
EXECUTE by_id(5);
DO $$ BEGIN PERFORM 1 FROM shelf; PERFORM 2 FROM shelf; END $$;
CREATE TEMP TABLE copied AS SELECT * FROM shelf;
SET dbperf.scope = '';
SELECT count(*) FROM shelf; -- of no unit
-- Under way.
SELECT run, unit, occurrences, statements, statements_min, statements_median, statements_max, distinct_statements_min AS distinct_min,
       distinct_statements_max AS distinct_max, rows, rows_min, rows_max, findings, overflow
  FROM dbperf.units ORDER BY unit COLLATE "C";
SELECT unit, exec_ms > 0 AND exec_ms_min > 0 AND exec_ms_min <= exec_ms_median AND exec_ms_median <= exec_ms_max AND exec_ms_max <= exec_ms AS exec,
       wait_ms >= wait_ms_max AND wait_ms_min <= wait_ms_median AND wait_ms_median <= wait_ms_max AND wait_ms_max > 0 AS wait,
       first_at BETWEEN now() - interval '1 hour' AND now() AS first_at
  FROM dbperf.units ORDER BY unit COLLATE "C";
-- An occurrence that is not over is one; and it is what is stored when the run ends meanwhile.
SET dbperf.scope = 'job';
SELECT name FROM shelf WHERE id = 6;
SELECT unit, occurrences, statements FROM dbperf.units WHERE unit = 'job';
SELECT dbperf.finish_run('units') IS NOT NULL AS finished;
SELECT name FROM shelf WHERE id = 7; -- of no run
SET dbperf.scope = '';
SELECT run, unit, occurrences, statements, statements_min, statements_median, statements_max, distinct_statements_min AS distinct_min,
       distinct_statements_median AS distinct_median, distinct_statements_max AS distinct_max, rows, rows_median, findings, overflow
  FROM dbperf.units ORDER BY unit COLLATE "C";

-- A function may set the name, too: the statement that calls it is none of the unit. A name of a transaction ends with it.
SELECT dbperf.start_run('functions') IS NOT NULL AS started;
SELECT set_config('dbperf.scope', 'function', false);
SELECT 1 AS one;
SELECT 2 AS two;
SELECT set_config('dbperf.scope', 'function', false);
SELECT 1 AS one;
SELECT set_config('dbperf.scope', '', false);
SELECT 1 AS of_no_unit;
BEGIN;
SET LOCAL dbperf.scope = 'local';
SELECT 1 AS one;
SELECT 2 AS two;
COMMIT;
SELECT 1 AS of_no_unit;
BEGIN;
SET dbperf.scope = 'rolled back';
SELECT 1 AS one;
ROLLBACK;
SELECT 1 AS of_no_unit;
SELECT dbperf.finish_run('functions') IS NOT NULL AS finished;
SELECT unit, occurrences, statements, statements_min, statements_max FROM dbperf.units WHERE run = 'functions' ORDER BY unit COLLATE "C";

-- Outside runs nothing is counted.
SET dbperf.scope = 'nowhere';
SELECT 1;
SET dbperf.scope = '';
SELECT count(*) FROM dbperf.units WHERE unit = 'nowhere';

-- Findings in it. Requests that differ in a number are one unit to a finding.
SELECT dbperf.start_run('loops') IS NOT NULL AS started;
SET dbperf.scope = 'GET /loops/17';
SELECT id FROM shelf WHERE id <= 8 ORDER BY id;
SELECT name FROM shelf WHERE id = 1;
SELECT name FROM shelf WHERE id = 2;
SELECT name FROM shelf WHERE id = 3;
SELECT name FROM shelf WHERE id = 4;
SELECT name FROM shelf WHERE id = 5;
SELECT name FROM shelf WHERE id = 6;
SELECT name FROM shelf WHERE id = 7;
SELECT name FROM shelf WHERE id = 8;
SET dbperf.scope = 'GET /calm';
SELECT 1 AS calm;
SET dbperf.scope = '';
SELECT dbperf.finish_run('loops') IS NOT NULL AS finished;
SELECT unit, statements, distinct_statements_max, findings FROM dbperf.units WHERE run = 'loops' ORDER BY unit COLLATE "C";
SELECT scope, kind, confidence FROM dbperf.n_plus_one WHERE run = 'loops';

-- Budgets.
SELECT dbperf.set_unit_budget('GET /*', 'statements', 8);
SELECT dbperf.set_unit_budget('GET /calm', 'statements', 1);
SELECT dbperf.set_unit_budget('GET /*', 'distinct_statements', 50);
SELECT dbperf.set_unit_budget('GET /*', 'exec_ms', 1e9);
SELECT dbperf.set_unit_budget('POST /?helves', 'rows', 0);
SELECT pattern, metric, budget FROM dbperf.unit_budgets ORDER BY 1, 2;
SELECT unit, metric, pattern, budget, verdict, CASE WHEN metric NOT LIKE '%ms' THEN reason END AS reason
  FROM dbperf.unit_budget_violations('loops') ORDER BY unit COLLATE "C", metric, pattern;
SELECT kind, severity, gate, query, reason, details ->> 'unit' AS unit, details ->> 'metric' AS metric
  FROM dbperf.findings WHERE run = 'loops' AND kind = 'budget';
SELECT kind, query, reason FROM dbperf.failures('loops') WHERE kind = 'budget';
SELECT unit, findings FROM dbperf.units WHERE run = 'loops' ORDER BY unit COLLATE "C";
SELECT dbperf.finding_key(kind, query, details) - 'statement' AS key FROM dbperf.findings WHERE run = 'loops' AND kind = 'budget';
-- Given ones stand above those that are stored.
SELECT kind, query, reason FROM dbperf.failures('loops', unit_budgets => '{"GET /*": {"statements": 99}}') WHERE kind = 'budget';
SELECT kind, query, reason FROM dbperf.failures('loops', unit_budgets => '{"*": {"distinct_statements": 1}, "GET /*": {"statements": 99}}') WHERE kind = 'budget';
SELECT unit, metric, verdict, reason FROM dbperf.unit_budget_violations('units', '{"GET /shelves": {"statements": 2, "rows": 3}}')
 WHERE verdict <> 'ok' ORDER BY unit COLLATE "C", metric, pattern;
SELECT dbperf.set_unit_budget('GET /*', 'statements', 10);
SELECT count(*) FROM dbperf.failures('loops') WHERE kind = 'budget';
SELECT dbperf.drop_unit_budget('GET /*', 'exec_ms'), dbperf.drop_unit_budget('GET /*'), dbperf.drop_unit_budget('GET /*');
SELECT dbperf.drop_unit_budget('GET /calm'), dbperf.drop_unit_budget('POST /?helves');
\set VERBOSITY terse
SELECT dbperf.set_unit_budget('GET /', 'queries', 1);
SELECT dbperf.set_unit_budget('GET /', 'statements', -1);
SELECT dbperf.set_unit_budget('GET /', 'statements', NULL);
SELECT dbperf.set_unit_budget('GET /', 'statements', 'NaN');
SELECT dbperf.set_unit_budget('', 'statements', 1);
SELECT dbperf.set_unit_budget(NULL, 'statements', 1);
SELECT * FROM dbperf.unit_budget_violations('loops', '{"*": {"queries": 1}}');
SELECT * FROM dbperf.unit_budget_violations('no such run');
\set VERBOSITY default

-- Patterns: only * and ? are special.
SELECT unit, pattern, dbperf.unit_matches(unit, pattern)
  FROM (VALUES ('GET /a', 'GET /a'), ('GET /a', 'GET /*'), ('GET /a', 'get /*'), ('GET /a', 'GET /?'), ('GET /ab', 'GET /?'), ('GET /', 'GET /*'),
               ('50%', '50%'), ('500', '50%'), ('a_b', 'a_b'), ('axb', 'a_b'), ('a\b', 'a\b'), ('a\b', 'a\*'), ('a*b', 'a*b'), ('a?b', 'a?b'),
               ('[x]', '[x]'), ('x', '[x]'), ('', '*'), ('a', '')) v(unit, pattern);

-- Names of every length, and with every character.
SELECT dbperf.start_run('names') IS NOT NULL AS started;
\set ECHO none
\o /dev/null
SELECT format('SET dbperf.scope = %L', repeat('n', n)), 'SELECT 1 AS one' FROM generate_series(1, 127) n \gexec
\o
\set ECHO all
SET dbperf.scope = '';
SELECT count(*), min(length(unit)), max(length(unit)), sum(statements) FROM dbperf.units WHERE run = 'names';
\set VERBOSITY terse
SELECT format('SET dbperf.scope = %L', repeat('n', 128)) \gexec
\set VERBOSITY default
\set ECHO none
\o /dev/null
SELECT format('SET dbperf.scope = %L', 'c' || chr(n) || 'c'), 'SELECT 2 AS two' FROM generate_series(1, 255) n \gexec
SELECT format('SET dbperf.scope = %L', 'c' || chr(n) || 'c'), 'SELECT 2 AS two' FROM unnest('{8364,12354,119070,65533,8238}'::int[]) n \gexec
SELECT format('SET dbperf.scope = %L', repeat(chr(228), 63)), 'SELECT 3 AS three' \gexec
SELECT format('SET dbperf.scope = %L', 'x' || repeat(chr(228), 63)), 'SELECT 3 AS three' \gexec
\o
\set ECHO all
SET dbperf.scope = ' ';
SELECT 4 AS four;
SET dbperf.scope = '';
SELECT dbperf.finish_run('names') IS NOT NULL AS finished;
SELECT count(*), count(DISTINCT unit), sum(occurrences), sum(statements), bool_or(overflow) FROM dbperf.units WHERE run = 'names';
SELECT count(*) AS every_character FROM generate_series(1, 255) n JOIN dbperf.units u ON u.run = 'names' AND u.unit = 'c' || chr(n) || 'c';
SELECT length(unit), octet_length(unit), octet_length(dbperf.unit_scope(unit)) FROM dbperf.units
 WHERE run = 'names' AND unit LIKE '%' || repeat(chr(228), 63) ORDER BY 1;
-- A budget for each of them holds for it alone.
SELECT count(*), bool_and(v.unit = v.pattern)
  FROM dbperf.unit_budget_violations('names', (SELECT jsonb_object_agg(u.unit, '{"statements": 0}'::jsonb) FROM dbperf.units u WHERE u.run = 'names')) v
 WHERE v.verdict = 'violated';

-- More than there is room for: counted together, and said.
SELECT dbperf.start_run('many') IS NOT NULL AS started;
\set ECHO none
\o /dev/null
SELECT format('SET dbperf.scope = %L', 'unit ' || n), 'SELECT 5' FROM generate_series(1, 10020) n \gexec
SELECT format('SET dbperf.scope = %L', 'unit ' || n), 'SELECT 5' FROM generate_series(1, 20) n \gexec
\o
\set ECHO all
SET dbperf.scope = '';
SELECT unit, occurrences, statements, overflow FROM dbperf.units WHERE run = 'many' AND overflow;
SELECT count(*), sum(occurrences) FROM dbperf.units WHERE run = 'many' AND NOT overflow;
SELECT value, note FROM dbperf.status() WHERE item IN ('unit_names', 'max_unit_names', 'overflowed_units') ORDER BY item COLLATE "C";
SELECT dbperf.finish_run('many') IS NOT NULL AS finished;
SELECT count(*), count(unit), sum(occurrences), sum(occurrences) FILTER (WHERE overflow) AS overflow FROM dbperf.units WHERE run = 'many';
SELECT item, dropped, reason FROM dbperf.dropped WHERE run = 'many';
SELECT kind, severity, gate, reason FROM dbperf.findings WHERE run = 'many' AND kind = 'incomplete';
SELECT value FROM dbperf.status() WHERE item = 'unit_names'; -- there is room again

-- Two runs at once keep apart.
SELECT dbperf.start_run('server') IS NOT NULL AS started;
SET dbperf.scope = 'both';
SELECT 6 AS six;
SET dbperf.run = 'own';
SELECT 6 AS six;
SELECT 7 AS seven;
SET dbperf.scope = '';
RESET dbperf.run;
SELECT run, unit, occurrences, statements FROM dbperf.units WHERE unit = 'both' ORDER BY run COLLATE "C";
SELECT dbperf.finish_run('own') IS NOT NULL AND dbperf.finish_run('server') IS NOT NULL AS finished;
SELECT run, unit, occurrences, statements FROM dbperf.units WHERE unit = 'both' ORDER BY run COLLATE "C";

-- A role without rights: its own names, and no others; nothing of what is stored.
CREATE ROLE regress_units_reader;
CREATE ROLE regress_units_monitor IN ROLE pg_monitor;
SELECT dbperf.start_run('rights') IS NOT NULL AS started;
SET dbperf.scope = 'secret of the owner';
SELECT 8 AS eight;
\set VERBOSITY terse
SET ROLE regress_units_reader;
SET dbperf.scope = 'of the reader';
SELECT 9 AS nine;
SET dbperf.scope = '';
SELECT run, unit, occurrences FROM dbperf.live_units() ORDER BY unit COLLATE "C";
SELECT count(*) FROM dbperf.units;
SELECT count(*) FROM dbperf.unit;
SELECT count(*) FROM dbperf.unit_budgets;
\set VERBOSITY sqlstate
SELECT * FROM dbperf.unit_budget_violations('units');
\set VERBOSITY terse
SELECT dbperf.set_unit_budget('x', 'statements', 1);
SELECT dbperf.drop_unit_budget('x');
SET ROLE regress_units_monitor;
SELECT unit, occurrences FROM dbperf.units WHERE run = 'rights' ORDER BY unit COLLATE "C";
SELECT dbperf.set_unit_budget('x', 'statements', 1);
RESET ROLE;
SELECT dbperf.finish_run('rights') IS NOT NULL AS finished;
DROP ROLE regress_units_reader, regress_units_monitor;

-- What is reset is gone, also what is open.
SELECT dbperf.start_run('forgotten') IS NOT NULL AS started;
SET dbperf.scope = 'open';
SELECT 10 AS ten;
SELECT dbperf.reset();
SELECT 11 AS eleven;
SET dbperf.scope = '';
SELECT count(*) FROM dbperf.units WHERE run = 'forgotten';
-- And a run that is deleted takes its units along.
SELECT count(*) > 0 AS there FROM dbperf.unit;
SELECT runs > 0 AS pruned FROM dbperf.prune('0 seconds');
SELECT count(*) FROM dbperf.unit;
DROP TABLE shelf;
