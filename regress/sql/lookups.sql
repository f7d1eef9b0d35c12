-- What a look-up is: every form of predicate, in each protocol and each unit of work, must be the same finding. Each
-- column has values of its own, so that a value names its column.
SET client_min_messages = warning;
SELECT dbperf.reset();
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('calm', 'cold', 'dull', 'easy', 'fair', 'glad', 'grim', 'idle', 'keen', 'mild', 'numb', 'warm');
CREATE DOMAIN price AS numeric(12, 2);
CREATE TABLE roster (id int PRIMARY KEY, small int2, big int8, exact numeric, whole numeric(19, 0), price price, real float8, day date,
    at timestamp, at_zone timestamptz, hour time, span interval, mood mood, nick citext, padded char(12), label name, code bytea,
    address inet, net cidr, mac macaddr, object oid, email text, login varchar(40), token uuid);
INSERT INTO roster
SELECT 1000 + i, 2000 + i, 3000 + i, 4000.5 + i, 5000 + i, 6000 + i + 0.25, 7000.125 + i, date '2024-01-01' + i,
       timestamp '2023-02-03 10:00:01' + i * interval '1 minute', timestamptz '2022-02-03 10:00:02+00' + i * interval '1 minute',
       time '08:00:03' + i * interval '1 minute', i * interval '1 month', (enum_range(NULL::mood))[i], 'Nick' || i, 'padded' || i,
       'label' || i, decode(lpad(to_hex(i), 4, '0'), 'hex'), inet '10.0.0.0' + i, network(set_masklen(inet '10.1.0.0' + i * 256, 24)),
       ('08:00:2b:01:02:' || lpad(to_hex(i), 2, '0'))::macaddr, 8000 + i, 'Mail' || i || '@example.org', 'login' || i, md5(i::text)::uuid
  FROM generate_series(1, 12) i;
CREATE TABLE member (LIKE roster, kind text NOT NULL DEFAULT 'A', left_at timestamptz, tenant int NOT NULL DEFAULT 7, other int, tags int[],
    data jsonb);
INSERT INTO member
SELECT r.*, 'A', NULL, 7, id + 500000, ARRAY[id], jsonb_build_object('id', id, 'email', email) FROM roster r;
ANALYZE roster, member;

-- KEY is the value. Columns are the same in both tables; `of` is the list's, `key` the one that must be named.
CREATE TABLE form (name text PRIMARY KEY, predicate text, of text, type text, key text);
INSERT INTO form SELECT 'type ' || c, c || ' = KEY', c, format_type(atttypid, NULL), c
  FROM pg_attribute, LATERAL (SELECT attname::text c) n WHERE attrelid = 'roster'::regclass AND attnum > 0;
INSERT INTO form SELECT n, p, c, t, c FROM (VALUES
    ('swapped', 'KEY = id', 'id', 'int'),
    ('not distinct', 'id IS NOT DISTINCT FROM KEY', 'id', 'int'),
    ('lower', 'lower(email) = lower(KEY)', 'email', 'text'),
    ('upper with a cast', 'upper(login::text) = upper(KEY)', 'login', 'text'),
    ('trimmed', 'btrim(email) = KEY', 'email', 'text'),
    ('coalesce', 'coalesce(id, 0) = KEY', 'id', 'int'),
    ('date_trunc', 'date_trunc(''second'', at) = date_trunc(''second'', KEY::timestamp)', 'at', 'timestamp'),
    ('concatenated', 'email || '''' = KEY', 'email', 'text'),
    ('jsonb text', 'data ->> ''email'' = KEY', 'email', 'text'),
    ('jsonb number', '(data ->> ''id'')::int = KEY', 'id', 'int'),
    ('jsonb contains', 'data @> KEY::jsonb', 'id', 'jsonb'),
    ('array contains', 'tags @> ARRAY[KEY::int]', 'id', 'int'),
    ('element of a column', 'KEY = ANY (tags)', 'id', 'int'),
    ('or', 'id = KEY OR other = KEY', 'id', 'int'),
    ('or with a null', '(left_at IS NULL OR left_at > now()) AND id = KEY', 'id', 'int'),
    ('between', 'id BETWEEN KEY AND KEY', 'id', 'int'),
    ('two bounds', 'day >= KEY AND KEY >= day', 'day', 'date'),
    ('in', 'id IN (KEY)', 'id', 'int'),
    ('any', 'id = ANY (ARRAY[KEY::int])', 'id', 'int'),
    ('constant first', 'kind = ''A'' AND tenant = 7 AND id = KEY', 'id', 'int'),
    ('constant last', 'id = KEY AND tenant = 7 AND kind = ''A''', 'id', 'int'),
    ('list first', 'kind IN (''A'', ''B'') AND left_at IS NULL AND id = KEY', 'id', 'int'),
    ('list last', 'id = KEY AND kind = ANY (''{A,B}'')', 'id', 'int'),
    ('not in', 'kind NOT IN (''X'', ''Y'') AND id = KEY', 'id', 'int'),
    ('or of constants', '(kind = ''A'' OR kind = ''B'') AND id = KEY', 'id', 'int'),
    ('nine filters', 'kind = ''A'' AND tenant = 7 AND small > 0 AND other = KEY + 500000 AND small <> 1 AND email <> '''' AND kind = ''A'' AND label <> ''x'' AND tenant = 7 AND login <> '''' AND kind <> ''B'' AND tenant = 7 AND kind = ''A'' AND id = KEY', 'id', 'int'),
    ('text of a number', 'id::text = KEY', 'id', 'text'),
    ('number of a text', 'id = KEY::text::int', 'id', 'text'),
    ('uuid of a text', 'token = KEY::text::uuid', 'token', 'text'),
    ('label of a text', 'mood = KEY::text::mood', 'mood', 'text'),
    ('text of a label', 'mood::text = KEY', 'mood', 'text'),
    ('numeric key of an integer', 'whole = KEY + 0 OR id = KEY', 'id', 'int'),
    ('update', 'id = KEY', 'id', 'int')) v(n, p, c, t);
UPDATE form SET key = 'data' WHERE name LIKE 'jsonb%';
UPDATE form SET key = 'tags' WHERE name IN ('array contains', 'element of a column');
-- What stands beside the key, in the order of the text.
ALTER TABLE form ADD rest text;
UPDATE form SET rest = r FROM (VALUES ('coalesce', '0'), ('date_trunc', $$'second', 'second'$$), ('concatenated', $$''$$), ('jsonb text', $$'email'$$),
    ('jsonb number', $$'id'$$), ('constant first', $$'A', 7$$), ('constant last', $$7, 'A'$$), ('list first', $$'{A,B}'$$), ('list last', $$'{A,B}'$$),
    ('not in', $$'{X,Y}'$$), ('or of constants', $$'A', 'B'$$)) v(n, r) WHERE name = n;

CREATE VIEW found AS
    SELECT kind, confidence, key_column AS key, parent_relation || '.' || parent_column AS parent, calls, distinct_keys AS keys, query,
           suggestion, advice
      FROM dbperf.n_plus_one WHERE database = current_database() AND run IS NULL AND query LIKE '%FROM member%' OR query LIKE 'UPDATE member%';
CREATE TABLE verdict (form text, protocol text, unit text, said text, suggestion text, advice text);
-- The statements of one combination, one after another.
CREATE FUNCTION script(form form, protocol text, unit text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    value text;
    statement text := CASE WHEN form.name = 'update' THEN 'UPDATE member SET other = other WHERE ' ELSE 'SELECT other FROM member WHERE ' END
        || form.predicate;
BEGIN
    RETURN NEXT 'SELECT dbperf.reset()';
    IF protocol = 'prepared' THEN
        RETURN NEXT format('PREPARE look_up (%s) AS %s', form.type, replace(statement, 'KEY', '$1'));
    END IF;
    RETURN NEXT CASE unit WHEN 'transaction' THEN 'BEGIN' WHEN 'scope' THEN 'SET dbperf.scope = ''GET /members''' ELSE 'SELECT' END;
    RETURN NEXT format('SELECT %I FROM roster ORDER BY id', form.of);
    FOR value IN EXECUTE format('SELECT %s FROM roster ORDER BY id', CASE form.type WHEN 'jsonb' THEN format('jsonb_build_object(''id'', %I)', form.of) ELSE format('%I', form.of) END) LOOP
        RETURN NEXT CASE protocol WHEN 'prepared' THEN format('EXECUTE look_up (%L)', value)
            ELSE replace(statement, 'KEY', CASE WHEN form.type = 'int' THEN value ELSE quote_literal(value) END) END;
    END LOOP;
    RETURN NEXT CASE unit WHEN 'transaction' THEN 'COMMIT' WHEN 'scope' THEN 'SET dbperf.scope = ''''' ELSE 'SELECT' END;
    RETURN NEXT format('INSERT INTO verdict SELECT %L, %L, %L, coalesce((SELECT string_agg(concat_ws('' '', confidence, kind, calls, keys, key, ''from'', parent), ''; '') FROM found), ''nothing''), (SELECT min(suggestion) FROM found), (SELECT min(advice) FROM found)', form.name, protocol, unit);
    IF protocol = 'prepared' THEN
        RETURN NEXT 'DEALLOCATE look_up';
    END IF;
END
$$;
SET dbperf.scope_gap = '1h';
\o /dev/null
\set ECHO none
SELECT s FROM form f, (VALUES ('simple'), ('prepared')) p(protocol), (VALUES ('burst'), ('transaction'), ('scope')) u(unit), script(f, protocol, unit) s \gexec
\set ECHO all
\o
SELECT f.name, f.key, string_agg(DISTINCT v.said, ' / ') AS said, count(*) FROM form f LEFT JOIN verdict v ON v.form = f.name
 GROUP BY f.name, f.key ORDER BY f.name COLLATE "C";

-- A suggestion returns for an array of all keys what the loop returned, or there is none and a reason.
CREATE FUNCTION judged(form form, suggestion text) RETURNS text STRICT LANGUAGE plpgsql AS $$
DECLARE
    keys text[];
    key text;
    arguments text;
    loaded int[] := '{}';
    expected int[];
    got int[];
BEGIN
    EXECUTE 'PREPARE suggested AS ' || suggestion;
    EXECUTE format('SELECT array_agg(%s::text ORDER BY id) FROM roster', CASE form.type WHEN 'jsonb' THEN format('jsonb_build_object(''id'', %I)', form.of) ELSE format('%I', form.of) END) INTO keys;
    -- Both sides of an OR have the same keys.
    arguments := repeat(quote_literal(keys) || ', ', 1 + (SELECT count(*)::int FROM regexp_matches(suggestion, 'key\d(?=[^)]*, n\))', 'g'))) || coalesce(form.rest, '');
    IF form.name = 'update' THEN
        EXECUTE format('EXECUTE suggested (%s)', trim(trailing ', ' FROM arguments));
        DEALLOCATE suggested;
        RETURN 'executed';
    END IF;
    FOREACH key IN ARRAY keys LOOP
        EXECUTE 'SELECT array_agg(other) FROM member WHERE ' || replace(form.predicate, 'KEY', CASE form.type WHEN 'int' THEN key ELSE quote_literal(key) END) INTO expected;
        loaded := loaded || coalesce(expected, '{}');
    END LOOP;
    EXECUTE format('CREATE TEMPORARY TABLE got AS EXECUTE suggested (%s)', trim(trailing ', ' FROM arguments));
    SELECT array_agg(g.other ORDER BY g.other) INTO got FROM got g;
    SELECT array_agg(e ORDER BY e) INTO expected FROM unnest(loaded) e;
    DROP TABLE got;
    DEALLOCATE suggested;
    RETURN CASE WHEN got = expected THEN cardinality(got) || ' rows, the same' ELSE 'other rows' END;
END
$$;
\pset format unaligned
SELECT f.name, v.protocols, v.units, judged(f, v.suggestion) AS judged, coalesce(v.suggestion, v.advice) AS suggestion
  FROM form f
  LEFT JOIN (SELECT form, string_agg(DISTINCT protocol, ', ') AS protocols, count(*) AS units, suggestion, advice
               FROM verdict GROUP BY form, suggestion, advice) v ON v.form = f.name
 ORDER BY f.name COLLATE "C", v.suggestion COLLATE "C";
\pset format aligned

-- What a type's own equality calls equal is one key: neither many keys nor a loop.
PREPARE by_exact (numeric) AS SELECT other FROM member WHERE exact = $1;
PREPARE by_nick (citext) AS SELECT other FROM member WHERE nick = $1;
PREPARE by_nick_text (text) AS SELECT other FROM member WHERE nick = $1::citext;
PREPARE by_padded (char(12)) AS SELECT other FROM member WHERE padded = $1;
PREPARE by_zone (timestamptz) AS SELECT other FROM member WHERE at_zone = $1;
PREPARE by_span (interval) AS SELECT other FROM member WHERE span = $1;
PREPARE by_login (text) AS SELECT other FROM member WHERE login = $1;
\o /dev/null
\set ECHO none
SELECT dbperf.reset();
BEGIN;
SELECT format('EXECUTE by_exact(4001.5%s)', repeat('0', i)) FROM generate_series(1, 8) i \gexec
SELECT format('EXECUTE by_nick(%L)', overlay(U&'nick\00E41' PLACING upper(substr(U&'nick\00E41', i, 1)) FROM i)) FROM generate_series(1, 6) i \gexec
SELECT format('EXECUTE by_nick_text(%L)', overlay('nick1' PLACING upper(substr('nick1', i, 1)) FROM i)) FROM generate_series(1, 5) i \gexec
SELECT format('EXECUTE by_padded(%L)', rpad('padded1', 7 + i % 5)) FROM generate_series(1, 8) i \gexec
SELECT format('EXECUTE by_zone(%L)', to_char(timestamptz '2022-02-03 10:00+00' AT TIME ZONE 'UTC' + i * interval '1 hour', 'YYYY-MM-DD HH24:MI') || format('+%s', i)) FROM generate_series(1, 8) i \gexec
SELECT format('EXECUTE by_span(%L)', v) FROM unnest('{1 mon,30 days,720:00,29 days 24:00,43200 min,1 mon 0 days}'::text[]) v \gexec
SELECT format('EXECUTE by_login(%L)', overlay('login1' PLACING upper(substr('login1', i, 1)) FROM i)) FROM generate_series(1, 5) i \gexec
COMMIT;
\set ECHO all
\o
SELECT kind, confidence, key, calls, keys, query FROM found ORDER BY query COLLATE "C";
DEALLOCATE ALL;

-- An integer list and a numeric key, dates and timestamps, a text and a name: equal where the operator says so.
\o /dev/null
\set ECHO none
SELECT dbperf.reset();
BEGIN;
SELECT id FROM roster ORDER BY id;
PREPARE look_up (numeric) AS SELECT other FROM member WHERE exact = $1;
SELECT format('EXECUTE look_up(%s.00)', id) FROM roster ORDER BY id \gexec
DEALLOCATE look_up;
SELECT format('SELECT tenant FROM member WHERE real = %s', id) FROM roster ORDER BY id \gexec
COMMIT;
BEGIN;
SELECT day FROM roster ORDER BY id;
SELECT format('SELECT tenant FROM member WHERE at = timestamp %L', day::timestamp) FROM roster ORDER BY id \gexec
COMMIT;
BEGIN;
SELECT login FROM roster ORDER BY id;
SELECT format('SELECT tenant FROM member WHERE label = %L', login) FROM roster ORDER BY id \gexec
COMMIT;
\set ECHO all
\o
SELECT confidence, key, parent, calls, keys FROM found ORDER BY key, query COLLATE "C";

-- The same bits of another type are another value: nothing here came from the list.
\o /dev/null
\set ECHO none
SELECT dbperf.reset();
BEGIN;
SELECT id AS number, id::text::bytea AS bytes, id::text AS digits, date '2000-01-01' + id AS day, time '00:00' + id * interval '1 us' AS hour FROM roster ORDER BY id;
SELECT format('SELECT 1 FROM member WHERE at_zone = %L', timestamptz '2000-01-01 00:00+00' + id * interval '1 us') FROM roster ORDER BY id \gexec
SELECT format('SELECT 2 FROM member WHERE span = %L', id * interval '1 us') FROM roster ORDER BY id \gexec
SELECT format('SELECT 3 FROM member WHERE id = %s + 0', id) FROM roster ORDER BY id \gexec
SELECT format('SELECT 4 FROM member WHERE data ->> ''id'' = 5 || %L', id) FROM roster ORDER BY id \gexec
COMMIT;
\set ECHO all
\o
SELECT confidence, key, parent, calls, keys FROM found ORDER BY key, query COLLATE "C";

-- No loops: batches and their chunks, lists by OR, pages however the cursor is written, ranges, what is looked up by null.
\o /dev/null
\set ECHO none
SELECT dbperf.reset();
PREPARE chunk (int, int, int) AS SELECT 1 FROM member WHERE tenant = $1 AND id IN ($2, $3);
PREPARE array_chunk (int, int[]) AS SELECT 2 FROM member WHERE tenant = $1 AND id = ANY ($2);
PREPARE either (int, int) AS SELECT 3 FROM member WHERE id = $1 OR id = $2;
PREPARE page (timestamp, int) AS SELECT 4 FROM member WHERE (at > $1 OR (at = $1 AND id > $2)) ORDER BY at, id LIMIT 2;
PREPARE days (date, date) AS SELECT 5 FROM member WHERE day BETWEEN $1 AND $2;
PREPARE nobody (int) AS SELECT 6 FROM member WHERE id = $1;
BEGIN;
SELECT id, day, at FROM roster ORDER BY id;
SELECT format('EXECUTE chunk(%s, %s, %s)', i, 1000 + i, 1001 + i) FROM generate_series(1, 11) i \gexec
SELECT format('EXECUTE array_chunk(%s, ''{%s,%s}'')', i, 1000 + i, 1001 + i) FROM generate_series(1, 11) i \gexec
SELECT format('EXECUTE either(%s, %s)', 1000 + i, 1001 + i) FROM generate_series(1, 11) i \gexec
SELECT format('EXECUTE page(%L, %s)', timestamp '2023-02-03 10:00:01' + i * interval '1 minute', 1000 + i) FROM generate_series(1, 11) i \gexec
SELECT format('EXECUTE days(%L, %L)', date '2024-01-01' + i, date '2024-01-01' + i + 1) FROM generate_series(1, 11) i \gexec
SELECT 'EXECUTE nobody(NULL)' FROM generate_series(1, 11) i \gexec
SELECT format('SELECT 7 FROM member WHERE tenant = %s AND id IN (%s, %s)', i, 1000 + i, 1001 + i) FROM generate_series(1, 11) i \gexec
SELECT format('SELECT 8 FROM member WHERE (id = %s AND tenant = 7) OR (id = %s AND tenant = 7)', 1000 + i, 1001 + i) FROM generate_series(1, 11) i \gexec
SELECT format('SELECT 9 FROM member WHERE at > %1$L OR (at = %1$L AND id > %2$s)', timestamp '2023-02-03 10:00:01' + i * interval '1 minute', 1000 + i) FROM generate_series(1, 11) i \gexec
COMMIT;
\set ECHO all
\o
SELECT kind, confidence, key, calls, keys, query FROM found WHERE kind = 'n_plus_one' ORDER BY query COLLATE "C";
DEALLOCATE ALL;

-- A loop whose list of constants changes on the way.
\o /dev/null
\set ECHO none
SELECT dbperf.reset();
BEGIN;
SELECT id FROM roster ORDER BY id;
SELECT format('SELECT tenant FROM member WHERE kind IN (%L, %L) AND id = %s', CASE WHEN id < 1007 THEN 'A' ELSE 'B' END, 'C', id) FROM roster ORDER BY id \gexec
COMMIT;
\set ECHO all
\o
SELECT confidence, key, parent, calls, keys FROM found;

-- The key of a loop that ends with its session, or before anybody could ask for its name, has a name.
\o /dev/null
\set ECHO none
SELECT dbperf.reset();
SET dbperf.scope = 'GET /left';
SELECT id FROM roster WHERE id <= 1004;
SELECT format('SELECT other FROM member WHERE tenant = 7 AND "id" = %s', id) FROM generate_series(1002, 1010) id \gexec
\c -
SELECT pg_sleep(0.2);
\set ECHO all
\o
SELECT confidence, key, calls, keys FROM found;
DROP VIEW found;
DROP TABLE verdict, member, roster;
DROP FUNCTION script, judged;
DROP TABLE form;
DROP DOMAIN price;
DROP TYPE mood;
DROP EXTENSION citext;
SELECT dbperf.reset();
