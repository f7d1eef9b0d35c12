-- Who may see and do what. Texts and plans can hold data of any user, so what is stored is for those who may read all
-- statistics; live statistics show every role its own texts, as pg_stat_statements does.

-- Default privileges of the role that creates the extension were made for its own tables: texts of all users are not to be
-- read, functions not to be added and triggers not to be put on tables by whom they name.
DO $$
DECLARE
    unasked text;
BEGIN
    FOR unasked IN
        WITH object AS (
            SELECT 'SCHEMA' AS kind, pg_catalog.quote_ident(n.nspname) AS name, n.nspowner AS owner, n.nspacl AS acl
              FROM pg_catalog.pg_namespace n WHERE n.nspname = 'dbperf'
            UNION ALL
            SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::pg_catalog.regclass::text, c.relowner, c.relacl
              FROM pg_catalog.pg_class c
             WHERE c.relnamespace = 'dbperf'::pg_catalog.regnamespace AND c.relkind IN ('r', 'v', 'S')
            UNION ALL
            SELECT 'ROUTINE', p.oid::pg_catalog.regprocedure::text, p.proowner, p.proacl
              FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'dbperf'::pg_catalog.regnamespace
        )
        SELECT DISTINCT pg_catalog.format('REVOKE ALL ON %s %s FROM %s', o.kind, o.name,
                   CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END)
          FROM object o CROSS JOIN pg_catalog.aclexplode(o.acl) a
         WHERE a.grantee <> o.owner AND NOT (o.kind = 'ROUTINE' AND a.grantee = 0)
    LOOP
        EXECUTE unasked;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA dbperf TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA dbperf TO pg_read_all_stats;

-- Runs are begun and finished by those who watch the server. What deletes, replaces or judges is for the owner, and for those
-- to whom a GRANT EXECUTE gives it.
REVOKE EXECUTE ON FUNCTION dbperf.start_run(text, jsonb), dbperf.finish_run(text), dbperf.take_snapshot() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dbperf.start_run(text, jsonb), dbperf.finish_run(text), dbperf.take_snapshot() TO pg_monitor;
REVOKE EXECUTE ON FUNCTION dbperf.reset(), dbperf.collect_test_databases(boolean),
    dbperf.store_interleaved_times(text, text, text, float8[], float8[], text),
    dbperf.store_query_outcome(text, text, text, text, text),
    dbperf.store_cycle_outcome(text, text, bigint, text, text), dbperf.match_locks(uuid, uuid, text), dbperf.import_run(jsonb, text),
    dbperf.prune(interval, text[]), dbperf.import_statistics(text, jsonb), dbperf.drop_statistics(text), dbperf.statistics_changed(),
    dbperf.statistics_column_reason(text, text, text, integer, boolean, jsonb), dbperf.write_statistics(text), dbperf.rewrite_statistics(text),
    dbperf.write_column_statistics(oid, smallint, boolean, jsonb), dbperf.write_extended_statistics(oid, boolean, jsonb) FROM PUBLIC;
-- Values of the other server's columns are not what monitoring is for.
REVOKE SELECT ON dbperf.statistics_object FROM pg_read_all_stats;

-- Rows of all tables are the user's: pg_dump keeps them, and the numbers of sequences, so that they go on where they were. Only how far
-- the recorder of this server came is of no use elsewhere.
DO $$
DECLARE
    kept pg_catalog.regclass;
BEGIN
    FOR kept IN
        SELECT c.oid
          FROM pg_catalog.pg_extension e
          JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
                                     AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'e'
          JOIN pg_catalog.pg_class c ON c.oid = d.objid
         WHERE e.extname = 'dbperf' AND c.relkind IN ('r', 'S') AND c.relname <> 'recorder_progress'
         ORDER BY c.relkind, c.relname COLLATE "C"
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(kept, '');
    END LOOP;
END
$$;
