-- Which of all possible causes fits a changed query: by what its plans and its text touch.

-- Names without schema. scanned: relations that are read, by nodes or by constraints; modified: written, or looked up by a constraint when others are; said: words of
-- the text; words: also of the plans; settings: those that differ between the sessions of both plans.
CREATE TYPE dbperf.touched AS (
    relations text[], scanned text[], indexes text[], modified text[], triggers text[], said text[], words text[], calls text[], settings text[], roles text[],
    databases text[]
);
COMMENT ON TYPE dbperf.touched IS 'internal: names that the plans and the text of a query touch';

CREATE FUNCTION dbperf.touched_by(
    project_before text, before uuid, plan_before bigint, project_after text, after uuid, plan_after bigint) RETURNS dbperf.touched
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH plans AS MATERIALIZED (
        SELECT p.plan, p.role, p.database, p.fingerprint, p.project, false AS is_after FROM dbperf.plan p
         WHERE p.project = touched_by.project_before AND p.run_id = touched_by.before AND p.plan_id = touched_by.plan_before
        UNION ALL
        SELECT p.plan, p.role, p.database, p.fingerprint, p.project, true FROM dbperf.plan p
         WHERE p.project = touched_by.project_after AND p.run_id = touched_by.after AND p.plan_id = touched_by.plan_after
    ), texts AS MATERIALIZED (
        SELECT pg_catalog.left(p.plan::text, 200000) AS text, false AS said FROM plans p
        UNION ALL
        SELECT t.query, true FROM dbperf.query_text t WHERE (t.project, t.fingerprint) IN (SELECT p.project, p.fingerprint FROM plans p)
    ), words AS MATERIALIZED (
        SELECT m[1] AS word, pg_catalog.bool_or(t.said) AS said
          FROM texts t, pg_catalog.regexp_matches(t.text, '[[:alpha:]_][[:alnum:]_$]*', 'g') m GROUP BY 1
    ), triggers AS MATERIALIZED (
        SELECT DISTINCT v #>> '{}' AS name
          FROM plans p, pg_catalog.jsonb_path_query(p.plan, '$[*]."Triggers"[*].*') v WHERE pg_catalog.jsonb_typeof(v) = 'string'
    ), looked_up AS MATERIALIZED (
        SELECT DISTINCT r.name
          FROM dbperf.schema_snapshot s CROSS JOIN LATERAL pg_catalog.jsonb_each(s.schema -> 'constraint') c(name, object)
         CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(c.object -> 'relations') r(name)
         WHERE EXISTS (SELECT FROM triggers) AND s.run_id IN (touched_by.before, touched_by.after)
           AND pg_catalog.regexp_replace(c.name, '^.*\.', '') IN (SELECT t.name FROM triggers t)
    )
    SELECT ROW(
        ARRAY(SELECT v #>> '{}' FROM plans p, pg_catalog.jsonb_path_query(p.plan, 'strict $.**."Relation Name"', '{}', true) v
              UNION SELECT l.name FROM looked_up l),
        ARRAY(SELECT v #>> '{}' FROM plans p, pg_catalog.jsonb_path_query(p.plan, 'strict $.** ? (@."Node Type" != "ModifyTable")."Relation Name"', '{}', true) v
              UNION SELECT l.name FROM looked_up l),
        ARRAY(SELECT DISTINCT v #>> '{}' FROM plans p, pg_catalog.jsonb_path_query(p.plan, 'strict $.**."Index Name"', '{}', true) v),
        ARRAY(SELECT v #>> '{}' FROM plans p, pg_catalog.jsonb_path_query(p.plan, 'strict $.** ? (@."Node Type" == "ModifyTable")."Relation Name"', '{}', true) v
              UNION SELECT l.name FROM looked_up l),
        ARRAY(SELECT t.name FROM triggers t),
        ARRAY(SELECT w.word FROM words w WHERE w.said),
        ARRAY(SELECT w.word FROM words w),
        ARRAY(SELECT DISTINCT m[1] FROM texts t, pg_catalog.regexp_matches(t.text, '([[:alpha:]_][[:alnum:]_$]*)\\?"?\s*\(', 'g') m),
        ARRAY(SELECT k.name
                FROM (SELECT (SELECT p.plan #> '{0,Settings}' FROM plans p WHERE NOT p.is_after) AS before,
                             (SELECT p.plan #> '{0,Settings}' FROM plans p WHERE p.is_after) AS after) s
               CROSS JOIN LATERAL (SELECT pg_catalog.jsonb_object_keys(s.before) UNION SELECT pg_catalog.jsonb_object_keys(s.after)) k(name)
               WHERE (SELECT pg_catalog.count(*) FROM plans) = 2 AND s.before -> k.name IS DISTINCT FROM s.after -> k.name
                 -- names are found or not found by it, plans are no others
                 AND k.name <> 'search_path' AND k.name NOT LIKE 'jit%'
               ORDER BY k.name),
        ARRAY(SELECT DISTINCT p.role FROM plans p), ARRAY(SELECT p.database FROM plans p
              -- what fails has no plan after
              UNION SELECT s.database FROM dbperf.schema_snapshot s
               WHERE s.run_id = touched_by.after AND NOT EXISTS (SELECT FROM plans p WHERE p.is_after)))::dbperf.touched;
END;
COMMENT ON FUNCTION dbperf.touched_by(text, uuid, bigint, text, uuid, bigint) IS
    'internal: names that the plans and the text of a query touch';

-- The lower the likelier, null: has nothing to do with it. changed: relations of the nodes that changed.
CREATE FUNCTION dbperf.strength_of(cause dbperf.possible_cause, touched dbperf.touched, changed text[]) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN cause.database <> ALL (touched.databases) THEN NULL
    -- about something the query surely uses
    WHEN cause.kind = 'setting' AND cause.own && touched.settings AND (cause.role IS NULL OR cause.role = ANY (touched.roles)) THEN 5
    WHEN cause.kind IN ('index', 'unique index') AND cause.own && touched.indexes
         OR cause.kind IN ('trigger', 'constraint') AND cause.own && touched.triggers
         OR cause.kind = 'function' AND cause.own && touched.calls
         OR cause.kind = 'view' AND cause.own && touched.said THEN 10
    WHEN cause.kind = 'table' AND cause.own && touched.said THEN 11
    WHEN cause.kind IN ('setting', 'function') OR NOT COALESCE(cause.names && (touched.relations || touched.indexes), true) THEN NULL
    ELSE CASE
        WHEN cause.kind IN ('index', 'unique index') AND cause.names && touched.modified THEN 20
        -- a unique index is a proof that a join may need
        WHEN cause.kind = 'unique index' THEN 45
        WHEN cause.kind = 'table' THEN 13
        WHEN cause.kind IN ('column', 'dropped column') AND cause.own && touched.words THEN 14
        WHEN cause.kind = 'ddl' THEN 15
        WHEN cause.kind IN ('unanalyzed', 'growth') AND NOT cause.names && touched.scanned THEN NULL
        WHEN cause.kind = 'unanalyzed' THEN 16
        WHEN cause.kind = 'growth' AND NOT cause.factor BETWEEN 0.5 AND 2 THEN 18
        WHEN cause.kind IN ('statistics object', 'policy') THEN 25
        WHEN cause.kind = 'trigger' AND cause.names && touched.modified THEN 30
        WHEN cause.kind = 'rewrite' THEN 34
        WHEN cause.kind = 'constraint' THEN 40
        -- rows may have become wider
        WHEN cause.kind = 'column' THEN 42
        WHEN cause.kind = 'bloat' THEN 48
        WHEN cause.kind = 'growth' THEN 50
        WHEN cause.kind = 'view' THEN 60
        WHEN cause.kind = 'maintenance' THEN 80 END
      + CASE WHEN cause.names && changed THEN 0 ELSE 7 END
    END;
COMMENT ON FUNCTION dbperf.strength_of(dbperf.possible_cause, dbperf.touched, text[]) IS
    'internal: how well a cause fits a changed query, lower is better; null: not at all';

CREATE FUNCTION dbperf.likeliest_cause(causes dbperf.possible_cause[], touched dbperf.touched, changed text[]) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT c.sentence
      FROM (SELECT u.*, dbperf.strength_of(u, likeliest_cause.touched, likeliest_cause.changed) AS strength
              FROM pg_catalog.unnest(likeliest_cause.causes) u) c
     WHERE c.strength IS NOT NULL
     ORDER BY c.strength, COALESCE(c.names && likeliest_cause.changed, false) DESC,
              (SELECT pg_catalog.count(*) FROM pg_catalog.unnest(c.names) n
                WHERE n = ANY ((likeliest_cause.touched).relations || (likeliest_cause.touched).indexes)) DESC,
              pg_catalog.abs(pg_catalog.ln(c.factor)) DESC NULLS LAST, c.rank, c.ddl_id DESC, c.sentence
     LIMIT 1;
END;
COMMENT ON FUNCTION dbperf.likeliest_cause(dbperf.possible_cause[], dbperf.touched, text[]) IS
    'internal: the cause that fits a changed query best; null: none';

-- In words, what besides the schema differs between both sides of a changed query so that they cannot be compared, else
-- null. factor: of its work or time, after / before. What changed by more than its tables grew has another reason to.
CREATE FUNCTION dbperf.other_conditions(causes dbperf.possible_cause[], touched dbperf.touched, ratio float8, factor float8) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN pg_catalog.cardinality(touched.settings) > 0 THEN 'settings differ: ' || pg_catalog.array_to_string(touched.settings, ', ')
    ELSE (SELECT c.sentence FROM pg_catalog.unnest(causes) c
           WHERE c.names && touched.scanned AND c.database = ANY (touched.databases)
             AND (c.kind = 'unanalyzed'
                  OR c.kind = 'growth' AND CASE WHEN other_conditions.factor > 1 THEN c.factor >= ratio AND other_conditions.factor <= ratio * c.factor
                                              ELSE c.factor <= 1 / ratio AND other_conditions.factor >= c.factor / ratio END)
           ORDER BY c.kind = 'growth', pg_catalog.abs(pg_catalog.ln(c.factor)) DESC, c.sentence LIMIT 1) END;
COMMENT ON FUNCTION dbperf.other_conditions(dbperf.possible_cause[], dbperf.touched, float8, float8) IS
    'internal: what besides the schema differs between both sides of a changed query; null: nothing';
