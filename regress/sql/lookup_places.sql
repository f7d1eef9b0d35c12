-- Where a predicate may stand besides WHERE: each statement, in each protocol, is the same loop with its key.
SET client_min_messages = warning;
SELECT dbperf.reset();
CREATE TABLE list (id int PRIMARY KEY);
CREATE TABLE item (id int PRIMARY KEY, list_id int, other int);
INSERT INTO list SELECT 100 + i FROM generate_series(1, 9) i;
INSERT INTO item SELECT 5000 + i, 100 + i, 0 FROM generate_series(1, 9) i;
ANALYZE list, item;
CREATE TABLE place (name text PRIMARY KEY, statement text);
INSERT INTO place VALUES
    ('having', 'SELECT list_id, count(*) FROM item GROUP BY list_id HAVING list_id = KEY'),
    ('having an expression', 'SELECT count(*) FROM item GROUP BY list_id + 0 HAVING list_id + 0 = KEY'),
    ('left join', 'SELECT item.* FROM (SELECT 1) one LEFT JOIN item ON item.list_id = KEY'),
    ('right join', 'SELECT item.* FROM item RIGHT JOIN (SELECT 1) one ON item.list_id = KEY'),
    ('values', 'SELECT item.* FROM (VALUES (KEY)) v (list_id) JOIN item USING (list_id)'),
    ('values, an outer join', 'SELECT item.* FROM (VALUES (KEY, 7)) v (key, more) LEFT JOIN item ON item.list_id = v.key'),
    ('a subquery of a value', 'SELECT item.* FROM item, (SELECT KEY AS key OFFSET 0) s WHERE item.list_id = s.key'),
    ('update from values', 'UPDATE item SET other = v.other FROM (VALUES (KEY, 1)) v (key, other) WHERE item.list_id = v.key'),
    ('merge', 'MERGE INTO item USING (SELECT KEY AS key) s ON item.list_id = s.key WHEN MATCHED THEN UPDATE SET other = 2'),
    ('merge values', 'MERGE INTO item USING (VALUES (KEY)) s (key) ON item.list_id = s.key WHEN MATCHED THEN UPDATE SET other = 3'),
    ('not of several rows', 'SELECT item.* FROM (VALUES (KEY), (0)) v (list_id) JOIN item USING (list_id)'),
    ('not an aggregate', 'SELECT list_id FROM item GROUP BY list_id HAVING count(*) = KEY'),
    ('not a full join', 'SELECT count(*) FROM list FULL JOIN item ON item.list_id = list.id AND list.id = KEY');
CREATE TABLE verdict (place text, protocol text, said text);
CREATE FUNCTION script(place place, protocol text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    value text;
BEGIN
    RETURN NEXT 'SELECT dbperf.reset()';
    IF protocol = 'prepared' THEN
        RETURN NEXT 'PREPARE look_up (int) AS ' || replace(place.statement, 'KEY', '$1');
    END IF;
    RETURN NEXT 'BEGIN';
    RETURN NEXT 'SELECT id FROM list ORDER BY id';
    FOR value IN SELECT id FROM list ORDER BY id LOOP
        RETURN NEXT CASE protocol WHEN 'prepared' THEN format('EXECUTE look_up (%s)', value) ELSE replace(place.statement, 'KEY', value) END;
    END LOOP;
    RETURN NEXT 'COMMIT';
    RETURN NEXT format('INSERT INTO verdict SELECT %L, %L, coalesce((SELECT string_agg(concat_ws('' '', confidence, kind, calls, distinct_keys, key_column, ''from'', parent_relation || ''.'' || parent_column), ''; '') FROM dbperf.n_plus_one WHERE database = current_database() AND run IS NULL AND query ~ ''^(SELECT|UPDATE|MERGE) .*item''), ''nothing'')', place.name, protocol);
    IF protocol = 'prepared' THEN
        RETURN NEXT 'DEALLOCATE look_up';
    END IF;
END
$$;
SET dbperf.scope_gap = '1h';
\o /dev/null
\set ECHO none
SELECT s FROM place p, (VALUES ('simple'), ('prepared')) v(protocol), script(p, protocol) s \gexec
\set ECHO all
\o
SELECT p.name, string_agg(DISTINCT v.said, ' / ') AS said, count(*) FROM place p LEFT JOIN verdict v ON v.place = p.name
 GROUP BY p.name ORDER BY p.name COLLATE "C";
DROP FUNCTION script;
DROP TABLE verdict, place, item, list;
