-- Why a plan changed: the DDL, setting or growth that lies between two runs and touches its relations.

-- DDL of one side only. Two runs of one database: what happened from the begin of the earlier to the end of the later. Two
-- databases, copies perhaps: what the log of just one has.
CREATE FUNCTION dbperf.ddl_between(
    baseline uuid, candidate uuid, OUT ddl_id bigint, OUT only_baseline boolean, OUT command text, OUT objects text[], OUT database text,
    OUT statement text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH runs AS MATERIALIZED (
        SELECT b.project, b.started_at > a.started_at AS reversed, LEAST(b.started_at, a.started_at) AS since,
               GREATEST(b.finished_at, a.finished_at) AS until
          FROM dbperf.run b, dbperf.run a WHERE b.run_id = ddl_between.baseline AND a.run_id = ddl_between.candidate
    ), pairs AS MATERIALIZED (
        SELECT p.id_before, p.id_after FROM dbperf.paired_snapshots(ddl_between.baseline, ddl_between.candidate) p
    ), found AS (
        SELECT d.*, r.reversed AS only_baseline
          FROM runs r JOIN dbperf.ddl d ON d.project = r.project AND d.happened_at BETWEEN r.since AND r.until
         WHERE d.database_id IN (SELECT p.id_after FROM pairs p WHERE p.id_after = p.id_before)
            -- settings are set from anywhere
            OR d.command IN ('ALTER SYSTEM', 'ALTER DATABASE', 'ALTER ROLE')
            -- databases that were gone when their run was finished
            OR NOT EXISTS (SELECT FROM pairs) AND d.database IN (SELECT s.database FROM dbperf.statement s WHERE s.run_id = ddl_between.candidate)
        UNION ALL
        SELECT d.*, d.database_id = p.id_before
          FROM runs r CROSS JOIN pairs p
          JOIN dbperf.ddl d ON d.project = r.project AND d.database_id IN (p.id_before, p.id_after) AND d.happened_at <= r.until
         WHERE p.id_before <> p.id_after
           -- a copy has no log of how its template was tended
           AND NOT (d.database_id = p.id_before AND d.command IN ('ANALYZE', 'VACUUM', 'CLUSTER', 'REINDEX'))
           AND d.command NOT IN ('ALTER SYSTEM', 'ALTER DATABASE', 'ALTER ROLE')
           AND NOT EXISTS (SELECT FROM dbperf.ddl o
                            WHERE o.project = d.project AND o.statement = d.statement AND o.happened_at <= r.until
                              AND o.database_id = CASE d.database_id WHEN p.id_before THEN p.id_after ELSE p.id_before END)
    )
    SELECT f.ddl_id, f.only_baseline, f.command, f.objects,
           CASE WHEN f.command NOT IN ('ALTER SYSTEM', 'ALTER DATABASE', 'ALTER ROLE') THEN f.database END,
           CASE WHEN f.only_baseline THEN 'only in the baseline: ' ELSE '' END
           || CASE WHEN pg_catalog.length(t.text) > 200 THEN pg_catalog.left(t.text, 199) || '…' ELSE t.text END
      FROM found f CROSS JOIN LATERAL (SELECT pg_catalog.regexp_replace(f.statement, '\s+', ' ', 'g')) t(text);
END;
COMMENT ON FUNCTION dbperf.ddl_between(uuid, uuid) IS 'internal: DDL that only one of two runs has';

-- Something that can be to blame. names: what it touches, null: everything; own: what it is about (an index, a column, a
-- function, a setting); database: where, null: everywhere; role: whose setting it is; factor: of a table's size, after / before.
CREATE TYPE dbperf.possible_cause AS (
    rank integer, kind text, own text[], names text[], database text, role text, factor float8, sentence text, ddl_id bigint
);
COMMENT ON TYPE dbperf.possible_cause IS 'internal: a difference between two runs that may have changed plans, as dbperf.causes() gives it';

-- The likelier the lower the rank, where nothing is known about the query; dbperf.likeliest_cause() knows more.
CREATE FUNCTION dbperf.causes(baseline uuid, candidate uuid) RETURNS SETOF dbperf.possible_cause
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    WITH ddl AS MATERIALIZED (
        SELECT d.* FROM dbperf.ddl_between(causes.baseline, causes.candidate) d
    ), changed AS MATERIALIZED (
        SELECT c.*, pg_catalog.regexp_replace(pg_catalog.regexp_replace(c.name, '\(.*$| of role .*$', ''), '^.*\.', '') AS plain,
               CASE WHEN c.kind = 'setting' THEN pg_catalog.substring(c.name, ' of role (.*)$') END AS role,
               CASE c.kind WHEN 'index' THEN 0 WHEN 'statistics object' THEN 1 WHEN 'table' THEN 2 WHEN 'column' THEN 3 WHEN 'view' THEN 4
                           WHEN 'function' THEN 5 WHEN 'constraint' THEN 6 WHEN 'trigger' THEN 7 WHEN 'policy' THEN 8 ELSE 20 END AS position
          FROM dbperf.schema_changes_between(causes.baseline, causes.candidate) c
    ), explained AS (
        SELECT c.*, d.ddl_id, d.statement, d.objects
          FROM changed c
          LEFT JOIN LATERAL (
               SELECT l.* FROM ddl l
                WHERE CASE c.kind
                        WHEN 'setting' THEN l.command IN ('ALTER SYSTEM', 'ALTER DATABASE', 'ALTER ROLE') AND c.plain = ANY (l.objects)
                        WHEN 'column' THEN l.command IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'DROP TABLE') AND l.objects && c.relations
                        WHEN 'constraint' THEN l.command IN ('ALTER TABLE', 'CREATE TABLE', 'DROP TABLE') AND l.objects && c.relations
                        ELSE c.plain = ANY (l.objects) AND l.command NOT IN ('ANALYZE', 'VACUUM') AND (l.command <> 'CLUSTER' OR c.kind = 'index')
                             -- the index of a partition comes with that of its parent
                             OR c.kind = 'index' AND pg_catalog.cardinality(c.relations) > 1 AND l.command LIKE '% INDEX' AND l.objects && c.relations
                             OR l.command IN ('ALTER TABLE', 'CREATE TABLE', 'DROP TABLE') AND l.objects && c.relations END
                      -- what was created was not created by a DROP
                  AND l.command NOT LIKE CASE c.change WHEN CASE WHEN l.only_baseline THEN 'dropped' ELSE 'created' END THEN 'DROP %'
                                                       WHEN CASE WHEN l.only_baseline THEN 'created' ELSE 'dropped' END THEN 'CREATE %'
                                                       ELSE '' END
                -- of several statements about a table the one that says the name
                ORDER BY (l.command = 'ALTER ROLE') = (c.role IS NOT NULL) DESC, COALESCE(pg_catalog.strpos(l.statement, c.role) > 0, false) DESC,
                         l.objects[1] = c.plain DESC, c.plain = ANY (l.objects) DESC, pg_catalog.strpos(pg_catalog.lower(l.statement), pg_catalog.lower(c.plain)) > 0 DESC,
                         l.ddl_id DESC LIMIT 1) d ON true
    ), sized AS MATERIALIZED (
        SELECT s.*, s.members || pg_catalog.regexp_replace(s.relation, '^.*\.', '') AS names,
               s.analyzed_before IS FALSE AS unknown_before, s.analyzed_after IS FALSE AS unknown_after,
               s.rows_before IS NOT NULL AND s.rows_after IS NOT NULL AS is_counted,
               GREATEST(s.rows_after, 1) / GREATEST(s.rows_before, 1) AS by_rows, GREATEST(s.pages_after, 1) / GREATEST(s.pages_before, 1) AS by_pages
          FROM dbperf.size_changes(causes.baseline, causes.candidate) s
    )
    SELECT CASE WHEN e.kind = 'setting' THEN 30 WHEN e.ddl_id IS NOT NULL THEN 10 ELSE 20 END + e.position % 20,
           CASE WHEN e.kind = 'index' AND COALESCE(e.after, e.before) LIKE 'unique %' THEN 'unique index'
                WHEN e.kind = 'column' AND e.change = 'dropped' THEN 'dropped column' ELSE e.kind END,
           ARRAY[e.plain], CASE WHEN e.kind <> 'setting' THEN e.relations || e.plain || COALESCE(e.objects, '{}') END,
           CASE WHEN e.kind <> 'setting' THEN e.database END, e.role, NULL::float8, COALESCE(e.statement, e.sentence), e.ddl_id
      FROM explained e
    UNION ALL
    SELECT r.rank, CASE r.rank WHEN 40 THEN 'rewrite' WHEN 60 THEN 'maintenance' ELSE 'ddl' END, '{}', NULLIF(d.objects, '{}'), d.database,
           NULL, NULL,
           d.statement, d.ddl_id
      FROM ddl d
     CROSS JOIN LATERAL (SELECT CASE WHEN d.command IN ('CLUSTER', 'REINDEX') OR d.statement ~* '^[^;]*vacuum\s*(\([^)]*)?\s*full' THEN 40
                                     WHEN d.command IN ('ANALYZE', 'VACUUM') THEN 60 ELSE 15 END) r(rank)
     WHERE d.command IN ('CLUSTER', 'REINDEX', 'ANALYZE', 'VACUUM')
        -- without schemas to look at, the log alone has to do
        OR d.objects <> '{}' AND NOT EXISTS (SELECT FROM dbperf.paired_snapshots(causes.baseline, causes.candidate))
    UNION ALL
    SELECT 45, 'unanalyzed', '{}', s.names, s.database, NULL, NULL,
           pg_catalog.format('%s was never analyzed in the %s', s.relation, CASE WHEN s.unknown_before THEN 'baseline' ELSE 'candidate' END), NULL
      FROM sized s WHERE s.unknown_before <> s.unknown_after
    UNION ALL
    SELECT 50, 'growth', '{}', s.names, s.database, NULL, s.by_rows, dbperf.sentence_of_size(s.relation, s.rows_before, s.rows_after, 'rows'), NULL
      FROM sized s WHERE s.is_counted AND NOT s.by_rows BETWEEN 1 / 1.2 AND 1.2 AND pg_catalog.abs(s.rows_after - s.rows_before) >= 100
    UNION ALL
    -- as many rows on more pages are bloat; of a table that nobody analyzed only the pages are known
    SELECT 55, CASE WHEN s.is_counted THEN 'bloat' ELSE 'growth' END, '{}', s.names, s.database, NULL, s.by_pages,
           dbperf.sentence_of_size(s.relation, s.pages_before, s.pages_after, CASE WHEN s.is_counted THEN 'pages with as many rows' ELSE 'pages' END), NULL
      FROM sized s WHERE NOT s.by_pages BETWEEN 1 / 1.2 AND 1.2 AND pg_catalog.abs(s.pages_after - s.pages_before) >= 16
                     AND (NOT s.is_counted OR s.by_rows BETWEEN 1 / 1.2 AND 1.2);
END;
COMMENT ON FUNCTION dbperf.causes(uuid, uuid) IS
    'what differs between two finished runs and may have changed plans, the likeliest with the lowest rank; names null: touches everything';

CREATE FUNCTION dbperf.cause_of(baseline text, candidate text, relation_names text[]) RETURNS text
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    SELECT c.sentence
      FROM dbperf.causes(dbperf.find_run(cause_of.baseline), dbperf.find_run(cause_of.candidate)) c
     WHERE c.names IS NULL OR c.names && cause_of.relation_names
     ORDER BY c.rank / 10,
              (SELECT pg_catalog.count(*) FROM pg_catalog.unnest(cause_of.relation_names) n WHERE n = ANY (c.names)) DESC,
              c.rank, c.ddl_id DESC, c.sentence
     LIMIT 1;
END;
COMMENT ON FUNCTION dbperf.cause_of(text, text, text[]) IS
'the DDL, schema change, setting or growth between two runs that touches these relations (also: indexes, functions), as a sentence, or null. Error: no finished run has a label';
