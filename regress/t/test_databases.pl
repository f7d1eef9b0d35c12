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
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\nmax_prepared_transactions = 2\nwal_level = logical\nmax_replication_slots = 4\nwal_keep_size = 512MB\ndbperf.verify = on\n");
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
    'temporary objects of many kinds' => q{CREATE TEMP TABLE t (id serial PRIMARY KEY, name text UNIQUE CHECK (name <> ''), x int DEFAULT 5); CREATE TEMP TABLE s (t int REFERENCES t); CREATE TEMP VIEW w AS SELECT t.x FROM t, parent;
        CREATE TRIGGER j AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION write_journal(); COMMENT ON TABLE t IS 'x'; INSERT INTO t (name) SELECT name FROM parent; ALTER TABLE t ADD y int; DROP TABLE s, t CASCADE},
    'a function that came and went' => 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$; DROP FUNCTION f()',
    'large objects that came and went' => q{SELECT lo_create(99); SELECT lo_put(99, 0, 'x'); SELECT lo_unlink(99)},
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
my ($code, $out, $err);
$node->safe_psql($copy, q{INSERT INTO journal VALUES ('x', 1)});
for my $begin ('BEGIN', 'BEGIN; SELECT count(*) FROM parent', 'BEGIN; SAVEPOINT a') {
    ($code, $out, $err) = $node->psql($copy, "$begin; SELECT dbperf.reset_database()");
    like($err, qr/dbperf.reset_database\(\) cannot run inside a transaction block/, "$begin: not in a transaction block");
}
for my $call ('dbperf.reset_database()', "dbperf.release_database('$copy')", "dbperf.release_database('$copy', keep => true)") {
    ($code, $out, $err) = $node->psql($copy, "SET default_transaction_read_only = on; SELECT $call");
    like($err, qr/cannot execute dbperf.\w+\(\) in a read-only transaction/, "$call: not in a read-only transaction");
}
($code, $out, $err) = $node->psql('postgres', "BEGIN; SELECT dbperf.release_database('$copy', keep => true)");
like($err, qr/cannot run inside a transaction block/, 'nothing is kept in a transaction that may be rolled back');
is($node->safe_psql($copy, q{SELECT count(*) FROM journal WHERE what = 'x'}), '1', '... and nothing was put back by any of them');
($code, $out, $err) = $node->psql($copy, q{DO $$ BEGIN INSERT INTO journal VALUES ('x', 1); PERFORM dbperf.reset_database(); END $$});
like($err, qr/cannot reset a database in a transaction that has written to it/, 'not in a transaction that has written');
($code, $out, $err) = $node->psql($copy, q{INSERT INTO parent (name) VALUES ('q'); DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM parent LOOP PERFORM dbperf.reset_database(); END LOOP; END $$});
like($err, qr/cannot reset a database within a loop over a query/, 'not in a loop over a query');
($code, $out, $err) = $node->psql($copy, 'SELECT dbperf.reset_database() FROM parent');
like($err, qr/cannot reset "parent" while a query of this session reads it/, 'not while a query reads what is put back');
is($node->safe_psql($copy, 'SELECT dbperf.reset_database()'), $copy, '... afterwards it is put back');
is($digests->($copy), $clean, '... and clean');

# An error behind it in the same statement undoes nothing of it: other sessions forget where roots of indexes were.
my $other = $node->background_psql($copy);
$node->safe_psql($copy, q{INSERT INTO parent (name) SELECT 'e' || i FROM generate_series(1, 20000) i; INSERT INTO words SELECT i, '', int4range(i, i + 1), '{}' FROM generate_series(1000, 9000) i});
$other->query_safe('SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM parent WHERE id = 9000; SELECT count(*) FROM words WHERE id = 8000');
($code, $out, $err) = $node->psql($copy, 'SELECT dbperf.reset_database(), 1 / (random() * 0)::int');
like($err, qr/division by zero/, 'an error behind a reset');
is($other->query_safe('SELECT count(*) FROM parent WHERE id IN (5, 9000); SELECT count(*) FROM words WHERE id IN (7, 8000)'), "1\n1", '... leaves other sessions the indexes of the template');
$other->query_safe(q{INSERT INTO parent (name) SELECT 'f' || i FROM generate_series(1, 50) i});
is($node->safe_psql($copy, 'SELECT dbperf.reset_database()'), $copy, '... and the next one is as ever');
is($digests->($copy), $clean, '... and clean');

# Another connection writes and commits while a reset, which has read the log, has locked one table and waits for the other. A
# reset that does not wait that long makes a new copy: once more then.
$_->quit for $other, $own, $idle;
for my $write (q{keyless (b) VALUES ('w')}, q{fast VALUES (99999, 'w')}) {
    my ($answer, $written) = ('', '');
    for (1 .. 50) {
        $node->safe_psql($copy, q{UPDATE parent SET name = 'x' WHERE id = 1; INSERT INTO journal VALUES ('x', 1)});
        my ($reader, $writer, $resetting) = map { $node->background_psql($copy) } 1 .. 3;
        $reader->query_safe('BEGIN; SELECT count(*) FROM journal');
        $resetting->{stdin} .= "SELECT dbperf.reset_database();\n";
        $resetting->{run}->pump_nb;
        $written = $writer->query_safe(qq{DO \$\$ DECLARE until timestamptz := clock_timestamp() + '3s'; BEGIN
            WHILE NOT EXISTS (SELECT FROM pg_locks WHERE relation = 'parent'::regclass AND mode = 'AccessExclusiveLock' AND granted) AND clock_timestamp() < until LOOP END LOOP;
            INSERT INTO $write; END \$\$; SELECT mode FROM pg_locks WHERE relation = 'parent'::regclass AND mode = 'AccessExclusiveLock'});
        $reader->query_safe('COMMIT');
        $answer = $resetting->query('SELECT current_database()');
        $_->quit for $reader, $writer, $resetting;
        last if $answer eq "$copy\n$copy" && $written ne '';
        ($copy) = split /\n/, $answer;
        $node->safe_psql($copy, 'SELECT dbperf.reset_database()');
    }
    is("$written $answer", "AccessExclusiveLock $copy\n$copy", "a write to $write amid a reset in place");
    is($digests->($copy), $clean, '... does not stay');
}

($code, $out, $err) = $node->psql($copy, 'CREATE ROLE left_behind; SELECT dbperf.reset_database()');
is($out, $copy, 'a role is no part of the database');
like($err, qr/something that belongs to the whole server was changed and stays so: CREATE ROLE/, '... and stays, with a warning');

# More than rows: a new copy, the old one is dropped when its sessions have left.
my %more = (
    'CREATE TABLE more (a int)' => qr/a statement changed the schema or rewrote a table \(CREATE TABLE\)/,
    'TRUNCATE journal' => qr/\(TRUNCATE TABLE\)/,
    'REFRESH MATERIALIZED VIEW totals' => qr/\(REFRESH MATERIALIZED VIEW\)/,
    'CREATE TEMP TABLE t (a int); CREATE INDEX ON keyless (a)' => qr/\(CREATE INDEX\)/,
    'CREATE TEMP TABLE t (a int); DROP TABLE t, journal' => qr/\(DROP TABLE\)/,
    'CREATE TEMP VIEW t AS SELECT 1; CREATE VIEW v AS SELECT 1; DROP VIEW t' => qr/\(DROP VIEW\)/,
    'CREATE TEMP TABLE t (a int); TRUNCATE t, journal' => qr/\(TRUNCATE TABLE\)/,
    'CREATE TEMP TABLE t () INHERITS (keyless)' => qr/\(CREATE TABLE\)/,
    q{DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE t (a int)'; EXECUTE $e$COMMENT ON TABLE keyless IS 'x'$e$; END $$} => qr/a statement changed the schema/,
    q{CREATE TEMP TABLE t (a int); GRANT SELECT ON t, keyless TO PUBLIC} => qr/\(GRANT\)/,
    q{CREATE TEMP TABLE t (a int); UPDATE pg_class SET reloptions = '{fillfactor=50}' WHERE relname = 'keyless'} => qr/could not be reset in place/,
    'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC' => qr/\(ALTER DEFAULT PRIVILEGES\)/,
    'CREATE PUBLICATION p FOR ALL TABLES' => qr/\(CREATE PUBLICATION\)/,
    # What shared catalogs say of the database.
    'ALTER DATABASE :"DBNAME" SET work_mem = 99' => qr/settings, grants, comment, name or limits/,
    'ALTER ROLE CURRENT_USER IN DATABASE :"DBNAME" SET work_mem = 99' => qr/settings, grants/,
    'GRANT CREATE ON DATABASE :"DBNAME" TO pg_monitor' => qr/settings, grants/,
    'ALTER DATABASE :"DBNAME" CONNECTION LIMIT 9' => qr/settings, grants/,
    q{COMMENT ON DATABASE :"DBNAME" IS 'mine'} => qr/settings, grants/,
    # As SECURITY LABEL does it, with a provider.
    q{SET allow_system_table_mods = on; INSERT INTO pg_shseclabel SELECT oid, 'pg_database'::regclass, 'somebody', 'mine' FROM pg_database WHERE datname = current_database()} => qr/settings, grants/,
    # First, because a prepared transaction keeps it waiting.
    q{(SELECT pg_create_logical_replication_slot('left', 'pgoutput'))} => qr/a replication slot was left in it/,
    q{CREATE SUBSCRIPTION s CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)} => qr/a subscription was left in it/,
    'SELECT lo_create(0)' => qr/large objects were written/,
    'ANALYZE parent' => qr/VACUUM or ANALYZE changed statistics/,
    q{BEGIN; INSERT INTO journal VALUES ('p', 1); PREPARE TRANSACTION 'x'} => qr/a transaction was prepared/,
);
my %stuck;
for my $sql (sort keys %more) {
    $node->safe_psql($copy, $sql);
    ($code, $out, $err) = $node->psql($copy, 'SELECT dbperf.reset_database()');
    like($err, $more{$sql}, "$sql: not in place");
    isnt($out, $copy, '... but a new copy');
    is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_replication_slots}), '0', '... without the slot') if $sql =~ /slot/;
    $stuck{$copy} = q{COMMIT PREPARED 'x'} if $sql =~ /PREPARE/;
    $stuck{$copy} = 'ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s' if $sql =~ /SUBSCRIPTION/;
    $copy = $out;
    is($digests->($copy), $clean, '... which is clean');
}
# What keeps a copy from being dropped is the caller's to undo. It waits by itself, and the others go.
ok($node->poll_query_until('postgres', "SELECT count(*) = 2 AND count(error) = 2 FROM dbperf.test_databases WHERE state = 'dropping'"), 'copies that cannot be dropped wait with the error, the others are gone')
    or diag($node->safe_psql('postgres', 'SELECT * FROM dbperf.test_databases'));
is(join(',', sort split /\n/, $node->safe_psql('postgres', 'SELECT name FROM dbperf.test_databases WHERE error IS NOT NULL')), join(',', sort keys %stuck), '... it is those');
cmp_ok(scalar(() = slurp_file($node->logfile) =~ /could not drop the test database/g), '<=', 4, '... and the log is not flooded');
$node->safe_psql($_, $stuck{$_}) for keys %stuck;
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
    return $outcome eq 'ending' && $node->poll_query_until('postgres', "SELECT state NOT IN ('ending', 'recycling') FROM dbperf.test_databases WHERE name = '$_[0]'") ? 'later' : $outcome;
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

# Dropped by hand, whatever its state was: never handed out, never clean.
$node->safe_psql('postgres', "DROP DATABASE $_") for split /\n/, $node->safe_psql('postgres', q{SELECT name FROM dbperf.test_databases WHERE state = 'ready'});
my $lost = $acquire->();
is($digests->($lost), $clean, 'one that was dropped while it waited is not handed out');
$node->safe_psql('postgres', "DROP DATABASE $lost");
is($holder->query_safe("SELECT dbperf.release_database('$lost')"), 'replaced: it was dropped', 'a lease that was dropped is not clean');

# Whoever may connect to the source, and has settings there, may and has in copies; the lease is its holder's.
$node->safe_psql('postgres', q{CREATE ROLE app LOGIN; CREATE ROLE outsider LOGIN; ALTER DATABASE origin SET timezone = 'Asia/Tokyo'; ALTER ROLE app IN DATABASE origin SET statement_timeout = '7s';
    REVOKE ALL ON DATABASE origin FROM PUBLIC; GRANT CONNECT, CREATE ON DATABASE origin TO app; ALTER DATABASE origin CONNECTION LIMIT 30});
my $closed = $acquire->();
my $rights = sub { return $node->safe_psql('postgres', "SELECT datacl::text, datconnlimit FROM pg_database WHERE datname = '$_[0]'"); };
is($rights->($closed), $rights->('origin'), 'a copy has the rights of its source, as they are now');
is($node->safe_psql($closed, 'SHOW timezone; SHOW statement_timeout', extra_params => ['-U', 'app']), "Asia/Tokyo\n7s", '... and its settings');
($code, $out, $err) = $node->psql($closed, 'SELECT 1', extra_params => ['-U', 'outsider']);
like($err, qr/permission denied for database/, '... and keeps others out');
$node->safe_psql('postgres', 'GRANT CONNECT ON DATABASE origin TO outsider');
my $open = $acquire->();
$node->safe_psql($open, q{INSERT INTO journal VALUES ('x', 1)});
for my $role ('outsider', 'app') {
    ($code, $out, $err) = $node->psql($open, 'SELECT dbperf.reset_database()', extra_params => ['-U', $role]);
    like($err, qr/permission denied to reset database/, "a lease is not for $role to reset");
}
is($node->safe_psql($open, q{SELECT count(*) FROM journal WHERE what = 'x'}), '1', '... and is not reset');
is($node->safe_psql($open, 'SET ROLE app; SELECT dbperf.reset_database()'), $open, '... but for its holder, whatever role the test went over to');
$release->($_) for $closed, $open;
$node->safe_psql('postgres', 'REVOKE CONNECT ON DATABASE origin FROM outsider; ALTER DATABASE origin RESET timezone; ALTER ROLE app IN DATABASE origin RESET statement_timeout; GRANT CONNECT, TEMPORARY ON DATABASE origin TO PUBLIC');

# By calls that no hook of queries sees: psql makes large objects by the fast path.
my $file = "${PostgreSQL::Test::Utils::tmp_check}/object";
append_to_file($file, 'contents');
my $object = sub { $node->safe_psql($_[0], "\\lo_import '$file'"); };
my $objects = 'SELECT count(*) FROM pg_largeobject_metadata';
$release->(pop @held);
$object->($_) for split /\n/, $node->safe_psql('postgres', q{SELECT name FROM dbperf.test_databases WHERE state = 'ready'});
push @held, $acquire->();
is($node->safe_psql($held[-1], $objects), '0', 'a large object that was made by the fast path in a waiting copy is not handed out');
$object->('origin');
push @held, $acquire->();
is($node->safe_psql($held[-1], $objects), '1', 'one in the source is in new copies');
$node->safe_psql('origin', 'SELECT lo_unlink(oid) FROM pg_largeobject_metadata');

# A template that was dropped by hand is made anew; its copies are replaced.
my $orphan = $acquire->();
my $template = $node->safe_psql('postgres', q{SELECT datname FROM pg_database WHERE datname LIKE 'dbperf\_template\_%' ORDER BY oid DESC LIMIT 1});
$node->safe_psql('postgres', "ALTER DATABASE $template IS_TEMPLATE false; DROP DATABASE $template");
$node->safe_psql($orphan, q{INSERT INTO journal VALUES ('x', 1)});
($code, $out, $err) = $node->psql($orphan, 'SELECT dbperf.reset_database()');
like($err, qr/could not be reset in place: its template has changed or is gone/, 'without its template a copy is replaced');
is($digests->($out), $clean, '... by one of a new template');

# The template's source changes: new copies have it.
my $older = $acquire->();
$node->safe_psql('origin', q{INSERT INTO journal VALUES ('changed', 1)});
my $changed = $acquire->();
isnt($digests->($changed), $clean, 'a change of the template is in new copies');
is($digests->($changed), $digests->('origin'), '... exactly');
$node->safe_psql($older, q{DELETE FROM parent});
$node->safe_psql($older, 'SELECT dbperf.reset_database()');
is($digests->($older), $clean, '... and older ones are put back to what they were');

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
$node->safe_psql('postgres', "ALTER DATABASE $kept RENAME TO kept");
$node->stop('immediate');
$node->start;
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_database WHERE datname LIKE 'dbperf%'}), 'nobody has to ask for them to go');
is($node->safe_psql('postgres', q{SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname LIKE 'dbperf%' OR datname = 'kept'}), 'dbperf_test_000000000000,kept', '... which are collected');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|differs from its template|memory leak/, 'nothing bad is in the log');
done_testing();
