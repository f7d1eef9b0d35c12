# What must not cost anybody time or data: a recorder that has just left, cannot start, is refused its write, or is overrun.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = PostgreSQL::Test::Cluster->new('recorder_failures');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\n"
      . "dbperf.capture_plans = 'all'\ndbperf.flush_timeout = '30s'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE results; CREATE DATABASE tested');
$node->safe_psql('results', 'CREATE EXTENSION dbperf; SELECT dbperf.flush()');
$node->safe_psql('tested', 'CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item SELECT generate_series(1, 100)');

my $no_recorder = q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'dbperf recorder')};
sub status { return $node->safe_psql('results', "SELECT value FROM dbperf.status() WHERE item = '$_[0]'"); }
sub reconfigure {
    $node->safe_psql('postgres', "ALTER SYSTEM SET $_[0]");
    $node->safe_psql('postgres', 'SELECT pg_reload_conf()');
}
sub workload {
    my ($first, $last) = @_;
    $node->safe_psql('tested', join ' ', map { "SELECT id AS work FROM item WHERE id + 0 = $_;" } $first .. $last);
}
sub plan_count { return $node->safe_psql('results', "SELECT count(*) FROM dbperf.plans WHERE run = '$_[0]' AND query LIKE '%work%'"); }

# A recorder that has left a moment ago: the launcher knows at once, and hears the next flush.
my $session = $node->background_psql('results');
my $slowest = 0;
for my $pause (0.9, 1.0, 1.05, 1.1) {
    $session->query_safe('SELECT dbperf.flush()');
    sleep $pause;
    my $begin = time;
    $session->query_safe('SELECT dbperf.flush()');
    $slowest = time - $begin if time - $begin > $slowest;
}
$session->quit;
cmp_ok($slowest, '<', 0.5, 'a flush just after the recorder has left does not wait');

# A recorder that cannot start: fewer tries as time goes by, status() says so without anybody waiting, flush() tries at once.
$node->poll_query_until('postgres', $no_recorder);
reconfigure(q{dbperf.database = 'missing'});
$node->poll_query_until('postgres', q{SELECT current_setting('dbperf.database') = 'missing'});
my $log = -s $node->logfile;
$node->safe_psql('tested', q{SET dbperf.run = 'unstartable'; SELECT id AS work FROM item WHERE id + 0 = 1});
sleep 6;
my $tries = () = slurp_file($node->logfile, $log) =~ /FATAL:  database "missing" does not exist/g;
cmp_ok($tries, '>=', 2, 'a recorder that cannot start is tried again');
cmp_ok($tries, '<=', 4, '... after growing pauses');
is(status('recorder'), 'failed', '... and status() says so');
$log = -s $node->logfile;
my $begin = time;
my (undef, undef, $message) = $node->psql('results', 'SELECT dbperf.flush()');
like($message, qr/the recorder could not be started for the results database "missing"/, '... as does flush()');
cmp_ok(time - $begin, '<', 1, '... at once');
like(slurp_file($node->logfile, $log), qr/FATAL:  database "missing" does not exist/, '... after a try');
reconfigure(q{dbperf.database = ''});
$node->safe_psql('results', q{SELECT dbperf.finish_run('unstartable')});
is(plan_count('unstartable'), '1', 'with the setting mended what had waited is stored');

$node->stop;
done_testing();
