-- One limit for all statements of a run. The statistics are made by hand, so that every count is known.
\set SHOW_CONTEXT never
SELECT dbperf.reset();
DELETE FROM dbperf.budgets;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
INSERT INTO dbperf.run (project, run_id, label, started_at, finished_at, server_version, attributes, settings)
    VALUES ('', md5('slow')::uuid, 'slow', now() - interval '1 day', now() - interval '1 day', 150000, '{}', '{}');
-- `calls` executions, `over` of which took 50 ms, the others 1 ms.
CREATE FUNCTION pg_temp.store(name text, fingerprint bigint, calls int, over int, role text DEFAULT 'any', top boolean DEFAULT true) RETURNS void LANGUAGE sql AS $$
    INSERT INTO dbperf.statement
        SELECT '', md5('slow')::uuid, 'any', role, name, fingerprint, top, calls, calls * 3, 0, over, 0, calls, 0,
               (calls - over) * 1 + over * 50, 1, CASE WHEN over > 0 THEN 50 ELSE 1 END, calls * 2, 0, 0, 0, 0, 0, 0,
               CASE WHEN over = 0 THEN ARRAY[349, calls] ELSE ARRAY[349, calls - over, 527, over] END;
$$;
SELECT pg_temp.store(format('%s of %s', k, n), n * 1000 + k, n, k)
  FROM (VALUES (19, 0), (19, 1), (19, 19), (20, 0), (20, 4), (20, 5), (100, 11), (100, 12)) v(n, k);
SELECT query, fingerprint, calls, calls_over, round(p95_ms) BETWEEN 45 AND 55 AS slow, verdict, reason
  FROM dbperf.slow_queries('slow', 20) ORDER BY calls, calls_over;

-- Whoever executed it; not below top level; a limit that nothing reaches.
DELETE FROM dbperf.statement;
SELECT pg_temp.store('shared', 1, 10, 4, 'one'), pg_temp.store('shared', 1, 10, 4, 'two'), pg_temp.store('inside', 2, 100, 100, top => false);
SELECT query, calls, calls_over, verdict FROM dbperf.slow_queries(NULL, 20);
SELECT count(*) FROM dbperf.slow_queries('slow', 60);

-- Without a name: the text, or the fingerprint when that is not kept.
DELETE FROM dbperf.statement;
INSERT INTO dbperf.query_text VALUES ('', 31, 'SELECT slow FROM thing');
SELECT pg_temp.store('', 31, 30, 30), pg_temp.store('', 32, 30, 29);
SELECT query, fingerprint, verdict FROM dbperf.slow_queries('slow', 20);

-- A p95 budget of its own stands above it, whether it is kept or not.
SELECT dbperf.set_budget('31', 'p95_ms', 900);
SELECT dbperf.set_budget('32', 'max_ms', 900);
SELECT query FROM dbperf.slow_queries('slow', 20);

-- Bad input.
SELECT * FROM dbperf.slow_queries('no such run', 20);
SELECT * FROM dbperf.slow_queries('slow', NULL);

DELETE FROM dbperf.budgets;
DELETE FROM dbperf.query_text WHERE fingerprint = 31;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
