-- Plans with the statistics of another server: what is imported, what plans make of it, what is refused.
\set SHOW_CONTEXT never
CREATE TABLE city (id int PRIMARY KEY, name text NOT NULL, country text NOT NULL, area numeric, tags text[]);
CREATE INDEX city_country ON city (country);
CREATE INDEX city_lower ON city (lower(name));
INSERT INTO city SELECT i, 'city ' || i, 'DE', i, ARRAY['a'] FROM generate_series(1, 100) i;
VACUUM ANALYZE city;
CREATE TABLE place (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE place_2024 PARTITION OF place FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');

-- What a plan says, without costs.
CREATE FUNCTION planned(query text, OUT rows float8, OUT node text, OUT index text) LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    plan := plan -> 0 -> 'Plan';
    rows := plan ->> 'Plan Rows';
    node := plan ->> 'Node Type';
    index := coalesce(plan ->> 'Index Name', plan #>> '{Plans,0,Index Name}');
END $$;
CREATE FUNCTION document(changes jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql RETURN
'{"schema_version": 1, "server_version": 150004, "database": "shop", "redacted": false, "settings": {"work_mem": "8192", "no_such_setting": "x"},
  "relations": [{"schema": "public", "name": "city", "kind": "r", "pages": 10000, "rows": 1000000, "all_visible_pages": 10000, "current_pages": 20000},
                {"schema": "public", "name": "village", "kind": "r", "pages": 1, "rows": 1, "all_visible_pages": 0, "current_pages": 1},
                {"schema": "public", "name": "place_2024", "kind": "r", "pages": 300, "rows": 30000, "all_visible_pages": 0, "current_pages": 300}],
  "indexes": [{"schema": "public", "relation": "city", "name": "city_pkey", "method": "btree", "pages": 2745, "rows": 1000000, "current_pages": 2745, "tree_height": 2, "valid": true, "position": 1},
              {"schema": "public", "relation": "city", "name": "city_country", "method": "btree", "pages": 900, "rows": 1000000, "current_pages": 900, "tree_height": null, "valid": true, "position": 2},
              {"schema": "public", "relation": "city", "name": "city_lower", "method": "hash", "pages": 900, "rows": 1000000, "current_pages": 900, "valid": true, "position": 3}],
  "columns": [{"schema": "public", "relation": "city", "name": "id", "number": null, "type": "integer", "inherited": false, "null_fraction": 0, "average_width": 4, "distinct": -1,
               "slots": [{"kind": "histogram", "values": "{1,500000,1000000}"}, {"kind": "correlation", "numbers": [1]}], "ends": "{1,1000000}"},
              {"schema": "public", "relation": "city", "name": "country", "number": null, "type": "text", "inherited": false, "null_fraction": 0, "average_width": 3, "distinct": 3,
               "slots": [{"kind": "most_common_values", "numbers": [0.9, 0.0999], "values": "{DE,FR}"}]},
              {"schema": "public", "relation": "city", "name": "area", "number": null, "type": "integer", "inherited": false, "null_fraction": 0, "average_width": 4, "distinct": 5, "slots": []},
              {"schema": "public", "relation": "city", "name": "tags", "number": null, "type": "text[]", "inherited": false, "null_fraction": 0.25, "average_width": 30, "distinct": -0.5,
               "slots": [{"kind": "most_common_elements", "numbers": [0.2, 0.1, 0.1, 0.2, 0], "values": "{a,b}"}, {"kind": "element_counts", "numbers": [1, 2, 3, 2]}]},
              {"schema": "public", "relation": "city_lower", "name": "lower", "number": 1, "type": "text", "inherited": false, "null_fraction": 0, "average_width": 8, "distinct": 4, "slots": []},
              {"schema": "public", "relation": "place", "name": "id", "number": null, "type": "integer", "inherited": true, "null_fraction": 0, "average_width": 4, "distinct": 10, "slots": []}],
  "extended_statistics": [{"schema": "public", "relation": "city", "name": "city_both"}],
  "missing": [{"kind": "column", "schema": "public", "relation": "city", "name": "name", "inherited": false, "reason": "no privilege"}]}'::jsonb || changes;

SELECT dbperf.import_statistics('production', document());
SELECT kind, relation, object, inherited, used, reason, pages, rows FROM dbperf.imported_statistics WHERE name = 'production'
 ORDER BY kind COLLATE "C", relation COLLATE "C", object COLLATE "C";

-- Without the setting nothing changes.
SELECT rows FROM planned('SELECT * FROM city');
SET dbperf.statistics = 'production';
SELECT rows FROM planned('SELECT * FROM city');
SELECT rows FROM planned($$SELECT * FROM city WHERE country = 'FR'$$);
SELECT rows FROM planned($$SELECT * FROM city WHERE country = 'IT'$$);
SELECT * FROM planned('SELECT * FROM city WHERE id > 999000');
SELECT * FROM planned('SELECT * FROM city WHERE id < 600');
SELECT rows FROM planned($$SELECT * FROM city WHERE tags @> '{b}'$$);
SELECT rows FROM planned($$SELECT * FROM city WHERE lower(name) = 'x'$$);
SELECT rows FROM planned('SELECT * FROM place_2024');
SELECT rows FROM planned('SELECT id FROM place GROUP BY id');
-- What could not be read there is as it is here, and what nobody analyzed there has no statistics.
SELECT rows FROM planned($$SELECT * FROM city WHERE name = 'city 7'$$);
SELECT rows FROM planned('SELECT * FROM city WHERE area = 7');
SELECT count(*) FROM city WHERE id < 60;
EXPLAIN (COSTS OFF) SELECT * FROM city WHERE id = 1;
-- Without what later servers say besides.
CREATE FUNCTION explained(format text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan text;
BEGIN
    EXECUTE format('EXPLAIN (COSTS OFF, FORMAT %s) SELECT * FROM place', format) INTO plan;
    RETURN regexp_replace(plan, ',?\n *["<]?Disabled[^\n]*', '', 'g');
END $$;
SELECT explained('JSON');
SELECT explained('YAML');
SELECT explained('XML');
EXPLAIN (COSTS OFF) SELECT 1;

-- A new index has the size that it would have there.
CREATE INDEX city_both ON city (country, id);
SELECT * FROM planned($$SELECT country, id FROM city WHERE country = 'FR' AND id < 300$$);
DROP INDEX city_both;

-- Statements that were planned before are planned again, both ways; a transaction that fails puts the setting back.
SET plan_cache_mode = force_generic_plan;
RESET dbperf.statistics;
PREPARE by_country AS SELECT * FROM city WHERE country = 'DE' AND id < 900000;
SELECT rows FROM planned('EXECUTE by_country');
SET dbperf.statistics = 'production';
SELECT rows FROM planned('EXECUTE by_country');
BEGIN;
SET LOCAL dbperf.statistics = '';
SELECT rows FROM planned('EXECUTE by_country');
ROLLBACK;
SELECT rows FROM planned('EXECUTE by_country');
-- Another import under the same name, and none.
SELECT dbperf.import_statistics('production', document('{"columns": []}'));
SELECT rows FROM planned('EXECUTE by_country');
SELECT dbperf.drop_statistics('production');
SELECT rows FROM planned('SELECT * FROM city');
RESET dbperf.statistics;
SET dbperf.statistics = 'production';
SET dbperf.statistics = 'a name that is much longer than any name of an object can be, by far';
SELECT dbperf.drop_statistics('production');
RESET plan_cache_mode;

-- Planning uses the other server's settings, but what the session set itself; afterwards all is as it was.
SELECT dbperf.import_statistics('production', document('{"settings": {"enable_seqscan": "off", "seq_page_cost": "nonsense", "search_path": "nowhere"}}'));
SET dbperf.statistics = 'production';
SELECT node FROM planned($$SELECT * FROM city WHERE country = 'DE'$$);
SHOW enable_seqscan;
SET enable_seqscan = on;
SELECT node FROM planned($$SELECT * FROM city WHERE country = 'DE'$$);
RESET enable_seqscan;
RESET dbperf.statistics;

-- Values of texts were left out: frequencies stay.
SELECT dbperf.import_statistics('redacted', jsonb_set(document('{"redacted": true}'), '{columns,1,slots,0}', '{"kind": "most_common_values", "numbers": [0.9, 0.0999], "values": null}'));
SET dbperf.statistics = 'redacted';
SELECT rows FROM planned($$SELECT * FROM city WHERE country = 'DE'$$);
RESET dbperf.statistics;
SELECT dbperf.drop_statistics('redacted');

-- Documents that are not what they should be.
CREATE FUNCTION refused(changes jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE said text; hint text;
BEGIN
    PERFORM dbperf.import_statistics('hostile', document(changes));
    RETURN 'imported';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN sqlerrm || CASE WHEN coalesce(hint, '') = '' THEN ' (no hint)' ELSE '' END;
END $$;
CREATE FUNCTION column_with(changes jsonb, type text DEFAULT 'integer', name text DEFAULT 'id') RETURNS jsonb LANGUAGE sql RETURN
    jsonb_build_object('columns', jsonb_build_array('{"schema": "public", "relation": "city", "number": null, "inherited": false, "null_fraction": 0, "average_width": 4, "distinct": -1, "slots": []}'::jsonb
                                                    || jsonb_build_object('type', type, 'name', name) || changes));
CREATE FUNCTION slot_with(slot jsonb) RETURNS jsonb LANGUAGE sql RETURN column_with(jsonb_build_object('slots', jsonb_build_array(slot)));
SELECT dbperf.import_statistics('', document());
SELECT dbperf.import_statistics(NULL, document());
SELECT dbperf.import_statistics('hostile', '[]');
SELECT dbperf.import_statistics('hostile', '"x"');
SELECT n, refused(changes) FROM (VALUES
    (1, '{"schema_version": 2}'::jsonb), (2, '{"relations": {}}'), (3, '{"relations": [1]}'), (4, '{"relations": [{"schema": "public", "name": "city", "pages": "1"}]}'),
    (5, '{"relations": [{"schema": "public", "name": "city", "kind": "r", "pages": 1e300, "rows": 1, "all_visible_pages": 0, "current_pages": 1}]}'),
    (6, '{"indexes": [{"schema": "public", "name": "x"}]}'), (7, '{"columns": null}'), (8, '{"settings": []}'), (9, '{"server_version": "15"}'),
    (10, '{"missing": [{"schema": "public"}]}'),
    (11, column_with('{"null_fraction": 1.5}')), (12, column_with('{"null_fraction": "x"}')), (13, column_with('{"distinct": -2}')),
    (14, column_with('{"average_width": 1e12}')), (15, column_with('{"slots": {}}')), (16, column_with('{"slots": [1]}')),
    (17, column_with('{"slots": [{},{},{},{},{},{}]}')), (18, column_with('{"average_width": null}')),
    (19, slot_with('{"kind": "no such kind"}')), (20, slot_with('{"kind": "most_common_values", "numbers": [2], "values": "{1}"}')),
    (21, slot_with('{"kind": "most_common_values", "numbers": [0.7, 0.7], "values": "{1,2}"}')),
    (22, slot_with('{"kind": "most_common_values", "numbers": [], "values": "{}"}')),
    (23, slot_with('{"kind": "most_common_values", "numbers": [1e999], "values": "{1}"}')),
    (24, slot_with('{"kind": "correlation", "numbers": [0.1, 0.2]}')), (25, slot_with('{"kind": "histogram", "values": "1,2"}')),
    (26, column_with('{"slots": [{"kind": "correlation", "numbers": [1]}, {"kind": "correlation", "numbers": [1]}]}')),
    (27, slot_with('{"kind": "correlation", "numbers": ["x"]}')),
    (28, '{"columns": [{"schema": "public", "relation": "city", "name": "id", "type": "integer", "null_fraction": 0, "average_width": 4, "distinct": -1, "slots": []},
                       {"schema": "public", "relation": "city", "name": "id", "type": "integer", "null_fraction": 0, "average_width": 4, "distinct": -1, "slots": []}]}'))
    v(n, changes) ORDER BY n;
-- Values that the type here does not take are no error: the column is left out, with the reason.
CREATE FUNCTION left_out(changes jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM dbperf.import_statistics('hostile', document(changes));
    RETURN (SELECT string_agg(coalesce(reason, 'used'), '; ') FROM dbperf.imported_statistics i WHERE i.name = 'hostile' AND kind = 'column' AND object IS DISTINCT FROM 'name');
END $$;
SELECT n, left_out(changes) FROM (VALUES
    (1, slot_with('{"kind": "histogram", "values": "{1,x}"}')), (2, slot_with('{"kind": "histogram", "values": "{1,2"}')),
    (3, slot_with('{"kind": "histogram", "values": "{3,2,1}"}')), (4, slot_with('{"kind": "histogram", "values": "{1}"}')),
    (5, slot_with('{"kind": "histogram", "values": "{{1,2},{3,4}}"}')), (6, slot_with('{"kind": "histogram", "values": "{1,NULL}"}')),
    (7, slot_with('{"kind": "most_common_values", "numbers": [0.1], "values": "{1,2}"}')),
    (8, slot_with('{"kind": "most_common_elements", "numbers": [0.1, 0.1, 0.1, 0], "values": "{1}"}')),
    (9, slot_with('{"kind": "range_bounds", "values": "{empty,empty}"}')),
    (10, column_with('{"ends": "{1,2,3}", "slots": [{"kind": "histogram", "values": "{1,2}"}]}')),
    (11, column_with('{"ends": "{2,1}", "slots": [{"kind": "histogram", "values": "{1,2}"}]}')),
    (12, column_with('{}', 'no such type')), (13, column_with('{}', 'integer', 'no such column')), (14, column_with('{}', 'integer', 'ctid'))) v(n, changes) ORDER BY n;
-- Names of every kind are only names.
SELECT dbperf.import_statistics($$'; DROP TABLE city; --$$, document(jsonb_build_object('relations', jsonb_build_array(
    '{"schema": "\"public\"", "name": "city''; $x$\n", "kind": "r", "pages": 1, "rows": 1, "all_visible_pages": 0, "current_pages": 1}'::jsonb))));
SET dbperf.statistics = $$'; DROP TABLE city; --$$;
SELECT rows FROM planned('SELECT * FROM city WHERE id < 60') WHERE rows < 0;
RESET dbperf.statistics;

-- The type of a column changed after the import: it has no statistics then.
SELECT dbperf.import_statistics('production', document());
SET dbperf.statistics = 'production';
SELECT rows FROM planned($$SELECT * FROM city WHERE country = 'FR'$$);
ALTER TABLE city ALTER country TYPE varchar(40);
SELECT rows FROM planned($$SELECT * FROM city WHERE country = 'FR'$$);
RESET dbperf.statistics;

-- Who may not read a column gets no estimates out of it; who has no rights imports nothing and reads no values.
CREATE ROLE statistics_guest;
CREATE FUNCTION leak(int, int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'a value was shown'; RETURN true; END $$;
CREATE OPERATOR <<< (FUNCTION = leak, LEFTARG = int, RIGHTARG = int, RESTRICT = scalarltsel);
CREATE VIEW own_city WITH (security_barrier) AS SELECT * FROM city WHERE id < 3;
GRANT SELECT ON own_city TO statistics_guest;
SET ROLE statistics_guest;
SET dbperf.statistics = 'production';
SELECT rows > 0 AS planned FROM planned('SELECT * FROM own_city WHERE id <<< 7');
SELECT dbperf.import_statistics('x', '{}');
SELECT dbperf.drop_statistics('production');
SELECT * FROM dbperf.imported_statistics;
SELECT * FROM dbperf.statistics_object;
RESET ROLE;
RESET dbperf.statistics;
GRANT pg_read_all_stats TO statistics_guest;
SET ROLE statistics_guest;
SELECT count(*) > 5 AS sees_names FROM dbperf.imported_statistics;
SELECT * FROM dbperf.statistics_object;
RESET ROLE;
DROP OWNED BY statistics_guest;
DROP ROLE statistics_guest;

-- In a copy they are written into the catalogs: then DDL treats them as it would there.
CREATE TABLE written (a int, b text, c int, d int);
INSERT INTO written SELECT i, 'x', i, i FROM generate_series(1, 10) i;
ALTER TABLE written DROP COLUMN c;
CREATE INDEX written_d ON written (d);
CREATE STATISTICS written_both (ndistinct, dependencies, mcv) ON a, b FROM written;
ANALYZE written;
SELECT dbperf.import_statistics('copy', document('{"indexes": [{"schema": "public", "relation": "written", "name": "written_d", "method": "btree", "pages": 500, "rows": 200000, "current_pages": 500, "tree_height": 1, "valid": true, "position": 1}],
  "relations": [{"schema": "public", "name": "written", "kind": "r", "pages": 1000, "rows": 200000, "all_visible_pages": 1000, "current_pages": 1000}],
  "columns": [{"schema": "public", "relation": "written", "name": "a", "number": null, "type": "integer", "inherited": false, "null_fraction": 0.5, "average_width": 4, "distinct": 3,
               "slots": [{"kind": "most_common_values", "numbers": [0.3, 0.1], "values": "{7,8}"}]},
              {"schema": "public", "relation": "written", "name": "b", "number": null, "type": "text", "inherited": false, "null_fraction": 0, "average_width": 9, "distinct": -1,
               "slots": [{"kind": "histogram", "values": "{k,m,x}"}]}],
  "extended_statistics": [{"schema": "public", "relation": "written", "name": "written_both", "inherited": false, "columns": ["a", "b"], "numbers": "4 9",
     "n_distinct": "{\"4, 9\": 1234}", "dependencies": "{\"4 => 9\": 0.25}", "most_common_vals": [["7", "x"], ["8", null]], "most_common_val_nulls": [[false, false], [false, true]],
     "most_common_freqs": [0.2, 0.1], "most_common_base_freqs": [0.1, 0.05]}], "missing": []}'));
SELECT dbperf.write_statistics('copy');
SELECT attname, null_frac, avg_width, n_distinct, most_common_vals, most_common_freqs, histogram_bounds FROM pg_stats WHERE tablename = 'written' ORDER BY attname;
SELECT attnames, most_common_vals, most_common_freqs, most_common_base_freqs FROM pg_stats_ext WHERE statistics_name = 'written_both';
SELECT reason FROM dbperf.imported_statistics WHERE name = 'copy' AND NOT used;
SET dbperf.statistics = 'copy';
SELECT rows FROM planned('SELECT * FROM written');
SELECT rows FROM planned('SELECT * FROM written WHERE a = 7');
SELECT rows FROM planned($$SELECT * FROM written WHERE a = 7 AND b = 'x'$$);
SELECT rows FROM planned('SELECT a, b FROM written GROUP BY a, b');
-- A name is only a name: sizes stay with the table. What ALTER TYPE removes is gone until somebody analyzes.
ALTER TABLE written RENAME TO renamed;
ALTER TABLE renamed RENAME a TO aa;
SELECT rows FROM planned('SELECT * FROM renamed WHERE aa = 7');
SELECT node FROM planned('SELECT d FROM renamed WHERE d < 7');
ALTER TABLE renamed ALTER aa TYPE bigint;
SELECT node FROM planned('SELECT d FROM renamed WHERE d < 7');
SELECT rows FROM planned('SELECT * FROM renamed WHERE aa = 7');
ANALYZE renamed;
SELECT dbperf.rewrite_statistics('copy');
SELECT rows FROM planned('SELECT * FROM renamed WHERE aa = 7');
SELECT most_common_vals, pg_typeof(most_common_vals) FROM pg_stats WHERE tablename = 'renamed' AND attname = 'aa';
-- A type that the values are not of: what ANALYZE found stays.
ALTER TABLE renamed ALTER b TYPE int USING 1;
ANALYZE renamed;
SELECT dbperf.rewrite_statistics('copy');
RESET dbperf.statistics;
-- What was emptied is empty.
SET dbperf.statistics = 'copy';
TRUNCATE renamed;
SELECT rows < 10000 AS small FROM planned('SELECT * FROM renamed');
RESET dbperf.statistics;
-- Extended statistics that are not what they should be are left out with the reason.
CREATE FUNCTION not_written(changes jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE object oid := (SELECT oid FROM pg_statistic_ext WHERE stxname = 'other_both');
BEGIN
    RETURN dbperf.write_extended_statistics(object, false, '{"columns": ["a", "b"], "numbers": "1 2"}'::jsonb || changes);
END $$;
CREATE TABLE other (a int, b int);
CREATE STATISTICS other_both ON a, b FROM other;
SELECT n, not_written(changes) FROM (VALUES (1, '{}'::jsonb), (2, '{"columns": ["a"]}'), (3, '{"columns": ["a", "z"]}'), (4, '{"numbers": "1 2 3 4 5 6 7 8 9 10"}'),
    (5, '{"n_distinct": "{\"1, 7\": 3}"}'), (6, '{"n_distinct": "[]"}'), (7, '{"n_distinct": "{\"1, 2\": -3}"}'), (8, '{"dependencies": "{\"1 => 2\": 7}"}'),
    (9, '{"most_common_vals": [["1"]], "most_common_val_nulls": [[false]], "most_common_freqs": [0.1], "most_common_base_freqs": [0.1]}'),
    (10, '{"most_common_vals": [["1", "x"]], "most_common_val_nulls": [[false, false]], "most_common_freqs": [0.1], "most_common_base_freqs": [0.1]}'),
    (11, '{"most_common_vals": [["1", "2"]], "most_common_val_nulls": [[false, false]], "most_common_freqs": [], "most_common_base_freqs": [0.1]}'),
    (12, '{"most_common_vals": [["1", "2"]], "most_common_val_nulls": [[false, false]], "most_common_freqs": [3], "most_common_base_freqs": [0.1]}'),
    (13, '{"most_common_vals": 7, "most_common_val_nulls": [], "most_common_freqs": [], "most_common_base_freqs": []}'), (14, '{"n_distinct": "nonsense"}')) v(n, changes) ORDER BY n;
CREATE ROLE statistics_writer;
GRANT EXECUTE ON FUNCTION dbperf.write_column_statistics(oid, smallint, boolean, jsonb) TO statistics_writer;
SET ROLE statistics_writer;
SELECT dbperf.write_column_statistics('public.renamed'::regclass, 1::smallint, false, '{}');
RESET ROLE;
DROP OWNED BY statistics_writer;
DROP ROLE statistics_writer;
-- A domain's check is its owner's: it runs as the owner of the table, and what it leaves half done when it fails is rolled back.
CREATE ROLE domain_owner;
CREATE SCHEMA of_domain AUTHORIZATION domain_owner;
SET ROLE domain_owner;
CREATE FUNCTION of_domain.checked(value int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'domain_owner' OR current_setting('test.refuses', true) = 'on' THEN
        PERFORM 1 / (SELECT count(*) - 1 FROM (SELECT 1) one);
    END IF;
    RETURN true;
END $$;
CREATE DOMAIN of_domain.number AS int CHECK (of_domain.checked(VALUE));
CREATE TYPE of_domain.pair AS (one of_domain.number, two int);
CREATE TABLE of_domain.paired (p of_domain.pair, q of_domain.number);
CREATE STATISTICS of_domain.paired_both (mcv) ON p, q FROM of_domain.paired;
INSERT INTO of_domain.paired SELECT ROW(g % 3, 1)::of_domain.pair, 7 FROM generate_series(1, 300) g;
RESET ROLE;
ANALYZE of_domain.paired;
SELECT dbperf.import_statistics('paired', document(jsonb_build_object(
    'relations', '[{"schema": "of_domain", "name": "paired", "kind": "r", "pages": 10, "rows": 1000, "all_visible_pages": 0, "current_pages": 10}]'::jsonb,
    'indexes', '[]'::jsonb, 'extended_statistics', '[]'::jsonb, 'missing', '[]'::jsonb,
    'columns', '[{"schema": "of_domain", "relation": "paired", "name": "p", "number": null, "type": "of_domain.pair", "inherited": false, "null_fraction": 0, "average_width": 30,
                  "distinct": 4, "slots": [{"kind": "most_common_values", "numbers": [0.5], "values": "{\"(2,1)\"}"}]}]'::jsonb))) > 0 AS imported;
SELECT object, used, reason FROM dbperf.imported_statistics WHERE name = 'paired' AND kind = 'column';
SET dbperf.statistics = 'paired';
SELECT rows FROM planned('SELECT * FROM of_domain.paired WHERE p = (SELECT p FROM of_domain.paired LIMIT 1)');
SET test.refuses = 'on';
SET dbperf.statistics = 'paired';
SELECT rows FROM planned('SELECT * FROM of_domain.paired WHERE p = (SELECT p FROM of_domain.paired LIMIT 1)');
SELECT count(*) FROM of_domain.paired;
RESET test.refuses;
RESET dbperf.statistics;
-- So it does when statistics are written, by a superuser.
SELECT dbperf.write_column_statistics('of_domain.paired'::regclass, 1::smallint, false,
    '{"type": "of_domain.pair", "null_fraction": 0, "average_width": 30, "distinct": 4, "slots": [{"kind": "most_common_values", "numbers": [0.5], "values": "{\"(2,1)\"}"}]}');
SELECT dbperf.write_extended_statistics((SELECT oid FROM pg_statistic_ext WHERE stxname = 'paired_both'), false,
    '{"columns": ["p", "q"], "numbers": "1 2", "most_common_vals": [["(2,1)", "7"]], "most_common_val_nulls": [[false, false]], "most_common_freqs": [0.1], "most_common_base_freqs": [0.1]}');
DROP OWNED BY domain_owner;
DROP ROLE domain_owner;
DROP TABLE renamed, other;
DROP FUNCTION not_written;
SELECT dbperf.drop_statistics(name) FROM (SELECT DISTINCT name FROM dbperf.imported_statistics) n;
DROP VIEW own_city;
DROP TABLE city, place;
DROP OPERATOR <<< (int, int);
DROP FUNCTION planned, explained, document, refused, left_out, column_with, slot_with, leak;
