# Test databases through their whole life: leases, resets in place, fall-backs with their reasons, killed holders, a
# server that crashes. That a reset is exact is told by SQL alone: every row of every table with its place, sequences,
# in the copy and in its template.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('test_databases');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\nmax_prepared_transactions = 2\nwal_keep_size = 512MB\ndbperf.verify = on\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf; CREATE DATABASE origin');
$node->safe_psql('origin', q{
CREATE TABLE parent (id serial PRIMARY KEY, name text UNIQUE, doubled int GENERATED ALWAYS AS (length(name) * 2) STORED);
CREATE TABLE child (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent_id int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, note text);
CREATE INDEX ON child (parent_id);
CREATE TABLE keyless (a int, b text);
CREATE TABLE journal (what text, at int);
CREATE FUNCTION write_journal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO journal VALUES (TG_OP, 1); RETURN NULL; END $$;
CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON parent FOR EACH ROW EXECUTE FUNCTION write_journal();
CREATE TABLE part (id int, v text) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (500);
CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (500) TO (1000000);
CREATE UNLOGGED TABLE fast (id int PRIMARY KEY, v text);
CREATE TABLE words (id int PRIMARY KEY, doc tsvector, box int4range, tags int[]);
CREATE INDEX ON words USING gin (doc);
CREATE INDEX ON words USING gist (box);
CREATE INDEX ON words USING hash (id);
CREATE INDEX ON words USING brin (id);
CREATE TABLE wide (id int PRIMARY KEY, v text);
ALTER TABLE wide ALTER v SET STORAGE EXTERNAL;
CREATE SEQUENCE free;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM parent;
INSERT INTO parent (name) SELECT 'p' || i FROM generate_series(1, 300) i;
INSERT INTO child (parent_id, note) SELECT 1 + i % 300, repeat('n', i % 50) FROM generate_series(1, 2000) i;
INSERT INTO keyless SELECT i % 10, 'same' FROM generate_series(1, 100) i;
INSERT INTO part SELECT i, 'v' || i FROM generate_series(1, 1000) i;
INSERT INTO fast SELECT i, 'v' FROM generate_series(1, 400) i;
INSERT INTO words SELECT i, to_tsvector('simple', 'w' || i || ' all'), int4range(i, i + 5), ARRAY[i] FROM generate_series(1, 400) i;
INSERT INTO wide SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 20) i;
SELECT nextval('free') FROM generate_series(1, 7);
DELETE FROM child WHERE id % 17 = 0;
REFRESH MATERIALIZED VIEW totals;
});

# What the tables of a database look like: rows with their places, sequences.
my $digest_sql = q{
SELECT CASE WHEN c.relkind = 'S' THEN format('SELECT %L, last_value, is_called FROM %s', c.relname, c.oid::regclass)
            ELSE format('SELECT %L, count(*), md5(string_agg(ctid::text || t::text, chr(10))) FROM ONLY %s t', c.relname, c.oid::regclass) END
  FROM pg_class c WHERE c.relkind IN ('r', 'm', 'S') AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname \gexec
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT count(*), sum(id), md5(string_agg(name, ',' ORDER BY name)) FROM (SELECT id, name FROM parent ORDER BY id) p;
SELECT count(*), sum(parent_id) FROM (SELECT parent_id FROM child ORDER BY parent_id) c;
SELECT count(*) FROM fast WHERE id > 0;
SET enable_bitmapscan = on;
SELECT count(*) FROM words WHERE doc @@ 'all'::tsquery;
SELECT count(*) FROM words WHERE box && int4range(0, 100000);
};
my $digests = sub { return $node->safe_psql($_[0], $digest_sql); };

sub status { return $node->safe_psql('postgres', "SELECT value FROM dbperf.status() WHERE item = '$_[0]'"); }

my $holder = $node->background_psql('postgres');
my $acquire = sub { return $holder->query_safe(q{SELECT dbperf.acquire_database('origin')}); };
my $copy = $acquire->();
like($copy, qr/^dbperf_test_[0-9a-f]{12}$/, 'a copy is acquired');
is($digests->($copy), $digests->('origin'), '... and is as its template');
my $clean = $digests->($copy);

# Writes of one session, all of which have to be put back; each in turn, and then what they do together.
my %rows = (
    'nothing' => 'SELECT 1',
    'insert' => q{INSERT INTO parent (name) VALUES ('new'); INSERT INTO child (parent_id, note) VALUES (1, 'x')},
    'update' => q{UPDATE parent SET name = name || '!' WHERE id < 20},
    'update of a key' => q{UPDATE parent SET id = id + 10000 WHERE id = 5},
    'delete with a cascade' => 'DELETE FROM parent WHERE id BETWEEN 10 AND 30',
    'merge' => q{MERGE INTO parent p USING (VALUES (1, 'one'), (9999, 'many')) v (id, name) ON p.id = v.id WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (v.id, v.name)},
    'upsert' => q{INSERT INTO parent (id, name) VALUES (1, 'p1') ON CONFLICT (id) DO UPDATE SET name = 'changed'},
    'copy' => q{COPY keyless FROM PROGRAM 'printf "1\\\\tx\\\\n2\\\\ty\\\\n"'},
    'a table without a key' => 'DELETE FROM keyless WHERE ctid IN (SELECT ctid FROM keyless LIMIT 7); UPDATE keyless SET a = a + 1',
    'partitions' => q{UPDATE part SET id = id + 600 WHERE id < 50; DELETE FROM part WHERE id > 980},
    'an unlogged table' => q{UPDATE fast SET v = 'other' WHERE id < 9; INSERT INTO fast SELECT i, 'n' FROM generate_series(1000, 3000) i},
    'all kinds of indexes' => q{DELETE FROM words WHERE id < 100; INSERT INTO words SELECT i, to_tsvector('simple', 'z' || i), int4range(i, i + 9), '{}' FROM generate_series(1000, 1500) i},
    'wide values' => q{UPDATE wide SET v = repeat('x', 9000); DELETE FROM wide WHERE id > 15},
    'sequences' => q{SELECT nextval('free'); SELECT setval('parent_id_seq', 5000); SELECT nextval('child_id_seq')},
    'one number of a sequence' => q{SELECT nextval('free')},
    'growth' => q{INSERT INTO parent (name) SELECT 'grown' || i FROM generate_series(1, 5000) i},
    'everything deleted' => 'DELETE FROM child; DELETE FROM parent; DELETE FROM part',
    'a rolled back transaction' => q{BEGIN; UPDATE parent SET name = name || '?'; SELECT nextval('free'); ROLLBACK},
    'rolled back DDL' => q{BEGIN; CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 500); DROP TABLE keyless; ALTER TABLE parent ADD x int; ROLLBACK},
    'a rolled back TRUNCATE' => 'BEGIN; TRUNCATE parent CASCADE; INSERT INTO parent (name) VALUES (1); ROLLBACK',
    'savepoints' => q{BEGIN; SAVEPOINT a; DELETE FROM child WHERE id < 100; ROLLBACK TO a; UPDATE child SET note = 'x' WHERE id < 10; COMMIT},
    'a temporary table' => q{CREATE TEMP TABLE t AS SELECT * FROM parent; CREATE INDEX ON t (id); UPDATE parent SET name = 'x' || t.name FROM t WHERE t.id = parent.id AND t.id < 5},
    'locks on rows' => 'BEGIN; SELECT * FROM parent WHERE id < 100 FOR UPDATE; COMMIT',
    'SPI' => q{DO $$ BEGIN FOR i IN 1 .. 50 LOOP INSERT INTO journal VALUES ('x', i); BEGIN INSERT INTO parent (id, name) VALUES (i, 'twice'); EXCEPTION WHEN unique_violation THEN NULL; END; END LOOP; END $$},
    # A scan finds the entries of deleted rows and marks them dead, which no log tells.
    'dead entries in indexes' => q{DELETE FROM parent WHERE id BETWEEN 100 AND 200; DELETE FROM fast WHERE id < 50; DELETE FROM words WHERE id < 50;
        SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM parent WHERE id BETWEEN 90 AND 210; SELECT count(*) FROM parent WHERE name LIKE 'p1%';
        SELECT count(*) FROM child WHERE parent_id BETWEEN 90 AND 210; SELECT count(*) FROM fast WHERE id < 60; SELECT count(*) FROM words WHERE box && int4range(0, 60)},
);
my $dirty = 0;
for my $what (sort keys %rows) {
    $node->safe_psql($copy, $rows{$what});
    $dirty++ if $digests->($copy) ne $clean;
    is($node->safe_psql($copy, 'SELECT dbperf.reset_database()'), $copy, "$what: reset in place");
    is($digests->($copy), $clean, '... and clean');
}
cmp_ok($dirty, '>=', 17, 'most of these had changed something');

$node->safe_psql($copy, q{UPDATE part SET v = 'x' WHERE id = 7; SELECT nextval('free'); INSERT INTO journal VALUES ('x', 1)});
is($node->safe_psql($copy, 'SELECT schema, relation, pages FROM dbperf.written_relations() ORDER BY relation'), "public|free|1\npublic|journal|1\npublic|part_low|2", 'what was written is told');
is($node->safe_psql($copy, 'SELECT dbperf.reset_database(); SELECT count(*) FROM dbperf.written_relations()'), "$copy\n0", '... until it is put back');

# The caller's own connection, and another one that is idle, go on.
my $own = $node->background_psql($copy);
my $idle = $node->background_psql($copy);
$_->query_safe('SELECT count(*) FROM parent; PREPARE p AS SELECT count(*) FROM parent WHERE id > 0') for $own, $idle;
for my $round (1 .. 5) {
    $own->query_safe(q{INSERT INTO parent (name) SELECT 'r' || i FROM generate_series(1, 3000) i});
    $idle->query_safe(q{DELETE FROM child WHERE parent_id = 7; SELECT nextval('free')});
    is($own->query_safe('SELECT dbperf.reset_database(false)'), $copy, "round $round: under open connections");
    is(join(',', map { $_->query_safe('SELECT count(*) FROM parent; EXECUTE p; SELECT nextval(\'free\')') } $own, $idle), "300\n300\n8,300\n300\n9", '... which see the template');
    is($own->query_safe('SELECT dbperf.reset_database(false)'), $copy, '... once more');
}
is($digests->($copy), $clean, '... all of it');

# Session state: as DISCARD ALL, but for a driver's statements.
$own->query_safe(q{SET work_mem = '1MB'; SELECT pg_advisory_lock(5); LISTEN x; CREATE TEMP TABLE t (a int); DECLARE c CURSOR WITH HOLD FOR SELECT 1; SELECT nextval('free')});
is($own->query_safe('SELECT dbperf.reset_database()'), $copy, 'a session with state of its own');
is($own->query_safe(q{SELECT current_setting('work_mem') <> '1MB', (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), (SELECT count(*) FROM pg_listening_channels()), to_regclass('pg_temp.t') IS NULL,
    (SELECT count(*) FROM pg_cursors WHERE name = 'c'), (SELECT count(*) FROM pg_prepared_statements)}), 't|0|0|t|0|0', '... has none any more');
is($digests->($copy), $clean, '... and its database is clean');

# Refusals.
my ($code, $out, $err) = $node->psql($copy, q{BEGIN; INSERT INTO journal VALUES ('x', 1); SELECT dbperf.reset_database()});
like($err, qr/cannot reset a database in a transaction that has written to it/, 'not in a transaction that has written');
($code, $out, $err) = $node->psql($copy, q{INSERT INTO parent (name) VALUES ('q'); DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM parent LOOP PERFORM dbperf.reset_database(); END LOOP; END $$});
like($err, qr/cannot reset a database within a loop over a query/, 'not in a loop over a query');
($code, $out, $err) = $node->psql($copy, 'SELECT dbperf.reset_database() FROM parent');
like($err, qr/cannot reset "parent" while a query of this session reads it/, 'not while a query reads what is put back');
is($node->safe_psql($copy, 'SELECT dbperf.reset_database()'), $copy, '... afterwards it is put back');
is($digests->($copy), $clean, '... and clean');
is($node->safe_psql($copy, 'BEGIN; SELECT count(*) FROM parent; SELECT dbperf.reset_database(); COMMIT'), "300\n$copy", 'in a transaction that has only read');

($code, $out, $err) = $node->psql($copy, 'CREATE ROLE left_behind; SELECT dbperf.reset_database()');
is($out, $copy, 'a role is no part of the database');
like($err, qr/something that belongs to the whole server was changed and stays so: CREATE ROLE/, '... and stays, with a warning');

# More than rows: a new copy, the old one is dropped when its sessions have left.
my %more = (
    'CREATE TABLE more (a int)' => qr/a statement changed the schema or rewrote a table \(CREATE TABLE\)/,
    'TRUNCATE journal' => qr/\(TRUNCATE TABLE\)/,
    'REFRESH MATERIALIZED VIEW totals' => qr/\(REFRESH MATERIALIZED VIEW\)/,
    'CREATE TEMP TABLE t (a int); CREATE INDEX ON keyless (a)' => qr/\(CREATE INDEX\)/,
    'SELECT lo_create(0)' => qr/large objects were written/,
    'ANALYZE parent' => qr/VACUUM or ANALYZE changed statistics/,
    q{BEGIN; INSERT INTO journal VALUES ('p', 1); PREPARE TRANSACTION 'x'} => qr/a transaction was prepared/,
);
$_->quit for $own, $idle;
for my $sql (sort keys %more) {
    $node->safe_psql($copy, $sql);
    ($code, $out, $err) = $node->psql($copy, 'SELECT dbperf.reset_database()');
    like($err, $more{$sql}, "$sql: not in place");
    isnt($out, $copy, '... but a new copy');
    $node->safe_psql($copy, q{COMMIT PREPARED 'x'}) if $sql =~ /PREPARE/;
    $copy = $out;
    is($digests->($copy), $clean, '... which is clean');
}
my $blocker = $node->background_psql($copy);
$blocker->query_safe(q{BEGIN; UPDATE parent SET name = 'held' WHERE id = 1});
$node->safe_psql($copy, q{UPDATE parent SET name = 'x' WHERE id = 2});
($code, $out, $err) = $node->psql($copy, 'SELECT dbperf.reset_database()');
like($err, qr/another session holds a lock on a table that was written to/, 'a table in another session\'s transaction');
$blocker->query_safe('COMMIT');
$blocker->quit;
$copy = $out;
is($digests->($copy), $clean, '... a new copy, clean');

# Release: by what was written. The connections of safe_psql close at about this time.
my $release = sub {
    my $outcome = $holder->query_safe("SELECT dbperf.release_database('$_[0]')");
    return $outcome eq 'ending' && $node->poll_query_until('postgres', "SELECT state NOT IN ('ending', 'settling') FROM dbperf.test_databases WHERE name = '$_[0]'") ? 'later' : $outcome;
};
like($release->($copy), qr/^(clean|later)$/, 'released clean');
$copy = $acquire->();
$node->safe_psql($copy, $rows{$_}) for 'update', 'dead entries in indexes', 'growth', 'an unlogged table';
like($release->($copy), qr/^(reset|later)$/, 'released with rows');
my @held;
push @held, $acquire->() for 1 .. 3;
is($digests->($_), $clean, 'what is handed out is clean') for @held;
$node->safe_psql($held[0], 'CREATE TABLE t (a int)');
like($release->($held[0]), qr/^(replaced: a statement changed the schema or rewrote a table|later)$/, 'released with DDL');

# Somebody else in a copy that waits in the pool: it is not handed out dirty.
$release->($held[1]);
$node->safe_psql($held[1], q{SELECT nextval('free'); INSERT INTO journal VALUES ('stranger', 1)});
push @held, $acquire->() for 1 .. 3;
is($digests->($_), $clean, 'nobody sees what a stranger wrote') for @held[2 .. 5];

# The template's source changes: new copies have it.
$node->safe_psql('origin', q{INSERT INTO journal VALUES ('changed', 1)});
my $changed = $acquire->();
isnt($digests->($changed), $clean, 'a change of the template is in new copies');
is($digests->($changed), $digests->('origin'), '... exactly');
$node->safe_psql($held[3], q{DELETE FROM parent});
$node->safe_psql($held[3], 'SELECT dbperf.reset_database()');
is($digests->($held[3]), $clean, '... and older ones are put back to what they were');

# Leases end with their session, however it ends.
$holder->quit;
ok($node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM dbperf.test_databases WHERE state IN ('leased', 'ending'))}), 'the leases of a session that has ended are over');
is($node->safe_psql('postgres', 'SELECT dbperf.collect_test_databases()'), '0', 'all are collected');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_database WHERE datname LIKE 'dbperf%'}), '0', '... none is left');

# A crash: what is left is collected, but neither what somebody renamed nor what others made.
$holder = $node->background_psql('postgres');
my $kept = $acquire->();
$acquire->();
$node->safe_psql('postgres', 'CREATE DATABASE dbperf_test_000000000000');
$node->stop('immediate');
$node->start;
$node->safe_psql('postgres', "ALTER DATABASE $kept RENAME TO kept");
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM pg_database WHERE datname LIKE 'dbperf%'}), '>=', 3, 'a crash leaves copies behind');
$node->safe_psql('postgres', 'SELECT dbperf.collect_test_databases()');
is($node->safe_psql('postgres', q{SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname LIKE 'dbperf%' OR datname = 'kept'}), 'dbperf_test_000000000000,kept', '... which are collected');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|differs from its template|memory leak/, 'nothing bad is in the log');
done_testing();
