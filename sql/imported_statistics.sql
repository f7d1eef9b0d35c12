-- Statistics of another server, for plans as they are there. Documents are made by the program: dbperf statistics export.

-- Columns are read by number in extension/statistics/store.cpp.
CREATE TABLE dbperf.statistics_import (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    in_catalogs boolean NOT NULL,
    settings jsonb NOT NULL,
    imported_at timestamptz NOT NULL,
    server_version integer NOT NULL,
    source text,
    exported_at timestamptz,
    redacted boolean NOT NULL
);
COMMENT ON TABLE dbperf.statistics_import IS 'internal: imported statistics by their names';

CREATE TABLE dbperf.statistics_object (
    name text COLLATE "C" NOT NULL,
    schema text COLLATE "C" NOT NULL,
    relation text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    object text COLLATE "C" NOT NULL,
    inherited boolean NOT NULL,
    missing boolean NOT NULL,
    bound_to oid,
    data jsonb,
    reason text,
    PRIMARY KEY (name, schema, relation, kind, object, inherited)
);
COMMENT ON TABLE dbperf.statistics_object IS 'internal: imported statistics of each relation, index and column; holds values of the other server';
CREATE INDEX statistics_object_bound_to ON dbperf.statistics_object (name, bound_to);

CREATE FUNCTION dbperf.statistics_column_reason(schema text, relation text, column_name text, number integer, inherited boolean, data jsonb) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_statistics_column_reason' LANGUAGE C CALLED ON NULL INPUT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.statistics_column_reason(text, text, text, integer, boolean, jsonb) IS
    'internal: why statistics of a column cannot be used here; null: they can';

CREATE FUNCTION dbperf.statistics_changed() RETURNS void
AS 'MODULE_PATHNAME', 'dbperf_statistics_changed' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.statistics_changed() IS 'internal: sessions look their imported statistics up again';

CREATE FUNCTION dbperf.is_statistic(value jsonb, lower_bound float8) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN pg_catalog.jsonb_typeof(value) = 'number' THEN value::numeric BETWEEN lower_bound::numeric AND 1e18 ELSE false END;
COMMENT ON FUNCTION dbperf.is_statistic(jsonb, float8) IS 'internal: a number within bounds';

-- Elements that are not what they have to be are errors before anything is stored.
CREATE FUNCTION dbperf.check_statistics_document(statistics jsonb) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    member text;
    bad jsonb;
BEGIN
    IF jsonb_typeof(statistics) <> 'object' OR NOT statistics ? 'schema_version' THEN
        RAISE EXCEPTION 'this is no document of statistics'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Import the whole of what "dbperf statistics export" wrote.';
    END IF;
    IF statistics -> 'schema_version' <> '1' THEN
        RAISE EXCEPTION 'statistics of schema version % are not known', left(statistics ->> 'schema_version', 40)
            USING ERRCODE = 'feature_not_supported', HINT = 'Export them with the program dbperf of the version of this extension.';
    END IF;
    FOREACH member IN ARRAY ARRAY['relations', 'indexes', 'columns', 'extended_statistics', 'missing'] LOOP
        IF jsonb_typeof(statistics -> member) IS DISTINCT FROM 'array' THEN
            RAISE EXCEPTION 'statistics: "%" is no array', member
                USING ERRCODE = 'invalid_parameter_value', HINT = 'The document is to be one that dbperf statistics export wrote, whole and unchanged.';
        END IF;
        SELECT e INTO bad FROM jsonb_array_elements(statistics -> member) e
         WHERE CASE WHEN jsonb_typeof(e) <> 'object' THEN true
                    ELSE jsonb_typeof(e -> 'schema') IS DISTINCT FROM 'string' OR jsonb_typeof(e -> 'name') IS DISTINCT FROM 'string'
                      OR member IN ('indexes', 'columns', 'extended_statistics', 'missing') AND jsonb_typeof(e -> 'relation') IS DISTINCT FROM 'string'
                      OR member IN ('relations', 'indexes') AND NOT (
                             dbperf.is_statistic(e -> 'pages', -1) AND dbperf.is_statistic(e -> 'rows', -1) AND dbperf.is_statistic(e -> 'current_pages', -1))
                      OR member = 'relations' AND NOT dbperf.is_statistic(e -> 'all_visible_pages', 0) END
         LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'statistics: "%" has an element that is not valid: %', member, left(bad::text, 200)
                USING ERRCODE = 'invalid_parameter_value', HINT = 'The document is to be one that dbperf statistics export wrote, whole and unchanged.';
        END IF;
    END LOOP;
    IF jsonb_typeof(statistics -> 'server_version') IS DISTINCT FROM 'number' OR jsonb_typeof(statistics -> 'settings') IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'statistics: "server_version" or "settings" is missing'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'The document is to be one that dbperf statistics export wrote, whole and unchanged.';
    END IF;
END
$$;
COMMENT ON FUNCTION dbperf.check_statistics_document(jsonb) IS 'internal: raises an error if a document of statistics is malformed';

CREATE FUNCTION dbperf.import_statistics(name text, statistics jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    own text := import_statistics.name;
    document jsonb := import_statistics.statistics;
    used bigint;
BEGIN
    IF own IS NULL OR document IS NULL OR octet_length(own) NOT BETWEEN 1 AND 63 THEN
        RAISE EXCEPTION 'statistics need a name of 1 to 63 bytes and a document'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT dbperf.import_statistics(''production'', pg_read_file(''statistics.json'')::jsonb) is an example.';
    END IF;
    PERFORM dbperf.check_statistics_document(document);
    PERFORM pg_advisory_xact_lock(1684172912, hashtext(own));
    DELETE FROM dbperf.statistics_object o WHERE o.name = own;
    DELETE FROM dbperf.statistics_import i WHERE i.name = own;
    INSERT INTO dbperf.statistics_import
    VALUES (own, false, document -> 'settings', now(), (document ->> 'server_version')::integer, document ->> 'database',
            (document ->> 'exported_at')::timestamptz, coalesce((document ->> 'redacted')::boolean, false));
    INSERT INTO dbperf.statistics_object
    SELECT own, e ->> 'schema', e ->> 'name', 'relation', '', false, false, NULL, e - ARRAY['schema', 'name'],
           CASE WHEN c.oid IS NULL THEN 'there is no such relation'
                WHEN c.relkind::text <> e ->> 'kind' THEN format('it is of kind "%s" there and "%s" here', e ->> 'kind', c.relkind) END
      FROM jsonb_array_elements(document -> 'relations') e
      LEFT JOIN pg_namespace n ON n.nspname = e ->> 'schema'
      LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = e ->> 'name';
    INSERT INTO dbperf.statistics_object
    SELECT own, e ->> 'schema', e ->> 'relation', 'index', e ->> 'name', false, false, NULL, e - ARRAY['schema', 'name', 'relation'],
           CASE WHEN c.oid IS NULL THEN 'there is no such index'
                WHEN i.indrelid IS NULL OR t.relname <> e ->> 'relation' THEN 'it is no index of this table here'
                WHEN a.amname <> e ->> 'method' THEN format('it is of method "%s" there and "%s" here', e ->> 'method', a.amname) END
      FROM jsonb_array_elements(document -> 'indexes') e
      LEFT JOIN pg_namespace n ON n.nspname = e ->> 'schema'
      LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = e ->> 'name'
      LEFT JOIN pg_index i ON i.indexrelid = c.oid
      LEFT JOIN pg_class t ON t.oid = i.indrelid
      LEFT JOIN pg_am a ON a.oid = c.relam;
    INSERT INTO dbperf.statistics_object
    SELECT own, e ->> 'schema', e ->> 'relation', CASE WHEN e ->> 'number' IS NULL THEN 'column' ELSE 'index column' END, e ->> 'name',
           coalesce((e ->> 'inherited')::boolean, false), false, NULL, e - ARRAY['schema', 'name', 'relation', 'inherited'],
           dbperf.statistics_column_reason(e ->> 'schema', e ->> 'relation', e ->> 'name', (e ->> 'number')::integer,
                                           coalesce((e ->> 'inherited')::boolean, false), e)
      FROM jsonb_array_elements(document -> 'columns') e;
    INSERT INTO dbperf.statistics_object
    SELECT own, e ->> 'schema', e ->> 'relation', 'extended statistics', e ->> 'name', coalesce((e ->> 'inherited')::boolean, false), false, NULL,
           e - ARRAY['schema', 'name', 'relation', 'inherited'],
           'a session cannot plan with another server''s extended statistics; dbperf compare --statistics does'
      FROM jsonb_array_elements(document -> 'extended_statistics') e;
    -- A column that has statistics of its own may have no inherited ones, and the other way round.
    INSERT INTO dbperf.statistics_object
    SELECT own, e ->> 'schema', e ->> 'relation', coalesce(e ->> 'kind', 'column'), e ->> 'name', coalesce((e ->> 'inherited')::boolean, false), true, NULL, NULL,
           coalesce(e ->> 'reason', 'it could not be read there')
      FROM jsonb_array_elements(document -> 'missing') e
        ON CONFLICT DO NOTHING;
    SELECT count(*) INTO used FROM dbperf.statistics_object o WHERE o.name = own AND o.reason IS NULL;
    PERFORM dbperf.statistics_changed();
    RETURN used;
EXCEPTION
    WHEN unique_violation THEN
        RAISE EXCEPTION 'statistics: an object stands in the document twice'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'The document is to be one that dbperf statistics export wrote, whole and unchanged.';
END
$$;
COMMENT ON FUNCTION dbperf.import_statistics(text, jsonb) IS
'keeps a document of dbperf statistics export under a name, in place of what had it, for SET dbperf.statistics = name; returns how many relations, indexes and columns can be used here, dbperf.imported_statistics has what cannot and why; a document that is malformed is an error; for the owner of the extension';

CREATE FUNCTION dbperf.drop_statistics(name text) RETURNS void
LANGUAGE plpgsql STRICT VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM dbperf.statistics_object o WHERE o.name = drop_statistics.name;
    DELETE FROM dbperf.statistics_import i WHERE i.name = drop_statistics.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there are no imported statistics "%"', drop_statistics.name
            USING ERRCODE = 'undefined_object', HINT = 'The view dbperf.imported_statistics lists them.';
    END IF;
    PERFORM dbperf.statistics_changed();
END
$$;
COMMENT ON FUNCTION dbperf.drop_statistics(text) IS
'forgets imported statistics; sessions that plan with them plan with their own again; for the owner of the extension';

CREATE VIEW dbperf.imported_statistics AS
SELECT i.name, i.imported_at, i.server_version, i.source, i.redacted, o.kind, o.schema, o.relation, nullif(o.object, '') AS object, o.inherited,
       o.reason IS NULL AS used, o.reason, (o.data ->> 'current_pages')::float8 AS pages, (o.data ->> 'rows')::float8 AS rows
  FROM dbperf.statistics_import i LEFT JOIN dbperf.statistics_object o ON o.name = i.name;
COMMENT ON VIEW dbperf.imported_statistics IS
'what dbperf.import_statistics() found in a document: a row for each relation, index, column and extended statistics, and for what could not be read where they come from';
COMMENT ON COLUMN dbperf.imported_statistics.name IS 'what SET dbperf.statistics is given';
COMMENT ON COLUMN dbperf.imported_statistics.imported_at IS 'when they were imported';
COMMENT ON COLUMN dbperf.imported_statistics.server_version IS 'version of the server that they come from, as 170002';
COMMENT ON COLUMN dbperf.imported_statistics.source IS 'name of the database that they come from';
COMMENT ON COLUMN dbperf.imported_statistics.redacted IS 'whether values of texts and the like were left out';
COMMENT ON COLUMN dbperf.imported_statistics.kind IS 'relation, index, column, index column (an expression of an index), extended statistics';
COMMENT ON COLUMN dbperf.imported_statistics.schema IS 'its schema';
COMMENT ON COLUMN dbperf.imported_statistics.relation IS 'the relation, or the relation that it belongs to';
COMMENT ON COLUMN dbperf.imported_statistics.object IS 'name of the index, column or extended statistics; null for the relation itself';
COMMENT ON COLUMN dbperf.imported_statistics.inherited IS 'whether it is about the relation together with its children';
COMMENT ON COLUMN dbperf.imported_statistics.used IS 'whether plans use it';
COMMENT ON COLUMN dbperf.imported_statistics.reason IS 'why plans do not use it';
COMMENT ON COLUMN dbperf.imported_statistics.pages IS 'pages of a relation or an index there';
COMMENT ON COLUMN dbperf.imported_statistics.rows IS 'rows of a relation or an index there, as ANALYZE counted; -1: not counted';

CREATE FUNCTION dbperf.write_column_statistics(relation oid, number smallint, inherited boolean, data jsonb) RETURNS boolean
AS 'MODULE_PATHNAME', 'dbperf_write_column_statistics' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.write_column_statistics(oid, smallint, boolean, jsonb) IS
    'internal: puts statistics of a column into the catalog; false if its type does not take them';

CREATE FUNCTION dbperf.write_extended_statistics(object oid, inherited boolean, data jsonb) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_write_extended_statistics' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.write_extended_statistics(oid, boolean, jsonb) IS
    'internal: puts extended statistics into the catalog; why that cannot be, or null';

-- By then columns may be called otherwise or be of other types: they are known by numbers.
CREATE FUNCTION dbperf.rewrite_statistics(name text) RETURNS bigint
LANGUAGE plpgsql STRICT VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    written bigint;
BEGIN
    SELECT count(*) FILTER (WHERE dbperf.write_column_statistics(o.bound_to, (o.data ->> 'bound_number')::smallint, o.inherited, o.data)) INTO written
      FROM dbperf.statistics_object o
     WHERE o.name = rewrite_statistics.name AND o.kind IN ('column', 'index column') AND o.bound_to IS NOT NULL AND o.reason IS NULL;
    UPDATE dbperf.statistics_object o
       SET reason = dbperf.write_extended_statistics(e.oid, o.inherited, o.data)
      FROM pg_namespace n JOIN pg_statistic_ext e ON e.stxnamespace = n.oid
     WHERE o.name = rewrite_statistics.name AND o.kind = 'extended statistics' AND NOT o.missing AND n.nspname = o.schema AND e.stxname = o.object;
    PERFORM dbperf.statistics_changed();
    RETURN written;
END
$$;
COMMENT ON FUNCTION dbperf.rewrite_statistics(text) IS
    'internal: puts statistics that were written into the catalogs there once more, as ANALYZE will on the server that they come from';

CREATE FUNCTION dbperf.write_statistics(name text) RETURNS bigint
LANGUAGE plpgsql STRICT VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own text := write_statistics.name;
    written bigint;
BEGIN
    UPDATE dbperf.statistics_object o SET bound_to = c.oid, data = o.data || jsonb_build_object('bound_file', c.relfilenode::bigint)
      FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
     WHERE o.name = own AND o.reason IS NULL AND n.nspname = o.schema
       AND (o.kind = 'relation' AND c.relname = o.relation OR o.kind = 'index' AND c.relname = o.object);
    UPDATE dbperf.statistics_object o SET bound_to = c.oid, data = o.data || jsonb_build_object('bound_number', coalesce((o.data ->> 'number')::integer, a.attnum))
      FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE o.name = own AND o.reason IS NULL AND o.kind IN ('column', 'index column') AND n.nspname = o.schema AND c.relname = o.relation
       AND CASE o.kind WHEN 'column' THEN a.attname = o.object ELSE a.attnum = (o.data ->> 'number')::integer END;
    -- What nobody analyzed there has no statistics; what could not be read keeps those of here.
    DELETE FROM pg_statistic s
     USING dbperf.statistics_object o
     WHERE o.name = own AND o.kind = 'relation' AND o.bound_to IS NOT NULL
       AND (s.starelid = o.bound_to OR s.starelid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = o.bound_to))
       AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.staattnum
                         JOIN dbperf.statistics_object m ON m.name = own AND m.missing AND m.schema = n.nspname AND m.relation = c.relname
                                                        AND m.object = a.attname AND m.inherited = s.stainherit
                        WHERE c.oid = s.starelid);
    DELETE FROM pg_statistic_ext_data d
     USING pg_statistic_ext e, pg_namespace n, dbperf.statistics_object o
     WHERE e.oid = d.stxoid AND n.oid = e.stxnamespace AND o.name = own AND o.kind = 'relation' AND o.bound_to = e.stxrelid
       AND NOT EXISTS (SELECT FROM dbperf.statistics_object m
                        WHERE m.name = own AND m.missing AND m.kind = 'extended statistics' AND m.schema = n.nspname AND m.object = e.stxname);
    UPDATE dbperf.statistics_import i SET in_catalogs = true WHERE i.name = own;
    written := dbperf.rewrite_statistics(own);
    RETURN written;
END
$$;
COMMENT ON FUNCTION dbperf.write_statistics(text) IS
    'internal: puts imported statistics into the catalogs of this database, in place of its own, and binds sizes to the tables and indexes that have those names now; for copies that dbperf makes, and superusers';
