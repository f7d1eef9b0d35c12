# Which database keeps the results, what of it the recorder trusts, and what is said when a worker has no place or no end.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('results_database');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\nmax_logical_replication_workers = 0\ndbperf.flush_timeout = '60s'\n");
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE $_") for ('first', 'second', 'app');
$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN CREATEDB; ALTER DATABASE app OWNER TO mallory');
sub sql { my ($database, $sql) = @_; return $node->safe_psql($database, $sql); }
sub as_mallory { my ($database, $sql) = @_; return $node->psql($database, $sql, extra_params => [ '-U', 'mallory' ]); }
sub refused { my ($database, $sql, $what, $why) = @_; like(($node->psql($database, $sql))[2], $what, $why); }
sub results { return sql($_[0] // 'second', q{SELECT value FROM dbperf.status() WHERE item = 'results_database'}); }
sub run { my ($database, $label) = @_; return sql($database, "SELECT dbperf.start_run('$label'); SELECT 1 AS work; SELECT dbperf.finish_run()"); }
sub labels { return sql($_[0], q{SELECT string_agg(label, ' ' ORDER BY label) FROM dbperf.run}); }

# The database in which a superuser creates the extension first, for good.
sql('second', 'BEGIN; CREATE EXTENSION dbperf; ROLLBACK');
sql('first', 'CREATE EXTENSION dbperf');
sql('second', 'CREATE EXTENSION dbperf');
is(results(), 'first', 'the first one in which the extension is created keeps the results');
is(sql('app', 'SHOW dbperf.results_database'), 'first', '... which can be seen without the extension');
run('second', 'one');
$node->restart;
as_mallory('second', 'SELECT dbperf.flush()');
run('second', 'two');
$node->stop('immediate');
$node->start;
run('second', 'three');
sql('postgres', 'ALTER DATABASE first RENAME TO renamed');
is(results(), 'renamed', 'it is known by more than its name');
run('second', 'four');
is(labels('renamed'), 'four one three two', 'runs of all databases are there, over a restart and a crash');
is(labels('second'), '', '... and nowhere else');

# Nobody without rights, no test database and no template takes its place.
like((as_mallory('second', 'SELECT dbperf.choose_results_database()'))[2], qr/permission denied for function choose_results_database/, 'choosing another one is for superusers');
sql('second', 'GRANT EXECUTE ON FUNCTION dbperf.choose_results_database TO mallory');
like((as_mallory('second', 'SELECT dbperf.choose_results_database()'))[2], qr/permission denied to choose the results database\nHINT/, '... also with a right to call the function');
sql('postgres', 'ALTER DATABASE renamed IS_TEMPLATE true');
for my $call (q{start_run('x')}, 'finish_run()', 'flush()') {
    refused('second', "SELECT dbperf.$call", qr/this server has no results database\nDETAIL:  Database "renamed" was it, and is a template or closed now\.\nHINT:  Set dbperf\.database/, "a template keeps no results: $call says what to do");
}
sql('postgres', 'ALTER DATABASE renamed IS_TEMPLATE false');
is(results(), 'renamed', '... until it is none any more');
sql('postgres', 'DROP DATABASE renamed');
refused('second', 'SELECT dbperf.flush()', qr/this server has no results database\nDETAIL:  The one that was it has been dropped\.\nHINT:  Set dbperf\.database/, 'dropped, nothing takes its place by being used');
is(results(), '', '... and status() has none');
my $holder = $node->background_psql('second');
my $copy = $holder->query(q{SELECT dbperf.acquire_database('app')});
like($copy, qr/^dbperf_test_/, 'a test database, in which the extension was created just now');
is(results(), '', '... does not take its place');
like((as_mallory($copy, 'SELECT dbperf.flush()'))[2], qr/this server has no results database/, '... nor by being used');
refused($copy, 'SELECT dbperf.choose_results_database()', qr/database "$copy" cannot keep the results: it is a template or a test database/, '... nor by a superuser\'s word');
$holder->quit;
sql('second', 'SELECT dbperf.choose_results_database()');
run('second', 'five');
is(labels('second'), 'five', 'the one that a superuser chooses does');
sql('postgres', 'CREATE EXTENSION dbperf');
is(results(), 'second', '... and stays it when the extension is created elsewhere');

# The recorder is a superuser. It writes only where nobody else had a hand in.
sub distrusted {
    my ($sql, $undo, $what) = @_;
    sql('second', $sql);
    my $log = -s $node->logfile;
    refused('second', 'CREATE TABLE logged (i int); DROP TABLE logged; SELECT dbperf.flush()', qr/schema dbperf of the results database "second" is not the extension's own\nHINT/, "$what: the recorder refuses");
    like(slurp_file($node->logfile, $log), qr/dbperf recorder does not write to database "second": /, '... and the log says what');
    sql('second', $undo);
    sql('second', 'SELECT dbperf.flush()');
}
sql('second', 'CREATE SCHEMA theirs AUTHORIZATION mallory; GRANT CREATE ON DATABASE second TO mallory');
as_mallory('second', q{CREATE FUNCTION theirs.escalate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN ALTER ROLE mallory SUPERUSER; RETURN NEW; END'});
distrusted('ALTER SCHEMA dbperf OWNER TO mallory', 'ALTER SCHEMA dbperf OWNER TO CURRENT_USER', 'a schema that was given away');
distrusted('ALTER TABLE dbperf.plan OWNER TO mallory', 'ALTER TABLE dbperf.plan OWNER TO CURRENT_USER', 'a table that was given away');
distrusted('CREATE TRIGGER theirs BEFORE INSERT ON dbperf.ddl FOR EACH ROW EXECUTE FUNCTION theirs.escalate()', 'DROP TRIGGER theirs ON dbperf.ddl', 'a trigger that runs their function');
distrusted('GRANT CREATE ON SCHEMA dbperf TO mallory; SET ROLE mallory; CREATE FUNCTION dbperf.nodes_of_plan(json) RETURNS int LANGUAGE sql AS \'SELECT 1\'',
           'DROP FUNCTION dbperf.nodes_of_plan(json); REVOKE CREATE ON SCHEMA dbperf FROM mallory', 'a function that was added');
distrusted('GRANT CREATE ON SCHEMA dbperf TO mallory', 'REVOKE CREATE ON SCHEMA dbperf FROM mallory', 'a right to create in the schema');

# One that is put there while the recorder begins to write: what it looked at holds until it has written.
my $writer = $node->background_psql('second');
$writer->query_safe('BEGIN; CREATE TRIGGER theirs BEFORE INSERT ON dbperf.ddl FOR EACH ROW EXECUTE FUNCTION theirs.escalate()');
my $at = -s $node->logfile;
sql('postgres', 'CREATE TABLE logged (i int)');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'dbperf recorder' AND wait_event_type = 'Lock'}), 'the recorder waits for who makes a trigger');
$writer->query_safe('COMMIT');
$writer->quit;
$node->psql('second', 'SELECT dbperf.flush()');
like(slurp_file($node->logfile, $at), qr/dbperf recorder does not write to database "second": trigger theirs on dbperf.ddl is not/, '... and sees it');
is(sql('postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'}), 'f', '... before it would execute it');
sql('second', 'DROP TRIGGER theirs ON dbperf.ddl; SELECT dbperf.flush()');
sql('second', 'ALTER SCHEMA dbperf RENAME TO moved; CREATE SCHEMA dbperf AUTHORIZATION mallory');
as_mallory('second', q{CREATE TABLE dbperf.recorder_progress (epoch bigint PRIMARY KEY, last_sequence bigint);
    CREATE FUNCTION dbperf.add_ddl(text, uuid, text, oid, text, timestamptz, text, text, boolean, text[]) RETURNS void LANGUAGE plpgsql AS 'BEGIN ALTER ROLE mallory SUPERUSER; END'});
refused('second', 'SELECT moved.flush()', qr/schema dbperf of the results database "second" is not the extension's own/, 'another schema of that name: the recorder refuses');
sql('second', 'DROP SCHEMA dbperf CASCADE; ALTER SCHEMA moved RENAME TO dbperf; SELECT dbperf.flush()');
is(sql('postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'}), 'f', 'nobody became a superuser');

# What the owner of a database sets for its sessions does not hold for workers in it.
as_mallory('app', q{ALTER DATABASE app SET role = 'mallory'; ALTER DATABASE app SET standard_conforming_strings = off; ALTER DATABASE app SET default_transaction_read_only = on});
sql('app', 'SET ROLE NONE; SET default_transaction_read_only = off; CREATE TABLE item (id serial PRIMARY KEY); INSERT INTO item DEFAULT VALUES');
$holder = $node->background_psql('second', on_error_stop => 0);
like($holder->query(q{SELECT dbperf.acquire_database('app')}), qr/^dbperf_test_/, 'a database with settings of its owner is copied');
$holder->quit;
is(sql('postgres', q{SELECT count(*) FROM pg_database d WHERE datname LIKE 'dbperf_t%' AND pg_get_userbyid(datdba) <> 'mallory'}), '0', '... for its owner');
sql('second', 'SET ROLE NONE; SELECT dbperf.collect_test_databases()');
as_mallory('app', 'SET default_transaction_read_only = off; CREATE SCHEMA dbperf');
refused('second', q{SELECT dbperf.acquire_database('app')}, qr/cannot copy database "app": a schema "dbperf" exists already/, 'one with a schema dbperf of its owner is not');
as_mallory('app', 'SET default_transaction_read_only = off; DROP SCHEMA dbperf');

# Nor those of the results database for the recorder.
sql('postgres', q{ALTER DATABASE second SET role = 'mallory'; ALTER DATABASE second SET default_transaction_read_only = on});
sql('postgres', q{SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE backend_type = 'dbperf recorder'});
is(($node->psql('second', q{SET ROLE NONE; SET default_transaction_read_only = off; SELECT dbperf.start_run('as nobody'); SELECT 1 AS work; SELECT dbperf.finish_run()}))[2], '', 'a results database with settings of its owner');
sql('postgres', 'ALTER DATABASE second RESET ALL');
is(sql('second', q{SELECT count(*) > 0 FROM dbperf.statement JOIN dbperf.run USING (run_id) WHERE label = 'as nobody'}), 't', '... is written to');

# A worker that does not come to its end holds nobody up for ever: here one that waits to be let into its database.
$node->append_conf('postgresql.conf', "dbperf.flush_timeout = '2s'\n");
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dbperf.flush_timeout') = '2s'});
sql('second', q{SELECT dbperf.start_run('stuck')});
sql('app', 'SELECT 1 AS work');
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'app'});
$holder = $node->background_psql('second');
$holder->query_safe('BEGIN; ALTER DATABASE app RENAME TO busy');
my (undef, $run, $message) = $node->psql('second', q{SET dbperf.flush_timeout = '60s'; SELECT dbperf.finish_run() IS NOT NULL});
is($run, 't', 'finish_run() ends');
like($message, qr/the run is stored without the schema of 1 of its databases: it took too long to describe it\nHINT/, '... and says what is missing');
$holder->query_safe('ROLLBACK');
$holder->quit;
is(sql('second', q{SELECT count(*) FILTER (WHERE database = 'app') || ' ' || (count(*) > 0) FROM dbperf.schema_snapshot JOIN dbperf.run USING (run_id) WHERE label = 'stuck'}), '0 true', '... of that database alone');

# Without places for workers.
sub places { $node->append_conf('postgresql.conf', "max_worker_processes = $_[0]\n"); $node->restart; }
places(2); # launcher and recorder
# What drops the copies of before has a place for a moment.
$node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM dbperf.test_databases) AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type LIKE 'dbperf t%')});
(undef, $run, $message) = $node->psql('second', q{SET dbperf.flush_timeout = '60s'; SELECT dbperf.start_run('two') IS NOT NULL; SELECT true AS work; SELECT dbperf.finish_run() IS NOT NULL});
is($run, "t\nt\nt", 'with two places a run is stored');
like($message, qr/without the schema of 1 of its databases: no background worker was free\nHINT:  Raise max_worker_processes/, '... and it is said what is missing');
places(1); # the launcher
refused('second', 'SELECT dbperf.flush()', qr/the recorder could not be started for the results database "second": no background worker was free\nHINT:  Raise max_worker_processes/, 'no place for the recorder');
refused('second', q{SET dbperf.acquire_timeout = '60s'; SELECT dbperf.acquire_database('app')}, qr/no copy of database "app" can be made: no background worker was free\nHINT:  Raise max_worker_processes/, 'no place for the worker that makes copies');
places(0);
refused('second', 'SELECT dbperf.flush()', qr/nothing could be stored for 2000 ms: dbperf's launcher does not run\nHINT:  Raise max_worker_processes/, 'no place for the launcher');
$node->stop;
done_testing();
