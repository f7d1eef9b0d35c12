-- Repetitions that somebody knows of and accepts, up to a number of calls.

CREATE TABLE dbperf.n_plus_one_acknowledgement (
    project text NOT NULL DEFAULT COALESCE(pg_catalog.current_setting('dbperf.project', true), ''),
    fingerprint bigint NOT NULL, -- of the repeated statement
    max_calls bigint NOT NULL CHECK (max_calls >= 0),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    expires timestamptz,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    created_by text NOT NULL DEFAULT CURRENT_USER,
    PRIMARY KEY (project, fingerprint)
);
COMMENT ON TABLE dbperf.n_plus_one_acknowledgement IS
    'repeated statements that fail no check while they stay within max_calls a unit of work; expires null: for good';
COMMENT ON COLUMN dbperf.n_plus_one_acknowledgement.project IS 'value of dbperf.project that it is for';
COMMENT ON COLUMN dbperf.n_plus_one_acknowledgement.fingerprint IS 'identity of the repeated statement';
COMMENT ON COLUMN dbperf.n_plus_one_acknowledgement.max_calls IS 'calls in one unit of work up to which it fails no check';
COMMENT ON COLUMN dbperf.n_plus_one_acknowledgement.reason IS 'why the repetition is wanted';
COMMENT ON COLUMN dbperf.n_plus_one_acknowledgement.expires IS 'until when it is acknowledged; null: for good';
COMMENT ON COLUMN dbperf.n_plus_one_acknowledgement.created_at IS 'when it was acknowledged';
COMMENT ON COLUMN dbperf.n_plus_one_acknowledgement.created_by IS 'role that acknowledged it';

CREATE FUNCTION dbperf.acknowledge_n_plus_one(fingerprint bigint, max_calls bigint, reason text, expires timestamptz DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF acknowledge_n_plus_one.reason IS NULL OR acknowledge_n_plus_one.reason !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'an acknowledgement needs a reason'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why the repetition is wanted, for who reads it next year.';
    END IF;
    IF acknowledge_n_plus_one.fingerprint IS NULL OR acknowledge_n_plus_one.max_calls IS NULL
       OR acknowledge_n_plus_one.max_calls < 0 THEN
        RAISE EXCEPTION 'an acknowledgement needs a fingerprint and a number of calls'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'SELECT fingerprint, calls, query FROM dbperf.n_plus_one lists what there is.';
    END IF;
    INSERT INTO dbperf.n_plus_one_acknowledgement AS a (fingerprint, max_calls, reason, expires)
    VALUES (acknowledge_n_plus_one.fingerprint, acknowledge_n_plus_one.max_calls, acknowledge_n_plus_one.reason,
            acknowledge_n_plus_one.expires)
    ON CONFLICT ON CONSTRAINT n_plus_one_acknowledgement_pkey DO UPDATE
       SET max_calls = excluded.max_calls, reason = excluded.reason, expires = excluded.expires,
           created_at = excluded.created_at, created_by = excluded.created_by;
END
$$;
COMMENT ON FUNCTION dbperf.acknowledge_n_plus_one(bigint, bigint, text, timestamptz) IS
'findings of this statement fail no check while one unit of work has at most max_calls of it. expires null: for good. It replaces an earlier acknowledgement; dbperf.withdraw_n_plus_one() removes it. Errors: no fingerprint, no number of calls or a negative one, no reason';

CREATE FUNCTION dbperf.withdraw_n_plus_one(fingerprint bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM dbperf.n_plus_one_acknowledgement a
     WHERE a.project = COALESCE(current_setting('dbperf.project', true), '') AND a.fingerprint = withdraw_n_plus_one.fingerprint;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION dbperf.withdraw_n_plus_one(bigint) IS 'takes an acknowledgement back; false when there was none';

-- The acknowledgement in force for a statement, or null.
CREATE FUNCTION dbperf.acknowledgement_of(fingerprint bigint) RETURNS dbperf.n_plus_one_acknowledgement
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a FROM dbperf.n_plus_one_acknowledgement a
     WHERE a.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '')
       AND a.fingerprint = acknowledgement_of.fingerprint AND (a.expires IS NULL OR a.expires > pg_catalog.now());
END;
COMMENT ON FUNCTION dbperf.acknowledgement_of(bigint) IS 'internal: the acknowledgement in force for a statement; null: none';

CREATE FUNCTION dbperf.stale_acknowledgements(
    run text DEFAULT NULL, OUT fingerprint bigint, OUT query text, OUT max_calls bigint, OUT acknowledged text,
    OUT expires timestamptz, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH examined AS MATERIALIZED (
        SELECT dbperf.find_run(stale_acknowledgements.run) AS run_id
    ), executed AS (
        SELECT s.fingerprint, pg_catalog.sum(s.calls) AS calls
          FROM dbperf.statement s JOIN examined e USING (run_id) GROUP BY s.fingerprint
    )
    SELECT a.fingerprint, t.query, a.max_calls, a.reason, a.expires,
           CASE WHEN a.expires <= pg_catalog.now()
                  THEN pg_catalog.format('the acknowledgement expired on %s', pg_catalog.to_char(a.expires AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
                WHEN x.calls IS NULL
                  THEN 'the acknowledgement matched nothing: the statement was not executed in this run'
                ELSE pg_catalog.format('the acknowledgement matched nothing: the statement was executed %s in this run, and not repeated',
                                       CASE x.calls WHEN 1 THEN 'once' ELSE x.calls || ' times' END) END
      FROM examined e
     CROSS JOIN dbperf.n_plus_one_acknowledgement a
      LEFT JOIN executed x ON x.fingerprint = a.fingerprint
      LEFT JOIN dbperf.query_text t ON t.project = a.project AND t.fingerprint = a.fingerprint
     -- the run is looked up, and complained about, even when there is no acknowledgement
     WHERE (SELECT run_id FROM examined) IS NOT NULL
       AND a.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '')
       AND (a.expires <= pg_catalog.now()
            OR NOT EXISTS (SELECT FROM dbperf.n_plus_one_finding f
                            WHERE f.run_id = e.run_id AND f.project = a.project AND f.fingerprint = a.fingerprint))
     ORDER BY a.fingerprint;
END;
COMMENT ON FUNCTION dbperf.stale_acknowledgements(text) IS
    'acknowledgements that matched nothing in one finished run of everything (default: the latest), or that have expired';
