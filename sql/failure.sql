-- What a run is judged by: what was found in it, its statements against a limit of time, and another run.

-- Both the id and the label: by one or the other the parts of dbperf.findings are looked up.
CREATE FUNCTION dbperf.run_findings(
    run text DEFAULT NULL, baseline text DEFAULT NULL, threshold_ms float8 DEFAULT NULL, unit_budgets jsonb DEFAULT NULL)
RETURNS SETOF dbperf.findings
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    WITH chosen AS MATERIALIZED (
        SELECT r.run_id, r.label, r.state = 'finished' AS is_complete
          FROM dbperf.runs r
         WHERE r.run_id = COALESCE((SELECT l.run_id FROM dbperf.runs l WHERE l.label = run_findings.run ORDER BY l.started_at DESC LIMIT 1),
                                   dbperf.find_run(run_findings.run))
    ), found AS (
        SELECT f.*
          FROM dbperf.findings f
         WHERE f.run_id = (SELECT c.run_id FROM chosen c) AND f.run = (SELECT c.label FROM chosen c)
           AND (run_findings.baseline IS NULL OR f.kind <> 'stale_acceptance') -- a baseline shows more of them
           AND (run_findings.unit_budgets IS NULL OR f.kind <> 'budget' OR NOT f.details ? 'unit')
        UNION ALL
        SELECT c.label, 'budget', 'error', true, b.unit, b.reason, NULL, pg_catalog.to_jsonb(b), c.run_id
          FROM chosen c CROSS JOIN LATERAL dbperf.unit_budget_violations(c.label, run_findings.unit_budgets) b
         WHERE run_findings.unit_budgets IS NOT NULL AND c.is_complete AND b.verdict = 'violated'
        UNION ALL
        SELECT c.label, 'slow_query', CASE s.verdict WHEN 'violated' THEN 'error' ELSE 'notice' END, s.verdict = 'violated',
               s.query, s.reason, NULL, pg_catalog.to_jsonb(s), c.run_id
          FROM chosen c CROSS JOIN LATERAL dbperf.slow_queries(c.label, run_findings.threshold_ms) s
         WHERE run_findings.threshold_ms IS NOT NULL AND c.is_complete
        UNION ALL
        SELECT c.label, 'regression', 'error', true, r.query, r.reason, NULL, pg_catalog.to_jsonb(r), c.run_id
          FROM chosen c CROSS JOIN LATERAL dbperf.regressions(run_findings.baseline, c.label) r
         WHERE run_findings.baseline IS NOT NULL
        UNION ALL
        SELECT c.label, 'stale_acceptance', 'warning', false, s.query, s.reason, NULL, pg_catalog.to_jsonb(s), c.run_id
          FROM chosen c CROSS JOIN LATERAL dbperf.stale_acceptances(c.label, run_findings.baseline) s
         WHERE run_findings.baseline IS NOT NULL
        UNION ALL
        SELECT c.label, 'incomplete', 'warning', false, NULL,
               pg_catalog.format('of the baseline %s: %s', run_findings.baseline, d.reason), NULL,
               pg_catalog.jsonb_build_object('item', d.item, 'dropped', d.dropped, 'setting', d.setting), c.run_id
          FROM chosen c CROSS JOIN dbperf.dropped d
         WHERE d.run_id = (SELECT b.run_id FROM dbperf.runs b WHERE b.label = run_findings.baseline ORDER BY b.started_at DESC LIMIT 1)
    )
    SELECT f.* FROM found f
     ORDER BY f.gate DESC, f.kind, f.query, f.reason;
END;
COMMENT ON FUNCTION dbperf.run_findings(text, text, float8, jsonb) IS
'what `dbperf check` judges a run by, in the shape of dbperf.findings: its findings; given a limit of time in ms, those of dbperf.slow_queries(), of kind slow_query; given a baseline, those of dbperf.regressions(), of kind regression, with its columns as details; given budgets of units of work, as dbperf.unit_budget_violations() takes them, breaches of these, too. run null: the latest finished run. Of a run that is not finished only findings are known. Errors: no run has a label; a regression needs finished runs';

CREATE FUNCTION dbperf.failures(
    run text DEFAULT NULL, baseline text DEFAULT NULL, threshold_ms float8 DEFAULT NULL, unit_budgets jsonb DEFAULT NULL)
RETURNS SETOF dbperf.findings
LANGUAGE sql STABLE SET jit = off -- costs are guessed far too high
BEGIN ATOMIC
    SELECT f.* FROM dbperf.run_findings(failures.run, failures.baseline, failures.threshold_ms, failures.unit_budgets) f WHERE f.gate;
END;
COMMENT ON FUNCTION dbperf.failures(text, text, float8, jsonb) IS
'what fails a check of a run, as `dbperf check` has it; no row: it passes. Arguments and errors as of dbperf.run_findings()';
