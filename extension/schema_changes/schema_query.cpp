// One CTE a kind of object.
#include "core/pg.h"

#include "schema_changes/schema_query.h"

namespace dbperf::schema_changes {

// A partition also counts as its parents, whose changes are its own. Rows are estimated from the size of today, as the
// planner does.
const char *const schema_sql = R"(
WITH RECURSIVE relation AS (
    SELECT c.oid, c.relname::text AS plain, c.relkind, c.relpersistence, c.reloptions, c.relpages, c.reltuples, c.relispartition,
           CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS name
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm', 'f') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'dbperf')
       AND n.nspname !~ '^pg_(toast|temp)'
), ancestor AS (
    SELECT r.oid, r.oid AS parent FROM relation r
    UNION
    SELECT a.oid, i.inhparent FROM ancestor a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.parent
), touched AS (
    SELECT a.oid, pg_catalog.jsonb_agg(DISTINCT c.relname::text) AS relations
      FROM ancestor a JOIN pg_catalog.pg_class c ON c.oid = a.parent GROUP BY a.oid
), object AS (
    SELECT 'table' AS kind, r.name, r.name AS owner, t.relations,
           pg_catalog.concat_ws(', ', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
               CASE r.relkind WHEN 'p' THEN 'partitioned by ' || pg_catalog.pg_get_partkeydef(r.oid) WHEN 'm' THEN 'materialized view'
                              WHEN 'f' THEN 'foreign table' ELSE 'table' END,
               (SELECT 'child of ' || pg_catalog.string_agg(p.relname, ', ' ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i
                  JOIN pg_catalog.pg_class p ON p.oid = i.inhparent WHERE i.inhrelid = r.oid),
               'with ' || pg_catalog.array_to_string(r.reloptions, ', ')) AS definition
      FROM relation r JOIN touched t USING (oid)
    UNION ALL
    SELECT 'column', r.name || '.' || a.attname, r.name, t.relations,
           pg_catalog.concat_ws(', ', pg_catalog.format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
               CASE WHEN a.attcollation <> y.typcollation THEN 'collation ' || l.collname END,
               CASE WHEN a.attstattarget >= 0 THEN 'statistics ' || a.attstattarget END,
               CASE a.attgenerated WHEN '' THEN NULL ELSE 'generated' END, 
               (SELECT pg_catalog.string_agg(x, ', ' ORDER BY x) FROM pg_catalog.unnest(a.attoptions) x WHERE x LIKE 'n\_distinct%'))
      FROM relation r JOIN touched t USING (oid) JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_catalog.pg_type y ON y.oid = a.atttypid LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
    UNION ALL
    SELECT 'index', CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || c.relname, r.name, t.relations,
           CASE WHEN i.indisunique THEN 'unique ' ELSE '' END || 'on ' || r.name || ' '
           || pg_catalog.regexp_replace(pg_catalog.substring(pg_catalog.pg_get_indexdef(i.indexrelid), ' USING (.*)$'), '^btree ', '')
           || CASE WHEN i.indisvalid THEN '' ELSE ', invalid' END || CASE WHEN i.indisclustered THEN ', clustered' ELSE '' END
      FROM relation r JOIN touched t USING (oid) JOIN pg_catalog.pg_index i ON i.indrelid = r.oid
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    UNION ALL
    SELECT 'constraint', r.name || '.' || k.conname, r.name, t.relations, 'on ' || r.name || ' ' || pg_catalog.pg_get_constraintdef(k.oid)
      FROM relation r JOIN touched t USING (oid) JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x')
    UNION ALL
    SELECT 'statistics object', CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || s.stxname, r.name, t.relations,
           pg_catalog.regexp_replace(pg_catalog.pg_get_statisticsobjdef(s.oid), '^CREATE STATISTICS \S+ ', '')
           || CASE WHEN s.stxstattarget >= 0 THEN ', statistics ' || s.stxstattarget ELSE '' END
      FROM relation r JOIN touched t USING (oid) JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = r.oid
      JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    UNION ALL
    SELECT 'trigger', r.name || '.' || g.tgname, r.name, t.relations,
           pg_catalog.regexp_replace(pg_catalog.pg_get_triggerdef(g.oid), '^CREATE (CONSTRAINT )?TRIGGER \S+ ', '')
           || CASE g.tgenabled WHEN 'D' THEN ', disabled' ELSE '' END
      FROM relation r JOIN touched t USING (oid) JOIN pg_catalog.pg_trigger g ON g.tgrelid = r.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT 'policy', r.name || '.' || y.polname, r.name, t.relations,
           pg_catalog.concat_ws(', ', 'for ' || y.polcmd::text, 'using ' || pg_catalog.pg_get_expr(y.polqual, y.polrelid))
      FROM relation r JOIN touched t USING (oid) JOIN pg_catalog.pg_policy y ON y.polrelid = r.oid
    UNION ALL
    SELECT 'function', CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || p.proname
                       || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
           NULL, pg_catalog.jsonb_build_array(p.proname::text),
           pg_catalog.format('%s, %s, cost %s, rows %s, parallel %s, body %s', l.lanname,
               CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END, p.procost, p.prorows,
               CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END, pg_catalog.left(pg_catalog.md5(p.prosrc), 8))
      FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'dbperf') AND p.prokind = 'f'
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 'setting', s.name, NULL, '[]', s.setting || COALESCE(s.unit, '')
      FROM pg_catalog.pg_settings s
     WHERE s.category LIKE 'Query Tuning%' AND s.name <> 'jit' OR s.name IN ('work_mem', 'hash_mem_multiplier', 'maintenance_work_mem', 'shared_buffers')
    UNION ALL
    SELECT 'setting', pg_catalog.format('%s of role %s', pg_catalog.split_part(c, '=', 1), r.rolname), NULL, '[]',
           pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1)
      FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole CROSS JOIN pg_catalog.unnest(s.setconfig) c
      JOIN pg_catalog.pg_settings k ON k.name = pg_catalog.split_part(c, '=', 1)
     WHERE (s.setdatabase = 0 OR s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
       AND (k.category LIKE 'Query Tuning%' OR k.name IN ('work_mem', 'hash_mem_multiplier', 'search_path'))
), kind AS (
    SELECT o.kind AS key, pg_catalog.jsonb_object_agg(o.name, pg_catalog.jsonb_build_object('relation', o.owner, 'relations', o.relations, 'definition', o.definition)) AS value
      FROM object o GROUP BY o.kind
    UNION ALL
    SELECT 'size', pg_catalog.jsonb_object_agg(r.name, pg_catalog.jsonb_build_object('relations', t.relations, 'pages', z.pages,
               'rows', CASE WHEN z.pages = 0 THEN 0 WHEN r.reltuples >= 0 AND r.relpages > 0 THEN pg_catalog.round((r.reltuples / r.relpages * z.pages)::numeric) END,
               'analyzed', z.pages = 0 OR EXISTS (SELECT FROM pg_catalog.pg_statistic s WHERE s.starelid = r.oid)))
      FROM relation r JOIN touched t USING (oid)
     CROSS JOIN LATERAL (SELECT pg_catalog.pg_relation_size(r.oid) / pg_catalog.current_setting('block_size')::bigint) z(pages)
     WHERE r.relkind IN ('r', 'm')
    HAVING pg_catalog.count(*) > 0
)
SELECT pg_catalog.jsonb_object_agg(k.key, k.value)::text FROM kind k
)";

const char *const schema_views_sql = R"(
SELECT pg_catalog.jsonb_build_object('view', pg_catalog.jsonb_object_agg(
           CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || c.relname,
           pg_catalog.jsonb_build_object('relations', pg_catalog.to_jsonb(u.relations), 'definition', pg_catalog.pg_get_viewdef(c.oid))))::text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT ARRAY[c.relname::text] || pg_catalog.array_agg(DISTINCT b.relname::text) AS relations
                       FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
                       JOIN pg_catalog.pg_class b ON b.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      WHERE w.ev_class = c.oid AND b.oid <> c.oid) u
 WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'dbperf') AND n.nspname !~ '^pg_temp'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid AND e.deptype = 'e')
HAVING pg_catalog.count(*) > 0
)";

} // namespace dbperf::schema_changes
