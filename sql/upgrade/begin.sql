-- An update keeps the tables and makes all else anew. This part remembers who was given or denied what, and drops functions,
-- views and types; end.sql puts the rights back.
\echo Use "ALTER EXTENSION dbperf UPDATE" to load this file. \quit
SET LOCAL search_path = pg_catalog, pg_temp;

-- Rights that differ from those the extension gave itself, as statements. Not the ones by which others could run code as
-- those who use the extension.
SELECT pg_catalog.set_config('dbperf_update.rights', COALESCE(pg_catalog.jsonb_agg(r.statement)::text, '[]'), true)
  FROM (
    WITH object AS (
        SELECT n.tableoid AS classoid, n.oid, 'SCHEMA' AS kind, pg_catalog.quote_ident(n.nspname) AS name, n.nspowner AS owner,
               COALESCE(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) AS acl
          FROM pg_catalog.pg_namespace n WHERE n.nspname = 'dbperf'
        UNION ALL
        SELECT c.tableoid, c.oid, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::pg_catalog.regclass::text, c.relowner,
               COALESCE(c.relacl, pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, c.relowner))
          FROM pg_catalog.pg_class c WHERE c.relnamespace = 'dbperf'::pg_catalog.regnamespace AND c.relkind IN ('r', 'v', 'S')
        UNION ALL
        SELECT p.tableoid, p.oid, 'ROUTINE', p.oid::pg_catalog.regprocedure::text, p.proowner,
               COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))
          FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'dbperf'::pg_catalog.regnamespace
    ), present AS (
        SELECT o.*, a.grantee, a.privilege_type, a.is_grantable
          FROM object o CROSS JOIN pg_catalog.aclexplode(o.acl) a
         WHERE a.grantee <> o.owner AND a.privilege_type NOT IN ('CREATE', 'TRIGGER', 'REFERENCES')
    ), initial AS (
        SELECT o.*, a.grantee, a.privilege_type
          FROM object o
          LEFT JOIN pg_catalog.pg_init_privs i ON i.objoid = o.oid AND i.classoid = o.classoid AND i.objsubid = 0
         CROSS JOIN pg_catalog.aclexplode(COALESCE(i.initprivs, CASE o.kind WHEN 'ROUTINE' THEN pg_catalog.acldefault('f', o.owner) END)) a
         WHERE a.grantee <> o.owner
    )
    SELECT pg_catalog.format('GRANT %s ON %s %s TO %s%s', p.privilege_type, p.kind, p.name,
               CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.grantee)) END,
               CASE WHEN p.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement
      FROM present p
     WHERE NOT EXISTS (SELECT FROM initial i WHERE i.oid = p.oid AND i.classoid = p.classoid AND i.grantee = p.grantee
                                               AND i.privilege_type = p.privilege_type)
    UNION ALL
    SELECT pg_catalog.format('REVOKE %s ON %s %s FROM %s', i.privilege_type, i.kind, i.name,
               CASE i.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(i.grantee)) END)
      FROM initial i
     WHERE NOT EXISTS (SELECT FROM present p WHERE p.oid = i.oid AND p.classoid = i.classoid AND p.grantee = i.grantee
                                               AND p.privilege_type = i.privilege_type)
    ) r;

-- The younger ones first, which use the older ones; whatever is left waits for the next round.
DO $$
DECLARE
    doomed record;
    dropped integer;
    refused text;
    reason text;
BEGIN
    LOOP
        dropped := 0;
        refused := NULL;
        FOR doomed IN
            SELECT o.kind, o.name
              FROM pg_extension e
              JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
             CROSS JOIN LATERAL (
                   SELECT 'VIEW' AS kind, c.oid::regclass::text AS name FROM pg_class c
                    WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind = 'v'
                    UNION ALL
                   SELECT CASE p.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.oid::regprocedure::text
                     FROM pg_proc p WHERE d.classid = 'pg_proc'::regclass AND p.oid = d.objid
                    UNION ALL
                   SELECT 'TYPE', t.oid::regtype::text FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
                    WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid) o
             WHERE e.extname = 'dbperf'
             ORDER BY d.objid DESC
        LOOP
            BEGIN
                EXECUTE format('DROP %s %s', doomed.kind, doomed.name);
                dropped := dropped + 1;
            EXCEPTION WHEN dependent_objects_still_exist THEN
                IF refused IS NULL THEN -- the youngest: what uses it is not the extension's
                    refused := format('%s %s', lower(doomed.kind), doomed.name);
                    GET STACKED DIAGNOSTICS reason = PG_EXCEPTION_DETAIL;
                END IF;
            END;
        END LOOP;
        EXIT WHEN refused IS NULL;
        IF dropped = 0 THEN
            RAISE EXCEPTION 'the % of the extension cannot be replaced: something else uses it', refused
                USING ERRCODE = 'dependent_objects_still_exist', DETAIL = reason,
                      HINT = 'Drop what uses it before the update, and create it again after it.';
        END IF;
    END LOOP;
END
$$;

