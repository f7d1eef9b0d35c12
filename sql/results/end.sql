-- How runs come in, and what there is to look at besides the extension's views.

-- Who may send what. Roles that own the schema are not bound.
CREATE TABLE dbperf.pusher (
    role regrole NOT NULL,
    project text, -- null: every project
    UNIQUE NULLS NOT DISTINCT (role, project)
);
COMMENT ON TABLE dbperf.pusher IS 'roles that may send runs, and of which projects; null: of all';

-- Runs that are being sent. Rows of a run are taken from the role that began to send it alone, and no more when it is complete.
CREATE TABLE dbperf.push (
    project text NOT NULL,
    run_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    role regrole NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, run_id, started_at)
);
COMMENT ON TABLE dbperf.push IS 'runs of which a role began to send the rows and that are not complete';

CREATE FUNCTION dbperf.is_unbound_sender() RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
RETURN pg_has_role(session_user, (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'dbperf'), 'USAGE');

CREATE FUNCTION dbperf.require_sender_of(projects text[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    refused text;
BEGIN
    IF dbperf.is_unbound_sender() THEN
        RETURN;
    END IF;
    SELECT coalesce(w.project, 'null') INTO refused
      FROM unnest(require_sender_of.projects) w(project)
     WHERE w.project IS NULL
        OR NOT EXISTS (SELECT FROM dbperf.pusher p
                        WHERE coalesce(p.project = w.project, true)
                          AND EXISTS (SELECT FROM pg_roles r WHERE r.oid = p.role) AND pg_has_role(session_user, p.role, 'USAGE'))
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'role "%" may not send runs of the project "%"', session_user, refused
            USING ERRCODE = 'insufficient_privilege',
                  HINT = format('Let the owner of the results database call SELECT dbperf.allow_pushing(%L, %L);', session_user, refused);
    END IF;
END
$$;

CREATE FUNCTION dbperf.runs_to_send(runs jsonb) RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_unbound boolean := dbperf.is_unbound_sender();
    sender regrole := (SELECT r.oid FROM pg_roles r WHERE r.rolname = session_user);
    sent record;
BEGIN
    PERFORM dbperf.require_sender_of(ARRAY(SELECT DISTINCT r.project FROM jsonb_to_recordset(runs_to_send.runs) r(project text)));
    FOR sent IN
        SELECT DISTINCT date_trunc('month', r.started_at, 'UTC') AS month
          FROM jsonb_to_recordset(runs_to_send.runs) r(started_at timestamptz)
         ORDER BY 1
    LOOP
        IF NOT is_unbound
           AND (sent.month > now() + interval '1 day' OR sent.month < date_trunc('month', now(), 'UTC') - interval '12 months')
           AND NOT (SELECT bool_and(dbperf.is_partition_there(p.relation, sent.month)) FROM dbperf.partitioned p) THEN
            RAISE EXCEPTION 'there are no partitions for runs of %, and a sender makes none for more than 12 months ago or the future',
                            to_char(sent.month AT TIME ZONE 'UTC', 'YYYY-MM')
                USING ERRCODE = 'insufficient_privilege',
                      HINT = format('Let the owner of the results database call SELECT dbperf.make_partitions(%L), or send these runs.', sent.month);
        END IF;
        PERFORM dbperf.make_partitions(sent.month);
    END LOOP;
    -- What was begun long ago and never completed is given up: whoever may can begin it anew.
    DELETE FROM dbperf.push p WHERE p.begun_at < now() - interval '1 day';
    FOR sent IN
        SELECT DISTINCT r.project, r.run_id, r.started_at
          FROM jsonb_to_recordset(runs_to_send.runs) r(project text, run_id uuid, started_at timestamptz)
         WHERE NOT EXISTS (SELECT FROM dbperf.run s
                            WHERE s.project = r.project AND s.run_id = r.run_id AND s.started_at = r.started_at)
         ORDER BY r.started_at, r.run_id
    LOOP
        INSERT INTO dbperf.push (project, run_id, started_at, role) VALUES (sent.project, sent.run_id, sent.started_at, sender)
        ON CONFLICT DO NOTHING;
        IF NOT is_unbound AND NOT EXISTS (
            SELECT FROM dbperf.push p
             WHERE p.project = sent.project AND p.run_id = sent.run_id AND p.started_at = sent.started_at AND p.role = sender)
           AND EXISTS (SELECT FROM dbperf.push p
             WHERE p.project = sent.project AND p.run_id = sent.run_id AND p.started_at = sent.started_at) THEN
            RAISE EXCEPTION 'another role began to send the run %', sent.run_id
                USING ERRCODE = 'insufficient_privilege', HINT = 'Let that role or the owner of the results database send it; after a day anybody may.';
        END IF;
        RETURN NEXT sent.run_id;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dbperf.runs_to_send(jsonb) IS
'for senders: of runs as [{"project", "run_id", "started_at"}] those that are not complete here, the oldest first; makes their partitions, and takes their rows from this role from now on. Errors: a project that is not the role''s, a run that another role began to send, a month for which a sender makes no partitions';

-- What is there already stays as it is, so that sending again, or twice at once, does no harm. Rows are stored in the order of
-- their keys: two senders of the same rows wait for each other and do not deadlock.
CREATE FUNCTION dbperf.store_rows(relation text, rows jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key text := CASE WHEN store_rows.relation = 'query_text' THEN 'project, fingerprint'
                     ELSE (SELECT p.key FROM dbperf.partitioned p WHERE p.relation = store_rows.relation) END;
    is_unbound boolean := dbperf.is_unbound_sender();
    unknown_column text;
    foreign_run record;
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
    PERFORM dbperf.require_sender_of(ARRAY(SELECT DISTINCT r.project FROM jsonb_to_recordset(store_rows.rows) r(project text)));
    IF NOT is_unbound AND store_rows.relation <> 'query_text' THEN
        SELECT w.* INTO foreign_run
          FROM (SELECT DISTINCT r.project, r.run_id, CASE WHEN store_rows.relation = 'run' THEN r.started_at ELSE r.run_started_at END AS at
                  FROM jsonb_to_recordset(store_rows.rows) r(project text, run_id uuid, started_at timestamptz, run_started_at timestamptz)) w
         WHERE NOT EXISTS (SELECT FROM dbperf.push p
                            WHERE p.project = w.project AND p.run_id = w.run_id AND p.started_at = w.at
                              AND p.role = (SELECT r.oid FROM pg_roles r WHERE r.rolname = session_user))
         LIMIT 1;
        IF FOUND THEN
            -- Another process of the same role may have sent all of it meanwhile.
            IF EXISTS (SELECT FROM dbperf.run r WHERE r.project = foreign_run.project AND r.run_id = foreign_run.run_id AND r.started_at = foreign_run.at) THEN
                RETURN 0;
            END IF;
            RAISE EXCEPTION 'role "%" did not begin to send the run %', session_user, foreign_run.run_id
                USING ERRCODE = 'insufficient_privilege', HINT = 'Ask dbperf.runs_to_send() first, as `dbperf push` does.';
        END IF;
    END IF;
    EXECUTE format('INSERT INTO dbperf.%1$I SELECT * FROM jsonb_populate_recordset(NULL::dbperf.%1$I, $1) ORDER BY %2$s ON CONFLICT DO NOTHING',
                   store_rows.relation, key) USING store_rows.rows;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF store_rows.relation = 'run' THEN
        DELETE FROM dbperf.push p
         USING jsonb_to_recordset(store_rows.rows) r(project text, run_id uuid, started_at timestamptz)
         WHERE p.project = r.project AND p.run_id = r.run_id AND p.started_at = r.started_at;
    END IF;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION dbperf.store_rows(text, jsonb) IS
'for senders: stores rows as dbperf.run_rows() gave them, those of "run" last, with which a run is complete; gives how many were not there. Errors: rows of a project that is not the role''s, or of a run that it did not begin to send';

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

CREATE FUNCTION dbperf.allow_pushing(role_name name, project text DEFAULT '') RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA dbperf TO %I', role_name);
    EXECUTE format('GRANT EXECUTE ON FUNCTION dbperf.results_version(), dbperf.runs_to_send(jsonb), dbperf.store_rows(text, jsonb) TO %I',
                   role_name);
    INSERT INTO dbperf.pusher (role, project)
    SELECT r.oid, allow_pushing.project FROM pg_roles r WHERE r.rolname = allow_pushing.role_name
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION dbperf.allow_pushing(name, text) IS
'lets a role send runs of this project (dbperf.project of the server that measures; null: of every project), which it can then neither read nor change; for the owner';

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
