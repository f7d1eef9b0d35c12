# Causes across databases without the extension: copies of one template of which one is migrated, a database that is gone or closed when its run ends.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('causes');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE results; CREATE DATABASE shop');
$node->safe_psql('results', 'CREATE EXTENSION dbperf; SELECT dbperf.flush()');
$node->safe_psql('shop', 'CREATE TABLE orders (id int PRIMARY KEY, user_id int); CREATE TABLE quiet (id int);'
      . 'INSERT INTO orders SELECT i, i % 100 FROM generate_series(1, 1000) i; CREATE INDEX of_template ON orders (id, user_id)');

sub cause { my ($before, $after, $names) = @_; return $node->safe_psql('results', "SELECT dbperf.cause_of('$before', '$after', '{$names}')"); }
sub in_run {
    my ($run, $database, $more) = @_;
    $node->safe_psql($database, "SET dbperf.run = '$run'; SELECT count(*) FROM orders; " . ($more // ''));
}
sub finish { $node->safe_psql('results', "SELECT dbperf.finish_run('$_[0]')"); }

# Two copies, both settled, one migrated.
$node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE shop") for 'before', 'after';
$node->safe_psql('after', "-- faster\nCREATE INDEX orders_user ON orders (user_id)");
$node->safe_psql($_, 'VACUUM ANALYZE') for 'before', 'after';
in_run($_, $_) for 'before', 'after';
finish($_) for 'before', 'after';
is($node->safe_psql('results', 'SELECT string_agg(database, chr(32) ORDER BY database) FROM dbperf.schema_snapshot'), 'after before', 'a snapshot of each copy, though they lack the extension');
is(cause('before', 'after', 'orders'), 'CREATE INDEX orders_user ON orders (user_id)', 'the migration of the one copy is the cause');
is(cause('after', 'before', 'orders'), 'only in the baseline: CREATE INDEX orders_user ON orders (user_id)', '... also when it is the baseline');
is(cause('before', 'after', 'quiet'), '', 'what both copies had done to them is none');
is($node->safe_psql('results', q{SELECT sentence FROM dbperf.schema_changes('before', 'after')}), 'index orders_user on orders (user_id) was created', 'one difference of the schemas');

# The workers that describe are gone when finish_run() returns: nobody is in the way of a copy.
$node->safe_psql('postgres', 'CREATE DATABASE third TEMPLATE after; DROP DATABASE before');
in_run('third', 'third');
finish('third');
is(cause('after', 'third', 'orders'), '', 'a copy of the migrated one is no different');

# Dropped before its run is finished, or closed to connections: the one cannot be described, the other can.
in_run('dropped', 'third');
$node->safe_psql('postgres', 'DROP DATABASE third');
finish('dropped');
is($node->safe_psql('results', q{SELECT count(*) FROM dbperf.schema_snapshot JOIN dbperf.run USING (project, run_id) WHERE label = 'dropped'}), '0', 'a database that is gone is left out');
in_run('closed', 'after');
$node->safe_psql('postgres', 'ALTER DATABASE after ALLOW_CONNECTIONS false');
finish('closed');
is($node->safe_psql('results', q{SELECT count(*) FROM dbperf.schema_snapshot JOIN dbperf.run USING (project, run_id) WHERE label = 'closed'}), '1', 'one that is closed is described');
$node->safe_psql('postgres', 'ALTER DATABASE after ALLOW_CONNECTIONS true');

# A lock on a table does not hold the run up; then the log alone has to do.
$node->safe_psql('after', 'CREATE VIEW recent AS SELECT id FROM orders');
in_run('locked', 'after');
my $holder = $node->background_psql('after');
$holder->query_safe('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
finish('locked');
$holder->query_safe('COMMIT');
$holder->quit;
is($node->safe_psql('results', q{SELECT count(*) FROM dbperf.schema_snapshot JOIN dbperf.run USING (project, run_id) WHERE label = 'locked'}), '0', 'rather no snapshot than half of one');
is(cause('closed', 'locked', 'orders'), 'CREATE VIEW recent AS SELECT id FROM orders', '... and the cause comes from the log');

# DDL of a prepared transaction is told; nothing of a session that dies.
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
$node->restart;
$node->safe_psql('after', q{BEGIN; CREATE INDEX prepared ON orders (id); PREPARE TRANSACTION 'x'; COMMIT PREPARED 'x'});
$node->psql('after', 'BEGIN; CREATE INDEX dead ON orders (id); SELECT pg_terminate_backend(pg_backend_pid())');
$node->safe_psql('results', 'SELECT dbperf.flush()');
is($node->safe_psql('results', q{SELECT string_agg(statement, '; ') FROM dbperf.ddl WHERE 'prepared' = ANY (objects) OR 'dead' = ANY (objects)}), 'CREATE INDEX prepared ON orders (id)', 'what was prepared is told, what died is not');

# Without the extension the log does not wait for it for ever.
$node->safe_psql('results', 'DROP EXTENSION dbperf');
$node->safe_psql('after', 'CREATE TABLE unseen (id int)');
$node->psql('results', 'SELECT 1');
$node->poll_query_until('postgres', q{SELECT pg_sleep(0.2) IS NOT NULL AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'dbperf recorder')});
$node->safe_psql('results', 'CREATE EXTENSION dbperf; SELECT dbperf.flush()');
pass('the extension comes back');

$node->stop;
done_testing();
