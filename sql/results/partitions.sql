-- Whatever belongs to a run is partitioned by the time that the run was started, which every row carries. Unique keys are the
-- partitions' own: a partitioned table with one could have no partition on another server (postgres_fdw). The time is part of
-- them, so that they may be made on the whole table where all partitions are here, or where Citus distributes by project.

-- What was known of a run when it was sent: its findings, judged where the module was.
CREATE TABLE dbperf.finding (
    project text NOT NULL,
    run_id uuid NOT NULL,
    number bigint NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL,
    gate boolean NOT NULL,
    query text,
    reason text NOT NULL,
    database text,
    details jsonb,
    PRIMARY KEY (project, run_id, number)
);

CREATE TABLE dbperf.partitioned (
    relation text PRIMARY KEY,
    key text NOT NULL,       -- columns of the partitions' unique key
    time_column text NOT NULL -- the one that decides the partition
);

DO $$
DECLARE
    stored record;
BEGIN
    FOR stored IN
        SELECT c.relname AS name, c.relname = 'run' AS is_run,
               (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.position)
                  FROM pg_index i CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY k(attnum, position)
                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
                 WHERE i.indrelid = c.oid AND i.indisprimary) AS key
          FROM pg_class c
         WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind = 'r'
           AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'run_id')
           AND c.relname <> 'ddl' -- the log of one server, in which a run is not the key
         ORDER BY c.relname
    LOOP
        EXECUTE format('ALTER TABLE dbperf.%I RENAME TO plain', stored.name);
        EXECUTE format('CREATE TABLE dbperf.%I (LIKE dbperf.plain INCLUDING DEFAULTS INCLUDING CONSTRAINTS%s) PARTITION BY RANGE (%s)',
                       stored.name, CASE WHEN NOT stored.is_run THEN ', run_started_at timestamptz NOT NULL' ELSE '' END,
                       CASE WHEN stored.is_run THEN 'started_at' ELSE 'run_started_at' END);
        DROP TABLE dbperf.plain CASCADE;
        INSERT INTO dbperf.partitioned
        VALUES (stored.name, stored.key || CASE WHEN stored.is_run THEN ', started_at' ELSE ', run_started_at' END,
                CASE WHEN stored.is_run THEN 'started_at' ELSE 'run_started_at' END);
    END LOOP;
END
$$;

CREATE FUNCTION dbperf.is_partition_there(relation text, at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    time_column text;
    bounds text;
    found boolean;
BEGIN
    -- The owner may have made others than one a month, and some on other servers: their own conditions say which.
    SELECT p.time_column INTO time_column FROM dbperf.partitioned p WHERE p.relation = is_partition_there.relation;
    SELECT string_agg(pg_get_partition_constraintdef(i.inhrelid), ' OR ') INTO bounds
      FROM pg_inherits i WHERE i.inhparent = format('dbperf.%I', is_partition_there.relation)::regclass;
    IF bounds IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT %s FROM (SELECT $1) t(%I)', bounds, time_column) INTO found USING is_partition_there.at;
    RETURN found;
END
$$;

CREATE FUNCTION dbperf.make_partitions(at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    month timestamp := date_trunc('month', make_partitions.at AT TIME ZONE 'UTC');
    stored record;
    partition text;
BEGIN
    IF (SELECT bool_and(dbperf.is_partition_there(p.relation, make_partitions.at)) FROM dbperf.partitioned p) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('dbperf.make_partitions', 0));
    FOR stored IN SELECT p.* FROM dbperf.partitioned p ORDER BY p.relation LOOP
        CONTINUE WHEN dbperf.is_partition_there(stored.relation, make_partitions.at);
        partition := stored.relation || to_char(month, '"_"YYYY"_"MM');
        -- ATTACH lets others read and write the table meanwhile, CREATE ... PARTITION OF would not.
        EXECUTE format('CREATE TABLE dbperf.%I (LIKE dbperf.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (%s))',
                       partition, stored.relation, stored.key);
        EXECUTE format('ALTER TABLE dbperf.%I ATTACH PARTITION dbperf.%I FOR VALUES FROM (%L) TO (%L)', stored.relation, partition,
                       month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
    END LOOP;
END
$$;
COMMENT ON FUNCTION dbperf.make_partitions(timestamptz) IS
'makes the partitions of the month (UTC) of this time where none takes it, as senders do by themselves; at any time and by many at once';

CREATE FUNCTION dbperf.use_server(server text, since timestamptz, until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stored record;
BEGIN
    FOR stored IN SELECT p.* FROM dbperf.partitioned p ORDER BY p.relation LOOP
        EXECUTE format('CREATE FOREIGN TABLE dbperf.%I PARTITION OF dbperf.%I FOR VALUES FROM (%L) TO (%L) SERVER %I'
                       ' OPTIONS (schema_name ''dbperf'', table_name %L)',
                       stored.relation || to_char(use_server.since AT TIME ZONE 'UTC', '"_"YYYY"_"MM"_"DD') || '_elsewhere', stored.relation,
                       use_server.since, use_server.until, use_server.server, stored.relation);
    END LOOP;
END
$$;
COMMENT ON FUNCTION dbperf.use_server(text, timestamptz, timestamptz) IS
'runs started from since to before until are stored in the results database behind this server of postgres_fdw, where `dbperf push --init` and dbperf.make_partitions() have been; for the owner, who needs USAGE on the server and a user mapping. Errors: runs of that time are stored here';

CREATE FUNCTION dbperf.prune(older_than interval, OUT partitions bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old record;
    unused text;
BEGIN
    IF older_than IS NULL OR older_than < interval '0' THEN
        RAISE EXCEPTION 'an age of at least 0 is needed'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT dbperf.prune(''1 year'') drops what is older.';
    END IF;
    partitions := 0;
    FOR old IN
        SELECT c.oid::regclass AS name
          FROM dbperf.partitioned p
          JOIN pg_inherits i ON i.inhparent = format('dbperf.%I', p.relation)::regclass
          JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind = 'r'
         WHERE substring(pg_get_expr(c.relpartbound, c.oid) FROM ' TO \(''([^'']+)''\)$')::timestamptz <= now() - older_than
         ORDER BY p.relation = 'run' DESC, p.relation -- a run goes before what belongs to it
    LOOP
        EXECUTE format('DROP TABLE %s', old.name);
        partitions := partitions + 1;
    END LOOP;
    -- Texts come before what refers to them: those of projects that are being sent wait for the next time.
    LOCK TABLE dbperf.query_text IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM dbperf.push p WHERE p.begun_at < now() - interval '1 day';
    SELECT string_agg(format('NOT EXISTS (SELECT FROM dbperf.%I o WHERE o.project = t.project AND o.%I = t.fingerprint)', p.relation, a.attname), ' AND ')
      INTO unused
      FROM dbperf.partitioned p
      JOIN pg_attribute a ON a.attrelid = format('dbperf.%I', p.relation)::regclass AND a.attname LIKE '%fingerprint' AND NOT a.attisdropped;
    EXECUTE 'DELETE FROM dbperf.query_text t WHERE NOT EXISTS (SELECT FROM dbperf.push p WHERE p.project = t.project) AND ' || unused;
END
$$;
COMMENT ON FUNCTION dbperf.prune(interval) IS
'drops the partitions, here and not on other servers, that end longer ago than this, and texts that nothing refers to any more; for the owner. Error: no age, or a negative one';


-- Beside the view of units: budgets were judged when the run was sent.
CREATE FUNCTION dbperf.unit_breaches(run_id uuid, unit text, measures jsonb) RETURNS bigint
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT pg_catalog.count(*)
      FROM dbperf.finding f
     WHERE f.run_id = unit_breaches.run_id AND f.kind = 'budget' AND f.details ->> 'unit' = unit_breaches.unit;
END;
COMMENT ON FUNCTION dbperf.unit_breaches(uuid, text, jsonb) IS 'internal: how many budgets a unit of work was over';
