-- N+1 findings.

CREATE TABLE dbperf.n_plus_one_finding (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    role text NOT NULL,
    scope text NOT NULL,
    kind text NOT NULL,
    fingerprint bigint NOT NULL,
    confidence text NOT NULL,
    key_column text,
    calls bigint NOT NULL,
    distinct_keys bigint NOT NULL,
    scopes bigint NOT NULL,
    backends integer NOT NULL,
    exec_ms float8 NOT NULL,
    wait_ms float8 NOT NULL,
    first_at timestamptz NOT NULL,
    PRIMARY KEY (project, run_id, database, role, scope, kind, fingerprint)
);

CREATE FUNCTION dbperf.live_n_plus_one(
    OUT run_id uuid, OUT run text, OUT database oid, OUT role oid, OUT scope text, OUT kind text, OUT fingerprint bigint,
    OUT confidence text, OUT query text, OUT key_column text, OUT calls bigint, OUT distinct_keys bigint, OUT scopes bigint,
    OUT backends integer, OUT exec_ms float8, OUT wait_ms float8, OUT first_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_n_plus_one' LANGUAGE C STRICT VOLATILE;

-- What to do instead, in words; a statement that runs needs the producer, which repetition alone does not know.
CREATE FUNCTION dbperf.advise_n_plus_one(kind text, key_column text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE kind WHEN 'n_plus_one_write' THEN 'write all rows in one statement'
                 ELSE 'load all rows in one statement' END
       || COALESCE(': ... WHERE ' || key_column || ' = ANY($1)', '');

-- Live findings take precedence over their last stored state.
CREATE VIEW dbperf.n_plus_one AS
WITH live AS (
    SELECT l.run_id, l.run, COALESCE(d.datname::text, 'dropped database ' || l.database) AS database,
           COALESCE(a.rolname::text, 'dropped role ' || l.role) AS role, l.scope, l.kind, l.fingerprint, l.confidence, l.query,
           l.key_column, l.calls, l.distinct_keys, l.scopes, l.backends, l.exec_ms, l.wait_ms, l.first_at
      FROM dbperf.live_n_plus_one() l
      LEFT JOIN pg_catalog.pg_database d ON d.oid = l.database
      LEFT JOIN pg_catalog.pg_roles a ON a.oid = l.role
), every AS (
    SELECT * FROM live
    UNION ALL
    SELECT NULLIF(f.run_id, '00000000-0000-0000-0000-000000000000'), r.label, f.database, f.role, f.scope, f.kind,
           f.fingerprint, f.confidence, t.query, f.key_column, f.calls, f.distinct_keys, f.scopes, f.backends, f.exec_ms,
           f.wait_ms, f.first_at
      FROM dbperf.n_plus_one_finding f
      LEFT JOIN dbperf.run r USING (project, run_id)
      LEFT JOIN dbperf.query_text t USING (project, fingerprint)
     WHERE NOT EXISTS (SELECT FROM live l
                        WHERE (l.run_id = f.run_id OR l.run_id IS NULL AND f.run_id = '00000000-0000-0000-0000-000000000000')
                          AND (l.database, l.role, l.scope, l.kind, l.fingerprint)
                            = (f.database, f.role, f.scope, f.kind, f.fingerprint))
)
SELECT run, NULLIF(scope, '') AS scope, kind, confidence, query, key_column, NULL::text AS parent_query,
       NULL::text AS parent_column, calls, distinct_keys, scopes, backends, exec_ms, wait_ms,
       dbperf.advise_n_plus_one(kind, key_column) AS suggestion, database, role, fingerprint, first_at, run_id
  FROM every;
COMMENT ON VIEW dbperf.n_plus_one IS
    'statements repeated with other lookup keys within one unit of work; proven and likely findings fail a check';
