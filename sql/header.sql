-- Guard and conventions of the install script. Topic files follow in the order of extension/CMakeLists.txt.
--
-- Every stored row carries project and run first in its key, so that the tables of many servers can be put together and
-- partitioned. The run of what was observed outside any run is the nil UUID; views show it as null.
\echo Use "CREATE EXTENSION dbperf" to load this file. \quit

-- The script makes the schema, so nothing in it can be anybody else's. For that reason the extension's own schema, which
-- the control file names and PostgreSQL would take as it finds it, is another one.
DO $$
DECLARE
    owner name;
BEGIN
    SELECT pg_catalog.pg_get_userbyid(n.nspowner) INTO owner FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'dbperf';
    IF owner IS NOT NULL THEN
        RAISE EXCEPTION 'a schema "dbperf" exists already, owned by role "%"', owner
            USING ERRCODE = 'duplicate_schema',
                  HINT = 'CREATE EXTENSION dbperf makes this schema itself. Look at what is in it, then drop it or give it another name with ALTER SCHEMA dbperf RENAME TO.';
    END IF;
END
$$;
CREATE SCHEMA dbperf;

-- All of dbperf is named with its schema. CREATE EXTENSION puts the setting back.
SET LOCAL search_path = pg_catalog, pg_temp;

