-- Runs: labelled periods of observation.

CREATE TABLE dbperf.run (
    project text NOT NULL,
    run_id uuid NOT NULL,
    label text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    server_version integer NOT NULL,
    attributes jsonb NOT NULL,
    settings jsonb NOT NULL,
    imported boolean NOT NULL DEFAULT false, -- measured elsewhere
    dropped jsonb DEFAULT '{}', -- what it could not keep, counts by item; null: not known
    PRIMARY KEY (project, run_id)
);
COMMENT ON TABLE dbperf.run IS 'internal: stored runs; read dbperf.runs';
CREATE INDEX run_label ON dbperf.run (project, label, started_at);

CREATE FUNCTION dbperf.start_run(label text, attributes jsonb DEFAULT '{}') RETURNS uuid
AS 'MODULE_PATHNAME', 'dbperf_start_run' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.start_run(text, jsonb) IS
'begins a run for the whole server and gives its id. label: 1 to 127 bytes; attributes: an object with what a reader should know, such as {"commit": "..."}. Sessions with a dbperf.run of their own belong to that label. Errors: no label or a longer one, a run is under way already';

CREATE FUNCTION dbperf.finish_run(label text DEFAULT NULL) RETURNS uuid
AS 'MODULE_PATHNAME', 'dbperf_finish_run' LANGUAGE C CALLED ON NULL INPUT VOLATILE;
COMMENT ON FUNCTION dbperf.finish_run(text) IS
'closes a run, gives its id, and returns when all of it is stored; null: the run this session belongs to. Errors: no such run is under way, the server is a standby, the recorder makes no progress for dbperf.flush_timeout';

CREATE FUNCTION dbperf.flush() RETURNS void
AS 'MODULE_PATHNAME', 'dbperf_flush' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.flush() IS
'returns when everything observed before the call is committed to the tables. Errors: there is no results database, the server is a standby, the recorder makes no progress for dbperf.flush_timeout';

CREATE FUNCTION dbperf.reset() RETURNS void
AS 'MODULE_PATHNAME', 'dbperf_reset' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.reset() IS
    'forgets runs under way, live statistics and everything observed outside runs; stored runs stay';

CREATE FUNCTION dbperf.stats_reset() RETURNS timestamptz
AS 'MODULE_PATHNAME', 'dbperf_stats_reset' LANGUAGE C STRICT STABLE;
COMMENT ON FUNCTION dbperf.stats_reset() IS 'when dbperf.reset() was last called since the server started, or null';

CREATE FUNCTION dbperf.live_runs(
    OUT run_id uuid, OUT label text, OUT server_wide boolean, OUT started_at timestamptz, OUT finished_at timestamptz,
    OUT attributes jsonb, OUT dropped jsonb) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_runs' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.live_runs() IS 'internal: runs in shared memory; read dbperf.runs';

CREATE FUNCTION dbperf.last_execution(
    OUT number bigint, OUT exec_ms float8, OUT rows bigint, OUT shared_blks bigint, OUT temp_blks bigint, OUT wal_bytes bigint)
RETURNS record
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT r.* FROM pg_catalog.jsonb_to_record(NULLIF(pg_catalog.current_setting('dbperf.last_execution', true), '')::jsonb)
        AS r(number bigint, exec_ms float8, rows bigint, shared_blks bigint, temp_blks bigint, wal_bytes bigint);
END;
COMMENT ON FUNCTION dbperf.last_execution() IS
'what the last top-level statement that this session completed in a run took: its number in the session, which differs from that of the one before; ms from the start of its execution to its last row, by the server''s clock; rows returned or changed; blocks touched, bytes of WAL; utility statements and those that ask dbperf do not count; null before the first. Where the extension is not installed, SHOW dbperf.last_execution gives the same as JSON';

-- Settings of the server that decide plans, as the recorder has them (which turns jit off for itself): what makes two runs comparable or not.
CREATE FUNCTION dbperf.relevant_settings() RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT pg_catalog.jsonb_object_agg(name, setting ORDER BY name)
      FROM pg_catalog.pg_settings
     WHERE category LIKE 'Query Tuning%' AND name <> 'jit' OR name IN ('work_mem', 'shared_buffers', 'track_io_timing', 'data_checksums');
END;
COMMENT ON FUNCTION dbperf.relevant_settings() IS 'internal: settings of the server that decide plans';

CREATE VIEW dbperf.runs AS
SELECT r.run_id, r.label, CASE WHEN r.finished_at IS NULL AND l.run_id IS NOT NULL THEN 'active'
                               WHEN r.finished_at IS NULL THEN 'lost' ELSE 'finished' END AS state,
       r.started_at, r.finished_at, r.server_version, r.attributes, r.settings, r.project, COALESCE(l.dropped, r.dropped) AS dropped
  FROM dbperf.run r LEFT JOIN dbperf.live_runs() l USING (run_id)
UNION ALL
SELECT l.run_id, l.label, 'active', l.started_at, l.finished_at,
       pg_catalog.current_setting('server_version_num')::integer, l.attributes, NULL, pg_catalog.current_setting('dbperf.project', true), l.dropped
  FROM dbperf.live_runs() l
 WHERE NOT EXISTS (SELECT FROM dbperf.run r WHERE r.run_id = l.run_id);
COMMENT ON VIEW dbperf.runs IS
    'one row a run: active, finished, or lost (the server went down before it was finished); dropped: what it could not keep, counts by item';
COMMENT ON COLUMN dbperf.runs.run_id IS 'id of the run';
COMMENT ON COLUMN dbperf.runs.label IS 'name given to dbperf.start_run() or dbperf.run; several runs may have one label';
COMMENT ON COLUMN dbperf.runs.state IS 'active, finished, or lost: the server went down before the run was finished';
COMMENT ON COLUMN dbperf.runs.started_at IS 'when the run began';
COMMENT ON COLUMN dbperf.runs.finished_at IS 'when the run was finished; null: not yet';
COMMENT ON COLUMN dbperf.runs.server_version IS 'server_version_num of the server';
COMMENT ON COLUMN dbperf.runs.attributes IS 'what the caller of dbperf.start_run() noted, such as a commit';
COMMENT ON COLUMN dbperf.runs.settings IS 'planner and memory settings of the server; null while the run is active';
COMMENT ON COLUMN dbperf.runs.project IS 'dbperf.project of the server that stored it; '''' if none';
COMMENT ON COLUMN dbperf.runs.dropped IS 'what the run could not keep, counts by item; null: not known';

CREATE VIEW dbperf.dropped AS
SELECT r.label AS run, i.item, c.dropped, i.setting,
       pg_catalog.format(i.reason, c.dropped) || '; raise ' || i.setting AS reason, r.run_id, r.project
  FROM dbperf.runs r
  JOIN (VALUES ('executions', 'dbperf.max_statements', 'executions dropped: %s, the table was full of statements of runs'),
               ('texts', 'dbperf.text_memory', 'statements that have no text: %s, there was no room for it'),
               ('plans', 'dbperf.max_plans', 'plans dropped: %s, there was no room for them'),
               ('findings', 'dbperf.max_findings', 'N+1 findings dropped: %s, there was no room for them'),
               ('parameters', 'dbperf.max_statements', 'executions whose parameters were dropped: %s, there was no room for them'),
               ('lock_traces', 'dbperf.lock_memory', 'transactions whose locks were dropped: %s, deadlocks with them are not predicted'),
               ('records', 'dbperf.queue_size',
                'plans, parameters, deadlocks and changes of the schema dropped on their way to the tables: %s, the queue was full'),
               ('units', 'dbperf.max_unit_names', 'units of work that were counted together, without their names: %s occurrences, there was no room for more'),
               ('lock_waits', 'dbperf.max_lock_waits', 'waits for locks dropped: %s, there was no room for them'))
       i(item, setting, reason) ON r.dropped IS NOT NULL
 CROSS JOIN LATERAL (SELECT CASE WHEN r.dropped ->> i.item ~ '^[0-9]{1,18}$' THEN (r.dropped ->> i.item)::bigint END) c(dropped)
 WHERE c.dropped > 0;
COMMENT ON VIEW dbperf.dropped IS
'one row a run and kind of thing that it could not keep for want of room: how many, which setting to raise, and both in a sentence; no row: nothing was dropped';
COMMENT ON COLUMN dbperf.dropped.run IS 'label of the run';
COMMENT ON COLUMN dbperf.dropped.item IS 'executions, texts, plans, findings, parameters, lock_traces, records, units or lock_waits';
COMMENT ON COLUMN dbperf.dropped.dropped IS 'how many of them were dropped';
COMMENT ON COLUMN dbperf.dropped.setting IS 'setting to raise, so that there is room';
COMMENT ON COLUMN dbperf.dropped.reason IS 'the same in a sentence';
COMMENT ON COLUMN dbperf.dropped.run_id IS 'id of the run';
COMMENT ON COLUMN dbperf.dropped.project IS 'dbperf.project of the server that stored it; '''' if none';

-- The run that a label stands for: the latest with it. Null stands for the latest finished run.
CREATE FUNCTION dbperf.find_run(label text) RETURNS uuid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found uuid;
BEGIN
    SELECT r.run_id INTO found
      FROM dbperf.run r
     WHERE r.finished_at IS NOT NULL AND (find_run.label IS NULL OR r.label OPERATOR(pg_catalog.=) find_run.label)
     ORDER BY r.started_at DESC LIMIT 1;
    IF found IS NULL THEN
        IF find_run.label IS NULL THEN
            RAISE EXCEPTION 'there is no finished run'
                USING ERRCODE = 'undefined_object', HINT = 'Call dbperf.start_run(''label''), run something, call dbperf.finish_run().';
        END IF;
        RAISE EXCEPTION 'there is no finished run with the label "%"', find_run.label
            USING ERRCODE = 'undefined_object', HINT = 'SELECT label FROM dbperf.runs lists them.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION dbperf.find_run(text) IS
'id of the latest finished run with this label; null: of any label. Error: there is none';
