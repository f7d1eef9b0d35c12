# Without the module in shared_preload_libraries every function raises the one error; with it, a restart brings all back.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('not_preloaded');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf');

for my $call ('status()', "start_run('x')", 'finish_run()', "finish_run('x')", 'flush()', 'reset()', 'live_runs()', 'live_statements()',
              'live_n_plus_one()', 'statements', 'slow_statements', 'runs', 'n_plus_one', 'findings') {
    my ($code, undef, $message) = $node->psql('postgres', "SELECT * FROM dbperf.$call");
    isnt($code, 0, "$call fails");
    like($message, qr/dbperf is not loaded into this server\nHINT:  Add dbperf to shared_preload_libraries and restart the server\./, "... and says why");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM dbperf.plans'), '0', 'what is stored can still be read');
like(($node->psql('postgres', 'SELECT * FROM dbperf.comparison(NULL, NULL)'))[2], qr/there is no finished run/, '... and compared');
my ($code) = $node->psql('postgres', "LOAD 'dbperf'; SELECT 1");
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'LOAD does no harm');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\n");
$node->restart;
$node->safe_psql('postgres', q{SELECT dbperf.start_run('first'); SELECT 1 AS observed; SELECT dbperf.finish_run()});
is($node->safe_psql('postgres', q{SELECT calls FROM dbperf.statements WHERE run = 'first' AND query = 'SELECT $1 AS observed'}), '1', 'preloaded, it observes');

# A run under way is lost with the server, and says so; what was stored is there.
$node->safe_psql('postgres', q{SELECT dbperf.start_run('second'); SELECT 1 AS observed; SELECT dbperf.flush()});
$node->restart;
is($node->safe_psql('postgres', 'SELECT label, state FROM dbperf.runs ORDER BY started_at'), "first|finished\nsecond|lost", 'runs after a restart');
is($node->safe_psql('postgres', q{SELECT count(*) FROM dbperf.statements WHERE run = 'first'}), '1', 'statistics after a restart');
like(($node->psql('postgres', 'SELECT dbperf.finish_run()'))[2], qr/no run is under way/, 'no run is under way after a restart');

# The smallest settings, and every one of them refused below.
$node->append_conf('postgresql.conf', "dbperf.max_statements = 100\ndbperf.max_plans = 100\ndbperf.max_findings = 16\ndbperf.text_memory = 256kB\ndbperf.queue_size = 256kB\n");
$node->restart;
is($node->safe_psql('postgres', q{SELECT dbperf.start_run('small') IS NOT NULL; SELECT dbperf.finish_run() IS NOT NULL}), "t\nt", 'the smallest settings work');
$node->stop;

done_testing();
