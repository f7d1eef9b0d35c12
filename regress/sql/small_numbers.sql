-- Small numbers are returned by many columns: the first that covers all is the parent, though the
-- rows of the loop itself show the same numbers again.
SELECT dbperf.reset();
CREATE TABLE box (id int PRIMARY KEY, shelf int, colour int, weight int);
INSERT INTO box SELECT i, i % 7, i % 5, i % 11 FROM generate_series(1, 30) i;
CREATE TABLE item (id int PRIMARY KEY, box_id int, a int, b int, c int, d int, e int);
INSERT INTO item SELECT i, 1 + i % 30, i % 13, i % 17, i % 19, i % 23, i % 29 FROM generate_series(1, 120) i;
ANALYZE box, item;
SET dbperf.scope_gap = '1h';
\set ECHO none
\o /dev/null
SELECT id, shelf, colour, weight FROM box ORDER BY id LIMIT 5;
SELECT format('SELECT * FROM item WHERE box_id = %s', i) FROM generate_series(1, 5) i \gexec
\o
\set ECHO all
SELECT dbperf.flush();
SELECT confidence, calls, parent_relation, parent_column, key_column, query FROM dbperf.n_plus_one
 WHERE database = current_database() ORDER BY calls;
RESET dbperf.scope_gap;
SELECT dbperf.reset();
DROP TABLE box, item;
