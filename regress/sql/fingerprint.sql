-- Which statements are one statement, and the text they are shown with.
CREATE TABLE item (id int PRIMARY KEY, name text, price numeric, "Mixed" int);
CREATE SCHEMA other;
CREATE TABLE other.item (id int PRIMARY KEY, name text);
CREATE VIEW seen AS
    SELECT calls, query FROM dbperf.statements
     WHERE database = current_database() AND run IS NULL ORDER BY query COLLATE "C";

-- Constants of every kind, white space, comments, case.
SELECT dbperf.reset();
SELECT id FROM item WHERE id = 1;
SELECT id FROM item WHERE id = 22222222222;
select   ID
  from ITEM -- a comment
 where /* another /* nested */ */ "id" = 3;
SELECT id FROM item WHERE name = 'a';
SELECT id FROM item WHERE name = 'it''s';
SELECT id FROM item WHERE name = E'\x41';
SELECT id FROM item WHERE name = $$dollar$$;
SELECT id FROM item WHERE name = U&'\0061';
SELECT id FROM item WHERE price > 1.5;
SELECT id FROM item WHERE price > 1e10;
SELECT id FROM item WHERE price > .5;
SELECT id FROM item WHERE id = 1;;
SELECT * FROM seen;

-- Signs belong to the constant; operators do not.
SELECT dbperf.reset();
SELECT id FROM item WHERE id = -1;
SELECT id FROM item WHERE id = - 1;
SELECT id FROM item WHERE id = +1;
SELECT id FROM item WHERE id = 1;
SELECT id FROM item WHERE id = 2 - 1;
SELECT id FROM item WHERE id = 2 + 1;
SELECT id FROM item WHERE id = 2 -1;
SELECT id FROM item WHERE id = -(1);
SELECT * FROM seen;

-- NULL as a value is a constant, IS NULL is not; nor are true and false of IS.
SELECT dbperf.reset();
SELECT id FROM item WHERE name = NULL;
SELECT id FROM item WHERE name = 'x';
SELECT id FROM item WHERE name IS NULL;
SELECT id FROM item WHERE name IS NOT NULL;
SELECT id FROM item WHERE (id > 1) = true;
SELECT id FROM item WHERE (id > 1) = false;
SELECT id FROM item WHERE (id > 1) IS TRUE;
SELECT id FROM item WHERE (id > 1) IS NOT TRUE;
SELECT * FROM seen;

-- Elements of a list that equal its first one collapse into it; one constant equals another.
SELECT dbperf.reset();
SELECT id FROM item WHERE id IN (1);
SELECT id FROM item WHERE id IN (1, 2);
SELECT id FROM item WHERE id IN (1, -2, 3, 4, 5);
SELECT id FROM item WHERE id IN (1, id);
SELECT id FROM item WHERE id IN (1, id, 3);
SELECT id FROM item WHERE id NOT IN (1, 2);
SELECT id FROM item WHERE id = ANY (ARRAY[1]);
SELECT id FROM item WHERE id = ANY (ARRAY[1, 2, 3]);
SELECT id FROM item WHERE id = ANY ('{1,2,3}');
SELECT id FROM item WHERE (id, name) IN ((1, 'a'));
SELECT id FROM item WHERE (id, name) IN ((1, 'a'), (2, 'b'), (3, 'c'));
SELECT * FROM seen;

SELECT dbperf.reset();
INSERT INTO item (id, name) VALUES (1, 'a');
INSERT INTO item (id, name) VALUES (2, 'b'), (3, 'c');
INSERT INTO item (id, name) VALUES (4, 'd'), (5, NULL), (6, 'f');
INSERT INTO item (id, name) VALUES (7, DEFAULT);
INSERT INTO item (id, name) VALUES (8, DEFAULT), (9, DEFAULT);
INSERT INTO item (id, name) VALUES (10, lower('X')), (11, lower('Y'));
SELECT * FROM seen;

-- Identifiers: unquoted ones are folded, quoted ones are not; schema and alias count.
SELECT dbperf.reset();
SELECT id FROM item WHERE id = 1;
SELECT ID FROM "item" WHERE Id = 1;
SELECT "Mixed" FROM item WHERE id = 1;
SELECT "Mixed" AS mixed FROM item WHERE id = 1;
SELECT id FROM public.item WHERE id = 1;
SELECT id FROM other.item WHERE id = 1;
SELECT i.id FROM item i WHERE id = 1;
SELECT i.id FROM item AS i WHERE id = 1;
SELECT * FROM seen;

-- The text, not the table: another search path, a table made anew, is the same statement.
SELECT dbperf.reset();
SELECT name FROM item WHERE id = 1;
SET search_path = other, public;
SELECT name FROM item WHERE id = 1;
RESET search_path;
DROP TABLE other.item;
CREATE TABLE other.item (id int PRIMARY KEY, name text);
SELECT name FROM other.item WHERE id = 1;
SELECT * FROM seen WHERE query LIKE 'SELECT%';

-- A query is the same one whatever carried it here.
SELECT dbperf.reset();
SELECT name FROM item WHERE id = 1;
PREPARE plain AS SELECT name FROM item WHERE id = 2;
EXECUTE plain;
PREPARE typed (int) AS SELECT name FROM item WHERE id = $1;
EXECUTE typed (1);
EXECUTE typed (2);
BEGIN;
DECLARE c CURSOR FOR SELECT name FROM item WHERE id = 3;
FETCH ALL FROM c;
COMMIT;
\o /dev/null
EXPLAIN (ANALYZE) SELECT name FROM item WHERE id = 4;
\o
SELECT name FROM item WHERE id = 5 \gdesc
SELECT sum(calls) AS calls, count(DISTINCT fingerprint) AS fingerprints
  FROM dbperf.statements WHERE database = current_database() AND query ILIKE 'select name from item%';
DEALLOCATE ALL;

-- Parameters keep their numbers, constants beside them get the next ones.
SELECT dbperf.reset();
PREPARE mixed (int) AS SELECT name FROM item WHERE id = $1 AND name = 'x' AND price > 3;
EXECUTE mixed (1);
SELECT query FROM seen WHERE query LIKE 'SELECT name%' OR query LIKE 'PREPARE%';
DEALLOCATE ALL;

-- Several statements in one message are several.
SELECT dbperf.reset();
SELECT 1\; SELECT 'two', 2\; SELECT id FROM item WHERE id = 3;
SELECT * FROM seen;

-- Operators spelt two ways; casts; a keyword used as a name.
SELECT dbperf.reset();
SELECT id FROM item WHERE id <> 1;
SELECT id FROM item WHERE id != 1;
SELECT id FROM item WHERE id = '1'::int;
SELECT id FROM item WHERE id = CAST('1' AS int);
SELECT id AS value FROM item WHERE id = 1;
SELECT id AS "value" FROM item WHERE id = 1;
SELECT * FROM seen;

-- Texts are cut by bytes, never within a character, and stay different statements.
SELECT dbperf.reset();
SELECT format('SELECT 1 AS %I, %s', 'ä', string_agg(format('%s AS "ä%s"', i, i), ', ')) AS long FROM generate_series(1, 1000) i \gset
SELECT dbperf.reset();
\o /dev/null
:long;
:long , 2 AS last;
\o
SELECT count(*), count(DISTINCT fingerprint), bool_and(octet_length(query) BETWEEN 4092 AND 4096) AS cut FROM dbperf.statements
 WHERE database = current_database() AND query LIKE 'SELECT $1 AS "ä"%';

-- dbperf's own statements are not counted.
SELECT dbperf.reset();
SELECT count(*) > 0 AS some FROM dbperf.status();
SET dbperf.query_name = 'x';
RESET dbperf.query_name;
SELECT * FROM seen;

DROP VIEW seen;
DROP TABLE item, other.item;
DROP SCHEMA other;
