
-- What was given and denied beside the extension's own rights. It stays beside them: a dump has to show it.
DO $$
DECLARE
    own pg_init_privs[];
    statement text;
BEGIN
    SELECT array_agg(i) INTO own
      FROM pg_init_privs i JOIN pg_depend d ON d.classid = i.classoid AND d.objid = i.objoid AND d.deptype = 'e'
      JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
     WHERE e.extname = 'dbperf';
    FOR statement IN SELECT jsonb_array_elements_text(current_setting('dbperf_update.rights')::jsonb) LOOP
        BEGIN
            EXECUTE statement;
        EXCEPTION WHEN undefined_function OR undefined_table OR undefined_object THEN
            RAISE NOTICE 'skipped, as there is no such object any more: %', statement;
        END;
    END LOOP;
    DELETE FROM pg_init_privs i
     USING pg_depend d, pg_extension e
     WHERE d.classid = i.classoid AND d.objid = i.objoid AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
       AND d.refobjid = e.oid AND e.extname = 'dbperf';
    INSERT INTO pg_init_privs SELECT o.* FROM unnest(own) o;
    -- From 17 on roles are held by them.
    DELETE FROM pg_shdepend s
     USING pg_depend d, pg_extension e
     WHERE s.deptype = 'i' AND s.dbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
       AND s.classid = d.classid AND s.objid = d.objid AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
       AND d.refobjid = e.oid AND e.extname = 'dbperf'
       AND NOT EXISTS (SELECT FROM pg_init_privs i, aclexplode(i.initprivs) a
                        WHERE i.classoid = s.classid AND i.objoid = s.objid AND s.refobjid IN (a.grantee, a.grantor));
END
$$;
