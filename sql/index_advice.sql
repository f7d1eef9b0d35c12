-- Indexes that a workload should have, and those that it could do without: what can be said without measuring.

CREATE FUNCTION dbperf.captured_request(
    role text, settings jsonb, search_path text, statement text, parameter_types text[], parameter_values text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH setting AS (
        SELECT s.key AS name, s.value FROM pg_catalog.jsonb_each_text(captured_request.settings) s
        UNION ALL
        SELECT 'search_path', captured_request.search_path WHERE captured_request.search_path IS NOT NULL
    ), parts(position, part) AS (
        SELECT 1, ARRAY['plan', role, (SELECT pg_catalog.count(*) FROM setting)::text]
        UNION ALL
        SELECT 2, COALESCE((SELECT pg_catalog.array_agg(x.text ORDER BY s.name, x.place)
                              FROM setting s CROSS JOIN LATERAL (VALUES (1, s.name), (2, s.value)) x(place, text)), '{}')
        UNION ALL
        SELECT 3, ARRAY[statement, COALESCE(pg_catalog.cardinality(parameter_types), 0)::text]
        UNION ALL
        SELECT 4, COALESCE((SELECT pg_catalog.array_agg(x.text ORDER BY p.place, x.place)
                              FROM ROWS FROM (pg_catalog.unnest(parameter_types), pg_catalog.unnest(parameter_values))
                                   WITH ORDINALITY p(type, value, place)
                             CROSS JOIN LATERAL (VALUES (1, p.type), (2, p.value)) x(place, text)
                             WHERE p.place <= pg_catalog.cardinality(parameter_types)), '{}')
    )
    SELECT pg_catalog.array_agg(e.text ORDER BY p.position, e.place)::text
      FROM parts p CROSS JOIN LATERAL pg_catalog.unnest(p.part) WITH ORDINALITY e(text, place);
END;
COMMENT ON FUNCTION dbperf.captured_request(text, jsonb, text, text, text[], text[]) IS
    'internal: a statement as it is handed over to be planned';

CREATE FUNCTION dbperf.plan_index_advice(
    names text[], requests text[], calls float8[], ms float8[], max_indexes integer DEFAULT NULL, max_size bigint DEFAULT NULL) RETURNS jsonb
AS 'MODULE_PATHNAME', 'dbperf_plan_index_advice' LANGUAGE C CALLED ON NULL INPUT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.plan_index_advice(text[], text[], float8[], float8[], integer, bigint) IS
    'internal: advice on statements, which are planned only, each as its role and for superusers and members of it; nothing is executed and no index is made';

-- Statements of a run as they can be planned: those whose parameters were kept with their values (three sets of each), others
-- by their normalised text.
CREATE FUNCTION dbperf.advised_statements(
    run text, database text DEFAULT pg_catalog.current_database(), search_path text DEFAULT pg_catalog.current_setting('search_path'),
    OUT name text, OUT fingerprint bigint, OUT request text, OUT calls float8,
    OUT ms float8)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH counted AS (
        SELECT s.run_id, s.role, COALESCE(s.query_name, '') AS query_name, s.fingerprint, s.query, s.calls,
               s.total_ms / NULLIF(s.calls, 0) AS ms
          FROM dbperf.statements s
         WHERE s.run_id = dbperf.find_run(advised_statements.run) AND s.database = advised_statements.database AND s.top_level
           AND s.query ~* '^[\s(]*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE)\y'
    ), kept AS (
        SELECT w.*, pg_catalog.row_number() OVER each_statement AS place,
               w.calls / NULLIF(pg_catalog.sum(w.calls) OVER (PARTITION BY w.run_id, w.role, w.query_name, w.fingerprint), 0) AS part
          FROM dbperf.workload w
         WHERE w.run_id = dbperf.find_run(advised_statements.run) AND w.database = advised_statements.database
           AND w.statement IS NOT NULL
        WINDOW each_statement AS (PARTITION BY w.run_id, w.role, w.query_name, w.fingerprint ORDER BY w.calls DESC, w.parameter_set)
    ), planned AS (
        SELECT k.fingerprint, c.query_name, c.query, k.role,
               dbperf.captured_request(k.role, k.settings, k.search_path, k.statement, k.parameter_types, k.parameter_values) AS request,
               GREATEST(1, c.calls * COALESCE(k.part, 1))::float8 AS calls, c.ms
          FROM kept k
          JOIN counted c ON (c.role, c.query_name, c.fingerprint) = (k.role, COALESCE(k.query_name, ''), k.fingerprint)
         WHERE k.place <= 3
        UNION ALL
        SELECT c.fingerprint, c.query_name, c.query, c.role,
               dbperf.captured_request(c.role, '{}', advised_statements.search_path, c.query, NULL, NULL),
               c.calls::float8, c.ms
          FROM counted c
         WHERE NOT EXISTS (SELECT FROM kept k
                            WHERE (k.role, COALESCE(k.query_name, ''), k.fingerprint) = (c.role, c.query_name, c.fingerprint))
    )
    SELECT COALESCE(NULLIF(p.query_name, ''), p.query), p.fingerprint, p.request, p.calls, p.ms
      FROM planned p
     ORDER BY p.calls * p.ms DESC NULLS LAST, p.fingerprint, p.request COLLATE "C";
END;
COMMENT ON FUNCTION dbperf.advised_statements(text, text, text) IS
    'internal: statements of a finished run (null: the latest) that were executed in that database, as dbperf.plan_index_advice() takes them; search_path is for those whose own was not kept';

CREATE FUNCTION dbperf.advise_indexes(run text, max_indexes integer DEFAULT NULL, max_size bigint DEFAULT NULL) RETURNS jsonb
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT dbperf.plan_index_advice(COALESCE(pg_catalog.array_agg(s.name), '{}'), COALESCE(pg_catalog.array_agg(s.request), '{}'),
                                    COALESCE(pg_catalog.array_agg(s.calls), '{}'), COALESCE(pg_catalog.array_agg(s.ms), '{}'),
                                    advise_indexes.max_indexes, advise_indexes.max_size)
      FROM dbperf.advised_statements(advise_indexes.run) s;
END;
COMMENT ON FUNCTION dbperf.advise_indexes(text, integer, bigint) IS
    'internal: what dbperf.index_advice() shows, as one object';

-- Keys of indexes in a form that can be compared. An index is needed when something but a query would miss it.
CREATE FUNCTION dbperf.index_keys(
    OUT indexrelid oid, OUT indrelid oid, OUT schema_name name, OUT index_name name, OUT relam oid, OUT is_btree boolean, OUT is_unique boolean,
    OUT nulls_not_distinct boolean, OUT is_immediate boolean, OUT is_valid boolean, OUT keys text[], OUT options integer[],
    OUT inverted integer[], OUT columns integer[], OUT key_columns integer[], OUT has_expressions boolean, OUT predicate text, OUT is_needed boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT i.indexrelid, i.indrelid, n.nspname AS schema_name, c.relname AS index_name, c.relam, a.amname = 'btree' AS is_btree,
       i.indisunique AS is_unique, i.indnullsnotdistinct AS nulls_not_distinct, i.indimmediate AS is_immediate,
       i.indisvalid AND i.indisready AND i.indislive AS is_valid, k.keys, k.options, k.inverted, k.columns, k.key_columns,
       i.indexprs IS NOT NULL AS has_expressions, COALESCE(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '') AS predicate,
       i.indisprimary OR i.indisexclusion OR i.indisreplident OR i.indisclustered OR c.relkind = 'I' OR c.relispartition
         OR EXISTS (SELECT FROM pg_catalog.pg_constraint o WHERE o.conindid = i.indexrelid)
         OR EXISTS (SELECT FROM pg_catalog.pg_depend d
                     WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indexrelid)
         OR EXISTS (SELECT FROM pg_catalog.pg_depend d
                     WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid AND d.deptype IN ('e', 'i', 'x'))
         AS is_needed
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_am a ON a.oid = c.relam
 CROSS JOIN LATERAL (
       SELECT pg_catalog.array_agg(x.key ORDER BY x.place) FILTER (WHERE x.place < i.indnkeyatts) AS keys,
              pg_catalog.array_agg(x.option ORDER BY x.place) FILTER (WHERE x.place < i.indnkeyatts) AS options,
              pg_catalog.array_agg(x.option # 3 ORDER BY x.place) FILTER (WHERE x.place < i.indnkeyatts) AS inverted,
              pg_catalog.array_agg(x.column_number ORDER BY x.place) FILTER (WHERE x.place < i.indnkeyatts) AS key_columns,
              pg_catalog.array_agg(x.column_number) AS columns
         FROM (SELECT p.place, i.indkey[p.place]::integer AS column_number, i.indoption[p.place]::integer AS option,
                      pg_catalog.format('%s %s %s', CASE WHEN i.indkey[p.place] = 0
                                                         THEN pg_catalog.pg_get_indexdef(i.indexrelid, p.place + 1, false)
                                                         ELSE i.indkey[p.place]::text END,
                                        i.indclass[p.place], i.indcollation[p.place]) AS key
                 FROM pg_catalog.generate_series(0, i.indnatts - 1) p(place)) x) k
 WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'dbperf') AND t.relpersistence <> 't';
END;
COMMENT ON FUNCTION dbperf.index_keys() IS 'internal: indexes of this database as dbperf.index_review() compares them';

CREATE FUNCTION dbperf.index_review(
    OUT verdict text, OUT index_name text, OUT relation text, OUT of_index text, OUT size_bytes bigint, OUT ddl text, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH visible AS (
        SELECT k.*, pg_catalog.pg_relation_size(k.indexrelid) AS bytes,
               pg_catalog.row_number() OVER (ORDER BY k.is_needed DESC, k.is_unique DESC, pg_catalog.pg_relation_size(k.indexrelid),
                                             k.indexrelid) AS rank
          FROM dbperf.index_keys() k
         WHERE k.is_valid AND pg_catalog.has_table_privilege(k.indrelid, 'SELECT')
    ), served AS (
        SELECT b.indexrelid AS narrow, a.indexrelid AS wide,
               a.keys = b.keys AND a.options = b.options AND a.columns @> b.columns AND b.columns @> a.columns
                 AND a.predicate = b.predicate AS is_equal,
               a.rank AS wide_rank
          FROM visible b
          JOIN visible a ON a.indrelid = b.indrelid AND a.relam = b.relam AND a.indexrelid <> b.indexrelid
         WHERE a.predicate = b.predicate AND a.columns @> b.columns AND NOT b.is_needed
           AND (a.keys[:pg_catalog.cardinality(b.keys)] = b.keys)
           AND (a.options[:pg_catalog.cardinality(b.keys)] = b.options OR a.inverted[:pg_catalog.cardinality(b.keys)] = b.options)
           AND (b.is_btree OR a.keys = b.keys)
           -- What enforces something goes only for its equal.
           AND (NOT b.is_unique OR (a.is_unique AND a.is_immediate AND a.keys = b.keys AND a.nulls_not_distinct = b.nulls_not_distinct))
    ), chosen AS (
        SELECT DISTINCT ON (s.narrow) s.*
          FROM served s
          JOIN visible b ON b.indexrelid = s.narrow
         -- Of two that serve each other the one of the lower rank stays.
         WHERE s.wide_rank < b.rank OR NOT EXISTS (SELECT FROM served o WHERE o.narrow = s.wide AND o.wide = s.narrow)
         ORDER BY s.narrow, s.is_equal DESC, s.wide_rank
    )
    SELECT CASE WHEN c.is_equal THEN 'duplicate' ELSE 'redundant' END,
           pg_catalog.format('%I.%I', b.schema_name, b.index_name), b.indrelid::regclass::text,
           pg_catalog.format('%I.%I', a.schema_name, a.index_name), b.bytes,
           pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I', b.schema_name, b.index_name),
           CASE WHEN c.is_equal THEN pg_catalog.format('%I has the same keys for the same rows', a.index_name)
                ELSE pg_catalog.format('%I begins with its keys and serves the same statements', a.index_name) END
           || CASE WHEN b.has_expressions THEN '; its statistics of expressions go with it' ELSE '' END
      FROM chosen c
      JOIN visible a ON a.indexrelid = c.wide
      JOIN visible b ON b.indexrelid = c.narrow
     ORDER BY b.schema_name COLLATE "C", b.index_name COLLATE "C";
END;
COMMENT ON FUNCTION dbperf.index_review() IS
'indexes of this database that another one makes superfluous: verdict duplicate (the same keys for the same rows), redundant (its keys are the first ones of of_index); ddl drops it; never one that a constraint, a foreign key, the replica identity or CLUSTER needs, never the only one that enforces uniqueness; on tables that the caller may read';

CREATE FUNCTION dbperf.foreign_keys_without_index(
    OUT relation text, OUT constraint_name text, OUT referenced text, OUT pages bigint, OUT ddl text, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o.conrelid::regclass::text, o.conname::text, o.confrelid::regclass::text, t.relpages::bigint,
           pg_catalog.format('CREATE INDEX CONCURRENTLY ON %I.%I (%s)', n.nspname, t.relname,
                             (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY x.place)
                                FROM pg_catalog.unnest(o.conkey) WITH ORDINALITY x(number, place)
                                JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = x.number)),
           pg_catalog.format('each row that is deleted from %s, or whose key is changed, reads all of %s (%s pages), and so does a join with it',
                             o.confrelid::regclass, o.conrelid::regclass, t.relpages)
      FROM pg_catalog.pg_constraint o
      JOIN pg_catalog.pg_class t ON t.oid = o.conrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
     WHERE o.contype = 'f' AND t.relkind = 'r' AND o.conparentid = 0 AND n.nspname <> 'dbperf'
       AND pg_catalog.has_table_privilege(o.conrelid, 'SELECT')
       -- A few pages are read as fast without.
       AND (t.relpages > 10 OR t.reltuples >= 1000)
       AND NOT EXISTS (
           SELECT FROM dbperf.index_keys() k
            WHERE k.indrelid = o.conrelid AND k.is_valid AND k.is_btree
              AND k.key_columns[:pg_catalog.cardinality(o.conkey)] @> o.conkey::integer[]
              AND (k.predicate = '' OR (pg_catalog.cardinality(o.conkey) = 1 AND k.predicate = (
                      SELECT pg_catalog.format('(%I IS NOT NULL)', a.attname) FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid = o.conrelid AND a.attnum = o.conkey[1]))))
     ORDER BY 1, 2;
END;
COMMENT ON FUNCTION dbperf.foreign_keys_without_index() IS
'foreign keys of this database whose columns are the first ones of no index, in any order: what that costs, and the index; not of tables of a few pages, nor of those that the caller may not read';

CREATE FUNCTION dbperf.unused_indexes(advice jsonb, OUT index_name text, OUT relation text, OUT size_bytes bigint, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT pg_catalog.format('%I.%I', k.schema_name, k.index_name), k.indrelid::regclass::text,
           pg_catalog.pg_relation_size(k.indexrelid), 'no statement of the workload is planned with it; others may need it'
      FROM dbperf.index_keys() k
     WHERE k.indrelid IN (SELECT pg_catalog.jsonb_array_elements_text(advice -> 'tables')::oid)
       AND k.indexrelid NOT IN (SELECT pg_catalog.jsonb_array_elements_text(advice -> 'used_indexes')::oid)
       AND NOT k.is_needed AND NOT k.is_unique AND k.is_valid AND pg_catalog.has_table_privilege(k.indrelid, 'SELECT')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint o
                        WHERE o.conrelid = k.indrelid AND o.contype = 'f'
                          AND k.key_columns[:pg_catalog.cardinality(o.conkey)] @> o.conkey::integer[])
     ORDER BY 1;
END;
COMMENT ON FUNCTION dbperf.unused_indexes(jsonb) IS
    'internal: indexes of tables of the workload that no plan of dbperf.plan_index_advice() had, and that nothing else needs';

CREATE FUNCTION dbperf.index_advice(
    run text DEFAULT NULL, max_indexes integer DEFAULT NULL, max_size bigint DEFAULT NULL, OUT kind text, OUT name text, OUT relation text,
    OUT ddl text, OUT size_bytes bigint, OUT reason text, OUT queries jsonb, OUT writes jsonb)
RETURNS SETOF record
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    WITH advice AS MATERIALIZED (
        SELECT dbperf.advise_indexes(index_advice.run, index_advice.max_indexes, index_advice.max_size) AS a
    )
    SELECT 'create', i.o ->> 'name', i.o ->> 'table', i.o ->> 'ddl', (i.o ->> 'size_bytes')::bigint,
           (SELECT CASE pg_catalog.count(*) WHEN 1 THEN '1 statement' ELSE pg_catalog.count(*) || ' statements' END
              FROM pg_catalog.jsonb_array_elements(i.o -> 'queries')) || ' of the workload would use it',
           i.o -> 'queries', i.o -> 'writes'
      FROM advice a CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(a.a -> 'indexes') i(o)
    UNION ALL
    SELECT 'none', s.o ->> 'query', NULL, NULL, NULL, (s.o ->> 'reason') || ': ' || (s.o ->> 'detail'), NULL, NULL
      FROM advice a CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(a.a -> 'statements') s(o)
     WHERE s.o ->> 'reason' IS NOT NULL
    UNION ALL
    SELECT 'foreign_key', f.constraint_name, f.relation, f.ddl, NULL, f.reason, NULL, NULL
      FROM dbperf.foreign_keys_without_index() f
    UNION ALL
    SELECT r.verdict, r.index_name, r.relation, r.ddl, r.size_bytes, r.reason, NULL, NULL
      FROM dbperf.index_review() r
    UNION ALL
    SELECT 'unused', u.index_name, u.relation, NULL, u.size_bytes, u.reason, NULL, NULL
      FROM advice a CROSS JOIN LATERAL dbperf.unused_indexes(a.a) u;
END;
COMMENT ON FUNCTION dbperf.index_advice(text, integer, bigint) IS
'what can be said of indexes for the statements of a finished run (null: the latest) in this database without measuring, by plans alone. kind create: an index that the workload should have, with queries (cost before and after, of a call) and writes that pay for it; none: why a statement gets no index; foreign_key: a foreign key without index; duplicate, redundant, unused: an index that is there. Nothing is executed and no index is made; statements are planned as the role that executed them, for superusers and members of that role. dbperf advise measures the same. Error: no finished run has the label';
