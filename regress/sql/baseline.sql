-- Runs as JSON, to be kept beside the code that they are of.
\set SHOW_CONTEXT never
SELECT dbperf.reset();
DELETE FROM dbperf.plan;
DELETE FROM dbperf.plan_node;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.schema_snapshot;
DELETE FROM dbperf.run;
CREATE TABLE item (id int PRIMARY KEY, kind int, name text);
INSERT INTO item SELECT i, i % 100, repeat('x', 200) FROM generate_series(1, 20000) i;
CREATE INDEX item_kind ON item (kind);
VACUUM ANALYZE item;
SELECT dbperf.start_run('main', '{"commit": "ä \"quoted\""}') IS NOT NULL AS started;
SET dbperf.query_name = 'by_kind';
SELECT count(name) FROM item WHERE kind = 7;
RESET dbperf.query_name;
SELECT name IS NOT NULL AS named FROM item WHERE id = 1;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
DROP INDEX item_kind;
SELECT dbperf.start_run('branch') IS NOT NULL AS started;
SET dbperf.query_name = 'by_kind';
SELECT count(name) FROM item WHERE kind = 7;
RESET dbperf.query_name;
SELECT name IS NOT NULL AS named FROM item WHERE id = 1;
SELECT dbperf.finish_run() IS NOT NULL AS finished;
SELECT dbperf.cause_of('main', 'branch', '{item}');
CREATE TABLE verdicts AS SELECT * FROM dbperf.comparison('main', 'branch');
SELECT query, verdict FROM verdicts ORDER BY query COLLATE "C";

-- The same run is the same text each time, and says nothing of rows' numbers.
SELECT dbperf.export_run('main')::text = dbperf.export_run('main')::text AS same;
CREATE TABLE exported AS SELECT dbperf.export_run('main') AS run;
SELECT key, jsonb_typeof(value) AS type FROM exported, jsonb_each(run) ORDER BY key COLLATE "C";
SELECT key FROM exported, jsonb_object_keys(run -> 'run') key ORDER BY key COLLATE "C";
SELECT run -> 'run' ->> 'label' AS label, run -> 'run' -> 'attributes' ->> 'commit' = 'ä "quoted"' AS same_commit, run ->> 'schema_version' AS version FROM exported;
SELECT key FROM exported, jsonb_object_keys(run -> 'plans' -> 0) key WHERE key ~ 'id$|_at$';
SELECT key FROM exported, jsonb_object_keys(run -> 'statements' -> 0) key WHERE key ~ 'id$|_at$';
SELECT value FROM exported, jsonb_each_text(run -> 'queries') WHERE value LIKE '%item%' ORDER BY value COLLATE "C";
SELECT dbperf.export_run() -> 'run' ->> 'label' AS latest;
SELECT dbperf.export_run('nothing');

-- A run that was measured here is not replaced; elsewhere, the import is the run.
SELECT dbperf.import_run(run) FROM exported;
SELECT count(*) FROM dbperf.runs WHERE label = 'main';
DELETE FROM dbperf.plan p USING dbperf.run r WHERE r.run_id = p.run_id AND r.label = 'main';
DELETE FROM dbperf.plan_node p USING dbperf.run r WHERE r.run_id = p.run_id AND r.label = 'main';
DELETE FROM dbperf.statement p USING dbperf.run r WHERE r.run_id = p.run_id AND r.label = 'main';
DELETE FROM dbperf.schema_snapshot p USING dbperf.run r WHERE r.run_id = p.run_id AND r.label = 'main';
DELETE FROM dbperf.run WHERE label = 'main';
DELETE FROM dbperf.query_text;
SELECT dbperf.import_run(run) IS NOT NULL AS imported FROM exported;
SELECT label, state, attributes ->> 'commit' = 'ä "quoted"' AS same_commit FROM dbperf.runs ORDER BY started_at;
SELECT dbperf.export_run('main') = run AS same_value, dbperf.export_run('main')::text = run::text AS same_text FROM exported;
SELECT query, verdict, c.reason = v.reason AS same_reason, v.blocks_before = c.blocks_before AS same_blocks, v.plan_after = c.plan_after AS same_plan_after
  FROM dbperf.comparison('main', 'branch') c JOIN verdicts v USING (query, verdict) ORDER BY query COLLATE "C";
SELECT query, verdict FROM dbperf.regressions('main', 'branch');
SELECT dbperf.cause_of('main', 'branch', '{item}');
SELECT count(DISTINCT plan_id) > 1 AS plans, bool_and(nodes > 0) AS all_have_nodes FROM (
    SELECT plan_id, (SELECT count(*) FROM dbperf.plan_nodes n WHERE (n.run_id, n.plan_id) = (p.run_id, p.plan_id)) AS nodes FROM dbperf.plans p WHERE run = 'main') s;

-- Once more replaces it; under another label it stands beside it.
SELECT dbperf.import_run(run) IS NOT NULL AS imported FROM exported;
SELECT dbperf.import_run(run, 'before') IS NOT NULL AS imported FROM exported;
SELECT dbperf.import_run(jsonb_set(run, '{statements}', '[]'), 'before') IS NOT NULL AS imported FROM exported;
SELECT r.label, (SELECT count(*) > 0 FROM dbperf.statement s WHERE s.run_id = r.run_id) AS statements FROM dbperf.run r ORDER BY label COLLATE "C";
SELECT count(*) FROM dbperf.statement s WHERE NOT EXISTS (SELECT FROM dbperf.run r WHERE r.run_id = s.run_id AND r.project = s.project)
    AND s.run_id <> '00000000-0000-0000-0000-000000000000';
SELECT count(*) FROM dbperf.plan_node n WHERE NOT EXISTS (SELECT FROM dbperf.plan p WHERE p.run_id = n.run_id AND p.plan_id = n.plan_id);

-- What is no export, of another time, or damaged.
SELECT dbperf.import_run('{}');
SELECT dbperf.import_run('[1, 2]');
SELECT dbperf.import_run(NULL);
SELECT dbperf.import_run('{"kind": "dbperf run", "schema_version": "1"}');
SELECT dbperf.import_run('{"kind": "dbperf run", "schema_version": 2}');
SELECT dbperf.import_run('{"kind": "dbperf run", "schema_version": 1}');
SELECT dbperf.import_run('{"kind": "dbperf run", "schema_version": 1, "run": {"label": "x"}}');
SELECT dbperf.import_run(run - 'plans', 'damaged') FROM exported;
SELECT dbperf.import_run(jsonb_set(run, '{statements,0,calls}', '"many"'), 'damaged') FROM exported;
SELECT dbperf.import_run(jsonb_set(run, '{statements}', '[{}]'), 'damaged') FROM exported;
SELECT dbperf.import_run(jsonb_set(run, '{run,started_at}', '"one day"'), 'damaged') FROM exported;
SELECT dbperf.import_run(run, repeat('x', 128)) FROM exported;
SELECT dbperf.import_run(run, '') FROM exported;
SELECT label FROM dbperf.run ORDER BY label COLLATE "C";

-- Who may: those who read all statistics export, those whom the owner lets import.
CREATE ROLE regress_dbperf_stats IN ROLE pg_read_all_stats;
CREATE ROLE regress_dbperf_monitor IN ROLE pg_monitor;
GRANT SELECT ON exported TO regress_dbperf_stats, regress_dbperf_monitor;
GRANT EXECUTE ON FUNCTION dbperf.import_run(jsonb, text) TO regress_dbperf_monitor;
SET ROLE regress_dbperf_stats;
SELECT dbperf.export_run('main') IS NOT NULL AS exported;
SELECT dbperf.import_run(run) FROM exported;
SET ROLE regress_dbperf_monitor;
SELECT dbperf.import_run(run) IS NOT NULL AS imported FROM exported;
RESET ROLE;
DROP OWNED BY regress_dbperf_stats, regress_dbperf_monitor;
DROP ROLE regress_dbperf_stats, regress_dbperf_monitor;

DROP TABLE item, exported, verdicts;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.plan_node;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.schema_snapshot;
DELETE FROM dbperf.run;
