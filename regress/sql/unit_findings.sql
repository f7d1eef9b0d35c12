-- What a named unit of work amounts to, asked for at once: its own figures and the line of its loop.
SET client_min_messages = warning;
SELECT dbperf.reset();
CREATE TABLE unit_author (id int PRIMARY KEY, name text);
INSERT INTO unit_author SELECT 1000 + i, 'name ' || i FROM generate_series(1, 30) i;
CREATE TABLE unit_book (id int PRIMARY KEY, author_id int REFERENCES unit_author);
INSERT INTO unit_book SELECT 20000 + i, 1000 + i FROM generate_series(1, 30) i;
ANALYZE unit_author, unit_book;
CREATE FUNCTION loop_of(size int, line text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('SELECT author_id FROM unit_book ORDER BY id LIMIT %s /*source_location=''app/list.py%%3A3''*/', size)
    UNION ALL
    SELECT format('SELECT name FROM unit_author WHERE id = %s /*source_location=''app/list.py%%3A%s''*/', 1000 + i, line) FROM generate_series(1, size) i
$$;
CREATE VIEW shown AS SELECT unit, kind, confidence, calls, distinct_keys AS keys, key_column, parent_relation || '.' || parent_column AS parent, call_site
                       FROM dbperf.unit_findings();
SET dbperf.scope = 'GET /books/1';
\o /dev/null
-- Once from another line, then the loop.
SELECT name FROM unit_author WHERE id = 1030 /*source_location='app/one.py%3A7'*/;
SELECT loop_of(12, '9') \gexec
\o
SELECT * FROM shown; -- still under way
SET dbperf.scope = '';
SELECT unit, query, parent_query, suggestion FROM dbperf.unit_findings('GET /books/1');

-- The same name again, from another line: the figures are those of this time.
SELECT clock_timestamp() AS mark \gset
SELECT count(*) FROM dbperf.unit_findings(since => :'mark');
SET dbperf.scope = 'GET /books/1';
\o /dev/null
SELECT loop_of(7, '21') \gexec
\o
SET dbperf.scope = '';
SELECT calls, distinct_keys, call_site FROM dbperf.unit_findings('GET /books/1', :'mark');
SELECT calls, distinct_keys FROM dbperf.n_plus_one WHERE database = current_database() AND scope = 'GET /books/#';

-- Names that differ in digits are one pattern, and another unit all the same.
SELECT count(*) FROM dbperf.unit_findings('GET /books/2');
SELECT clock_timestamp() AS mark \gset
SET dbperf.scope = 'GET /books/2';
\o /dev/null
SELECT loop_of(6, '21') \gexec
\o
SET dbperf.scope = '';
SELECT unit, calls FROM dbperf.unit_findings('GET /books/2', :'mark');
SELECT count(*) FROM dbperf.unit_findings('GET /books/1', :'mark');

-- Who asked about a name ended this time of it, also for another session that takes the name at once.
SET dbperf.scope_gap = '1h';
SET dbperf.scope = 'asked';
\o /dev/null
SELECT loop_of(7, '21') \gexec
\o
SET dbperf.scope = '';
SELECT calls FROM dbperf.unit_findings('asked');
\c
SET dbperf.scope_gap = '1h';
SET dbperf.scope = 'asked';
\o /dev/null
SELECT loop_of(8, '21') \gexec
\o
SET dbperf.scope = '';
SELECT calls FROM dbperf.unit_findings('asked');
SET client_min_messages = warning;

-- What has no name, or is paused, is not there. Nor is an empty name one.
SELECT dbperf.reset();
\o /dev/null
SELECT loop_of(8, '4') \gexec
SET dbperf.n_plus_one = off;
SET dbperf.scope = 'set-up';
SELECT loop_of(8, '5') \gexec
SET dbperf.n_plus_one = on;
SET dbperf.scope = '';
\o
SELECT count(*) FROM dbperf.unit_findings();
SELECT count(*) FROM dbperf.unit_findings('');

-- A loop inside a function belongs to the unit that called it, also where that is all the unit does.
CREATE FUNCTION all_names() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    book record;
    found_name text;
    n int := 0;
BEGIN
    FOR book IN SELECT author_id FROM unit_book ORDER BY id LIMIT 9 LOOP
        SELECT name INTO found_name FROM unit_author WHERE id = book.author_id;
        n := n + 1;
    END LOOP;
    RETURN n;
END
$$;
SET dbperf.scope = 'a report';
SELECT all_names();
SET dbperf.scope = 'another';
DO $$ BEGIN PERFORM all_names(); END $$;
SET dbperf.scope = '';
SELECT kind, calls FROM dbperf.unit_findings('a report');
SELECT kind, calls FROM dbperf.unit_findings('another');

-- A role sees its own; who reads all statistics sees every role's.
SELECT dbperf.reset();
CREATE ROLE regress_unit_one;
CREATE ROLE regress_unit_two;
CREATE ROLE regress_unit_all;
GRANT pg_read_all_stats TO regress_unit_all;
GRANT SELECT ON unit_author, unit_book TO regress_unit_one, regress_unit_two;
SET ROLE regress_unit_one;
SET dbperf.scope = 'of one';
\o /dev/null
SELECT loop_of(8, '5') \gexec
\o
SET dbperf.scope = '';
SELECT unit, calls FROM dbperf.unit_findings();
SET ROLE regress_unit_two;
SELECT unit, calls FROM dbperf.unit_findings();
SET ROLE regress_unit_all;
SELECT unit, calls FROM dbperf.unit_findings();
RESET ROLE;
DROP VIEW shown;
DROP FUNCTION loop_of(int, text);
DROP FUNCTION all_names();
DROP TABLE unit_book, unit_author;
DROP ROLE regress_unit_one, regress_unit_two, regress_unit_all;
SELECT dbperf.reset();
