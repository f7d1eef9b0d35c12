-- Suggestions for tables, columns and schemas of any name: loops are executed, what is suggested for them is executed, too, and
-- both return the same rows and leave the same table.
SET client_min_messages = warning;
SELECT dbperf.reset();
CREATE TABLE name (name text PRIMARY KEY);
INSERT INTO name VALUES ('Mixed'), ('order'), ('a b'), ('quo"te'), ('it''s'), ('x.y'), ('$1'), ('a;b--'), ('/*a'), ('%s\b'), ('1st'), ('key'), ('k'),
    (U&'s\00E9lect');
-- Everything has the name: %1$I. The key is %2$s.
CREATE TABLE form (form text PRIMARY KEY, statement text, rest text);
INSERT INTO form VALUES
    ('plain', 'SELECT %1$I, other FROM %1$I.%1$I WHERE %1$I = %2$s', NULL),
    ('aliased', 'SELECT %1$I.other AS %1$I FROM %1$I.%1$I AS %1$I WHERE %1$I.%1$I = %2$s', NULL),
    ('all columns', 'SELECT t.* FROM %1$I.%1$I t WHERE t.%1$I IN (%2$s)', NULL),
    ('limited', 'SELECT other FROM %1$I.%1$I WHERE %1$I = %2$s ORDER BY other DESC LIMIT 2', '2'),
    ('counted', 'SELECT count(*) AS %1$I FROM %1$I.%1$I WHERE %1$I = %2$s', NULL),
    ('expression', 'SELECT other AS %1$I FROM %1$I.%1$I WHERE abs(%1$I) = %2$s', NULL),
    ('either', 'SELECT t.* FROM %1$I.%1$I t WHERE %1$I = %2$s OR other = %2$s', '$keys'),
    ('ranged', 'SELECT other FROM %1$I.%1$I WHERE %1$I BETWEEN %2$s AND %2$s', NULL),
    ('joined', 'SELECT b.other, a.%1$I FROM %1$I.%1$I a JOIN %1$I.%1$I b ON b.other = a.other WHERE a.%1$I = %2$s', NULL),
    ('unchanged', 'UPDATE %1$I.%1$I SET other = other WHERE %1$I = %2$s RETURNING other AS %1$I', NULL),
    ('assigned', 'UPDATE %1$I.%1$I AS t SET word = ''x'' WHERE t.word = ''w'' AND t.%1$I = %2$s RETURNING t.other', NULL),
    ('deleted', 'DELETE FROM %1$I.%1$I WHERE %1$I = %2$s AND other > 3 RETURNING other AS %1$I', '3'),
    ('inserted', 'INSERT INTO %1$I.%1$I (%1$I, other) VALUES (%2$s, -1) RETURNING other', NULL);
SELECT format('CREATE SCHEMA %1$I; CREATE TABLE %1$I.%1$I (%1$I int, other int, word text DEFAULT ''w''); CREATE INDEX ON %1$I.%1$I (%1$I)', name) FROM name \gexec
SELECT format('INSERT INTO %1$I.%1$I SELECT 70000 + i %% 8, i FROM generate_series(1, 32) i', name) FROM name \gexec
CREATE TABLE suggested (form text, name text, suggestion text, said text);

CREATE FUNCTION script(form form, name text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'SELECT dbperf.reset()'
    UNION ALL SELECT 'BEGIN'
    UNION ALL SELECT format('SELECT DISTINCT %1$I FROM %1$I.%1$I ORDER BY 1', name)
    UNION ALL SELECT format(form.statement, name, 70000 + i) FROM generate_series(0, 7) i
    UNION ALL SELECT CASE WHEN form.form IN ('deleted', 'inserted', 'assigned') THEN 'ROLLBACK' ELSE 'COMMIT' END
    UNION ALL SELECT format('INSERT INTO suggested SELECT %1$L, %2$L, suggestion, concat_ws('' '', confidence, kind, calls, distinct_keys) || coalesce(''; '' || advice, '''')
        FROM dbperf.n_plus_one WHERE database = current_database() AND run IS NULL AND calls = 8 AND confidence <> ''possible''', form.form, name)
$$;
\o /dev/null
\set ECHO none
SELECT s FROM form f, name n, script(f, n.name) s \gexec
\set ECHO all
\o

CREATE FUNCTION rows_of(statement text) RETURNS SETOF text[] LANGUAGE plpgsql AS $$
DECLARE
    row record;
BEGIN
    FOR row IN EXECUTE statement LOOP
        RETURN NEXT ARRAY(SELECT value::text FROM json_each(row_to_json(row)));
    END LOOP;
END
$$;
CREATE FUNCTION contents(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    contents text;
BEGIN
    EXECUTE format('SELECT string_agg(t::text, '','' ORDER BY t::text) FROM %1$I.%1$I t', name) INTO contents;
    RETURN contents;
END
$$;
CREATE FUNCTION judged(form form, name text, suggestion text) RETURNS text LANGUAGE plpgsql STRICT AS $$
DECLARE
    keys text := quote_literal(ARRAY(SELECT 70000 + i FROM generate_series(0, 7) i)::text);
    rest text := coalesce(', ' || replace(form.rest, '$keys', keys), '');
    columns int;
    expected text;
    after text;
    got text;
BEGIN
    IF form.form = 'inserted' THEN
        rest := ', ''{-1,-1,-1,-1,-1,-1,-1,-1}''';
    ELSIF form.form = 'assigned' THEN
        -- What is written, what it was, and the key, in the order of the text.
        keys := '''{x,x,x,x,x,x,x,x}'', ''{w,w,w,w,w,w,w,w}'', ' || keys;
    END IF;
    BEGIN
        SELECT string_agg(r::text, ' ' ORDER BY r::text), max(cardinality(r)) INTO expected, columns
          FROM generate_series(0, 7) i, rows_of(format(form.statement, name, 70000 + i)) r;
        after := contents(name);
        RAISE EXCEPTION USING ERRCODE = 'XX999';
    EXCEPTION WHEN SQLSTATE 'XX999' THEN
    END;
    EXECUTE 'PREPARE suggested AS ' || suggestion;
    BEGIN
        -- The key is the first column or the last one, or was there already.
        SELECT string_agg(l.r::text, ' ' ORDER BY l.r::text) INTO got
          FROM rows_of(format('EXECUTE suggested (%s%s)', keys, rest)) r,
               LATERAL (SELECT CASE WHEN cardinality(r) = columns THEN r WHEN suggestion ~ '^SELECT k.key' THEN r[2:] ELSE r[:columns] END) l(r);
        IF after <> contents(name) THEN
            got := 'another table';
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'XX999';
    EXCEPTION WHEN SQLSTATE 'XX999' THEN
    END;
    DEALLOCATE suggested;
    RETURN CASE WHEN got = expected THEN 'the same' ELSE format('expected %s, got %s', expected, got) END;
END
$$;
CREATE TABLE judged AS SELECT f.form, n.name, s.said, s.suggestion, judged(f, n.name, s.suggestion) FROM form f CROSS JOIN name n LEFT JOIN suggested s ON (s.form, s.name) = (f.form, n.name);
SELECT form, said, coalesce(judged, 'none') AS judged, count(*) FROM judged GROUP BY 1, 2, 3 ORDER BY form COLLATE "C", 2, 3;
-- Deparsed by the server, since minor releases of 2026 with AS.
SELECT form, replace(suggestion, ' AS t SET ', ' t SET ') AS suggestion FROM judged WHERE name IN ('quo"te', 'k') ORDER BY form COLLATE "C", name;

SET client_min_messages = error;
\o /dev/null
\set ECHO none
SELECT format('DROP SCHEMA %I CASCADE', name) FROM name \gexec
\set ECHO all
\o
DROP FUNCTION script, rows_of, contents, judged;
DROP TABLE name, form, suggested, judged;
SELECT dbperf.reset();
