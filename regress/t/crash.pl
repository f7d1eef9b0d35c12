# A backend killed under load: the server restarts, and dbperf begins anew with what was stored.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\nrestart_after_crash = on\nlog_statement = none\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf');
$node->command_ok([ 'pgbench', '-i', '-q', '-h', $node->host, '-p', $node->port, 'postgres' ], 'pgbench tables');
$node->safe_psql('postgres', q{SELECT dbperf.start_run('kept'); SELECT 1 AS kept; SELECT dbperf.finish_run()});

for my $round (1 .. 2) {
    $node->safe_psql('postgres', q{SELECT dbperf.start_run('lost')});
    my $load = IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-j', 1, '-T', 30, '-M', 'prepared', '-h', $node->host, '-p', $node->port, 'postgres' ], '>', \my $out, '2>', \my $err);
    $node->poll_query_until('postgres', q{SELECT sum(calls) > 1000 FROM dbperf.statements WHERE run = 'lost'}) or die 'no load';
    my $pid = $node->safe_psql('postgres', q{SELECT min(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
    kill 'KILL', $pid;
    $load->finish;
    $node->poll_query_until('postgres', 'SELECT 1', '1') or die 'the server did not come back';
    is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE run = 'lost'), count(*) FILTER (WHERE run = 'kept') FROM dbperf.statements}), '0|1', "round $round: only what was stored is there");
    is($node->safe_psql('postgres', q{SELECT value FROM dbperf.status() WHERE item = 'active_runs'}), '0', '... no run is under way');
    $node->safe_psql('postgres', q{SELECT dbperf.start_run('again'); SELECT 1 AS again; SELECT dbperf.finish_run()});
    is($node->safe_psql('postgres', q{SELECT count(*), sum(calls) FROM dbperf.statements WHERE run = 'again' AND query LIKE '%AS again'}), "$round|$round", '... and dbperf works again');
    is($node->safe_psql('postgres', q{SELECT count(*) FROM dbperf.plan p WHERE NOT EXISTS (SELECT FROM dbperf.plan_node n WHERE (n.run_id, n.plan_id) = (p.run_id, p.plan_id))}), '0', '... with nothing stored by half');
}

# The launcher is no less mortal; it has no row in pg_stat_activity.
my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
my ($launcher) = `ps -o pid=,args= --ppid $postmaster` =~ /^ *(\d+) .*dbperf launcher/m;
ok($launcher, 'there is a launcher');
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'dbperf recorder'});
kill 'TERM', $launcher;
sleep 1;
is($node->safe_psql('postgres', q{SET dbperf.flush_timeout = '30s'; SELECT dbperf.flush()}), '', 'flush() works with a launcher that comes back');
$node->stop;
done_testing();
