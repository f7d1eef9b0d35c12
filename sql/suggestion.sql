-- What replaces N statements: the one that does their work, and what it would save.

CREATE FUNCTION dbperf.suggest_rewrite(query text, key_column text DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_suggest_rewrite' LANGUAGE C CALLED ON NULL INPUT STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.suggest_rewrite(text, text) IS
'one statement that does the work of this one for an array of keys, each of them once; key_column null: the one column that a parameter is compared with; null where none is known';

CREATE FUNCTION dbperf.rewrite_refusal(query text, key_column text DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'dbperf_rewrite_refusal' LANGUAGE C CALLED ON NULL INPUT STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.rewrite_refusal(text, text) IS
'why dbperf.suggest_rewrite() knows no statement for the same arguments, as part of a sentence; null where it does';

CREATE FUNCTION dbperf.suggest_n_plus_one(kind text, query text, key_column text) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
RETURN CASE WHEN kind <> 'redundant' THEN dbperf.suggest_rewrite(query, key_column) END;
COMMENT ON FUNCTION dbperf.suggest_n_plus_one(text, text, text) IS
    'one statement in place of the loop of a finding of this kind, with an array for the key; null where none is known: dbperf.advise_n_plus_one() says why; never raises';

CREATE FUNCTION dbperf.advise_n_plus_one(kind text, query text, key_column text, database text DEFAULT pg_catalog.current_database()) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
RETURN CASE kind
    WHEN 'redundant' THEN 'read it once per unit of work and keep the result'
    WHEN 'server_loop' THEN 'join in the query that the loop inside the server reads from, or write the loop as one statement'
    ELSE (SELECT CASE WHEN query ~* '^[^a-z]*insert[^a-z_]' THEN 'insert all rows with one statement: INSERT ... SELECT ... FROM unnest($1, ...), or COPY'
                      WHEN query ~* '^[^a-z]*update[^a-z_]' AND key_column IS NOT NULL
                      THEN 'write all rows in one statement: UPDATE ... FROM unnest($1, ...) AS v (key, ...) WHERE ' || key_column || ' = v.key'
                      ELSE CASE kind WHEN 'n_plus_one_write' THEN 'write all rows in one statement' ELSE 'load all rows in one statement' END
                           || COALESCE(': ... WHERE ' || key_column || ' = ANY($1)', '') END
                 || '; none is suggested: ' || r.refusal
            FROM (SELECT CASE WHEN query IS NULL THEN 'its text is not known'
                              WHEN database = pg_catalog.current_database() THEN dbperf.rewrite_refusal(query, key_column)
                              ELSE pg_catalog.format('its tables are in database "%s"', database) END AS refusal) r
           WHERE r.refusal IS NOT NULL)
    END;
COMMENT ON FUNCTION dbperf.advise_n_plus_one(text, text, text, text) IS
    'what to do about a finding of this kind, in words, and why no statement is suggested; null where the suggestion says it all; never raises';

CREATE FUNCTION dbperf.key_hash(key anyelement) RETURNS bigint
AS 'MODULE_PATHNAME', 'dbperf_key_hash' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.key_hash(anyelement) IS
    'the hash by which findings remember keys: equal for what the types'' own equality calls equal; null for what is not followed';

CREATE FUNCTION dbperf.lookup_source(query text, key_column text, OUT relation regclass, OUT column_name text)
AS 'MODULE_PATHNAME', 'dbperf_lookup_source' LANGUAGE C CALLED ON NULL INPUT STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.lookup_source(text, text) IS
'table and column whose values the statement is called with; nulls where none is known';

CREATE FUNCTION dbperf.fingerprint_of(query text) RETURNS bigint
AS 'MODULE_PATHNAME', 'dbperf_fingerprint_of' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbperf.fingerprint_of(text) IS 'the identity of a statement, normalised or not';

-- Whose statement a text is: of whoever executed it in this database, if the caller did not.
CREATE FUNCTION dbperf.role_of_text(query text, caller name) RETURNS name
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    roles name[] := ARRAY(
        SELECT a.rolname FROM dbperf.live_statements() l JOIN pg_roles a ON a.oid = l.role
         WHERE l.fingerprint = dbperf.fingerprint_of(role_of_text.query)
           AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        UNION
        SELECT s.role FROM dbperf.statement s
         WHERE s.fingerprint = dbperf.fingerprint_of(role_of_text.query) AND s.database = current_database()
        UNION
        SELECT f.role FROM dbperf.n_plus_one_finding f
         WHERE f.fingerprint = dbperf.fingerprint_of(role_of_text.query) AND f.database = current_database());
BEGIN
    -- Nobody asks in another's name.
    IF NOT pg_has_role(session_user, caller, 'MEMBER') THEN
        RAISE EXCEPTION 'role "%" is not yours', caller USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF roles = '{}' OR caller = ANY (roles) THEN
        RETURN caller;
    END IF;
    IF cardinality(roles) > 1 THEN
        RAISE EXCEPTION 'several roles executed this statement'
            USING ERRCODE = 'ambiguous_parameter', HINT = 'Name one of them as the last argument.';
    END IF;
    IF NOT pg_has_role(caller, roles[1], 'MEMBER') THEN
        RAISE EXCEPTION 'the statement is of another role'
            USING ERRCODE = 'insufficient_privilege', HINT = 'It is executed only as that role: connect as a superuser or as a member of it.';
    END IF;
    RETURN roles[1];
END
$$;
COMMENT ON FUNCTION dbperf.role_of_text(text, name) IS
    'internal: the role that executed a statement. Errors: several roles did, or one that the caller is no member of';

CREATE FUNCTION dbperf.measure_as(role name, query text, key_column text, key_values text[])
RETURNS TABLE (keys integer, original_ms float8, suggestion_ms float8, factor float8, original_blocks bigint,
               suggestion_blocks bigint, original_rows bigint, suggestion_rows bigint, same_rows boolean)
AS 'MODULE_PATHNAME', 'dbperf_measure_as' LANGUAGE C CALLED ON NULL INPUT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.measure_as(name, text, text, text[]) IS
    'internal: dbperf.measure_rewrite() as a role that the caller is a member of';

CREATE FUNCTION dbperf.measure_rewrite(query text, key_column text, key_values text[], role name DEFAULT NULL)
RETURNS TABLE (keys integer, original_ms float8, suggestion_ms float8, factor float8, original_blocks bigint,
               suggestion_blocks bigint, original_rows bigint, suggestion_rows bigint, same_rows boolean)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT m.*
      FROM dbperf.measure_as(COALESCE(measure_rewrite.role, dbperf.role_of_text(measure_rewrite.query, CURRENT_USER)),
                             measure_rewrite.query, measure_rewrite.key_column, measure_rewrite.key_values) m;
END;
COMMENT ON FUNCTION dbperf.measure_rewrite(text, text, text[], name) IS
    'executes a SELECT once per key and its rewrite for all of them, read-only and as the role that executed it (by default: the caller, or the one that was seen to), for superusers and members of that role, in a security-restricted operation: medians, in ms';

CREATE FUNCTION dbperf.finding_to_measure(
    finding bigint, OUT query text, OUT key_column text, OUT parent_relation text, OUT parent_column text, OUT key_hashes bigint[],
    OUT role name)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f record;
BEGIN
    SELECT n.kind, n.query, n.key_column, n.parent_relation, n.parent_column, n.key_hashes, n.database, n.role, n.run_id INTO f
      FROM dbperf.n_plus_one n WHERE n.finding_id = finding_to_measure.finding LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no finding %', finding
            USING ERRCODE = 'undefined_object', HINT = 'SELECT finding_id, query FROM dbperf.n_plus_one lists them.';
    END IF;
    IF f.database <> current_database() THEN
        RAISE EXCEPTION 'finding % is of database "%"', finding, f.database
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Connect to that database and call dbperf.measure_rewrite() with the query, the key column and keys.';
    END IF;
    IF f.kind = 'n_plus_one_write' THEN
        RAISE EXCEPTION 'finding % is of a statement that writes; only a SELECT can be measured', finding
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'To measure a write, execute both forms in transactions that are rolled back.';
    END IF;
    IF EXISTS (SELECT FROM dbperf.run r WHERE r.run_id = f.run_id AND r.imported) THEN
        RAISE EXCEPTION 'finding % was imported', finding
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'A statement is executed only as the role that executed it here: call dbperf.measure_rewrite() with the query and a role.';
    END IF;
    role := f.role;
    query := f.query;
    key_column := f.key_column;
    parent_relation := f.parent_relation;
    parent_column := f.parent_column;
    key_hashes := f.key_hashes;
END
$$;
COMMENT ON FUNCTION dbperf.finding_to_measure(bigint) IS 'internal: what dbperf.measure_suggestion() needs of a finding';

-- The values behind hashes of keys, from the first of two columns that has some of them. The parent's column may be
-- given with its table's name in front.
CREATE FUNCTION dbperf.find_keys(
    key_hashes bigint[], parent_relation text, parent_column text, own_relation regclass, own_column text) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    source record;
    found text[];
BEGIN
    FOR source IN
        (SELECT c.attrelid::regclass AS relation, c.attname AS name FROM pg_attribute c
          WHERE c.attrelid = to_regclass(find_keys.parent_relation) AND c.attnum > 0 AND NOT c.attisdropped
            AND (find_keys.parent_column IN (c.attname, quote_ident(c.attname))
                 OR right(find_keys.parent_column, length(c.attname) + 1) = '.' || c.attname
                 OR right(find_keys.parent_column, length(quote_ident(c.attname)) + 1) = '.' || quote_ident(c.attname))
          ORDER BY length(c.attname) DESC LIMIT 1)
        UNION ALL
        SELECT find_keys.own_relation, find_keys.own_column::name WHERE find_keys.own_column IS NOT NULL
    LOOP
        EXECUTE format('SELECT array_agg(DISTINCT %2$I::text) FROM %1$s WHERE dbperf.key_hash(%2$I) = ANY ($1)', source.relation,
                       source.name) INTO found USING find_keys.key_hashes;
        EXIT WHEN found IS NOT NULL;
    END LOOP;
    IF found IS NULL THEN
        RAISE EXCEPTION 'the keys of the finding are not to be found any more'
            USING ERRCODE = 'no_data_found', HINT = 'Call dbperf.measure_rewrite() with keys of your choice.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION dbperf.find_keys(bigint[], text, text, regclass, text) IS 'internal: the values behind hashes of keys';

CREATE FUNCTION dbperf.find_keys_as(
    role name, key_hashes bigint[], parent_relation text, parent_column text, own_relation regclass, own_column text) RETURNS text[]
AS 'MODULE_PATHNAME', 'dbperf_find_keys_as' LANGUAGE C CALLED ON NULL INPUT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dbperf.find_keys_as(name, bigint[], text, text, regclass, text) IS
    'internal: dbperf.find_keys() as the role that executed the statement';

CREATE FUNCTION dbperf.measure_suggestion(finding bigint)
RETURNS TABLE (keys integer, original_ms float8, suggestion_ms float8, factor float8, original_blocks bigint,
               suggestion_blocks bigint, original_rows bigint, suggestion_rows bigint, same_rows boolean)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT m.*
      FROM dbperf.finding_to_measure(measure_suggestion.finding) f
     CROSS JOIN LATERAL dbperf.lookup_source(f.query, f.key_column) s
     CROSS JOIN LATERAL dbperf.find_keys_as(f.role, f.key_hashes, f.parent_relation, f.parent_column, s.relation, s.column_name) k
     CROSS JOIN LATERAL dbperf.measure_as(f.role, f.query, f.key_column, k) m;
END;
COMMENT ON FUNCTION dbperf.measure_suggestion(bigint) IS
'dbperf.measure_rewrite() for a finding_id of dbperf.n_plus_one, with the keys that were looked up; executes the statement that was found as the role that executed it, for superusers and members of that role, in a security-restricted operation. Errors: there is no such finding, it is of another database, of a write, or imported, its keys are gone';
