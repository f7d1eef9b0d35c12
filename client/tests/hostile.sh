# Databases, settings and names of people who mean harm: what the program does there as a superuser stays its own.
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"
start_server -c dbperf.database=app
psql_as() { "$psql" -XqAt "${server/user=postgres dbname=postgres/user=$1 dbname=$2}" "${@:3}"; }
sql -c 'CREATE EXTENSION dbperf' -c 'CREATE ROLE mallory LOGIN' -c 'CREATE ROLE owner LOGIN' -c 'CREATE DATABASE app OWNER owner'
sql -d app -c 'CREATE EXTENSION dbperf' -c 'CREATE TABLE public.item (id int PRIMARY KEY)' -c 'INSERT INTO public.item VALUES (1)'
app=${server/dbname=postgres/dbname=app}
no_temporary_copies() { [ "$(sql -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'dbperf\_compare\__%'")" = 0 ]; }
no_new_superusers() {
    [ -z "$(sql -c "SELECT rolname FROM pg_roles WHERE rolsuper AND rolname <> 'postgres'")" ] && return
    sql -c 'ALTER ROLE mallory NOSUPERUSER' -c 'ALTER ROLE owner NOSUPERUSER'
    return 1
}
mkdir queries
printf -- '-- name: one\n-- params: SELECT 1 AS id\nSELECT id FROM item WHERE id = :id;\n' >queries/one.sql
echo 'CREATE INDEX item_id ON item (id);' >migration.sql

# --- settings that are copied with a database ---
psql_as mallory app -c "SELECT set_config('search_path', 'public,x;alter/**/role/**/mallory/**/superuser', false)" \
    -c 'ALTER ROLE mallory IN DATABASE app SET search_path FROM CURRENT' >/dev/null
psql_as mallory app -c $'ALTER ROLE mallory IN DATABASE app SET application_name = \'a\'\'; alter role mallory superuser; --\\\n"b"\''
psql_as owner app -c "SELECT set_config('search_path', 'public, \"a,b\" ,\"c\"\"d\",\"E f\",x;alter/**/role/**/owner/**/superuser', false)" \
    -c 'ALTER DATABASE app SET search_path FROM CURRENT' >/dev/null
# "limit" is a word of SQL
sql -d app -c "SELECT set_config('myapp.limit', E'a\\\\b\\'c\\nd\\u00e9', false)" -c 'ALTER DATABASE app SET myapp."limit" FROM CURRENT' >/dev/null
cat >same.sql <<'END'
DO $$ BEGIN
    ASSERT current_setting('myapp.limit') = E'a\\b\'c\nd\u00e9';
    ASSERT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase CROSS JOIN unnest(s.setconfig) c
        WHERE d.datname = current_database() AND s.setrole = 0
          AND c = 'search_path=public, "a,b", "c""d", "E f", "x;alter/**/role/**/owner/**/superuser"'), 'another path';
END $$;
END
dbperf compare --from app --migration same.sql --migration migration.sql --queries queries --samples 1
ok "compare: the copies have the settings to the letter" ended_with 0
ok "and no setting was executed" no_new_superusers

# --- operators and functions in the way of a superuser ---
psql_as owner app <<'END'
CREATE SCHEMA evil;
CREATE FUNCTION evil.seize() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) current_user) THEN ALTER ROLE owner SUPERUSER; END IF;
END $$;
DO $$
DECLARE
    type text; result text; sign text; core text;
BEGIN
    FOREACH type IN ARRAY '{text,name,"\"char\"",oid,int4,int8,bool,uuid}'::text[] LOOP
        FOR sign, core, result IN VALUES ('=', 'eq', 'boolean'), ('<>', 'ne', 'boolean') LOOP
            EXECUTE format('CREATE FUNCTION evil.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.seize(); RETURN $1 OPERATOR(pg_catalog.%s) $2; END $f$', core, type, type, result, sign);
            EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = evil.%I)', sign, type, type, core);
        END LOOP;
    END LOOP;
    FOREACH type IN ARRAY '{count,max,min,coalesced}'::text[] LOOP
        EXECUTE format('CREATE FUNCTION evil.%I(anyelement) RETURNS anyelement LANGUAGE plpgsql AS $f$ BEGIN PERFORM evil.seize(); RETURN $1; END $f$', type);
    END LOOP;
END $$;
CREATE FUNCTION evil.cat(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.seize(); RETURN pg_catalog.textcat($1, $2); END $$;
CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.cat);
CREATE FUNCTION evil.plus(bigint, bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.seize(); RETURN pg_catalog.int8pl($1, $2); END $$;
CREATE OPERATOR evil.+ (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.plus);
CREATE FUNCTION evil.more(bigint, integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.seize(); RETURN pg_catalog.int84gt($1, $2); END $$;
CREATE OPERATOR evil.> (LEFTARG = bigint, RIGHTARG = integer, FUNCTION = evil.more);
ALTER DATABASE app SET search_path = evil, pg_catalog, public;
END
"$psql" -XqAt "$app" -c 'SELECT 1::bigint + 1::bigint' >/dev/null
ok "the trap works" eval '! no_new_superusers'
sql -d app -c "SELECT dbperf.start_run('first')" -c 'SELECT id FROM public.item' -c 'SELECT dbperf.finish_run()' >/dev/null
no_new_superusers || true # the session of this very test
printf -- '-- name: one\nSELECT id FROM item;\n' >queries/one.sql
for command in 'doctor' 'report' 'report --run first' 'check --run first' 'report --since 2000-01-01' 'export --openmetrics a.prom' \
    'baseline export --run first' 'testdb list' 'deadlock --confirm --run first' 'compare --migration migration.sql --queries queries --samples 1'; do
    # shellcheck disable=SC2086
    dbperf $command -d "$app"
    ok "$command: nothing of the owner's is executed" eval 'no_new_superusers && [ "$status" -lt 2 ]'
done
dbperf run --queries queries --repeat 1 -d "$app"
ok "what the user wrote has the database's own path" eval 'ended_with 0 && no_new_superusers'
sql -d app -c 'ALTER DATABASE app RESET ALL' -c 'ALTER ROLE mallory IN DATABASE app RESET ALL'

# --- names ---
for name in 'postgresql://u@192.0.2.1/x' 'host=192.0.2.1 x' $'a"b\'c\\d; --\n$e' ' ' 'é%s%d' '-x' 'dbperf_compare_'; do
    sql -v name="$name" <<<'CREATE DATABASE :"name" TEMPLATE app'
    dbperf compare --from "$name" --migration migration.sql --queries queries --samples 1 --format json
    ok "compare in a database called $(printf %q "$name")" eval 'ended_with 0 && no_temporary_copies'
    sql -v name="$name" <<<'DROP DATABASE :"name"'
done

done_testing
