# A standby observes and writes nothing; promoted, it stores.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\n");
$primary->start;
$primary->safe_psql('postgres', 'CREATE EXTENSION dbperf; CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item SELECT generate_series(1, 100)');
$primary->safe_psql('postgres', q{SELECT dbperf.start_run('on primary'); SELECT id FROM item WHERE id = 1; SELECT dbperf.finish_run()});
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

is($standby->safe_psql('postgres', q{SELECT value FROM dbperf.status() WHERE item = 'recorder'}), 'off', 'status() says that nothing is written');
$standby->safe_psql('postgres', join ' ', map { "SELECT id AS here FROM item WHERE id = $_;" } 1 .. 20);
is($standby->safe_psql('postgres', q{SELECT calls FROM dbperf.statements WHERE query LIKE '%here%'}), '20', 'live statistics work');
is($standby->safe_psql('postgres', q{SELECT calls FROM dbperf.n_plus_one WHERE query LIKE '%here%'}), '20', 'live findings work');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM dbperf.statements WHERE run = 'on primary' AND query LIKE 'SELECT id FROM item%'}), '1', 'what the primary stored can be read');
$standby->safe_psql('postgres', q{SELECT dbperf.start_run('on standby'); SELECT id AS in_run FROM item WHERE id = 1});
is($standby->safe_psql('postgres', q{SELECT label, state FROM dbperf.runs ORDER BY label}), "on primary|finished\non standby|active", 'a run can be begun');
for my $call ('flush()', 'finish_run()') {
    my ($code, undef, $message) = $standby->psql('postgres', "SELECT dbperf.$call");
    isnt($code, 0, "$call fails");
    like($message, qr/cannot store results during recovery\nHINT:  On a standby nothing is written/, '... and says why');
}
is($standby->safe_psql('postgres', q{SELECT run, calls FROM dbperf.statements WHERE query LIKE '%in_run%'}), 'on standby|1', 'the run is still under way after that');
unlike(slurp_file($standby->logfile), qr/dbperf recorder|dbperf launcher/, 'no worker was started');

$standby->promote;
is($standby->safe_psql('postgres', q{SELECT value FROM dbperf.status() WHERE item = 'results_database'}), 'postgres', 'promoted, it knows the results database');
is($standby->safe_psql('postgres', q{SELECT dbperf.finish_run() IS NOT NULL}), 't', 'promoted, it stores');
is($standby->safe_psql('postgres', q{SELECT calls FROM dbperf.statement JOIN dbperf.run USING (run_id) JOIN dbperf.query_text USING (fingerprint) WHERE label = 'on standby' AND query LIKE '%in_run%'}), '1', '... what it had observed');
$standby->stop;
$primary->stop;
done_testing();
