-- Statements of mappers, to be read by people.

CREATE FUNCTION dbperf.short_query(query text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    longest constant integer := 6;
    dots text := '...';
    token text;
    word text;
    level integer := 1;
    -- Of each level of parentheses: what is done, the list that it is in, how many commas that has, and what began it.
    done text[] := '{""}';
    list text[] := '{""}';
    commas integer[] := '{0}';
    began text[] := '{""}';
BEGIN
    IF length(short_query.query) < 80 THEN
        RETURN short_query.query; -- plpgsql reads RETURN query as another command
    END IF;
    IF getdatabaseencoding() = 'UTF8' THEN
        dots := convert_from('\xe280a6', 'UTF8');
    END IF;
    FOR token IN
        SELECT m[1] FROM regexp_matches(short_query.query, '("(?:[^"]|"")*"?|''(?:[^'']|'''')*''?|/\*.*?\*/|[(),]|[[:alnum:]_$]+|[^[:alnum:]_$"''(),/]+|.)', 'g') m
        UNION ALL
        SELECT NULL
    LOOP
        word := lower(token);
        IF token IS NULL OR word IN ('select', 'from', 'where', 'set', 'values', 'returning', 'group', 'order', 'having', 'limit', 'offset',
                                     'union', 'intersect', 'except', 'on', ')')
           OR word IN ('distinct', 'all') AND began[level] = 'select' AND btrim(list[level]) = '' THEN
            done[level] := done[level] || CASE
                WHEN commas[level] >= longest AND began[level] IN ('select', 'set', 'returning')
                    THEN format(' %s %s columns %1$s ', dots, commas[level] + 1)
                WHEN commas[level] >= longest AND began[level] = '('
                    THEN format('%s %s %s %1$s', dots, commas[level] + 1, CASE WHEN list[level] ~ '\$\d|''' THEN 'values' ELSE 'columns' END)
                ELSE list[level] END;
            -- A text that was cut has parentheses open.
            WHILE level > 1 AND (token IS NULL OR word = ')') LOOP
                level := level - 1;
                list[level] := list[level] || '(' || done[level + 1] || COALESCE(token, '');
                EXIT WHEN token IS NOT NULL;
                done[level] := done[level] || list[level];
            END LOOP;
            CONTINUE WHEN token IS NULL OR word = ')';
            done[level] := done[level] || token;
            list[level] := '';
            commas[level] := 0;
            began[level] := CASE WHEN word IN ('distinct', 'all') THEN 'select' ELSE word END;
        ELSIF token = '(' THEN
            level := level + 1;
            done[level] := '';
            list[level] := '';
            commas[level] := 0;
            began[level] := '(';
        ELSE
            list[level] := list[level] || token;
            commas[level] := commas[level] + (token = ',')::integer;
        END IF;
    END LOOP;
    RETURN rtrim(done[1]);
END
$$;
COMMENT ON FUNCTION dbperf.short_query(text) IS
'a statement whose lists of more than six columns or values are replaced by their number, to be read and not to be executed';
