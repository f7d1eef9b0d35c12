-- What the schema was and how it changed: the log of DDL, and one snapshot a run and database.

CREATE TABLE dbperf.ddl (
    project text NOT NULL,
    run_id uuid NOT NULL, -- all zeros outside runs
    ddl_id bigint GENERATED ALWAYS AS IDENTITY,
    database text NOT NULL,
    database_id oid NOT NULL,
    role text NOT NULL,
    happened_at timestamptz NOT NULL,
    command text NOT NULL,
    statement text NOT NULL,
    is_cut boolean NOT NULL,
    objects text[] NOT NULL, -- names without schema: relations, indexes and their tables, functions, settings
    PRIMARY KEY (project, ddl_id)
);

-- The log keeps the last 10,000 statements of a project.
CREATE FUNCTION dbperf.add_ddl(
    project text, run_id uuid, database text, database_id oid, role text, happened_at timestamptz, command text,
    statement text, is_cut boolean, objects text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    added bigint;
BEGIN
    INSERT INTO dbperf.ddl (project, run_id, database, database_id, role, happened_at, command, statement, is_cut, objects)
    VALUES (add_ddl.project, add_ddl.run_id, add_ddl.database, add_ddl.database_id, add_ddl.role, add_ddl.happened_at,
            add_ddl.command, add_ddl.statement, add_ddl.is_cut, add_ddl.objects)
    RETURNING ddl_id INTO added;
    DELETE FROM dbperf.ddl d WHERE d.project = add_ddl.project AND d.ddl_id <= added - 10000;
END
$$;

CREATE VIEW dbperf.ddl_log AS
SELECT r.label AS run, d.ddl_id, d.database, d.role, d.happened_at, d.command, d.statement, d.is_cut, d.objects, d.run_id
  FROM dbperf.ddl d LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.ddl_log IS
    'committed DDL of all databases, the last 10,000 statements; run is null outside runs';
