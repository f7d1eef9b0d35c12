-- What a finding is called by in every run, so that a check can tell new ones from those that somebody knows of.

-- The transactions that waited for each other, whichever of them was the victim this time: key and statements.
CREATE FUNCTION dbperf.deadlock_key(deadlock_id bigint, OUT key text, OUT statements text) RETURNS record
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT pg_catalog.string_agg(w.fingerprint::text, ' ' ORDER BY w.fingerprint),
           pg_catalog.string_agg(w.statement, ' <-> ' ORDER BY w.fingerprint)
      FROM (SELECT DISTINCT s.fingerprint, COALESCE(dbperf.short_query(t.query), s.fingerprint::text) AS statement
              FROM dbperf.deadlock_step s
              LEFT JOIN dbperf.query_text t USING (project, fingerprint)
             WHERE s.deadlock_id = deadlock_key.deadlock_id AND s.waited_ms IS NOT NULL AND s.fingerprint IS NOT NULL) w;
END;
COMMENT ON FUNCTION dbperf.deadlock_key(bigint) IS 'internal: what a deadlock is the same by in every run';

CREATE FUNCTION dbperf.finding_key(kind text, query text, details jsonb) RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT pg_catalog.jsonb_build_object('kind', finding_key.kind, 'statement', COALESCE(f.statement, f.key), 'key', f.key, 'edge',
               COALESCE(f.edge, ''), 'confidence', f.confidence, 'calls', f.calls)
      FROM (SELECT COALESCE(finding_key.details ->> 'short_query', dbperf.short_query(finding_key.query)) AS statement,
                   finding_key.details ->> 'fingerprint' AS key,
                   pg_catalog.concat_ws(' ', finding_key.details ->> 'kind',
                       pg_catalog.concat_ws('.', finding_key.details ->> 'parent_relation', finding_key.details ->> 'parent_column'), '->',
                       finding_key.details ->> 'key_column') AS edge,
                   finding_key.details ->> 'confidence' AS confidence, (finding_key.details ->> 'scope_calls_max')::float8 AS calls
             WHERE finding_key.kind = 'n_plus_one'
            UNION ALL
            SELECT d.statements, COALESCE(d.key, finding_key.details ->> 'kind'), finding_key.details ->> 'kind', NULL, NULL
              FROM dbperf.deadlock_key((finding_key.details ->> 'deadlock_id')::bigint) d
             WHERE finding_key.kind = 'deadlock'
            UNION ALL
            SELECT dbperf.short_query(finding_key.query), finding_key.details ->> 'cycle_id', 'cycle',
                   CASE finding_key.details ->> 'status' WHEN 'confirmed' THEN 'confirmed' ELSE finding_key.details ->> 'confidence' END, NULL
             WHERE finding_key.kind = 'lock_cycle'
            UNION ALL -- a limit of time is judged by itself, what is counted may get worse beyond it
            SELECT finding_key.query, COALESCE('unit ' || (finding_key.details ->> 'unit'), finding_key.query), finding_key.details ->> 'metric', NULL,
                   CASE WHEN finding_key.details ->> 'metric' NOT LIKE '%\_ms' THEN (finding_key.details ->> 'measured')::float8 END
             WHERE finding_key.kind = 'budget'
            UNION ALL
            SELECT dbperf.short_query(finding_key.query), COALESCE(finding_key.details ->> 'fingerprint', finding_key.query), '', NULL, NULL
             WHERE finding_key.kind NOT IN ('n_plus_one', 'deadlock', 'lock_cycle', 'budget')) f
     WHERE f.key IS NOT NULL;
END;
COMMENT ON FUNCTION dbperf.finding_key(text, text, jsonb) IS
'what a row of dbperf.findings or dbperf.run_findings() is called by in every run, from its kind, query and details: {"kind", "statement": to be read, "key": of the statement or the cycle, "edge": of an N+1, or the metric, "confidence", "calls": in one unit of work, or what a budget counted}; null: it has no such name';

CREATE FUNCTION dbperf.known_findings(
    run text DEFAULT NULL, threshold_ms float8 DEFAULT NULL, unit_budgets jsonb DEFAULT NULL) RETURNS SETOF jsonb
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    WITH keyed AS (
        SELECT k.key ->> 'kind' AS kind, k.key ->> 'key' AS key, k.key ->> 'edge' AS edge, k.key ->> 'statement' AS statement,
               pg_catalog.array_position('{possible,likely,proven,confirmed}'::text[], k.key ->> 'confidence') AS rank,
               (k.key ->> 'calls')::float8 AS calls
          FROM dbperf.run_findings(known_findings.run, NULL, known_findings.threshold_ms, known_findings.unit_budgets) f
         CROSS JOIN LATERAL dbperf.finding_key(f.kind, f.query, f.details) k(key)
         WHERE k.key IS NOT NULL
           AND (f.gate OR f.kind = 'lock_cycle' AND f.severity = 'warning')
    )
    SELECT pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
               'kind', e.kind, 'statement', pg_catalog.min(e.statement), 'key', e.key, 'edge', e.edge,
               'confidence', ('{possible,likely,proven,confirmed}'::text[])[pg_catalog.max(e.rank)], 'calls', pg_catalog.max(e.calls)))
      FROM keyed e
     GROUP BY e.kind, e.key, e.edge
     ORDER BY e.kind COLLATE "C", pg_catalog.min(e.statement) COLLATE "C", e.edge COLLATE "C", e.key COLLATE "C";
END;
COMMENT ON FUNCTION dbperf.known_findings(text, float8, jsonb) IS
'the findings of a run (null: the latest finished one) that fail a check, and predicted deadlocks, as dbperf.finding_key() names them, sorted, each once with the most of its calls and the highest confidence: what `dbperf check --write-baseline` writes and `--only-new` compares with. threshold_ms: a limit of time, unit_budgets: budgets of units of work, both as for dbperf.run_findings()';
