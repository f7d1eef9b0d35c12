-- A query over runs, and what is left when runs are pruned.
\set SHOW_CONTEXT never
SELECT dbperf.reset();
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.schema_snapshot;
DELETE FROM dbperf.run;
-- A run so many days ago in which `name` was executed 30 times, in bucket `bucket`, touching so many blocks a call.
CREATE FUNCTION pg_temp.store(label text, days int, name text, bucket bigint, blocks int, commit text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
    INSERT INTO dbperf.run (project, run_id, label, started_at, finished_at, server_version, attributes, settings)
        SELECT '', md5(label)::uuid, label, now() - days * interval '1 day', now() - days * interval '1 day', 150000,
               jsonb_strip_nulls(jsonb_build_object('commit', commit)), '{}' ON CONFLICT DO NOTHING;
    INSERT INTO dbperf.statement
        SELECT '', md5(label)::uuid, 'any', 'any', name, hashtext(name), true, 30, 90, 0, 0, 0, 30, 0,
               30 * dbperf.bucket_low_ms(bucket), dbperf.bucket_low_ms(bucket), dbperf.bucket_low_ms(bucket) * 2, blocks * 30, 0, 0, 0, 0, 0, 0,
               ARRAY[bucket, 30];
$$;
SELECT pg_temp.store('first', 9, 'order_history', 349, 39, 'abc'), pg_temp.store('first', 9, 'steady', 349, 10),
       pg_temp.store('002_add_indexes', 7, 'order_history', 267, 5, 'def'), pg_temp.store('002_add_indexes', 7, 'steady', 349, 10),
       pg_temp.store('third', 5, 'steady', 349, 500),
       pg_temp.store('fourth', 3, 'order_history', 349, 5), pg_temp.store('fourth', 3, 'steady', 352, 500);
SELECT query, run, commit, calls, blocks, rows, round(time_ratio::numeric, 2) AS time_ratio, round(blocks_ratio::numeric, 2) AS blocks_ratio, change
  FROM dbperf.history();
SELECT dbperf.sentence_of_trend('q', 'r', 'better', 0.0499, 1, 1), dbperf.sentence_of_trend('q', 'r', 'better', 0.05, 1, 1),
       dbperf.sentence_of_trend('q', 'r', 'worse', 1.99, 1, 1), dbperf.sentence_of_trend('q', 'r', 'worse', 2, 1, 1),
       dbperf.sentence_of_trend('q', 'r', 'unclear', 2, 100, 164) IS NULL AS none, dbperf.sentence_of_trend('q', 'r', NULL, NULL, 100, 165),
       dbperf.sentence_of_trend('q', 'r', NULL, NULL, 1000, 1100) IS NULL AS none;
-- One query, by name or fingerprint; since: the run before tells what the first one changed.
SELECT run, change FROM dbperf.history('order_history', now() - interval '8 days');
SELECT run FROM dbperf.history(hashtext('steady')::text, now() - interval '4 days');
SELECT count(*) FROM dbperf.history('never');
SELECT count(*) FROM dbperf.history(since => now() + interval '1 day');
-- For dashboards: every run and query, by key and time.
SELECT key, query, run, started_at > now() - interval '4 days' AS recent, commit, calls, shared_blks, p95_ms BETWEEN p50_ms AND max_ms AS ordered
  FROM dbperf.query_runs ORDER BY started_at, key;

-- With its cause.
CREATE TABLE item (id int, kind int, filler text) WITH (fillfactor = 10);
INSERT INTO item SELECT i, i % 1000, repeat('x', 100) FROM generate_series(1, 5000) i;
VACUUM ANALYZE item;
SELECT dbperf.start_run('before') IS NOT NULL AS started;
SET dbperf.query_name = by_kind;
SELECT count(filler) FROM item WHERE kind = 7;
RESET dbperf.query_name;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
CREATE INDEX item_kind ON item (kind);
SELECT dbperf.start_run('after') IS NOT NULL AS started;
SET dbperf.query_name = by_kind;
SELECT count(filler) FROM item WHERE kind = 7;
RESET dbperf.query_name;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT run, change ~ '^by_kind touches [0-9]+ blocks a call instead of [0-9]+ with after$' AS changed, cause FROM dbperf.history('by_kind');

-- Retention.
SELECT * FROM dbperf.prune('-1 day');
SELECT * FROM dbperf.prune(NULL);
SELECT runs, rows > 0 AS rows FROM dbperf.prune('8 days');
SELECT label FROM dbperf.runs ORDER BY started_at;
SELECT runs FROM dbperf.prune('4 days', ARRAY['third']);
SELECT label FROM dbperf.runs ORDER BY started_at;
SELECT runs FROM dbperf.prune('0');
SELECT (SELECT count(*) FROM dbperf.run) AS run, (SELECT count(*) FROM dbperf.statement WHERE run_id <> '00000000-0000-0000-0000-000000000000') AS statement,
       (SELECT count(*) FROM dbperf.plan) AS plan, (SELECT count(*) FROM dbperf.plan_node) AS plan_node, (SELECT count(*) FROM dbperf.schema_snapshot) AS snapshot;
-- Of this project only, and nothing under way.
INSERT INTO dbperf.run (project, run_id, label, started_at, finished_at, server_version, attributes, settings)
    SELECT 'other', gen_random_uuid(), 'of another project', '2020-01-01', '2020-01-01', 150000, '{}', '{}';
SELECT dbperf.start_run('under way') IS NOT NULL AS started;
SELECT runs FROM dbperf.prune('0');
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT runs FROM dbperf.prune('0');
SELECT label FROM dbperf.runs;
-- Texts that nothing refers to, and what was observed outside runs, when it is old enough.
DELETE FROM dbperf.query_text;
INSERT INTO dbperf.query_text VALUES ('', 1, 'of a run'), ('', 2, 'of an old deadlock'), ('', 3, 'of a new deadlock'), ('', 4, 'of nothing'),
    ('', 5, 'of a parent'), ('', 6, 'of an acknowledgement'), ('', 7, 'of a lock cycle'), ('other', 4, 'of another project');
SELECT pg_temp.store('texts', 3, 'q', 300, 1);
UPDATE dbperf.statement SET fingerprint = 1 WHERE run_id = md5('texts')::uuid;
INSERT INTO dbperf.lock_cycle SELECT '', md5('texts')::uuid, 'd', 1, 'proven', 'predicted', NULL, 2, 'a cycle', '[]', '[{"fingerprint": 7}]', '[]';
SELECT dbperf.acknowledge_n_plus_one(6, 10, 'known');
INSERT INTO dbperf.deadlock (project, run_id, happened_at, database, members, victim_pid, closed_by_pid, detection_ms, lost_ms, lost_rows, lost_wal_bytes, incomplete)
    SELECT '', '00000000-0000-0000-0000-000000000000', now() - days * interval '1 day', days || ' days old', 2, 1, 2, 1, 1, 0, 0, false
      FROM (VALUES (9), (2)) d(days);
INSERT INTO dbperf.deadlock_step
    SELECT project, run_id, deadlock_id, 1, 1, 0, CASE database WHEN '9 days old' THEN 2 ELSE 3 END, NULL, 'item', 'FOR UPDATE', 'id=1', 0, 1, 1, 2.5, NULL, 'exact', true, false, '{}'
      FROM dbperf.deadlock WHERE database LIKE '% days old';
INSERT INTO dbperf.n_plus_one_finding
    SELECT '', '00000000-0000-0000-0000-000000000000', days || ' days old', 'r', '', 'n_plus_one', 6, 0, 'likely', 'id', 5, NULL, NULL, 9, 9, 1, 9, 9, 9, 1, 1, 1, NULL, NULL,
           '{}', now() - days * interval '1 day' FROM (VALUES (9), (2)) d(days);
SELECT runs, rows > 0 AS rows FROM dbperf.prune('8 days');
SELECT project, query FROM dbperf.query_text ORDER BY project, fingerprint;
SELECT database FROM dbperf.deadlock UNION ALL SELECT database FROM dbperf.n_plus_one_finding UNION ALL SELECT 'step of ' || fingerprint FROM dbperf.deadlock_step;
SELECT runs FROM dbperf.prune('1 day');
SELECT project, query FROM dbperf.query_text ORDER BY project, fingerprint;
SELECT (SELECT count(*) FROM dbperf.deadlock) + (SELECT count(*) FROM dbperf.n_plus_one_finding) + (SELECT count(*) FROM dbperf.deadlock_step) AS outside_runs;
DELETE FROM dbperf.n_plus_one_acknowledgement;
DELETE FROM dbperf.query_text;
-- By whom.
CREATE ROLE regress_pruner;
SET ROLE regress_pruner;
SELECT * FROM dbperf.prune('1 day');
RESET ROLE;
DROP ROLE regress_pruner;

DROP TABLE item;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
