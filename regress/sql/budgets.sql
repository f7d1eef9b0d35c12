-- Budgets against a finished run. The statistics are made by hand, so that every count is known.
\set SHOW_CONTEXT never
SELECT dbperf.reset();
DELETE FROM dbperf.budgets;

-- A finished run with `calls` executions of `name`, `over` of which took 50 ms, the others 1 ms.
CREATE FUNCTION pg_temp.store(label text, name text, calls int, over int, counted_against float8) RETURNS void LANGUAGE sql AS $$
    INSERT INTO dbperf.run (project, run_id, label, started_at, finished_at, server_version, attributes, settings)
        SELECT '', md5(label)::uuid, label, now() - interval '1 day', now() - interval '1 day', 150000, '{}', '{}' ON CONFLICT DO NOTHING;
    INSERT INTO dbperf.statement
        SELECT '', md5(label)::uuid, 'any', 'any', name, hashtext(name), true, calls, calls * 3, 0, over, counted_against, calls, 0,
               (calls - over) * 1 + over * 50, 1, CASE WHEN over > 0 THEN 50 ELSE 1 END, calls * 2, 0, 0, 0, 0, 0, 0,
               CASE WHEN over = 0 THEN ARRAY[349, calls] ELSE ARRAY[349, calls - over, 527, over] END;
$$;
SELECT dbperf.bucket_low_ms(349) BETWEEN 0.9 AND 1.1 AS about_1_ms, dbperf.bucket_low_ms(527) BETWEEN 45 AND 55 AS about_50_ms;

-- One budget for every sample size: the last number of slow calls that is accepted, and the first that is not.
SELECT pg_temp.store('limits', format('%s of %s', k, n), n, k, 20)
  FROM (VALUES (19, 4), (19, 19), (20, 0), (20, 4), (20, 5), (50, 7), (50, 8), (100, 11), (100, 12), (200, 18), (200, 19), (1000, 67), (1000, 68)) v(n, k);
SELECT dbperf.set_budget(format('%s of %s', k, n), 'p95_ms', 20)
  FROM (VALUES (19, 4), (19, 19), (20, 0), (20, 4), (20, 5), (50, 7), (50, 8), (100, 11), (100, 12), (200, 18), (200, 19), (1000, 67), (1000, 68)) v(n, k);
SELECT query, calls, calls_over, verdict, reason FROM dbperf.budget_violations('limits') ORDER BY calls, calls_over;

-- p99 needs a hundred calls.
DELETE FROM dbperf.budgets;
SELECT pg_temp.store('tail', format('%s of %s', k, n), n, k, 20) FROM (VALUES (99, 99), (100, 4), (100, 5), (1000, 18), (1000, 19)) v(n, k);
SELECT dbperf.set_budget(format('%s of %s', k, n), 'p99_ms', 20) FROM (VALUES (99, 99), (100, 4), (100, 5), (1000, 18), (1000, 19)) v(n, k);
SELECT query, calls, calls_over, verdict, reason FROM dbperf.budget_violations('tail') ORDER BY calls, calls_over;

-- A limit that was not in force during the run is judged by the histogram.
DELETE FROM dbperf.budgets;
SELECT pg_temp.store('elsewhere', 'q', 100, 12, 7);
SELECT dbperf.set_budget('q', 'p95_ms', 20);
SELECT calls_over, verdict FROM dbperf.budget_violations('elsewhere');
SELECT dbperf.set_budget('q', 'p95_ms', 60);
SELECT calls_over, verdict FROM dbperf.budget_violations('elsewhere');

-- The other metrics; a query that was not executed; by fingerprint.
DELETE FROM dbperf.budgets;
SELECT pg_temp.store('others', 'q', 10, 1, 0);
SELECT dbperf.set_budget('q', metric, budget)
  FROM (VALUES ('avg_ms', 6), ('max_ms', 50), ('rows', 3), ('blocks', 2), ('calls', 10)) v(metric, budget);
SELECT metric, budget, measured, calls, verdict, reason FROM dbperf.budget_violations('others');
SELECT dbperf.set_budget('q', metric, budget)
  FROM (VALUES ('avg_ms', 5), ('max_ms', 49), ('rows', 2.9), ('blocks', 1), ('calls', 9)) v(metric, budget);
SELECT metric, budget, measured, calls, verdict, reason FROM dbperf.budget_violations('others');
DELETE FROM dbperf.budgets;
SELECT dbperf.set_budget('never', 'avg_ms', 5);
SELECT dbperf.set_budget(hashtext('q')::text, 'calls', 9);
SELECT query = 'never' AS never, metric, measured, calls, verdict, reason FROM dbperf.budget_violations('others') ORDER BY 1;

-- Findings show what was violated, and what could not be judged, but not what was never called.
SELECT kind, severity, gate, query = hashtext('q')::text AS by_fingerprint, reason FROM dbperf.findings WHERE run = 'others';

-- Bad input.
SELECT dbperf.set_budget('q', 'p50_ms', 1);
SELECT dbperf.set_budget('q', 'avg_ms', -1);
SELECT * FROM dbperf.budget_violations('no such run');
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
SELECT * FROM dbperf.budget_violations();

-- The tail itself.
SELECT n, k, round(dbperf.binomial_tail(n, k, 0.05)::numeric, 6) AS p
  FROM (VALUES (20, 0), (20, 1), (20, 4), (20, 5), (20, 20), (20, 21), (100, 12), (10000, 500), (10000, 560), (10001, 560), (1000000, 50500)) v(n, k);

-- End to end: a budget in force while the statements run.
DELETE FROM dbperf.budgets;
SELECT dbperf.set_budget('counted', 'p95_ms', 0.0001);
SELECT dbperf.start_run('real') IS NOT NULL AS started;
SET dbperf.budget = 0.0001;
SET dbperf.query_name = 'counted';
\set ECHO none
\o /dev/null
SELECT format('SELECT %s AS value', i) FROM generate_series(1, 24) i \gexec
\o
\set ECHO all
RESET dbperf.query_name;
RESET dbperf.budget;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT query, metric, calls, calls_over, verdict FROM dbperf.budget_violations();

DELETE FROM dbperf.budgets;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
