-- Runs as JSON, to be kept beside the code that they are of.

-- All that dbperf.comparison() needs of a run. Nothing in it names a row or an object by number, and its lists are sorted, so
-- that an export differs from another one only by what was measured.
CREATE FUNCTION dbperf.export_run(label text DEFAULT NULL) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1
AS $$
    WITH exported AS MATERIALIZED (
        SELECT r.* FROM dbperf.run r WHERE r.run_id = dbperf.find_run(export_run.label)
    ), statements AS MATERIALIZED (
        SELECT s.* FROM dbperf.statement s JOIN exported e USING (project, run_id)
    ), plans AS MATERIALIZED (
        SELECT p.* FROM dbperf.plan p JOIN exported e USING (project, run_id)
    )
    SELECT jsonb_build_object(
        'schema_version', 1,
        'kind', 'dbperf run',
        'run', jsonb_build_object(
            'label', e.label, 'attributes', e.attributes, 'server_version', e.server_version, 'settings', e.settings,
            'started_at', to_char(e.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'finished_at', to_char(e.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
        'queries', (
            SELECT coalesce(jsonb_object_agg(t.fingerprint::text, t.query), '{}') FROM dbperf.query_text t
             WHERE t.project = e.project
               AND t.fingerprint IN (SELECT s.fingerprint FROM statements s UNION ALL SELECT p.fingerprint FROM plans p)),
        'statements', (
            SELECT coalesce(jsonb_agg(to_jsonb(s) - '{project,run_id}'::text[] || jsonb_build_object('fingerprint', s.fingerprint::text)
                            ORDER BY s.database COLLATE "C", s.query_name COLLATE "C", s.fingerprint, s.role COLLATE "C", s.top_level), '[]')
              FROM statements s),
        'plans', (
            SELECT coalesce(jsonb_agg(to_jsonb(p) - '{project,run_id,plan_id,captured_at}'::text[]
                                      || jsonb_build_object('fingerprint', p.fingerprint::text, 'shape', p.shape::text)
                            ORDER BY p.database COLLATE "C", p.query_name COLLATE "C" NULLS FIRST, p.fingerprint, p.role COLLATE "C",
                                     p.shape, p.plan_id), '[]')
              FROM plans p),
        'findings', (SELECT coalesce(jsonb_agg(f), '[]') FROM dbperf.known_findings(e.label) f),
        'schemas', (
            SELECT coalesce(jsonb_object_agg(s.database, s.schema), '{}')
              FROM dbperf.schema_snapshot s WHERE s.project = e.project AND s.run_id = e.run_id))
      FROM exported e
$$;
COMMENT ON FUNCTION dbperf.export_run(text) IS
'a finished run as one JSON object for dbperf.import_run(), here or on another server: {"schema_version": 1, "kind": "dbperf run", "run": {...}, "queries": {fingerprint: text}, "statements": [...], "plans": [...], "findings": as dbperf.known_findings(), "schemas": {database: schema}}; fingerprints and shapes are texts, times ms, lists sorted; the same run gives the same object every time; null: the latest finished run. It has what dbperf.comparison() needs: no findings and no kept parameters. Error: no finished run has the label';

-- What an earlier import under this label left.
CREATE FUNCTION dbperf.forget_imported_runs(project text, label text) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    WITH old AS (
        DELETE FROM dbperf.run r
         WHERE r.project = forget_imported_runs.project AND r.label = forget_imported_runs.label AND r.imported
        RETURNING r.run_id
    ), statements AS (
        DELETE FROM dbperf.statement s USING old WHERE s.project = forget_imported_runs.project AND s.run_id = old.run_id
    ), plans AS (
        DELETE FROM dbperf.plan p USING old WHERE p.project = forget_imported_runs.project AND p.run_id = old.run_id
    ), nodes AS (
        DELETE FROM dbperf.plan_node n USING old WHERE n.project = forget_imported_runs.project AND n.run_id = old.run_id
    ), schemas AS (
        DELETE FROM dbperf.schema_snapshot s USING old WHERE s.project = forget_imported_runs.project AND s.run_id = old.run_id
    )
    DELETE FROM dbperf.interleaved_times t USING old
     WHERE t.project = forget_imported_runs.project AND old.run_id IN (t.run_id, t.baseline_run_id);
END;
COMMENT ON FUNCTION dbperf.forget_imported_runs(text, text) IS 'internal: deletes what an earlier import under this label stored';

-- Stores what an export holds under a run that is there already; null where a column must not be null raises.
CREATE FUNCTION dbperf.store_exported(project text, run uuid, finished_at timestamptz, export jsonb) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    INSERT INTO dbperf.query_text (project, fingerprint, query)
    SELECT store_exported.project, q.key::bigint, q.value
      FROM pg_catalog.jsonb_each_text(store_exported.export -> 'queries') q
    ON CONFLICT DO NOTHING;

    INSERT INTO dbperf.statement
    SELECT s.*
      FROM pg_catalog.jsonb_array_elements(store_exported.export -> 'statements') WITH ORDINALITY e(object, number)
     CROSS JOIN LATERAL pg_catalog.jsonb_populate_record(NULL::dbperf.statement,
               e.object || pg_catalog.jsonb_build_object('project', store_exported.project, 'run_id', store_exported.run)) s
     ORDER BY e.number;

    WITH stored AS (
        INSERT INTO dbperf.plan (project, run_id, database, role, query_name, fingerprint, shape, reason, aborted, top_level, timed,
                                 captured_at, exec_ms, rows, plan, shared_blks_hit, shared_blks_read, shared_blks_dirtied,
                                 shared_blks_written, temp_blks_read, temp_blks_written, wal_bytes, executions, traceparent)
        SELECT store_exported.project, store_exported.run, p.database, p.role, p.query_name, p.fingerprint, p.shape, p.reason, p.aborted,
               p.top_level, p.timed, store_exported.finished_at, p.exec_ms, p.rows, p.plan, p.shared_blks_hit, p.shared_blks_read,
               p.shared_blks_dirtied, p.shared_blks_written, p.temp_blks_read, p.temp_blks_written, p.wal_bytes, p.executions, p.traceparent
          FROM pg_catalog.jsonb_array_elements(store_exported.export -> 'plans') WITH ORDINALITY e(object, number)
         CROSS JOIN LATERAL pg_catalog.jsonb_populate_record(NULL::dbperf.plan, e.object) p
         ORDER BY e.number
        RETURNING project, run_id, plan_id, plan
    )
    INSERT INTO dbperf.plan_node
    SELECT s.project, s.run_id, s.plan_id, n.* FROM stored s, dbperf.nodes_of_plan(s.plan) n;

    INSERT INTO dbperf.schema_snapshot (project, run_id, database, database_id, taken_at, schema)
    SELECT store_exported.project, store_exported.run, s.key, 0, store_exported.finished_at, s.value
      FROM pg_catalog.jsonb_each(store_exported.export -> 'schemas') s;
END;
COMMENT ON FUNCTION dbperf.store_exported(text, uuid, timestamptz, jsonb) IS
    'internal: stores what an export holds under a run that is there';

CREATE FUNCTION dbperf.import_run(export jsonb, label text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    understood CONSTANT integer := 1;
    current_project text := coalesce(current_setting('dbperf.project', true), '');
    new_label text := coalesce(import_run.label, import_run.export #>> '{run,label}');
    added uuid := gen_random_uuid();
BEGIN
    IF export IS NULL OR export ->> 'kind' IS DISTINCT FROM 'dbperf run' OR jsonb_typeof(export -> 'schema_version') IS DISTINCT FROM 'number' THEN
        RAISE EXCEPTION 'this is no exported run'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'dbperf.export_run() and `dbperf baseline export` make one.';
    END IF;
    IF (export ->> 'schema_version')::numeric > understood THEN
        RAISE EXCEPTION 'the export has schema_version %, this dbperf understands versions up to %', export ->> 'schema_version', understood
            USING ERRCODE = 'feature_not_supported', HINT = 'Update dbperf on this server, or export the run again with its version.';
    END IF;
    IF coalesce(new_label, '') = '' OR octet_length(new_label) > 127 THEN
        RAISE EXCEPTION 'a run needs a label of 1 to 127 bytes'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give one as the second argument.';
    END IF;
    IF EXISTS (SELECT FROM dbperf.run r WHERE r.project = current_project AND r.label = new_label AND NOT r.imported) THEN
        RAISE EXCEPTION 'a run with the label "%" was measured here', new_label
            USING ERRCODE = 'duplicate_object', HINT = 'An import replaces only imported runs: import it under another label.';
    END IF;
    PERFORM dbperf.forget_imported_runs(current_project, new_label);
    BEGIN
        IF jsonb_typeof(export -> 'run') IS DISTINCT FROM 'object' OR jsonb_typeof(export -> 'queries') IS DISTINCT FROM 'object'
           OR jsonb_typeof(export -> 'statements') IS DISTINCT FROM 'array' OR jsonb_typeof(export -> 'plans') IS DISTINCT FROM 'array'
           OR jsonb_typeof(export -> 'schemas') IS DISTINCT FROM 'object' THEN
            RAISE EXCEPTION 'it lacks run, queries, statements, plans or schemas' USING ERRCODE = 'data_exception';
        END IF;
        INSERT INTO dbperf.run (project, run_id, label, started_at, finished_at, server_version, attributes, settings, imported, dropped)
        SELECT current_project, added, new_label, r.started_at, r.finished_at, r.server_version, r.attributes, r.settings, true, r.dropped
          FROM jsonb_populate_record(NULL::dbperf.run, export -> 'run') r;
        PERFORM dbperf.store_exported(current_project, added, (export #>> '{run,finished_at}')::timestamptz, export);
    EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
        RAISE EXCEPTION 'the export is damaged: %', sqlerrm
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Take the file as `dbperf baseline export` wrote it.';
    END;
    RETURN added;
END
$$;
COMMENT ON FUNCTION dbperf.import_run(jsonb, text) IS
'stores a run that dbperf.export_run() gave, under its own label or another one, and gives its id: a baseline for dbperf.comparison(). It replaces what was imported under this label before; a run that was measured here is not replaced. Times of the run are those of its origin. Errors: no export, one of a later version, a damaged one, the label of a measured run';
