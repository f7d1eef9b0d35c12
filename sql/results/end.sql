-- How runs come in, and what there is to look at besides the extension's views.

CREATE FUNCTION dbperf.runs_to_send(runs jsonb) RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM dbperf.make_partitions(m.at)
       FROM (SELECT DISTINCT date_trunc('month', r.started_at, 'UTC') AS at FROM jsonb_to_recordset(runs_to_send.runs) r(started_at timestamptz)) m;
    RETURN QUERY
        SELECT r.run_id FROM jsonb_to_recordset(runs_to_send.runs) r(project text, run_id uuid, started_at timestamptz)
         WHERE NOT EXISTS (SELECT FROM dbperf.run s
                            WHERE s.project = r.project AND s.run_id = r.run_id AND s.started_at = r.started_at)
         ORDER BY r.started_at, r.run_id;
END
$$;
COMMENT ON FUNCTION dbperf.runs_to_send(jsonb) IS
'for senders: of runs as [{"project", "run_id", "started_at"}] those that are not complete here, the oldest first; makes their partitions';

-- What is there already stays as it is, so that sending again, or twice at once, does no harm. Rows are stored in the order of
-- their keys: two senders of the same rows wait for each other and do not deadlock.
CREATE FUNCTION dbperf.store_rows(relation text, rows jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key text := CASE WHEN store_rows.relation = 'query_text' THEN 'project, fingerprint'
                     ELSE (SELECT p.key FROM dbperf.partitioned p WHERE p.relation = store_rows.relation) END;
    unknown_column text;
    stored bigint;
BEGIN
    IF key IS NULL THEN
        RAISE EXCEPTION 'there is no table "%" for rows of a run', store_rows.relation
            USING ERRCODE = 'undefined_table', HINT = 'Sender and results database should be of one version of dbperf.';
    END IF;
    SELECT min(k.name) INTO unknown_column
      FROM jsonb_object_keys(store_rows.rows -> 0) k(name)
     WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = format('dbperf.%I', store_rows.relation)::regclass AND a.attname = k.name);
    IF unknown_column IS NOT NULL THEN -- and nothing is lost in silence
        RAISE EXCEPTION 'the table "%" of the results database has no column "%"', store_rows.relation, unknown_column
            USING ERRCODE = 'undefined_column', HINT = 'It is of an earlier dbperf: make another one with `dbperf push --init` and send the runs there with --all.';
    END IF;
    EXECUTE format('INSERT INTO dbperf.%1$I SELECT * FROM jsonb_populate_recordset(NULL::dbperf.%1$I, $1) ORDER BY %2$s ON CONFLICT DO NOTHING',
                   store_rows.relation, key) USING store_rows.rows;
    GET DIAGNOSTICS stored = ROW_COUNT;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION dbperf.store_rows(text, jsonb) IS
'for senders: stores rows as dbperf.run_rows() gave them, those of "run" last, with which a run is complete; gives how many were not there';

CREATE VIEW dbperf.findings AS
SELECT r.label AS run, f.kind, f.severity, f.gate, f.query, f.reason, f.database, f.details, f.run_id, f.project
  FROM dbperf.finding f JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.findings IS 'all findings in one shape, as they were judged when the run was sent; gate: fails a check';

CREATE VIEW dbperf.projects AS
SELECT project, pg_catalog.count(*) AS runs, pg_catalog.min(started_at) AS first_run, pg_catalog.max(started_at) AS last_run
  FROM dbperf.run GROUP BY project;
COMMENT ON VIEW dbperf.projects IS 'the projects that sent runs';

CREATE VIEW dbperf.query_days AS
SELECT d.project, d.day, d.query, d.runs, d.calls, d.total_ms / d.calls::float8 AS mean_ms,
       LEAST(d.max_ms, dbperf.quantile(d.histogram, 0.5)) AS p50_ms, LEAST(d.max_ms, dbperf.quantile(d.histogram, 0.95)) AS p95_ms,
       LEAST(d.max_ms, dbperf.quantile(d.histogram, 0.99)) AS p99_ms, d.max_ms, d.blocks / d.calls::float8 AS blocks, d.histogram
  FROM (SELECT r.project, (r.started_at AT TIME ZONE 'UTC')::date AS day,
               pg_catalog.min(COALESCE(NULLIF(s.query_name, ''), t.query, s.fingerprint::text)) AS query,
               pg_catalog.count(DISTINCT r.run_id) AS runs, pg_catalog.sum(s.calls)::bigint AS calls, pg_catalog.sum(s.total_ms) AS total_ms,
               pg_catalog.max(s.max_ms) AS max_ms, pg_catalog.sum(s.shared_blks_hit + s.shared_blks_read)::float8 AS blocks,
               dbperf.merge_histograms(s.histogram) AS histogram
          FROM dbperf.run r
          JOIN dbperf.statement s ON s.project = r.project AND s.run_id = r.run_id AND s.run_started_at = r.started_at
          LEFT JOIN dbperf.query_text t ON t.project = s.project AND t.fingerprint = s.fingerprint
         WHERE s.top_level
         GROUP BY r.project, 2, COALESCE(NULLIF(s.query_name, ''), s.fingerprint::text)) d;
COMMENT ON VIEW dbperf.query_days IS
'each query on each day (UTC) over all runs and runners: times in ms, quantiles of all calls together, blocks a call; dbperf.merge_histograms() and dbperf.quantile() do the same for any other grouping';

CREATE FUNCTION dbperf.allow_pushing(role_name name) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA dbperf TO %I', role_name);
    EXECUTE format('GRANT EXECUTE ON FUNCTION dbperf.results_version(), dbperf.runs_to_send(jsonb), dbperf.store_rows(text, jsonb) TO %I',
                   role_name);
END
$$;
COMMENT ON FUNCTION dbperf.allow_pushing(name) IS 'lets a role send runs, which it can then neither read nor change; for the owner';

CREATE FUNCTION dbperf.allow_reading(role_name name) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    readable record;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA dbperf TO %I', role_name);
    FOR readable IN
        SELECT 'TABLE ' || c.oid::regclass AS name, 'SELECT' AS privilege FROM pg_class c
         WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
        UNION ALL
        SELECT 'FUNCTION ' || p.oid::regprocedure, 'EXECUTE' FROM pg_proc p
         WHERE p.pronamespace = 'dbperf'::regnamespace AND p.provolatile <> 'v'
    LOOP
        EXECUTE format('GRANT %s ON %s TO %I', readable.privilege, readable.name, role_name);
    END LOOP;
END
$$;
COMMENT ON FUNCTION dbperf.allow_reading(name) IS 'lets a role see all runs of all projects and change nothing; for the owner';

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA dbperf FROM PUBLIC;
