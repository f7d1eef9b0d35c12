-- Parameters kept of a run's statements, so that they can be executed again: dbperf compare --workload.

CREATE TABLE dbperf.parameter_set (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    role text NOT NULL,
    query_name text NOT NULL, -- '' without
    fingerprint bigint NOT NULL,
    parameters_hash bigint NOT NULL,
    left_out text, -- why there is nothing but this row
    search_path text,
    statement text,
    parameter_types text[],
    parameter_values text[],
    calls bigint NOT NULL DEFAULT 0, -- 0 until the run is finished
    settings jsonb, -- of the session, where they were not the server's or the database's own
    PRIMARY KEY (project, run_id, database, role, fingerprint, query_name, parameters_hash)
);
COMMENT ON TABLE dbperf.parameter_set IS 'internal: kept parameters; read dbperf.workload';

-- Which sets of a statement stay when its run is finished, and how often each was executed.
CREATE FUNCTION dbperf.trim_parameter_sets(
    project text, run_id uuid, database text, role text, query_name text, fingerprint bigint, hashes bigint[], calls bigint[])
RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    WITH gone AS (
        DELETE FROM dbperf.parameter_set p
         WHERE (p.project, p.run_id, p.database, p.role, p.query_name, p.fingerprint)
             = (trim_parameter_sets.project, trim_parameter_sets.run_id, trim_parameter_sets.database,
                trim_parameter_sets.role, trim_parameter_sets.query_name, trim_parameter_sets.fingerprint)
           AND p.parameters_hash <> ALL (trim_parameter_sets.hashes)
    )
    UPDATE dbperf.parameter_set p SET calls = k.calls
      FROM ROWS FROM (pg_catalog.unnest(trim_parameter_sets.hashes), pg_catalog.unnest(trim_parameter_sets.calls)) k(hash, calls)
     WHERE (p.project, p.run_id, p.database, p.role, p.query_name, p.fingerprint, p.parameters_hash)
         = (trim_parameter_sets.project, trim_parameter_sets.run_id, trim_parameter_sets.database,
            trim_parameter_sets.role, trim_parameter_sets.query_name, trim_parameter_sets.fingerprint, k.hash);
END;
COMMENT ON FUNCTION dbperf.trim_parameter_sets(text, uuid, text, text, text, bigint, bigint[], bigint[]) IS
    'internal: the recorder trims the parameters kept of a statement when its run is finished';

CREATE VIEW dbperf.workload AS
SELECT r.label AS run, p.database, p.role, NULLIF(p.query_name, '') AS query_name, t.query, p.fingerprint,
       pg_catalog.row_number() OVER (PARTITION BY p.project, p.run_id, p.database, p.role, p.query_name, p.fingerprint
                                     ORDER BY p.parameters_hash) AS parameter_set,
       p.statement, p.parameter_types, p.parameter_values, p.search_path, p.calls, p.left_out, p.run_id, p.settings
  FROM dbperf.parameter_set p
  LEFT JOIN dbperf.run r USING (project, run_id)
  LEFT JOIN dbperf.query_text t USING (project, fingerprint);
COMMENT ON VIEW dbperf.workload IS
'statements of runs as they can be executed again, one row for each kept set of parameters: dbperf.max_parameter_sets of a statement at most, evenly sampled from the different ones; kept only where dbperf.keep_parameters was on. statement: with its own constants, and $1, $2, ... for parameter_values (texts, null is NULL) of parameter_types (names with their schema); role, search_path, settings: of the session (settings that change what a statement does or how it is planned, and all with a dot in their names; not those of the server and the database), and it is executed again only as that role and under them; calls: known when the run is finished; left_out: why statement and values are null';
COMMENT ON COLUMN dbperf.workload.run IS 'label of the run';
COMMENT ON COLUMN dbperf.workload.database IS 'name of the database it happened in';
COMMENT ON COLUMN dbperf.workload.role IS 'name of the role that executed it';
COMMENT ON COLUMN dbperf.workload.query_name IS 'name given by dbperf.query_name; null: none';
COMMENT ON COLUMN dbperf.workload.query IS 'normalised text of the statement; null: not known any more';
COMMENT ON COLUMN dbperf.workload.fingerprint IS 'identity of the statement, from its normalised text';
COMMENT ON COLUMN dbperf.workload.parameter_set IS 'number of the set of parameters within its statement, from 1';
COMMENT ON COLUMN dbperf.workload.statement IS 'text with its own constants, and $1, $2, ... for the values; null: see left_out';
COMMENT ON COLUMN dbperf.workload.parameter_types IS 'types of the parameters, names with their schema';
COMMENT ON COLUMN dbperf.workload.parameter_values IS 'values of the parameters as texts; null is NULL';
COMMENT ON COLUMN dbperf.workload.search_path IS 'search_path of the session';
COMMENT ON COLUMN dbperf.workload.calls IS 'executions with these parameters, known when the run is finished';
COMMENT ON COLUMN dbperf.workload.left_out IS 'why statement and values are null; null: they are there';
COMMENT ON COLUMN dbperf.workload.run_id IS 'id of the run';
COMMENT ON COLUMN dbperf.workload.settings IS 'settings of the session that differ from those of server and database';

CREATE FUNCTION dbperf.unkept_statements(run text, OUT database text, OUT role text, OUT query_name text, OUT query text, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.database, s.role, NULLIF(s.query_name, ''), t.query,
           COALESCE('its parameters were not kept: ' || k.left_out, 'its parameters were not kept')
      FROM dbperf.statement s
      JOIN dbperf.run r USING (project, run_id)
      LEFT JOIN dbperf.query_text t USING (project, fingerprint)
      LEFT JOIN LATERAL (
           SELECT pg_catalog.count(p.statement) AS kept, pg_catalog.min(p.left_out) AS left_out
             FROM dbperf.parameter_set p
            WHERE (p.project, p.run_id, p.database, p.role, p.query_name, p.fingerprint)
                = (s.project, s.run_id, s.database, s.role, s.query_name, s.fingerprint)) k ON true
     WHERE r.run_id = dbperf.find_run(unkept_statements.run) AND s.top_level AND k.kept = 0
       -- what has no plan has nothing to compare
       AND COALESCE(t.query, 'SELECT') ~* '^[\s(]*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE)\y'
     ORDER BY s.database COLLATE "C", s.role COLLATE "C", s.query_name COLLATE "C", t.query COLLATE "C";
END;
COMMENT ON FUNCTION dbperf.unkept_statements(text) IS
'queries that a finished run counted but that cannot be executed again, and why; null: the latest finished run. Error: no finished run has the label';
