# Test databases and what they are made of: templates that take their time, that a standby keeps from being frozen, that a
# subscription writes to; how they are copied, what a reset leaves on disk, and what is never dropped.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('sources');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\nmax_wal_size = 8GB\ncheckpoint_timeout = 1h\n"
      . "log_checkpoints = on\nwal_receiver_status_interval = 1s\nhot_standby_feedback = on\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf');
sub sql { my ($database, $sql) = @_; return $node->safe_psql($database, $sql); }
sub refused { my ($sql, $what, $why) = @_; like(($node->psql('postgres', $sql))[2], $what, $why); }
sub set { my ($setting) = @_; $node->append_conf('postgresql.conf', "$setting\n"); $node->reload; }
sub is_settled { return $node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM dbperf.test_databases WHERE state IN ('creating', 'ending', 'recycling', 'dropping'))}); }
my $holder = $node->background_psql('postgres');
my $acquire = sub { return $holder->query_safe("SELECT dbperf.acquire_database('$_[0]')"); };
my $source = sub { my ($name, $sql) = @_; sql('postgres', "CREATE DATABASE $name"); sql($name, $sql); };
my $items = 'CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT i, i FROM generate_series(1, 100) i';
my $sum = 'SELECT count(*), sum(id), md5(string_agg(ctid::text || name, chr(10))) FROM item';

# --- a copy that files are copied for costs a checkpoint: not when that is dear -------------------------------------------

sub file_copies { return scalar(() = slurp_file($node->logfile, $_[0]) =~ /checkpoint starting: [^\n]*flush-(?:all|unlogged)/g); }
$source->($_, $items) for 'calm', 'busy';
sql('postgres', 'CHECKPOINT');
my $log = -s $node->logfile;
$acquire->('calm') for 1 .. 4;
is_settled();
cmp_ok(file_copies($log), '>=', 1, 'with little written since the last checkpoint, files are copied once to see what is faster');
sql('postgres', q{SELECT count(pg_logical_emit_message(false, 'x', repeat('x', 1000000))) FROM generate_series(1, 150)});
$log = -s $node->logfile;
$acquire->('busy') for 1 .. 4;
is_settled();
is(file_copies($log), 0, 'with much written since then, they are not');

# --- a server whose commits do not wait for the disk prepares templates all the same --------------------------------------

set("synchronous_commit = off\nwal_writer_delay = 10s");
$source->('hasty', $items);
my $hasty = $acquire->('hasty');
sql($hasty, 'DELETE FROM item WHERE id < 10');
is(sql($hasty, 'SELECT dbperf.reset_database()'), $hasty, 'with synchronous_commit = off a copy is reset, not replaced');
is(sql($hasty, 'SELECT count(*) FROM item'), '100', '... and clean');
$holder->query_safe("SELECT dbperf.release_database('$hasty')");
set("synchronous_commit = on\nwal_writer_delay = 200ms");

# --- what somebody renames or names is his -------------------------------------------------------------------------------

my $mine = $acquire->('calm');
my $other = $acquire->('calm');
sql('postgres', "ALTER DATABASE $mine RENAME TO mine; CREATE DATABASE $mine; ALTER DATABASE $other RENAME TO dbperf_test_renamed");
$holder->query_safe("SELECT dbperf.release_database('$_')") for $mine, $other;
ok($node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM dbperf.test_databases WHERE name IN ('$mine', '$other'))"), 'renamed copies are given up');
is(sql('postgres', "SELECT string_agg(CASE datname WHEN '$mine' THEN 'theirs' ELSE datname END, ',' ORDER BY 1) FROM pg_database WHERE datname IN ('mine', '$mine', '$other', 'dbperf_test_renamed')"),
    'mine,theirs', '... neither one that somebody took nor one of its former name is dropped, but one that still has a name of ours is');
sql('postgres', "DROP DATABASE mine; DROP DATABASE $mine");

# --- rights that change while a copy is made are in what is handed out -----------------------------------------------------

my $lock = $node->background_psql('postgres');
$lock->query_safe('BEGIN; LOCK TABLE pg_db_role_setting IN SHARE MODE');
$acquire->('calm'); # another one is made for it, up to the settings
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'dbperf test databases' AND wait_event_type = 'Lock'}) or die 'no copy is made';
sql('postgres', 'ALTER DATABASE calm CONNECTION LIMIT 31');
my $waiting = $node->background_psql('postgres');
$waiting->{stdin} .= "SELECT dbperf.acquire_database('calm');\n";
$waiting->{run}->pump_nb;
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%acquire_database(''calm'')%' AND wait_event_type = 'Extension' AND state = 'active'}) or die 'it does not wait';
$lock->query_safe('COMMIT');
$lock->quit;
is($waiting->query(q{SELECT string_agg(datconnlimit::text, ',') FROM pg_database JOIN dbperf.test_databases ON datname = name AND holder_pid = pg_backend_pid()}) =~ s/^dbperf_test_\w+\n//r, '31', 'rights that change while a copy is made');
$waiting->quit;
sql('postgres', 'ALTER DATABASE calm CONNECTION LIMIT -1');

# --- rows that a standby still needs to see as they were cannot be frozen --------------------------------------------------

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my $reader = $standby->background_psql('postgres');
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
ok($node->poll_query_until('postgres', 'SELECT count(backend_xmin) = 1 FROM pg_stat_replication'), 'a query on a standby holds old rows');
$source->('held', $items);
my $copy = $acquire->('held');
my $clean = sql($copy, $sum);
sql($copy, 'UPDATE item SET id = id + 1000');
my (undef, $fresh, $message) = $node->psql($copy, 'SELECT dbperf.reset_database()');
like($message, qr/could not be reset in place: its template has too many tables, rewritten catalogs, or rows that could not be frozen/, 'a copy of what could not be frozen is not put back page by page');
is(sql($fresh, $sum), $clean, '... but made anew');
$reader->query_safe('COMMIT');
$reader->quit;
$standby->stop;
sql('postgres', 'SELECT dbperf.collect_test_databases()');

# --- a subscription writes to the source -----------------------------------------------------------------------------------

$source->('published', 'CREATE TABLE item (id int PRIMARY KEY, name text); CREATE PUBLICATION p FOR TABLE item');
sql('published', q{SELECT pg_create_logical_replication_slot('s', 'pgoutput')});
my $connection = $node->connstr('published') =~ s/'/''/gr;
$source->('subscribed', "CREATE TABLE item (id int PRIMARY KEY, name text); CREATE SUBSCRIPTION s CONNECTION '$connection' PUBLICATION p WITH (create_slot = false, copy_data = false)");
# Nobody is connected to the source while it is copied, and nobody alters the subscription.
sub pause_subscription {
    set(q{wal_retrieve_retry_interval = '1h'});
    $node->poll_query_until('postgres', q{SELECT count(pg_terminate_backend(pid, 10000)) = 0 FROM pg_stat_activity WHERE datname = 'subscribed'}) or die 'it goes on';
}
sub resume_subscription {
    my ($until) = @_;
    set(q{wal_retrieve_retry_interval = '100ms'});
    $node->poll_query_until('postgres', "SELECT confirmed_flush_lsn >= '$until' FROM pg_replication_slots WHERE slot_name = 's'") or die 'nothing is applied';
}
resume_subscription(sql('published', q{INSERT INTO item VALUES (1, 'before'); SELECT pg_current_wal_insert_lsn()}));
pause_subscription();
$copy = $acquire->('subscribed');
is(sql($copy, 'SELECT string_agg(name, $$,$$ ORDER BY id) FROM item'), 'before', 'a copy of a database with a subscription');
resume_subscription(sql('published', q{INSERT INTO item VALUES (2, 'after'); SELECT pg_current_wal_insert_lsn()}));
pause_subscription();
$fresh = $acquire->('subscribed');
is(sql($fresh, 'SELECT string_agg(name, $$,$$ ORDER BY id) FROM item'), 'before,after', '... and one with what arrived since then');
sql('subscribed', 'ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s');
sql('postgres', q{SELECT pg_drop_replication_slot('s')});

# --- a template that cannot be prepared, or not in time ----------------------------------------------------------------------

# ANALYZE calls the function of the index, in the template only.
$source->('slow', q{CREATE TABLE item (id int); INSERT INTO item VALUES (1);
    CREATE FUNCTION key_of(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN IF current_database() <> 'slow' THEN PERFORM pg_sleep(600); END IF; RETURN i; END $$;
    CREATE INDEX ON item (key_of(id))});
my $slow = q{SELECT dbperf.acquire_database('slow')};
my $preparing = q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'dbperf template' AND wait_event = 'PgSleep'};
refused("SET statement_timeout = '200ms'; $slow", qr/canceling statement due to statement timeout/, 'who waits for a template can be cancelled');
for my $end ([ 'pg_cancel_backend', qr/cannot copy database "slow": canceling statement due to user request/ ],
    [ 'pg_terminate_backend', qr/cannot copy database "slow": the worker that prepares its template was stopped/ ]) {
    $waiting = $node->background_psql('postgres', on_error_stop => 0);
    $waiting->{stdin} .= "$slow;\n";
    $waiting->{run}->pump_nb;
    $node->poll_query_until('postgres', "$preparing AND EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%acquire_database(''slow'')%' AND wait_event_type = 'Extension' AND state = 'active')") or die 'it does not wait';
    sql('postgres', "SELECT $end->[0](pid) FROM pg_stat_activity WHERE backend_type = 'dbperf template'");
    $waiting->query('SELECT 1');
    like($waiting->{stderr}, $end->[1], "$end->[0]: the one that waits is told");
    $waiting->{stderr} = '';
    $waiting->quit;
}
set(q{dbperf.acquire_timeout = '100ms'});
$node->poll_query_until('postgres', q{SELECT current_setting('dbperf.acquire_timeout') = '100ms'});
refused("SET dbperf.acquire_timeout = '180s'; $slow", qr/cannot copy database "slow": to prepare its template took longer than 1000 ms, 10 times dbperf\.acquire_timeout/, 'one that takes for ever is given up');
set(q{dbperf.acquire_timeout = '60s'});
like($acquire->('calm'), qr/^dbperf_test_/, '... and others are copied');
$holder->quit;
is(sql('postgres', 'SELECT dbperf.collect_test_databases()'), '0', '... and nothing is left');
$node->stop;

# --- no place for the worker that prepares templates -------------------------------------------------------------------------

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nmax_logical_replication_workers = 0\nmax_worker_processes = 2\n"); # launcher, maker of copies
$node->start;
refused(q{SELECT dbperf.acquire_database('calm')}, qr/cannot copy database "calm": no worker was free: raise max_worker_processes/, 'no place for the worker that prepares a template');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'nothing bad is in the log');

# --- what a reset answered is on disk, with a server that has nothing else to write there ------------------------------------

$node = PostgreSQL::Test::Cluster->new('durable');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\nwal_writer_delay = 10s\nbgwriter_delay = 10s\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf');
# The sequence is put back last, by a record so short that nobody but the reset sees to it.
$source->('calm', "$items; CREATE SEQUENCE number; SELECT nextval('number')");
$sum .= '; SELECT last_value FROM number';
$holder = $node->background_psql('postgres');
$copy = $acquire->('calm');
is_settled();
$clean = sql($copy, $sum);
sql($copy, q{UPDATE item SET name = 'of the test' WHERE id < 50; SELECT nextval('number')});
isnt(sql($copy, $sum), $clean, 'a test wrote');
is(sql($copy, 'SELECT dbperf.reset_database()'), $copy, '... and was put back');
$node->stop('immediate');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n"); # or the copy would be dropped
$node->start;
is(sql($copy, $sum), $clean, '... also after a crash');
$node->stop;
done_testing();
