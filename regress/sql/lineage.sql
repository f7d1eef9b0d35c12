-- Where the keys of repeated look-ups came from. Each table has numbers of its own, so that a value names its column.
SET client_min_messages = warning;
SELECT dbperf.reset();
CREATE DOMAIN author_number AS int;
CREATE TABLE author (id int PRIMARY KEY, name text, code text, token uuid, small smallint, big bigint, number author_number, long text);
INSERT INTO author SELECT 1000 + i, 'name ' || i, 'code-' || i, md5(i::text)::uuid, 1000 + i, 1000 + i, 1000 + i, repeat('x', 80) || i FROM generate_series(1, 30) i;
CREATE TABLE book (id int PRIMARY KEY, author_id int REFERENCES author, shelf int, title varchar(40));
INSERT INTO book SELECT 20000 + i, 1001 + i % 30, 7, 'code-' || i FROM generate_series(1, 60) i;
CREATE TABLE chapter (id int PRIMARY KEY, book_id int REFERENCES book ON DELETE CASCADE, length int);
INSERT INTO chapter SELECT 300000 + i, 20001 + i % 60, i FROM generate_series(1, 180) i;
CREATE TABLE node (id int PRIMARY KEY, parent int);
INSERT INTO node SELECT 70000 + i, CASE WHEN i > 1 THEN 70000 + i / 2 END FROM generate_series(1, 15) i;
CREATE TABLE press (id int GENERATED ALWAYS AS IDENTITY (START WITH 5001) PRIMARY KEY, name text);
ANALYZE author, book, chapter, node;
CREATE VIEW found AS
    SELECT kind, confidence, key_column AS key, parent_relation || '.' || parent_column AS parent, calls, distinct_keys AS keys,
           format('%s: %s/%s/%s', scopes, scope_calls_min, scope_calls_median, scope_calls_max) AS scopes, query, parent_query
      FROM dbperf.n_plus_one WHERE database = current_database() AND run IS NULL ORDER BY kind, query COLLATE "C", parent_query COLLATE "C";
-- One statement for each number from `first`, which it names %1$s.
CREATE FUNCTION series(statement text, count int, first int DEFAULT 1001) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format(statement, i) FROM generate_series(first, first + count - 1) i
$$;
SET dbperf.scope_gap = '1h';

-- A list and its rows, in the simple protocol and prepared; integers of all widths are one.
PREPARE by_int (int) AS SELECT name FROM author WHERE id = $1;
PREPARE by_small (smallint) AS SELECT name FROM author WHERE id = $1;
PREPARE by_big (bigint) AS SELECT name FROM author WHERE id = $1;
PREPARE by_number (author_number) AS SELECT name FROM author WHERE id = $1;
\o /dev/null
\set ECHO none
BEGIN;
SELECT id FROM author WHERE id <= 1012 ORDER BY id;
SELECT series('SELECT name FROM author WHERE small = %s', 12) \gexec
SELECT series('SELECT name FROM author WHERE big = %s', 12) \gexec
SELECT series('SELECT name FROM author WHERE number = %s', 12) \gexec
SELECT series('SELECT name FROM author WHERE id = ''%s''', 12) \gexec
COMMIT;
BEGIN;
SELECT big FROM author WHERE id <= 1012 ORDER BY id;
SELECT series('EXECUTE by_int(%s)', 12) \gexec
COMMIT;
BEGIN;
SELECT number FROM author WHERE id <= 1012 ORDER BY id;
SELECT series('EXECUTE by_small(%s::int2)', 6) \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;

-- uuid, text, varchar; what is too long to be a key is counted, but not traced.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
SELECT token FROM author WHERE id <= 1010 ORDER BY id;
SELECT format('SELECT id FROM author WHERE token = %L', token) FROM author WHERE id <= 1010 ORDER BY id \gexec
COMMIT;
BEGIN;
SELECT title FROM book WHERE id <= 20010 ORDER BY id;
SELECT series('SELECT id FROM author WHERE code = ''code-%s''', 10, 1) \gexec
COMMIT;
BEGIN;
SELECT long FROM author WHERE id <= 1010 ORDER BY id;
SELECT format('SELECT id FROM author WHERE long = %L', long) FROM author WHERE id <= 1010 ORDER BY id \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;

-- A list of one is a look-up; a list of two is none.
SELECT dbperf.reset();
PREPARE by_array (int[]) AS SELECT code FROM author WHERE id = ANY ($1);
\o /dev/null
\set ECHO none
BEGIN;
SELECT id FROM author WHERE id <= 1008 ORDER BY id;
SELECT series('SELECT name FROM author WHERE id IN (%s)', 8) \gexec
SELECT series('EXECUTE by_array(''{%s}'')', 8) \gexec
SELECT series('SELECT small FROM author WHERE id IN (%1$s, %1$s + 1)', 8) \gexec
SELECT series('SELECT small FROM author WHERE id = ANY (''{%1$s,1}'')', 8) \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
SELECT id FROM author WHERE id <= 1008 ORDER BY id;
SELECT series('EXECUTE by_array(''{%s,1}'')', 8) \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;
DEALLOCATE ALL;

-- Keys elsewhere: beside a constant one, in a function's argument, a subquery, an aggregate, a view.
SELECT dbperf.reset();
CREATE FUNCTION title_count(author int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM book WHERE author_id = $1';
CREATE VIEW author_book AS SELECT a.id AS writer, b.id AS work, a.name FROM author a JOIN book b ON b.author_id = a.id;
\o /dev/null
\set ECHO none
BEGIN;
SELECT id FROM author WHERE id <= 1008 ORDER BY id;
SELECT series('SELECT id FROM book WHERE shelf = 7 AND author_id = %s', 8) \gexec
SELECT series('SELECT title_count(%s)', 8) \gexec
SELECT series('SELECT count(*) FROM book WHERE author_id = %s', 8) \gexec
SELECT series('SELECT 1 WHERE EXISTS (SELECT FROM book WHERE author_id = %s)', 8) \gexec
SELECT series('SELECT work FROM author_book WHERE writer = %s', 8) \gexec
COMMIT;
BEGIN;
SELECT writer FROM author_book WHERE writer <= 1008 GROUP BY writer ORDER BY writer;
SELECT series('SELECT name FROM author WHERE id = %s', 8) \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;

-- Producers: what was just inserted, row by row or at once; a cursor read in pieces; a walk that feeds itself.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
INSERT INTO author (id) SELECT 1100 + i FROM generate_series(1, 8) i RETURNING id;
SELECT series('SELECT name FROM author WHERE id = %s', 8, 1101) \gexec
ROLLBACK;
BEGIN;
SELECT 'INSERT INTO press DEFAULT VALUES RETURNING id' FROM generate_series(1, 8) \gexec
SELECT series('SELECT name FROM press WHERE id = %s', 8, 5001) \gexec
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM author ORDER BY id;
SELECT format('FETCH 4 FROM c; SELECT code FROM author WHERE id = %s; SELECT code FROM author WHERE id = %s; SELECT code FROM author WHERE id = %s; SELECT code FROM author WHERE id = %s', i, i + 1, i + 2, i + 3)
  FROM generate_series(1001, 1017, 4) i \gexec
COMMIT;
BEGIN;
SELECT id FROM node WHERE parent IS NULL;
SELECT series('SELECT id FROM node WHERE parent = %s', 7, 70001) \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;

-- Two levels: the rows of each row's rows are one loop.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
SELECT id FROM author WHERE id BETWEEN 1002 AND 1007 ORDER BY id;
SELECT s FROM (
    SELECT a.id, 0 AS b, format('SELECT id FROM book WHERE author_id = %s ORDER BY id', a.id) AS s FROM author a WHERE a.id BETWEEN 1002 AND 1007
    UNION ALL
    SELECT b.author_id, b.id, format('SELECT length FROM chapter WHERE book_id = %s', b.id) FROM book b WHERE b.author_id BETWEEN 1002 AND 1007) x ORDER BY x.id, b \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;

-- Writes: a row inserted, changed or deleted for each row of a list.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
SELECT id FROM author WHERE id <= 1008 ORDER BY id;
SELECT series('INSERT INTO book (id, author_id) VALUES (%1$s + 50000, %1$s)', 8) \gexec
SELECT series('UPDATE author SET name = ''x'' WHERE id = %s', 8) \gexec
SELECT series('DELETE FROM book WHERE author_id = %s', 8) \gexec
ROLLBACK;
\set ECHO all
\o
SELECT * FROM found;

-- Loops inside the server belong to the statement that caused them; its checks of foreign keys are no loop.
SELECT dbperf.reset();
CREATE FUNCTION count_chapters() RETURNS void LANGUAGE plpgsql AS $$
DECLARE b record;
BEGIN FOR b IN SELECT id FROM book WHERE id <= 20010 LOOP PERFORM length FROM chapter WHERE book_id = b.id; END LOOP; END $$;
CREATE FUNCTION check_author() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM name FROM author WHERE id = new.author_id; RETURN new; END $$;
CREATE TRIGGER check_author BEFORE INSERT ON book FOR EACH ROW EXECUTE FUNCTION check_author();
SELECT count_chapters();
INSERT INTO book (id, author_id) SELECT 40000 + i, 1000 + i FROM generate_series(1, 20) i;
SELECT * FROM found;
DROP TRIGGER check_author ON book;
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
DELETE FROM book WHERE id > 40000;
INSERT INTO book (id, author_id) SELECT 40000 + i, 1000 + i FROM generate_series(1, 20) i;
DELETE FROM book WHERE id > 40000;
BEGIN;
SELECT oid FROM pg_class WHERE relname IN ('author', 'book', 'chapter', 'node', 'found', 'author_book') ORDER BY oid;
SELECT format('SELECT attname FROM pg_attribute WHERE attrelid = %s', oid) FROM pg_class WHERE relname IN ('author', 'book', 'chapter', 'node', 'found', 'author_book') ORDER BY oid \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;

-- Pages, by OFFSET and by the last key; one row and what belongs to it; four rows.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
SELECT series('SELECT id FROM book ORDER BY id LIMIT 5 OFFSET %s', 10, 0) \gexec
SELECT format('SELECT id FROM book WHERE id > %s ORDER BY id LIMIT 5', i) FROM generate_series(20000, 20050, 5) i \gexec
COMMIT;
BEGIN;
SELECT book_id FROM chapter WHERE id = 300010;
SELECT author_id FROM book WHERE id = 20011;
SELECT name FROM author WHERE id = 1012;
COMMIT;
BEGIN;
SELECT id FROM author WHERE id <= 1004 ORDER BY id;
SELECT series('SELECT code FROM author WHERE id = %s', 4) \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;
-- ... unless four are enough.
SET dbperf.n_plus_one_threshold = 4;
\o /dev/null
\set ECHO none
BEGIN;
SELECT id FROM author WHERE id <= 1004 ORDER BY id;
SELECT series('SELECT code FROM author WHERE id = %s', 4) \gexec
COMMIT;
\set ECHO all
\o
RESET dbperf.n_plus_one_threshold;
SELECT * FROM found;

-- Redundant; a write of its table makes reading it again sensible, a lock is read for its own sake.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
SELECT 'SELECT name FROM author WHERE id = 1001' FROM generate_series(1, 9) \gexec
COMMIT;
BEGIN;
SELECT unnest(ARRAY['SELECT code FROM author WHERE id = 1001', 'UPDATE author SET name = name WHERE id = 1001']) FROM generate_series(1, 9) \gexec
COMMIT;
BEGIN;
SELECT 'SELECT big FROM author WHERE id = 1001 FOR UPDATE' FROM generate_series(1, 9) \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;

-- Paused: neither the look-ups nor, once it goes on, anything of theirs.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
BEGIN;
SET dbperf.n_plus_one = off;
SELECT id FROM author WHERE id <= 1008 ORDER BY id;
SELECT series('SELECT name FROM author WHERE id = %s', 8) \gexec
SET dbperf.n_plus_one = on;
SELECT series('SELECT code FROM author WHERE id = %s', 4) \gexec
COMMIT;
\set ECHO all
\o
SELECT * FROM found;

-- Named scopes of one name, one after the other, are several and one finding; so are names that differ in digits.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
SET dbperf.scope = 'GET /author/1';
SELECT id FROM author WHERE id <= 1006 ORDER BY id;
SELECT series('SELECT name FROM author WHERE id = %s', 6) \gexec
SET dbperf.scope = '';
SET dbperf.scope = 'GET /author/1';
SELECT id FROM author WHERE id <= 1008 ORDER BY id;
SELECT series('SELECT name FROM author WHERE id = %s', 8) \gexec
SET dbperf.scope = 'GET /author/2';
SELECT id FROM author WHERE id <= 1020 ORDER BY id;
SELECT series('SELECT name FROM author WHERE id = %s', 20) \gexec
-- Neither has enough of these.
SET dbperf.scope = 'GET /author/3';
SELECT series('SELECT code FROM author WHERE id = %s', 3) \gexec
SET dbperf.scope = '';
SET dbperf.scope = 'GET /author/3';
SELECT series('SELECT code FROM author WHERE id = %s', 3, 1004) \gexec
SET dbperf.scope = '';
\set ECHO all
\o
SELECT dbperf.flush();
SELECT * FROM found;

-- A client that pauses between the list and the loop, or in the loop: what comes first after the pause is a key of the list.
-- With no gap at all, every statement comes after a pause.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
SELECT id FROM author WHERE id <= 1010 ORDER BY id;
SET dbperf.scope_gap = 0;
SELECT name FROM author WHERE id = 1001;
SELECT name FROM author WHERE id = 1002;
SELECT name FROM author WHERE id = 1003;
SET dbperf.scope_gap = '1h';
SELECT series('SELECT name FROM author WHERE id = %s', 7, 1004) \gexec
SELECT author_id FROM book WHERE id BETWEEN 20001 AND 20010 ORDER BY id;
SELECT series('SELECT code FROM author WHERE id = %s', 3, 1002) \gexec
SET dbperf.scope_gap = 0;
SELECT code FROM author WHERE id = 1005;
SET dbperf.scope_gap = '1h';
SELECT series('SELECT code FROM author WHERE id = %s', 6, 1006) \gexec
\set ECHO all
\o
SELECT * FROM found;

-- Not one: a list, and after one pause each some of its rows; a list that is looked at anew, and one row of it.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
SELECT id FROM author WHERE id <= 1010 ORDER BY id;
SET dbperf.scope_gap = 0;
SELECT series('SELECT name FROM author WHERE id = %s', 10) \gexec
SELECT format(s, i) FROM generate_series(1001, 1010) i,
    unnest(ARRAY['SET dbperf.scope_gap = ''1h''', 'SELECT id FROM author WHERE id <= 1010 ORDER BY id', 'SET dbperf.scope_gap = 0',
                 'SELECT code FROM author WHERE id = %s']) WITH ORDINALITY u(s, n) ORDER BY i, n \gexec
SET dbperf.scope_gap = '1h';
\set ECHO all
\o
SELECT * FROM found;

-- The same text by search_path is another table's: shards.
SELECT dbperf.reset();
\o /dev/null
\set ECHO none
SELECT format('CREATE SCHEMA shard%1$s CREATE TABLE visit (id int, page text)', i) FROM generate_series(1, 8) i \gexec
BEGIN;
SELECT format('SET LOCAL search_path = shard%1$s, public; SELECT page FROM visit WHERE id = %1$s', i) FROM generate_series(1, 8) i \gexec
COMMIT;
SELECT format('DROP SCHEMA shard%1$s CASCADE', i) FROM generate_series(1, 8) i \gexec
\set ECHO all
\o
SELECT * FROM found;

RESET dbperf.scope_gap;
SELECT dbperf.reset();
DROP VIEW found, author_book;
DROP TABLE chapter, book, author, node, press;
DROP FUNCTION series, title_count, count_chapters, check_author;
DROP DOMAIN author_number;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
