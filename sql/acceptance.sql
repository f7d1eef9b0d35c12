-- Changes of a query's performance that somebody wanted.

CREATE TABLE dbperf.acceptance (
    project text NOT NULL DEFAULT COALESCE(pg_catalog.current_setting('dbperf.project', true), ''),
    query text NOT NULL, -- name or text, as dbperf.comparison() shows it, or fingerprint
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    expires timestamptz,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    created_by text NOT NULL DEFAULT CURRENT_USER,
    PRIMARY KEY (project, query)
);
COMMENT ON TABLE dbperf.acceptance IS 'queries whose regression is wanted; expires null: for good';
COMMENT ON COLUMN dbperf.acceptance.project IS 'value of dbperf.project that it is for';
COMMENT ON COLUMN dbperf.acceptance.query IS 'name, text or fingerprint of the query';
COMMENT ON COLUMN dbperf.acceptance.reason IS 'why the regression is wanted';
COMMENT ON COLUMN dbperf.acceptance.expires IS 'until when it is accepted; null: for good';
COMMENT ON COLUMN dbperf.acceptance.created_at IS 'when it was accepted';
COMMENT ON COLUMN dbperf.acceptance.created_by IS 'role that accepted it';

CREATE FUNCTION dbperf.accept(query text, reason text, expires timestamptz DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF accept.reason IS NULL OR accept.reason !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'an acceptance needs a reason'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why the change is wanted, for who reads it next year.';
    END IF;
    IF accept.query IS NULL OR accept.query !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'an acceptance needs a query'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT query FROM dbperf.regressions() lists what got worse.';
    END IF;
    INSERT INTO dbperf.acceptance AS a (query, reason, expires)
    VALUES (accept.query, accept.reason, accept.expires)
    ON CONFLICT ON CONSTRAINT acceptance_pkey DO UPDATE
       SET reason = excluded.reason, expires = excluded.expires, created_at = excluded.created_at, created_by = excluded.created_by;
END
$$;
COMMENT ON FUNCTION dbperf.accept(text, text, timestamptz) IS
'regressions of this query (name, text or fingerprint) are wanted: dbperf.regressions() skips them, dbperf.comparison() says so. expires null: for good. It replaces an earlier acceptance; dbperf.withdraw_acceptance() removes it. Errors: no query, no reason';

CREATE FUNCTION dbperf.withdraw_acceptance(query text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM dbperf.acceptance a
     WHERE a.project = COALESCE(current_setting('dbperf.project', true), '') AND a.query = withdraw_acceptance.query;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION dbperf.withdraw_acceptance(text) IS 'takes an acceptance back; false when there was none';

-- The acceptance in force for a query, or null; fingerprint: under which it may be accepted, too.
CREATE FUNCTION dbperf.acceptance_of(query text, fingerprint text DEFAULT NULL) RETURNS dbperf.acceptance
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a FROM dbperf.acceptance a
     WHERE a.project = COALESCE(pg_catalog.current_setting('dbperf.project', true), '')
       AND a.query IN (acceptance_of.query, acceptance_of.fingerprint) AND (a.expires IS NULL OR a.expires > pg_catalog.now())
     ORDER BY a.query = acceptance_of.query DESC LIMIT 1;
END;
COMMENT ON FUNCTION dbperf.acceptance_of(text, text) IS 'internal: the acceptance in force for a query; null: none';
