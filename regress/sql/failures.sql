-- One list of all that a check judges. The statistics are made by hand, so that every count is known.
\set SHOW_CONTEXT never
SELECT dbperf.reset();
DELETE FROM dbperf.budgets;
DELETE FROM dbperf.acceptance;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
INSERT INTO dbperf.run (project, run_id, label, started_at, finished_at, server_version, attributes, settings, dropped)
    SELECT '', md5(label)::uuid, label, now() - age, now() - age, 150000, '{}', '{}', dropped::jsonb
      FROM (VALUES ('before', interval '2 days', '{"plans": 3}'), ('after', interval '1 day', '{}')) v(label, age, dropped);
-- `calls` executions, `over` of which took 50 ms, the others 1 ms; each read so many blocks.
CREATE FUNCTION pg_temp.store(label text, name text, calls int, over int, blocks int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO dbperf.statement
        SELECT '', md5(label)::uuid, 'any', 'any', name, hashtext(name), true, calls, calls * 3, 0, over, 0, calls, 0,
               (calls - over) * 1 + over * 50, 1, CASE WHEN over > 0 THEN 50 ELSE 1 END, calls * blocks, 0, 0, 0, 0, 0, 0,
               CASE WHEN over = 0 THEN ARRAY[349, calls] ELSE ARRAY[349, calls - over, 527, over] END;
    INSERT INTO dbperf.plan (project, run_id, database, role, query_name, fingerprint, shape, reason, aborted, top_level, timed, captured_at, exec_ms,
                             rows, plan, shared_blks_hit, shared_blks_read, shared_blks_dirtied, shared_blks_written, temp_blks_read,
                             temp_blks_written, wal_bytes)
        SELECT '', md5(label)::uuid, 'any', 'any', name, hashtext(name), 1, 'first', false, true, true, now(), 1, 2, '[{"Plan": {"Node Type": "Result", "Plan Rows": 1, "Actual Rows": 1, "Actual Loops": 1}}]', blocks, 0, 0, 0, 0, 0, 0;
$$;
SELECT pg_temp.store(label, name, calls, over, CASE WHEN label = 'after' THEN blocks ELSE 2 END)
  FROM (VALUES ('before'), ('after')) l(label),
       (VALUES ('slow', 30, 30, 2), ('slow but rare', 10, 10, 2), ('worse', 30, 0, 900), ('much worse', 30, 0, 9000),
               ('wanted', 30, 0, 900), ('bounded', 30, 0, 2), ('fine', 30, 0, 2)) v(name, calls, over, blocks);
SELECT dbperf.set_budget('bounded', 'blocks', 1);
SELECT dbperf.accept('wanted', 'it has to be'), dbperf.accept('fine', 'for nothing');

-- What was found in the run; with a limit of time; with a baseline.
SELECT kind, severity, gate, query, reason FROM dbperf.run_findings('after');
SELECT kind, severity, gate, query, reason FROM dbperf.run_findings('after', threshold_ms => 20);
CREATE VIEW pg_temp.judged AS
    SELECT kind, severity, gate, query, regexp_replace(reason, '; per call .*|, \d.* ms$', ' (numbers)') AS reason, run, run_id, details
      FROM dbperf.run_findings('after', 'before', 20);
SELECT kind, severity, gate, query, reason FROM pg_temp.judged;
SELECT DISTINCT run, run_id = md5('after')::uuid AS of_this_run FROM pg_temp.judged;

-- A regression has all that dbperf.regressions() says, a slow query all of dbperf.slow_queries().
SELECT r.query, j.details = to_jsonb(r) AS same FROM dbperf.regressions('before', 'after') r LEFT JOIN pg_temp.judged j USING (query) ORDER BY 1;
SELECT s.query, j.details = to_jsonb(s) AS same
  FROM dbperf.slow_queries('after', 20) s LEFT JOIN pg_temp.judged j ON j.query = s.query AND j.kind = 'slow_query' ORDER BY 1;

-- What fails, and only that; nothing fails.
SELECT kind, query FROM dbperf.failures('after', 'before', 20);
SELECT kind, query FROM dbperf.failures();
SELECT dbperf.set_budget('bounded', 'blocks', NULL);
SELECT * FROM dbperf.failures('after');
SELECT * FROM dbperf.failures('before', 'before', 100);

-- Of a run under way what is found is known, and no more is guessed.
SELECT dbperf.start_run('after') IS NOT NULL AS started;
SELECT * FROM dbperf.failures('after', threshold_ms => 20);
SELECT dbperf.finish_run() IS NOT NULL AS finished;

-- Bad input.
SELECT * FROM dbperf.failures('no such run');
SELECT * FROM dbperf.failures('after', 'no such run');

DELETE FROM dbperf.acceptance;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
