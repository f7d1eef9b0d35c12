-- N+1 findings.

CREATE TABLE dbperf.n_plus_one_finding (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    role text NOT NULL,
    scope text NOT NULL,
    kind text NOT NULL,
    fingerprint bigint NOT NULL,
    edge bigint NOT NULL, -- hash of the parent's statement and column, 0 if none
    confidence text NOT NULL,
    key_column text,
    parent_fingerprint bigint,
    parent_relation text,
    parent_column text,
    calls bigint NOT NULL,
    distinct_keys bigint NOT NULL,
    scopes bigint NOT NULL,
    scope_calls_min bigint NOT NULL,
    scope_calls_median bigint NOT NULL,
    scope_calls_max bigint NOT NULL,
    backends integer NOT NULL,
    exec_ms float8 NOT NULL,
    wait_ms float8 NOT NULL,
    call_site text,
    application_name text,
    key_hashes bigint[] NOT NULL, -- of up to 256 distinct keys; the keys themselves are never stored
    first_at timestamptz NOT NULL,
    traceparent text,
    PRIMARY KEY (project, run_id, database, role, scope, kind, fingerprint, edge)
);
COMMENT ON TABLE dbperf.n_plus_one_finding IS 'internal: stored N+1 findings; read dbperf.n_plus_one';

CREATE FUNCTION dbperf.live_n_plus_one(
    OUT run_id uuid, OUT run text, OUT database oid, OUT role oid, OUT scope text, OUT kind text, OUT fingerprint bigint,
    OUT confidence text, OUT query text, OUT key_column text, OUT edge bigint, OUT parent_fingerprint bigint,
    OUT parent_query text, OUT parent_relation text, OUT parent_column text, OUT calls bigint, OUT distinct_keys bigint,
    OUT scopes bigint, OUT scope_calls_min bigint, OUT scope_calls_median bigint, OUT scope_calls_max bigint,
    OUT backends integer, OUT exec_ms float8, OUT wait_ms float8, OUT call_site text, OUT application_name text,
    OUT key_hashes bigint[], OUT first_at timestamptz, OUT traceparent text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_n_plus_one' LANGUAGE C STRICT VOLATILE;
COMMENT ON FUNCTION dbperf.live_n_plus_one() IS 'internal: findings in shared memory; read dbperf.n_plus_one';

CREATE FUNCTION dbperf.live_unit_findings(
    scope text, since timestamptz, OUT unit text, OUT kind text, OUT confidence text, OUT query text, OUT key_column text,
    OUT parent_query text, OUT parent_relation text, OUT parent_column text, OUT calls bigint, OUT distinct_keys bigint,
    OUT call_site text, OUT fingerprint bigint, OUT grown_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dbperf_live_unit_findings' LANGUAGE C CALLED ON NULL INPUT VOLATILE;
COMMENT ON FUNCTION dbperf.live_unit_findings(text, timestamptz) IS
    'internal: findings of named units in shared memory; read dbperf.unit_findings()';

-- For who asks after each test: nothing is flushed, and no stored row is read.
CREATE FUNCTION dbperf.unit_findings(scope text DEFAULT NULL, since timestamptz DEFAULT NULL)
RETURNS TABLE (unit text, kind text, confidence text, calls bigint, distinct_keys bigint, query text, key_column text,
               parent_query text, parent_relation text, parent_column text, call_site text, suggestion text,
               fingerprint bigint, grown_at timestamptz)
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
    SELECT l.unit, l.kind, l.confidence, l.calls, l.distinct_keys, l.query, l.key_column, l.parent_query, l.parent_relation,
           l.parent_column, l.call_site,
           COALESCE(dbperf.suggest_n_plus_one(l.kind, l.query, l.key_column), dbperf.advise_n_plus_one(l.kind, l.query, l.key_column)),
           l.fingerprint, l.grown_at
      FROM dbperf.live_unit_findings(unit_findings.scope, unit_findings.since) l
     ORDER BY l.calls DESC, l.query;
END;
COMMENT ON FUNCTION dbperf.unit_findings(text, timestamptz) IS
    'what is repeated in units of work of this database named by dbperf.scope, at once and without flush(): the last time of this one, null: of all, that grew since then, null: ever; of the caller''s own role, of every role for pg_read_all_stats; who asks about a name ends this time of it: sessions that take the name next are in another';

-- Live findings take precedence over their last stored state.
CREATE VIEW dbperf.n_plus_one AS
WITH live AS (
    SELECT l.*, COALESCE(d.datname::text, dbperf.known_database_name(l.database), 'dropped database ' || l.database) AS database_name,
           COALESCE(a.rolname::text, dbperf.known_role_name(l.role), 'dropped role ' || l.role) AS role_name
      FROM dbperf.live_n_plus_one() l
      LEFT JOIN pg_catalog.pg_database d ON d.oid = l.database
      LEFT JOIN pg_catalog.pg_roles a ON a.oid = l.role
), every AS (
    SELECT run_id, run, database_name AS database, role_name AS role, scope, kind, fingerprint, edge, confidence, query,
           key_column, parent_fingerprint, parent_query, parent_relation, parent_column, calls, distinct_keys, scopes,
           scope_calls_min, scope_calls_median, scope_calls_max, backends, exec_ms, wait_ms, call_site, application_name,
           key_hashes, first_at, traceparent
      FROM live
    UNION ALL
    SELECT NULLIF(f.run_id, '00000000-0000-0000-0000-000000000000'), r.label, f.database, f.role, f.scope, f.kind,
           f.fingerprint, f.edge, f.confidence, t.query, f.key_column, f.parent_fingerprint, p.query, f.parent_relation,
           f.parent_column, f.calls, f.distinct_keys, f.scopes, f.scope_calls_min, f.scope_calls_median,
           f.scope_calls_max, f.backends, f.exec_ms, f.wait_ms, f.call_site, f.application_name, f.key_hashes, f.first_at,
           f.traceparent
      FROM dbperf.n_plus_one_finding f
      LEFT JOIN dbperf.run r USING (project, run_id)
      LEFT JOIN dbperf.query_text t USING (project, fingerprint)
      LEFT JOIN dbperf.query_text p ON p.project = f.project AND p.fingerprint = f.parent_fingerprint
     -- Outside runs reset() forgets at once; the recorder deletes later.
     WHERE (f.run_id <> '00000000-0000-0000-0000-000000000000' OR f.first_at >= COALESCE(dbperf.stats_reset(), '-infinity'))
       -- Those of a run under way are all live; by their names alone they might not be known again.
       AND NOT EXISTS (SELECT FROM dbperf.live_runs() o WHERE o.run_id = f.run_id)
       AND NOT EXISTS (SELECT FROM live l
                        WHERE (l.run_id = f.run_id OR l.run_id IS NULL AND f.run_id = '00000000-0000-0000-0000-000000000000')
                          AND (l.database_name, l.role_name, l.scope, l.kind, l.fingerprint, l.edge)
                            = (f.database, f.role, f.scope, f.kind, f.fingerprint, f.edge))
)
SELECT run, NULLIF(scope, '') AS scope, kind, confidence, query, key_column, parent_query, parent_column, calls,
       distinct_keys, scopes, backends, exec_ms, wait_ms,
       -- Elsewhere the names may mean other tables.
       dbperf.suggest_n_plus_one(kind, CASE WHEN database = pg_catalog.current_database() THEN query END, key_column) AS suggestion,
       scope_calls_min, scope_calls_median, scope_calls_max, parent_relation, call_site, application_name, database, role,
       fingerprint, parent_fingerprint, key_hashes,
       pg_catalog.hashtextextended(pg_catalog.concat_ws(' ', run_id, database, role, scope, kind, fingerprint, edge), 0)
           AS finding_id, first_at, run_id, dbperf.short_query(query) AS short_query,
       dbperf.mapper_advice(kind, query, call_site, key_column, parent_relation, parent_column) AS mapper_advice,
       dbperf.advise_n_plus_one(kind, query, key_column, database) AS advice, traceparent
  FROM every;
COMMENT ON VIEW dbperf.n_plus_one IS
    'statements repeated with other lookup keys within one unit of work; proven and likely findings fail a check';
COMMENT ON COLUMN dbperf.n_plus_one.run IS 'label of the run; null: outside runs';
COMMENT ON COLUMN dbperf.n_plus_one.scope IS 'name of the unit of work (dbperf.scope or trace id); null: it had none';
COMMENT ON COLUMN dbperf.n_plus_one.kind IS 'n_plus_one, n_plus_one_write, server_loop or redundant';
COMMENT ON COLUMN dbperf.n_plus_one.confidence IS 'proven, likely or possible';
COMMENT ON COLUMN dbperf.n_plus_one.query IS 'normalised text of the repeated statement';
COMMENT ON COLUMN dbperf.n_plus_one.key_column IS 'column that the keys were compared with or written to';
COMMENT ON COLUMN dbperf.n_plus_one.parent_query IS 'statement that returned the keys, of a server_loop the statement around it; null: not seen';
COMMENT ON COLUMN dbperf.n_plus_one.parent_column IS 'column of the parent''s result that the keys came from; null: not seen';
COMMENT ON COLUMN dbperf.n_plus_one.calls IS 'executions that belong to the repetition';
COMMENT ON COLUMN dbperf.n_plus_one.distinct_keys IS 'different keys among them';
COMMENT ON COLUMN dbperf.n_plus_one.scopes IS 'units of work in which it was seen';
COMMENT ON COLUMN dbperf.n_plus_one.backends IS 'sessions that took part';
COMMENT ON COLUMN dbperf.n_plus_one.exec_ms IS 'execution time of the calls, ms';
COMMENT ON COLUMN dbperf.n_plus_one.wait_ms IS 'time the connection waited between the calls, ms';
COMMENT ON COLUMN dbperf.n_plus_one.suggestion IS 'one statement that does the same for an array of keys; null: none is known, advice says why';
COMMENT ON COLUMN dbperf.n_plus_one.scope_calls_min IS 'fewest calls in one unit of work';
COMMENT ON COLUMN dbperf.n_plus_one.scope_calls_median IS 'median of the calls in one unit of work';
COMMENT ON COLUMN dbperf.n_plus_one.scope_calls_max IS 'most calls in one unit of work';
COMMENT ON COLUMN dbperf.n_plus_one.parent_relation IS 'table of parent_column; null: not known';
COMMENT ON COLUMN dbperf.n_plus_one.call_site IS 'sqlcommenter keys of the repeated statement, such as file and line; null: none';
COMMENT ON COLUMN dbperf.n_plus_one.application_name IS 'application_name of the session';
COMMENT ON COLUMN dbperf.n_plus_one.database IS 'name of the database it happened in';
COMMENT ON COLUMN dbperf.n_plus_one.role IS 'name of the role that executed it';
COMMENT ON COLUMN dbperf.n_plus_one.fingerprint IS 'identity of the repeated statement';
COMMENT ON COLUMN dbperf.n_plus_one.parent_fingerprint IS 'identity of the parent; null: not seen';
COMMENT ON COLUMN dbperf.n_plus_one.key_hashes IS 'hashes of up to 256 keys, as dbperf.key_hash() gives them; the keys are not stored';
COMMENT ON COLUMN dbperf.n_plus_one.finding_id IS 'number of the finding, for dbperf.measure_suggestion()';
COMMENT ON COLUMN dbperf.n_plus_one.first_at IS 'when it was first seen';
COMMENT ON COLUMN dbperf.n_plus_one.run_id IS 'id of the run; null: outside runs';
COMMENT ON COLUMN dbperf.n_plus_one.short_query IS 'the repeated statement to be read: long lists of columns and values as their number';
COMMENT ON COLUMN dbperf.n_plus_one.mapper_advice IS 'what the object-relational mapper that sent it calls the remedy; null: not known';
COMMENT ON COLUMN dbperf.n_plus_one.advice IS 'what to do in words, and why no statement is suggested; null: the suggestion says it all';
COMMENT ON COLUMN dbperf.n_plus_one.traceparent IS 'W3C trace context of the loop that was first seen, from its sqlcommenter comment; null: none';
