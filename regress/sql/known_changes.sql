-- Schema changes of known effect: the verdict on a query before and after each, and the cause that is named. All changes
-- lie between the same two runs, so that each query has to find its own cause among all of them.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT dbperf.reset();
DELETE FROM dbperf.ddl;
DELETE FROM dbperf.schema_snapshot;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
-- Few rows on many pages: what is read more or less shows in blocks.
CREATE PROCEDURE fill(name text, more_columns text DEFAULT '', more_values text DEFAULT '') LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (id int, k int, filler text%s) WITH (fillfactor = 10)', name, more_columns);
    EXECUTE format('INSERT INTO %I SELECT i, i %% 500, repeat(%L, 100)%s FROM generate_series(1, 5000) i', name, 'x', more_values);
END
$$;
CREATE TABLE known (place int GENERATED ALWAYS AS IDENTITY, name text PRIMARY KEY, role text, set_up text, query text, change text, verdict text, cause text);

-- $ stands for a parameter: 1 to 12 before, 13 to 24 after. cause: a pattern, null for none.
INSERT INTO known (name, set_up, query, change, verdict, cause) VALUES
('index added', $$CALL fill('added')$$,
 'SELECT count(filler) FROM added WHERE k = $', 'CREATE INDEX added_k ON added (k)', 'improved', 'CREATE INDEX added_k%'),
('index dropped', $$CALL fill('dropped'); CREATE INDEX dropped_k ON dropped (k)$$,
 'SELECT count(filler) FROM dropped WHERE k = $', 'DROP INDEX dropped_k', 'regressed', 'DROP INDEX dropped_k'),
('index renamed', $$CALL fill('renamed'); CREATE INDEX renamed_k ON renamed (k)$$,
 'SELECT count(filler) FROM renamed WHERE k = $', 'ALTER INDEX renamed_k RENAME TO renamed_by_k', 'unchanged', NULL),
('index made invalid', $$CALL fill('invalid'); CREATE INDEX invalid_k ON invalid (k)$$,
 'SELECT count(filler) FROM invalid WHERE k = $', $$UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invalid_k'::regclass$$,
 'regressed', 'index invalid_k on invalid (k) became on invalid (k), invalid'),
('index of another column added', $$CALL fill('other_column')$$,
 'SELECT count(filler) FROM other_column WHERE k = $', 'CREATE INDEX other_column_id ON other_column (id)', 'unchanged', NULL),
('index of another table added', $$CALL fill('bystander'); CALL fill('elsewhere')$$,
 'SELECT count(filler) FROM bystander WHERE k = $', 'CREATE INDEX elsewhere_k ON elsewhere (k)', 'unchanged', NULL),
('unique index added', $$CALL fill('uniquely')$$,
 'SELECT filler FROM uniquely WHERE id = $', 'CREATE UNIQUE INDEX uniquely_id ON uniquely (id)', 'improved', 'CREATE UNIQUE INDEX uniquely_id%'),
('primary key dropped', $$CALL fill('keyed'); ALTER TABLE keyed ADD PRIMARY KEY (id)$$,
 'SELECT filler FROM keyed WHERE id = $', 'ALTER TABLE keyed DROP CONSTRAINT keyed_pkey', 'regressed', 'ALTER TABLE keyed DROP CONSTRAINT keyed_pkey'),
('unique index that spared a join dropped', $$CALL fill('spared'); CALL fill('sparing'); CREATE UNIQUE INDEX sparing_id ON sparing (id)$$,
 'SELECT count(a.filler) FROM spared a LEFT JOIN sparing b ON b.id = a.id WHERE a.k > $', 'DROP INDEX sparing_id', 'regressed', 'DROP INDEX sparing_id'),
('partial index no longer matching', $$CALL fill('partly', ', state int', ', i % 10'); CREATE INDEX partly_k ON partly (k) WHERE state = 3$$,
 'SELECT count(filler) FROM partly WHERE k = 10 * $ + 3 AND state = 3',
 'DROP INDEX partly_k; CREATE INDEX partly_k ON partly (k) WHERE state = 4', 'regressed', 'CREATE INDEX partly_k ON partly (k) WHERE state = 4'),
('expression index added', $$CALL fill('expressive', ', name text', ', ''Name'' || i')$$,
 'SELECT filler FROM expressive WHERE lower(name) = ''name$''', 'CREATE INDEX expressive_name ON expressive (lower(name))',
 'improved', 'CREATE INDEX expressive_name%'),
('expression index replaced by a plain one', $$CALL fill('plainly', ', name text', ', ''Name'' || i'); CREATE INDEX plainly_name ON plainly (lower(name))$$,
 'SELECT filler FROM plainly WHERE lower(name) = ''name$''', 'DROP INDEX plainly_name; CREATE INDEX plainly_on_name ON plainly (name)',
 'regressed', 'DROP INDEX plainly_name'),
('covering index added', $$CALL fill('covered', ', part int', ', i % 25'); CREATE INDEX covered_part ON covered (part)$$,
 'SELECT sum(id) FROM covered WHERE part = $', 'CREATE INDEX covered_all ON covered (part) INCLUDE (id)', 'improved', 'CREATE INDEX covered_all%'),
('index of another method', $$CALL fill('method'); CREATE INDEX method_k ON method (k)$$,
 'SELECT count(filler) FROM method WHERE k = $', 'DROP INDEX method_k; CREATE INDEX method_k ON method USING brin (k)',
 'regressed', 'CREATE INDEX method_k ON method USING brin (k)'),
('index rebuilt', $$CALL fill('rebuilt'); CREATE INDEX rebuilt_k ON rebuilt (k)$$,
 'SELECT count(filler) FROM rebuilt WHERE k = $', 'REINDEX INDEX rebuilt_k', 'unchanged', NULL),
('column type changed, index no longer fits', $$CALL fill('retyped', ', code text', ', ''code'' || i'); CREATE INDEX retyped_code ON retyped (code)$$,
 'SELECT filler FROM retyped WHERE code = ''code$''::text', 'ALTER TABLE retyped ALTER code TYPE char(12)', 'regressed', 'ALTER TABLE retyped ALTER code TYPE%'),
('column type changed, index fits', $$CALL fill('wider'); CREATE INDEX wider_k ON wider (k)$$,
 'SELECT count(filler) FROM wider WHERE k = $', 'ALTER TABLE wider ALTER k TYPE bigint', 'unchanged', NULL),
('type of the other side of a join changed', $$CALL fill('joined'); CREATE INDEX joined_id ON joined (id); CREATE TABLE joining AS SELECT i AS ref FROM generate_series(1, 30) i$$,
 'SELECT count(a.filler) FROM joining b JOIN joined a ON a.id = b.ref WHERE b.ref > $', 'ALTER TABLE joining ALTER ref TYPE numeric',
 'regressed', 'ALTER TABLE joining ALTER ref TYPE numeric'),
('collation changed', $$CALL fill('collated', ', name text', ', ''name'' || i'); CREATE INDEX collated_name ON collated (name)$$,
 'SELECT filler FROM collated ORDER BY name COLLATE "default" LIMIT $', 'ALTER TABLE collated ALTER name TYPE text COLLATE "POSIX"',
 'regressed', 'ALTER TABLE collated ALTER name TYPE text COLLATE%'),
('partitioned', $$CALL fill('parted')$$,
 'SELECT count(filler) FROM parted WHERE k = $',
 $$ALTER TABLE parted RENAME TO parted_old;
   CREATE TABLE parted (LIKE parted_old) PARTITION BY RANGE (k);
   CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100) WITH (fillfactor = 10);
   CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (100) TO (500) WITH (fillfactor = 10);
   INSERT INTO parted SELECT * FROM parted_old; DROP TABLE parted_old$$, 'improved', 'CREATE TABLE parted (LIKE parted_old) PARTITION BY%'),
('partition pruning lost', $$CREATE TABLE pruned (id int, k int, filler text) PARTITION BY RANGE (k);
   CREATE TABLE pruned_1 PARTITION OF pruned FOR VALUES FROM (0) TO (100) WITH (fillfactor = 10);
   CREATE TABLE pruned_2 PARTITION OF pruned FOR VALUES FROM (100) TO (500) WITH (fillfactor = 10);
   INSERT INTO pruned SELECT i, i % 500, repeat('x', 100) FROM generate_series(1, 5000) i$$,
 'SELECT count(filler) FROM pruned WHERE k = $',
 $$ALTER TABLE pruned RENAME TO unpruned;
   CREATE TABLE pruned (id int, k int, filler text) PARTITION BY HASH (id);
   CREATE TABLE pruned_a PARTITION OF pruned FOR VALUES WITH (modulus 2, remainder 0) WITH (fillfactor = 10);
   CREATE TABLE pruned_b PARTITION OF pruned FOR VALUES WITH (modulus 2, remainder 1) WITH (fillfactor = 10);
   INSERT INTO pruned SELECT * FROM unpruned; DROP TABLE unpruned$$, 'regressed', 'CREATE TABLE pruned (%) PARTITION BY HASH (id)'),
('index dropped from a partitioned table', $$CREATE TABLE leafy (id int, k int, filler text) PARTITION BY HASH (id);
   CREATE TABLE leafy_a PARTITION OF leafy FOR VALUES WITH (modulus 2, remainder 0) WITH (fillfactor = 10);
   CREATE TABLE leafy_b PARTITION OF leafy FOR VALUES WITH (modulus 2, remainder 1) WITH (fillfactor = 10);
   INSERT INTO leafy SELECT i, i % 500, repeat('x', 100) FROM generate_series(1, 5000) i; CREATE INDEX leafy_k ON leafy (k)$$,
 'SELECT count(filler) FROM leafy WHERE k = $', 'DROP INDEX leafy_k', 'regressed', 'DROP INDEX leafy_k'),
('statistics target lowered', $$CALL fill('target', ', sort int', ', CASE WHEN i % 10 < 4 THEN 0 WHEN i % 10 < 7 THEN 1 ELSE i END'); CALL fill('targeted');
   CREATE INDEX target_sort ON target (sort); CREATE INDEX targeted_id ON targeted (id)$$,
 'SELECT count(b.filler) FROM target a JOIN targeted b ON b.id = a.id WHERE a.sort = 1 AND a.id > $', 'ALTER TABLE target ALTER sort SET STATISTICS 1',
 'regressed', 'ALTER TABLE target ALTER sort SET STATISTICS 1'),
('extended statistics added', $$CALL fill('extended', ', a int, b int, c int', ', i % 5, i % 5, i % 5'); CALL fill('extending'); CREATE INDEX extending_id ON extending (id)$$,
 'SELECT count(y.filler) FROM extended x JOIN extending y ON y.id = x.id WHERE x.a = 1 AND x.b = 1 AND x.c = 1 AND x.id > $',
 'CREATE STATISTICS extended_abc (dependencies) ON a, b, c FROM extended', 'improved', 'CREATE STATISTICS extended_abc%'),
('number of distinct values set', $$CALL fill('distinct_values'); CALL fill('distinct_other'); CREATE INDEX distinct_other_id ON distinct_other (id)$$,
 'SELECT count(b.filler) FROM (SELECT DISTINCT id FROM distinct_values WHERE k < 400 + $) a JOIN distinct_other b ON b.id = a.id',
 'ALTER TABLE distinct_values ALTER id SET (n_distinct = 5)', 'regressed', 'ALTER TABLE distinct_values ALTER id SET (n_distinct = 5)'),
('index of a foreign key dropped', $$CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT i FROM generate_series(1, 5000) i; CALL fill('child', ', parent int', ', 5000 - i % 500');
   CREATE INDEX child_parent ON child (parent); ALTER TABLE child ADD CONSTRAINT child_of_parent FOREIGN KEY (parent) REFERENCES parent$$,
 'DELETE FROM parent WHERE id = $', 'DROP INDEX child_parent', 'regressed', 'DROP INDEX child_parent'),
('foreign key without an index added', $$CREATE TABLE owner (id int PRIMARY KEY); INSERT INTO owner SELECT i FROM generate_series(1, 5000) i; CALL fill('owned', ', owner int', ', 5000 - i % 500')$$,
 'DELETE FROM owner WHERE id = $', 'ALTER TABLE owned ADD CONSTRAINT owned_owner FOREIGN KEY (owner) REFERENCES owner', 'regressed', 'ALTER TABLE owned ADD CONSTRAINT owned_owner%'),
('trigger added', $$CREATE TABLE watched (id int); CREATE TABLE watching (id int);
   CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO watching VALUES (NEW.id); RETURN NULL; END'$$,
 'INSERT INTO watched SELECT i + $ FROM generate_series(1, 300) i', 'CREATE TRIGGER watch AFTER INSERT ON watched FOR EACH ROW EXECUTE FUNCTION watch()',
 'regressed', 'CREATE TRIGGER watch%'),
('index to maintain added', $$CREATE TABLE maintained (id int, name text)$$,
 'INSERT INTO maintained SELECT i, md5(i::text) FROM generate_series(1, 500) i WHERE i > $', 'CREATE INDEX maintained_name ON maintained (name)', 'regressed', 'CREATE INDEX maintained_name%'),
('made unlogged', $$CREATE TABLE unlogged (id int, name text)$$,
 'INSERT INTO unlogged SELECT i, repeat(''x'', 1000) FROM generate_series(1, 800) i WHERE i > $', 'ALTER TABLE unlogged SET UNLOGGED', 'improved', 'ALTER TABLE unlogged SET UNLOGGED'),
('function made volatile', $$CALL fill('called'); CREATE INDEX called_k ON called (k); CREATE FUNCTION price(x int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN x; END'$$,
 'SELECT count(filler) FROM called WHERE k = price($)', 'ALTER FUNCTION price VOLATILE', 'regressed', 'ALTER FUNCTION price VOLATILE'),
('function of a condition made dear', $$CALL fill('weighed'); CREATE FUNCTION weight(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN x; END'$$,
 'SELECT count(filler) FROM weighed WHERE weight(k) = $', 'ALTER FUNCTION weight COST 10', 'unchanged', NULL),
('view rewritten', $$CALL fill('seen'); CREATE INDEX seen_k ON seen (k); CREATE VIEW seeing AS SELECT * FROM seen$$,
 'SELECT count(filler) FROM seeing WHERE k = $', 'CREATE OR REPLACE VIEW seeing AS SELECT * FROM seen OFFSET 0', 'regressed', 'CREATE OR REPLACE VIEW seeing%'),
('view rewritten, other text, same query', $$CALL fill('told'); CREATE INDEX told_k ON told (k); CREATE VIEW telling AS SELECT * FROM told$$,
 'SELECT count(filler) FROM telling WHERE k = $', 'CREATE OR REPLACE VIEW telling AS SELECT t.* FROM told t WHERE true', 'unchanged', NULL),
('table renamed behind a view', $$CALL fill('hidden'); CREATE INDEX hidden_k ON hidden (k)$$,
 'SELECT count(filler) FROM hidden WHERE k = $', 'ALTER TABLE hidden RENAME TO hidden_data; CREATE VIEW hidden AS SELECT * FROM hidden_data', 'unchanged', NULL),
('unused column dropped', $$CALL fill('slimmed', ', spare int', ', i'); CREATE INDEX slimmed_k ON slimmed (k)$$,
 'SELECT count(filler) FROM slimmed WHERE k = $', 'ALTER TABLE slimmed DROP spare', 'unchanged', NULL),
('column with a default added', $$CALL fill('defaulting'); CREATE INDEX defaulting_k ON defaulting (k)$$,
 'SELECT count(filler) FROM defaulting WHERE k = $', 'ALTER TABLE defaulting ADD state int NOT NULL DEFAULT 1', 'unchanged', NULL),
('column that makes rows wide added', $$CREATE TABLE widened AS SELECT i AS id, i % 500 AS k FROM generate_series(1, 5000) i$$,
 'SELECT count(*) FROM widened WHERE k = $', $$ALTER TABLE widened ADD note text DEFAULT md5(random()::text) || repeat('x', 200)$$, 'regressed', 'ALTER TABLE widened ADD note%'),
('default changed', $$CALL fill('default_value'); CREATE INDEX default_value_k ON default_value (k)$$,
 'SELECT count(filler) FROM default_value WHERE k = $', 'ALTER TABLE default_value ALTER k SET DEFAULT 5', 'unchanged', NULL),
('constraint added', $$CALL fill('checked'); CREATE INDEX checked_k ON checked (k)$$,
 'SELECT count(filler) FROM checked WHERE k = $', 'ALTER TABLE checked ADD CHECK (k >= 0)', 'unchanged', NULL),
('comment added', $$CALL fill('commented'); CREATE INDEX commented_k ON commented (k)$$,
 'SELECT count(filler) FROM commented WHERE k = $', $$COMMENT ON TABLE commented IS 'nothing'$$, 'unchanged', NULL),
('grown tenfold, read whole', $$CALL fill('grown')$$,
 'SELECT count(filler) FROM grown WHERE k >= -$', 'INSERT INTO grown SELECT g.* FROM grown g, generate_series(1, 9)', 'incomparable', 'grown grew from 5,000 to 50,000 rows'),
('grown tenfold, read by index', $$CALL fill('grown_indexed'); CREATE INDEX grown_indexed_id ON grown_indexed (id)$$,
 'SELECT filler FROM grown_indexed WHERE id = $', 'INSERT INTO grown_indexed SELECT i, i, repeat(''x'', 100) FROM generate_series(5001, 50000) i', 'unchanged', NULL),
('grown tenfold, sort on disk', $$CREATE TABLE grown_sorted AS SELECT i AS id, repeat('x', 100) AS filler FROM generate_series(1, 5000) i$$,
 'SELECT id, filler FROM grown_sorted ORDER BY filler, id OFFSET $', 'INSERT INTO grown_sorted SELECT i, repeat(''x'', 100) FROM generate_series(5001, 50000) i', 'regressed', 'grown_sorted grew from 5,000 to 50,000 rows'),
('grown tenfold, and its index dropped', $$CALL fill('grown_bare'); CREATE INDEX grown_bare_id ON grown_bare (id)$$,
 'SELECT filler FROM grown_bare WHERE id = $', 'DROP INDEX grown_bare_id; INSERT INTO grown_bare SELECT i, i, repeat(''x'', 100) FROM generate_series(5001, 50000) i', 'regressed', 'DROP INDEX grown_bare_id'),
('grown tenfold, nobody analyzed', $$CALL fill('unanalyzed')$$,
 'SELECT count(filler) FROM unanalyzed WHERE k >= -$', 'INSERT INTO unanalyzed SELECT g.* FROM unanalyzed g, generate_series(1, 9)', 'incomparable', 'unanalyzed grew from 1,000 to 10,000 pages'),
('grown tenfold, and an unused index added', $$CALL fill('grown_too')$$,
 'SELECT count(filler) FROM grown_too WHERE k >= -$', 'CREATE INDEX grown_too_id ON grown_too (id); INSERT INTO grown_too SELECT g.* FROM grown_too g, generate_series(1, 9)',
 'incomparable', 'grown_too grew from 5,000 to 50,000 rows'),
('index dropped, other changes around it', $$CALL fill('around'); CREATE INDEX around_k ON around (k); CREATE INDEX around_id ON around (id)$$,
 'SELECT count(filler) FROM around WHERE k = $', 'DROP INDEX around_k; ALTER TABLE around ADD CHECK (k >= 0); DROP INDEX around_id; ALTER TABLE around ADD note text',
 'regressed', 'DROP INDEX around_k'),
('column type changed, other changes after it', $$CALL fill('among', ', code text', ', ''code'' || i'); CREATE INDEX among_code ON among (code)$$,
 'SELECT filler FROM among WHERE code = ''code$''::text', 'ALTER TABLE among ALTER code TYPE char(12); ALTER TABLE among ALTER k SET NOT NULL; ALTER TABLE among ALTER k TYPE bigint',
 'regressed', 'ALTER TABLE among ALTER code TYPE%'),
('emptied', $$CALL fill('emptied')$$,
 'SELECT count(filler) FROM emptied WHERE k >= -$', 'TRUNCATE emptied', 'incomparable', 'emptied shrank from 5,000 to 0 rows'),
('bloated', $$CREATE TABLE bloated AS SELECT i AS id, repeat('x', 100) AS filler FROM generate_series(1, 20000) i$$,
 'SELECT count(filler) FROM bloated WHERE id > $', 'UPDATE bloated SET filler = filler', 'regressed', 'bloated grew from % to % pages with as many rows'),
('clustered', $$CREATE TABLE clustered AS SELECT i AS id, i % 50 AS k, repeat('x', 100) AS filler FROM generate_series(1, 10000) i; CREATE INDEX clustered_k ON clustered (k)$$,
 'SELECT count(filler) FROM clustered WHERE k = $', 'CLUSTER clustered USING clustered_k', 'improved', 'CLUSTER clustered USING clustered_k'),
('rewritten without its gaps', $$CALL fill('gaps'); ALTER TABLE gaps SET (fillfactor = 90)$$,
 'SELECT count(filler) FROM gaps WHERE k = $', 'VACUUM FULL gaps', 'improved', 'VACUUM FULL gaps'),
('analyzed for the first time', $$CALL fill('unknown', ', a int, b int, c int', ', 0, 0, 0'); CALL fill('known_other'); CREATE INDEX known_other_id ON known_other (id)$$,
 'SELECT count(b.filler) FROM unknown a JOIN known_other b ON b.id = a.id WHERE a.a = 0 AND a.b = 0 AND a.c = 0 AND a.id > $', NULL, 'incomparable', 'unknown was never analyzed in the baseline');

INSERT INTO known (name, set_up, query, change, verdict, cause) VALUES
('replaced by a table that nobody analyzed', $$CALL fill('replaced')$$,
 'SELECT count(filler) FROM replaced WHERE k = $', $$ALTER TABLE replaced RENAME TO replaced_old;
   CREATE TABLE unanalyzed_too AS SELECT * FROM replaced_old; CREATE VIEW replaced AS SELECT * FROM unanalyzed_too$$, 'incomparable', 'CREATE VIEW replaced%');

-- Settings, each of one role: what they do to the plans of others must not be told of them.
INSERT INTO known (name, role, set_up, query, change, verdict, cause) VALUES
('enable_nestloop changed', 'regress_known_loops', $$CALL fill('looping'); CALL fill('looped', ', s int', ', i * 7919 % 5000'); CREATE INDEX looping_id ON looping (id); CREATE INDEX looped_s ON looped (s)$$,
 'SELECT count(b.filler) FROM looping a JOIN looped b ON b.s = a.k * 7 + 3000 WHERE a.id BETWEEN $ AND $ + 3', 'ALTER ROLE regress_known_loops SET enable_nestloop = off',
 'incomparable', 'ALTER ROLE regress_known_loops SET enable_nestloop = off'),
('random_page_cost changed', 'regress_known_costs', $$CALL fill('costly'); CREATE INDEX costly_k ON costly (k)$$,
 'SELECT count(filler) FROM costly WHERE k = $', 'ALTER ROLE regress_known_costs SET random_page_cost = 400', 'incomparable', 'ALTER ROLE regress_known_costs SET random_page_cost = 400'),
('work_mem changed', 'regress_known_memory', $$CALL fill('sorted')$$,
 'SELECT id, filler FROM sorted ORDER BY filler, id OFFSET $', $$ALTER ROLE regress_known_memory SET work_mem = '64kB'$$, 'incomparable', $$ALTER ROLE regress_known_memory SET work_mem = '64kB'$$),
('setting without effect changed', 'regress_known_idle', $$CALL fill('idle'); CREATE INDEX idle_k ON idle (k)$$,
 'SELECT count(filler) FROM idle WHERE k = $', 'ALTER ROLE regress_known_idle SET random_page_cost = 3.9', 'unchanged', NULL),
('settings of other roles changed', 'regress_known_other', $$CALL fill('others'); CREATE INDEX others_k ON others (k)$$,
 'SELECT count(filler) FROM others WHERE k = $', 'DROP INDEX others_k', 'regressed', 'DROP INDEX others_k'),
('enable_seqscan of the database changed', 'regress_known_database',
 $$CALL fill('seqs', ', s int', ', i * 7919 % 5000'); CALL fill('seqed', ', s int', ', i * 7919 % 5000'); CREATE INDEX seqs_id ON seqs (id); CREATE INDEX seqed_s ON seqed (s)$$,
 'SELECT count(b.filler) FROM seqs a JOIN seqed b ON b.s = a.id WHERE a.k >= -$', NULL, 'incomparable', 'ALTER DATABASE % SET enable_seqscan = off');

CREATE FUNCTION workload(after boolean, role text DEFAULT NULL) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT unnest(ARRAY[format('SET dbperf.query_name = %L', c.name)]
                  || ARRAY(SELECT replace(c.query, '$', i::text) FROM generate_series(1 + 12 * after::int, 12 + 12 * after::int) i))
      FROM known c WHERE c.role IS NOT DISTINCT FROM workload.role ORDER BY c.place
$$;
CREATE FUNCTION settle() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('VACUUM ANALYZE %I', relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname !~ '^unanalyzed'
$$;
SELECT current_user AS superuser \gset
\set ECHO none
\o /dev/null
SELECT format('CREATE ROLE %I LOGIN IN ROLE pg_read_all_data', role) FROM known WHERE role IS NOT NULL ORDER BY place \gexec
SELECT set_up FROM known ORDER BY place \gexec
SELECT c FROM settle() c WHERE c <> 'VACUUM ANALYZE unknown' \gexec
SELECT dbperf.start_run('before');
SELECT workload(false) \gexec
\c - regress_known_loops
SELECT workload(false, current_user) \gexec
\c - regress_known_costs
SELECT workload(false, current_user) \gexec
\c - regress_known_memory
SELECT workload(false, current_user) \gexec
\c - regress_known_idle
SELECT workload(false, current_user) \gexec
\c - regress_known_other
SELECT workload(false, current_user) \gexec
\c - :superuser
SELECT dbperf.finish_run();
SET client_min_messages = warning;
SELECT change FROM known WHERE change IS NOT NULL ORDER BY place \gexec
SELECT settle() \gexec
SELECT dbperf.start_run('after');
SELECT workload(true) \gexec
\c - regress_known_loops
SELECT workload(true, current_user) \gexec
\c - regress_known_costs
SELECT workload(true, current_user) \gexec
\c - regress_known_memory
SELECT workload(true, current_user) \gexec
\c - regress_known_idle
SELECT workload(true, current_user) \gexec
\c - regress_known_other
SELECT workload(true, current_user) \gexec
\c - :superuser
SELECT dbperf.finish_run();
SELECT dbperf.start_run('before the database');
\c - regress_known_database
SELECT workload(false, current_user) \gexec
\c - :superuser
SELECT dbperf.finish_run();
ALTER DATABASE :"DBNAME" SET enable_seqscan = off;
SELECT dbperf.start_run('after the database');
\c - regress_known_database
SELECT workload(true, current_user) \gexec
\c - :superuser
SELECT dbperf.finish_run();
ALTER DATABASE :"DBNAME" RESET enable_seqscan;
\c - :superuser
-- Nothing here takes ten seconds.
CREATE TABLE found AS
SELECT c.* FROM dbperf.comparison('before', 'after', milliseconds => 10000) c
UNION ALL
SELECT c.* FROM dbperf.comparison('before the database', 'after the database', milliseconds => 10000) c;
\o
\set ECHO all
\pset format unaligned
SELECT k.name, f.verdict, regexp_replace(f.cause, 'DATABASE \S+', 'DATABASE (name)') AS cause FROM known k LEFT JOIN found f ON f.query = k.name ORDER BY k.place;
-- What is not as expected.
SELECT k.name, k.verdict AS expected, f.verdict, k.cause AS cause_expected, f.cause, regexp_replace(f.reason, '; per call.*', '') AS reason
  FROM known k LEFT JOIN found f ON f.query = k.name
 WHERE (f.verdict = k.verdict AND (k.cause IS NULL AND f.cause IS NULL OR f.cause LIKE k.cause)) IS NOT TRUE ORDER BY k.place;
-- Why something cannot be compared.
SELECT k.name, regexp_replace(f.reason, ';.*', '') AS reason FROM known k JOIN found f ON f.query = k.name WHERE f.verdict = 'incomparable' ORDER BY k.place;
-- Without a change there is no cause.
SELECT count(*) FROM found WHERE verdict = 'unchanged' AND cause IS NOT NULL;
\pset format aligned

\set ECHO none
\o /dev/null
SET client_min_messages = warning;
SELECT format('DROP TABLE %I CASCADE', relname) FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
   AND EXISTS (SELECT FROM known k WHERE concat(k.set_up, k.change) ~ ('\m' || c.relname || '\M')) AND relname NOT IN ('known', 'found') \gexec
SELECT format('DROP ROLE %I', role) FROM known WHERE role IS NOT NULL \gexec
\o
\set ECHO all
DROP FUNCTION workload, settle, price, weight, watch;
DROP PROCEDURE fill;
DROP TABLE known, found;
SELECT dbperf.flush();
DELETE FROM dbperf.ddl;
DELETE FROM dbperf.n_plus_one_finding;
DELETE FROM dbperf.schema_snapshot;
DELETE FROM dbperf.plan;
DELETE FROM dbperf.statement;
DELETE FROM dbperf.run;
