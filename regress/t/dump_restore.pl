# The results database goes through pg_dump and pg_restore: everything is recorded as before, and no number is given twice.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump_restore');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\n"
      . "dbperf.capture_plans = 'all'\ndbperf.database = 'postgres'\ndeadlock_timeout = '50ms'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf; CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item SELECT generate_series(1, 2)');

sub deadlock {
    my ($a, $b) = map { $node->background_psql('postgres', on_error_stop => 0) } 1 .. 2;
    $_->[0]->query("BEGIN; SELECT * FROM item WHERE id = $_->[1] FOR UPDATE") for [ $a, 1 ], [ $b, 2 ];
    $a->query_until(qr/sent/, "\\echo sent\nSELECT * FROM item WHERE id = 2 FOR UPDATE;\n");
    $b->query('SELECT * FROM item WHERE id = 1 FOR UPDATE');
    $_->query('ROLLBACK') for $a, $b;
    $_->quit for $a, $b;
}
sub observe {
    my ($name) = @_;
    $node->safe_psql('postgres', join ' ', map { "CREATE TABLE ${name}_$_ (i int);" } 1 .. 12);
    deadlock();
}
my $counts = 'SELECT (SELECT count(*) FROM dbperf.ddl), (SELECT count(*) FROM dbperf.deadlock), (SELECT count(*) FROM dbperf.plan)';

$node->safe_psql('postgres', q{SELECT dbperf.start_run('before')});
observe('before');
$node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
my ($ddl, $deadlocks, $plans) = split /\|/, $node->safe_psql('postgres', $counts);
ok($ddl >= 12 && $deadlocks == 1 && $plans >= 1, 'there is something of everything');

# Before the restore, whose own DDL is observed.
my @tables = split /\n/, $node->safe_psql('postgres', q{SELECT relname FROM pg_class WHERE relnamespace = 'dbperf'::regnamespace AND relkind = 'r' AND relname <> 'recorder_progress'});
my $content = join ' UNION ALL ', map { "SELECT '$_', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM dbperf.$_ t" } @tables;
my $stored = $node->safe_psql('postgres', $content);

my $dump = $node->backup_dir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, 'postgres' ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '-d', 'restored', $dump ], 'restored');
is($node->safe_psql('restored', $counts), "$ddl|$deadlocks|$plans", '... with all rows');
is($node->safe_psql('restored', $content), $stored, '... of all tables, to the letter');

$node->append_conf('postgresql.conf', "dbperf.database = 'restored'");
$node->restart;
$node->safe_psql('restored', q{SELECT dbperf.start_run('after')});
observe('after');
$node->safe_psql('restored', 'SELECT dbperf.finish_run()');
is($node->safe_psql('restored', "SELECT count(*) >= $ddl + 12 FROM dbperf.ddl"), 't', 'DDL is recorded');
is($node->safe_psql('restored', 'SELECT count(*) FROM dbperf.deadlock'), '2', 'a deadlock, too');
is($node->safe_psql('restored', q{SELECT coalesce(max(value), '0') FROM dbperf.status() WHERE item = 'failed_records'}), '0', 'nothing is left out');
is($node->safe_psql('restored', "SELECT count(*) - count(DISTINCT $_->[1]) FROM dbperf.$_->[0]"), '0', "no $_->[1] is given twice")
    for [ 'ddl', 'ddl_id' ], [ 'plan', 'plan_id' ], [ 'deadlock', 'deadlock_id' ];

$node->stop;
done_testing();
