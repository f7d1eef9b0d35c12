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
COMMENT ON TABLE dbperf.ddl IS 'internal: the log of DDL; read dbperf.ddl_log';

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
COMMENT ON FUNCTION dbperf.add_ddl(text, uuid, text, oid, text, timestamptz, text, text, boolean, text[]) IS
    'internal: the recorder adds a statement to the log of DDL';

CREATE VIEW dbperf.ddl_log AS
SELECT r.label AS run, d.ddl_id, d.database, d.role, d.happened_at, d.command, d.statement, d.is_cut, d.objects, d.run_id
  FROM dbperf.ddl d LEFT JOIN dbperf.run r USING (project, run_id);
COMMENT ON VIEW dbperf.ddl_log IS
    'committed DDL of all databases, the last 10,000 statements; run is null outside runs';
COMMENT ON COLUMN dbperf.ddl_log.run IS 'label of the run; null: outside runs';
COMMENT ON COLUMN dbperf.ddl_log.ddl_id IS 'number in the log';
COMMENT ON COLUMN dbperf.ddl_log.database IS 'name of the database it happened in';
COMMENT ON COLUMN dbperf.ddl_log.role IS 'role that executed it';
COMMENT ON COLUMN dbperf.ddl_log.happened_at IS 'when the statement was executed';
COMMENT ON COLUMN dbperf.ddl_log.command IS 'command tag, such as ALTER TABLE';
COMMENT ON COLUMN dbperf.ddl_log.statement IS 'text of the statement';
COMMENT ON COLUMN dbperf.ddl_log.is_cut IS 'the text was longer than dbperf.max_query_length and is cut';
COMMENT ON COLUMN dbperf.ddl_log.objects IS 'names it concerns, without schema: relations, indexes and their tables, functions, settings';
COMMENT ON COLUMN dbperf.ddl_log.run_id IS 'id of the run; null: outside runs';

-- {kind: {name: {"relation": ..., "relations": [...], "definition": ...}}} of tables, columns, indexes, constraints, statistics objects,
-- views, functions and settings; {"size": {name: {"relations", "rows", "pages"}}}. relations: the tables it belongs to.
CREATE TABLE dbperf.schema_snapshot (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    database_id oid NOT NULL,
    taken_at timestamptz NOT NULL,
    schema jsonb NOT NULL,
    PRIMARY KEY (project, run_id, database)
);
COMMENT ON TABLE dbperf.schema_snapshot IS
    'internal: schema, sizes and settings of every database of a run, when the run was finished; read dbperf.schema_changes()';

CREATE FUNCTION dbperf.take_snapshot() RETURNS void
AS 'MODULE_PATHNAME', 'dbperf_take_snapshot' LANGUAGE C STRICT VOLATILE
SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION dbperf.take_snapshot() IS
'stores the schema of this database for the run of this session; dbperf.finish_run() does it for all databases of the run, and replaces it. Error: no run is under way';

-- Which database of the candidate is compared with which of the baseline: those with one name; when a run has just one,
-- that one.
CREATE FUNCTION dbperf.paired_snapshots(
    baseline uuid, candidate uuid, OUT database_before text, OUT id_before oid, OUT schema_before jsonb, OUT database_after text,
    OUT id_after oid, OUT schema_after jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH before AS (
        SELECT s.*, pg_catalog.count(*) OVER () AS databases FROM dbperf.schema_snapshot s WHERE s.run_id = paired_snapshots.baseline
    ), after AS (
        SELECT s.*, pg_catalog.count(*) OVER () AS databases FROM dbperf.schema_snapshot s WHERE s.run_id = paired_snapshots.candidate
    )
    SELECT b.database, b.database_id, b.schema, a.database, a.database_id, a.schema
      FROM before b JOIN after a ON a.database = b.database OR a.databases = 1 AND b.databases = 1;
END;
COMMENT ON FUNCTION dbperf.paired_snapshots(uuid, uuid) IS 'internal: which database of one run is compared with which of the other';

CREATE FUNCTION dbperf.sentence_of_change(kind text, name text, change text, before text, after text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN kind = 'index'
            THEN CASE change WHEN 'altered' THEN pg_catalog.format('index %s %s became %s', name, before, after)
                             ELSE pg_catalog.format('%sindex %s %s was %s', CASE WHEN COALESCE(after, before) LIKE 'unique %' THEN 'unique ' ELSE '' END,
                                                    name, pg_catalog.regexp_replace(COALESCE(after, before), '^unique ', ''), change) END
            WHEN kind IN ('view', 'function') THEN pg_catalog.format('%s %s was %s', kind, name, change)
                 || CASE WHEN kind = 'function' AND change = 'altered' THEN pg_catalog.format(': %s became %s', before, after) ELSE '' END
            WHEN change = 'altered' THEN pg_catalog.format('%s %s: %s became %s', kind, name, before, after)
            ELSE pg_catalog.format('%s %s (%s) was %s', kind, name, COALESCE(after, before), change) END;
COMMENT ON FUNCTION dbperf.sentence_of_change(text, text, text, text, text) IS 'internal: a change of the schema in words';

-- relations: without schema, as plans name them; of a partition also its parents, of a function its own name.
CREATE FUNCTION dbperf.schema_changes_between(
    baseline uuid, candidate uuid, OUT database text, OUT kind text, OUT name text, OUT relation text, OUT relations text[],
    OUT change text, OUT before text, OUT after text, OUT sentence text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH objects AS (
        SELECT p.database_after AS database, k.kind, o.*
          FROM dbperf.paired_snapshots(schema_changes_between.baseline, schema_changes_between.candidate) p
         CROSS JOIN LATERAL (SELECT DISTINCT j.kind FROM pg_catalog.jsonb_object_keys(p.schema_before || p.schema_after) j(kind)
                              WHERE j.kind <> 'size') k
         CROSS JOIN LATERAL (SELECT COALESCE(a.name, b.name) AS name, b.object AS before, a.object AS after
                               FROM pg_catalog.jsonb_each(p.schema_before -> k.kind) b(name, object)
                               FULL JOIN pg_catalog.jsonb_each(p.schema_after -> k.kind) a(name, object) ON a.name = b.name) o
         WHERE o.after IS DISTINCT FROM o.before
    ), changed AS (
        SELECT o.database, o.kind, o.name,
               ARRAY(SELECT DISTINCT r.name FROM (SELECT pg_catalog.jsonb_array_elements_text(o.before -> 'relations')
                                                  UNION SELECT pg_catalog.jsonb_array_elements_text(o.after -> 'relations')) r(name)
                      ORDER BY r.name) AS relations,
               CASE WHEN o.before IS NULL THEN 'created' WHEN o.after IS NULL THEN 'dropped' ELSE 'altered' END AS change,
               COALESCE(o.after, o.before) ->> 'relation' AS relation, o.before ->> 'definition' AS before, o.after ->> 'definition' AS after
          FROM objects o
    )
    SELECT c.database, c.kind, c.name,
           c.relation,
           c.relations, c.change, c.before, c.after, dbperf.sentence_of_change(c.kind, c.name, c.change, c.before, c.after)
      FROM changed c
     ORDER BY c.database, c.kind, c.name;
END;
COMMENT ON FUNCTION dbperf.schema_changes_between(uuid, uuid) IS 'internal: dbperf.schema_changes() by ids of runs';

CREATE FUNCTION dbperf.schema_changes(
    baseline text, candidate text, OUT database text, OUT kind text, OUT name text, OUT relation text, OUT relations text[],
    OUT change text, OUT before text, OUT after text, OUT sentence text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM dbperf.schema_changes_between(dbperf.find_run(schema_changes.baseline), dbperf.find_run(schema_changes.candidate));
END;
COMMENT ON FUNCTION dbperf.schema_changes(text, text) IS
'what differs between the schemas and settings of two finished runs, one row an object; databases of one name are compared, or the only ones. change: created, dropped or altered; before, after: definitions; sentence: the change in words. Error: no finished run has a label';
