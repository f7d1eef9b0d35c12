-- What whoever executed a query on two databases saw and no statistics show: it failed, was cancelled, returned something else.

CREATE TABLE dbperf.query_outcome (
    project text NOT NULL,
    run_id uuid NOT NULL, -- the candidate
    baseline_run_id uuid NOT NULL,
    query text NOT NULL,
    verdict text CHECK (verdict IN ('fails', 'result_changed', 'regressed', 'improved', 'incomparable', 'not_enough_samples')),
    sentence text NOT NULL,
    PRIMARY KEY (project, run_id, baseline_run_id, query)
);
COMMENT ON TABLE dbperf.query_outcome IS 'internal: what dbperf compare saw of queries besides statistics, for dbperf.comparison()';

CREATE FUNCTION dbperf.store_query_outcome(baseline text, candidate text, query text, verdict text, sentence text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO dbperf.query_outcome AS o
    SELECT a.project, a.run_id, b.run_id, store_query_outcome.query, store_query_outcome.verdict, store_query_outcome.sentence
      FROM dbperf.run b CROSS JOIN dbperf.run a
     WHERE b.run_id = dbperf.find_run(store_query_outcome.baseline) AND a.run_id = dbperf.find_run(store_query_outcome.candidate)
    ON CONFLICT ON CONSTRAINT query_outcome_pkey DO UPDATE SET verdict = excluded.verdict, sentence = excluded.sentence;
END;
COMMENT ON FUNCTION dbperf.store_query_outcome(text, text, text, text, text) IS
'for whoever executes a named query on two databases: what dbperf.comparison() of these two finished runs says of it. verdict: fails, result_changed, regressed (cancelled in the candidate only), improved, incomparable or not_enough_samples, in place of its own; null: only the sentence is added. sentence: why, without a period. Errors: no such run, an unknown verdict';

-- A reason, given what was seen beside the statistics: of a query that fails they say nothing.
CREATE FUNCTION dbperf.reason_with_outcome(verdict text, sentence text, reason text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN sentence IS NULL THEN reason
            WHEN verdict IN ('fails', 'incomparable', 'not_enough_samples') THEN sentence
            WHEN verdict IS NULL THEN reason || '; ' || sentence
            ELSE pg_catalog.concat_ws('; ', sentence, reason) END;
COMMENT ON FUNCTION dbperf.reason_with_outcome(text, text, text) IS
    'internal: a reason of dbperf.comparison() with what dbperf.store_query_outcome() was given';
