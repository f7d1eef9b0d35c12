-- 0.1.0 took schema dbperf as it found it, and did not own it. What in it is another role's might have been put there to be
-- run by those who use the extension: it has to be looked at.
DO $$
DECLARE
    extension oid := (SELECT e.oid FROM pg_extension e WHERE e.extname = 'dbperf');
    strange record;
BEGIN
    SELECT o.name, pg_get_userbyid(o.owner) AS owner INTO strange
      FROM (SELECT 0 AS rank, format('schema %I', n.nspname) AS name, n.nspowner AS owner FROM pg_namespace n WHERE n.nspname = 'dbperf'
             UNION ALL
            SELECT 1, c.oid::regclass::text, c.relowner FROM pg_class c WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind NOT IN ('i', 'I')
             UNION ALL
            SELECT 1, p.oid::regprocedure::text, p.proowner FROM pg_proc p WHERE p.pronamespace = 'dbperf'::regnamespace
             UNION ALL
            SELECT 1, t.oid::regtype::text, t.typowner FROM pg_type t WHERE t.typnamespace = 'dbperf'::regnamespace
             UNION ALL
            SELECT 1, 'operator ' || p.oid::regoperator::text, p.oprowner FROM pg_operator p WHERE p.oprnamespace = 'dbperf'::regnamespace
             UNION ALL
            SELECT 1, format('the function of trigger %I on %s', t.tgname, c.oid::regclass), p.proowner
              FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
             WHERE c.relnamespace = 'dbperf'::regnamespace) o
     WHERE NOT (SELECT a.rolsuper FROM pg_authid a WHERE a.oid = o.owner)
     ORDER BY o.rank, o.name LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% belongs to role "%", who is no superuser', strange.name, strange.owner
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'The extension owns its schema from this version on. Look at what that role put there, drop it or give it to a superuser with ALTER ... OWNER TO, then update again.';
    END IF;
    -- A schema cannot be a member of an extension that lies in it.
    UPDATE pg_extension SET extnamespace = 'pg_catalog'::regnamespace WHERE oid = extension;
    DELETE FROM pg_depend
     WHERE classid = 'pg_extension'::regclass AND objid = extension AND refclassid = 'pg_namespace'::regclass AND refobjid = 'dbperf'::regnamespace;
END
$$;
ALTER EXTENSION dbperf ADD SCHEMA dbperf;

-- What runs of before could not keep is not known.
ALTER TABLE dbperf.run ADD COLUMN dropped jsonb;
ALTER TABLE dbperf.run ALTER COLUMN dropped SET DEFAULT '{}';
ALTER TABLE dbperf.parameter_set ADD COLUMN settings jsonb;
ALTER TABLE dbperf.plan ADD COLUMN traceparent text;
ALTER TABLE dbperf.n_plus_one_finding ADD COLUMN traceparent text;
DROP INDEX dbperf.plan_fingerprint;
CREATE INDEX plan_fingerprint ON dbperf.plan (fingerprint, project, run_id);
CREATE TABLE dbperf.lock_trace (
    project text NOT NULL,
    run_id uuid NOT NULL,
    database text NOT NULL,
    number integer NOT NULL,
    format integer NOT NULL,
    trace bytea NOT NULL,
    PRIMARY KEY (project, run_id, database, number)
);
CREATE TABLE dbperf.statistics_import (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    in_catalogs boolean NOT NULL,
    settings jsonb NOT NULL,
    imported_at timestamptz NOT NULL,
    server_version integer NOT NULL,
    source text,
    exported_at timestamptz,
    redacted boolean NOT NULL
);
CREATE TABLE dbperf.statistics_object (
    name text COLLATE "C" NOT NULL,
    schema text COLLATE "C" NOT NULL,
    relation text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    object text COLLATE "C" NOT NULL,
    inherited boolean NOT NULL,
    missing boolean NOT NULL,
    bound_to oid,
    data jsonb,
    reason text,
    PRIMARY KEY (name, schema, relation, kind, object, inherited)
);
CREATE INDEX statistics_object_bound_to ON dbperf.statistics_object (name, bound_to);
CREATE TABLE dbperf.unit (
    project text NOT NULL,
    run_id uuid NOT NULL,
    unit_key bigint NOT NULL,
    unit text,
    occurrences bigint NOT NULL,
    statements bigint NOT NULL,
    statements_min bigint NOT NULL,
    statements_median bigint NOT NULL,
    statements_max bigint NOT NULL,
    distinct_statements_min bigint NOT NULL,
    distinct_statements_median bigint NOT NULL,
    distinct_statements_max bigint NOT NULL,
    rows bigint NOT NULL,
    rows_min bigint NOT NULL,
    rows_median bigint NOT NULL,
    rows_max bigint NOT NULL,
    exec_ms float8 NOT NULL,
    exec_ms_min float8 NOT NULL,
    exec_ms_median float8 NOT NULL,
    exec_ms_max float8 NOT NULL,
    wait_ms float8 NOT NULL,
    wait_ms_min float8 NOT NULL,
    wait_ms_median float8 NOT NULL,
    wait_ms_max float8 NOT NULL,
    first_at timestamptz NOT NULL,
    PRIMARY KEY (project, run_id, unit_key)
);
CREATE TABLE dbperf.unit_budgets (
    project text NOT NULL DEFAULT COALESCE(pg_catalog.current_setting('dbperf.project', true), ''),
    pattern text NOT NULL CHECK (pattern <> ''),
    metric text NOT NULL
        CHECK (metric IN ('statements', 'distinct_statements', 'rows', 'exec_ms', 'wait_ms', 'exec_max_ms', 'wait_max_ms')),
    budget float8 NOT NULL CHECK (budget >= 0 AND budget < 'Infinity'),
    PRIMARY KEY (project, pattern, metric)
);
CREATE TABLE dbperf.lock_wait (
    project text NOT NULL,
    run_id uuid NOT NULL,
    number integer NOT NULL,
    database text NOT NULL,
    kind text NOT NULL,
    relation text,
    row_key text,
    mode text,
    role text NOT NULL,
    application_name text,
    fingerprint bigint,
    inner_fingerprint bigint,
    blocker_role text,
    blocker_application_name text,
    blocker_fingerprint bigint,
    evidence text,
    head_fingerprint bigint,
    waits bigint NOT NULL,
    waited_ms float8 NOT NULL,
    max_ms float8 NOT NULL,
    estimated_ms float8 NOT NULL,
    transaction_ms float8 NOT NULL,
    transaction_wait_ms float8 NOT NULL,
    head_idle_ms float8 NOT NULL,
    longest_chain integer NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (project, run_id, number)
);
