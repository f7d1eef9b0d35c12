-- What the tables of two runs held, and whether anybody had looked at their data.

-- A partitioned table has one row of all its partitions, its members, and so has each of them; null where a side has no such table
-- or rows are unknown. Empty tables need no ANALYZE.
CREATE FUNCTION dbperf.size_changes(
    baseline uuid, candidate uuid, OUT database text, OUT relation text, OUT members text[], OUT rows_before float8, OUT rows_after float8,
    OUT pages_before float8, OUT pages_after float8, OUT analyzed_before boolean, OUT analyzed_after boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH stored AS (
        SELECT p.database_after AS database, s.is_after, e.name, pg_catalog.regexp_replace(e.name, '[^.]*$', '') AS prefix,
               pg_catalog.regexp_replace(e.name, '^.*\.', '') AS plain, (e.object ->> 'rows')::float8 AS rows,
               (e.object ->> 'pages')::float8 AS pages, (e.object ->> 'analyzed')::boolean AS analyzed, e.object -> 'relations' AS relations
          FROM dbperf.paired_snapshots(size_changes.baseline, size_changes.candidate) p
         CROSS JOIN LATERAL (VALUES (false, p.schema_before -> 'size'), (true, p.schema_after -> 'size')) s(is_after, sizes)
         CROSS JOIN LATERAL pg_catalog.jsonb_each(s.sizes) e(name, object)
    )
    SELECT s.database, s.prefix || r.name, pg_catalog.array_agg(DISTINCT s.plain),
           CASE WHEN pg_catalog.bool_and(s.rows IS NOT NULL) FILTER (WHERE NOT s.is_after) THEN pg_catalog.sum(s.rows) FILTER (WHERE NOT s.is_after) END,
           CASE WHEN pg_catalog.bool_and(s.rows IS NOT NULL) FILTER (WHERE s.is_after) THEN pg_catalog.sum(s.rows) FILTER (WHERE s.is_after) END,
           pg_catalog.sum(s.pages) FILTER (WHERE NOT s.is_after), pg_catalog.sum(s.pages) FILTER (WHERE s.is_after),
           pg_catalog.bool_and(s.analyzed) FILTER (WHERE NOT s.is_after), pg_catalog.bool_and(s.analyzed) FILTER (WHERE s.is_after)
      FROM stored s CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(s.relations) r(name)
     GROUP BY s.database, s.prefix, r.name;
END;
COMMENT ON FUNCTION dbperf.size_changes(uuid, uuid) IS 'internal: rows and pages of tables in two runs';

CREATE FUNCTION dbperf.sentence_of_size(relation text, before float8, after float8, suffix text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.format('%s %s from %s to %s %s', relation, CASE WHEN after > before THEN 'grew' ELSE 'shrank' END,
                         pg_catalog.to_char(before, 'FM999,999,999,999,990'), pg_catalog.to_char(after, 'FM999,999,999,999,990'), suffix);
COMMENT ON FUNCTION dbperf.sentence_of_size(text, float8, float8, text) IS 'internal: growth of a table in words';
