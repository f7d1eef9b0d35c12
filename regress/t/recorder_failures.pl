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
      . "dbperf.capture_plans = 'all'\ndbperf.flush_timeout = '30s'\ndbperf.queue_size = '512kB'\n");
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
cmp_ok($slowest, '<', 1, 'a flush just after the recorder has left does not wait');

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
cmp_ok(time - $begin, '<', 2, '... at once'); # the next try of its own would be 4 s later
like(slurp_file($node->logfile, $log), qr/FATAL:  database "missing" does not exist/, '... after a try');
reconfigure(q{dbperf.database = ''});
$node->safe_psql('results', q{SELECT dbperf.finish_run('unstartable')});
is(plan_count('unstartable'), '1', 'with the setting mended what had waited is stored');

# Under load that is queued faster than it can be written a flush ends all the same.
my $script = $node->basedir . '/load.sql';
append_to_file($script, "SELECT id AS busy FROM item a WHERE id < 0;\n" x 20);
$node->safe_psql('results', q{SELECT dbperf.start_run('load')});
my @load = ('pgbench', '-n', '-c', 4, '-j', 1, '-T', 30, '-f', $script, '-h', $node->host, '-p', $node->port, 'tested');
my $load = IPC::Run::start(\@load, '>', \my $out, '2>', \my $err);
sleep 1;
$begin = time;
$node->safe_psql('results', 'SELECT dbperf.flush()');
$node->safe_psql('results', 'SELECT dbperf.finish_run()');
cmp_ok(time - $begin, '<', 15, 'flush() and finish_run() end under load');
$load->signal('TERM');
$load->finish;
cmp_ok($node->safe_psql('results', q{SELECT calls FROM dbperf.statements WHERE run = 'load' AND query LIKE '%busy%'}), '>', 100, '... and the run is stored');

# Refused for a reason that passes: nothing is left out, whoever waits is told, and the next flush stores it.
$node->safe_psql('results', q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = TG_ARGV[0]; END$$});
sub refusing {
    my ($table, $sqlstate, $body) = @_;
    $node->safe_psql('results', "CREATE TRIGGER refuse BEFORE INSERT ON dbperf.$table FOR EACH ROW EXECUTE FUNCTION refuse('$sqlstate')");
    $body->();
    $node->safe_psql('results', "DROP TRIGGER refuse ON dbperf.$table");
}
for my $case ([ 'plan', '53100' ], [ 'statement', '40P01' ], [ 'run', '55P03' ]) {
    my ($table, $sqlstate) = @$case;
    $node->safe_psql('results', "SELECT dbperf.start_run('$table $sqlstate')");
    refusing($table, $sqlstate, sub {
        workload(1, 5);
        (undef, undef, $message) = $node->psql('results', 'SELECT dbperf.finish_run()');
        like($message, qr/the recorder could not write to the results database "results"/, "$table refused with $sqlstate: finish_run() says so");
    });
    $node->safe_psql('results', 'SELECT dbperf.flush()');
    is(plan_count("$table $sqlstate"), '5', '... and later every plan is stored');
    is($node->safe_psql('results', "SELECT sum(calls) FROM dbperf.statements WHERE run = '$table $sqlstate' AND query LIKE '%work%'"), '5', '... every statement');
    is($node->safe_psql('results', "SELECT state FROM dbperf.runs WHERE label = '$table $sqlstate'"), 'finished', '... and the run');
}
is(status('failed_records'), '0', 'nothing was left out');

# Refused for what it is: a plan is left out and counted, the rest goes on; a run is not given up.
$node->safe_psql('results', q{SELECT dbperf.start_run('bad plans')});
refusing('plan', '22P05', sub {
    workload(1, 5);
    $node->safe_psql('results', 'SELECT dbperf.finish_run()');
});
is($node->safe_psql('results', q{SELECT sum(calls) FROM dbperf.statements WHERE run = 'bad plans' AND query LIKE '%work%'}), '5', 'plans that cannot be stored do not stop the rest');
cmp_ok(status('failed_records'), '>=', 5, '... and are counted');
$node->safe_psql('results', q{SELECT dbperf.start_run('bad statements')});
refusing('statement', '22P05', sub {
    workload(1, 5);
    (undef, undef, $message) = $node->psql('results', 'SELECT dbperf.finish_run()');
    like($message, qr/a run could not be stored in the results database "results"\nHINT:  The server's log has the reason/, 'a run that cannot be stored whole is not given up');
});
$node->safe_psql('results', 'SELECT dbperf.flush()');
is($node->safe_psql('results', q{SELECT sum(calls) FROM dbperf.statements WHERE run = 'bad statements' AND query LIKE '%work%'}), '5', '... but stored when it can be');
is(plan_count('bad statements'), '5', '... and what was stored the first time is there once');

# Another results database by a reload: a recorder that is busy goes there too.
$node->safe_psql('postgres', 'CREATE DATABASE elsewhere');
$node->safe_psql('elsewhere', 'CREATE EXTENSION dbperf');
$node->safe_psql('results', 'SELECT dbperf.flush()');
reconfigure(q{dbperf.database = 'elsewhere'});
$node->poll_query_until('postgres', q{SELECT current_setting('dbperf.database') = 'elsewhere'});
$node->safe_psql('elsewhere', q{SELECT dbperf.start_run('elsewhere')});
workload(1, 5);
$node->safe_psql('elsewhere', 'SELECT dbperf.finish_run()');
is($node->safe_psql('elsewhere', q{SELECT count(*) FROM dbperf.plans WHERE run = 'elsewhere' AND query LIKE '%work%'}), '5', 'a changed dbperf.database is obeyed at once');

# A database of another encoding: what is stored and shown is in that of the results database.
$node->safe_psql('postgres', q{CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0});
$node->safe_psql('postgres', q{CREATE DATABASE raw ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0});
$node->safe_psql('latin', 'CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item SELECT generate_series(1, 100)');
$node->safe_psql('latin', q{CREATE EXTENSION dbperf});
$node->safe_psql('latin', qq{SET client_encoding = 'UTF8'; SELECT dbperf.start_run('encodings', '{"city": "z\xc3\xbcrich"}')});
is($node->safe_psql('elsewhere', q{SELECT attributes ->> 'city' = U&'z\00FCrich' FROM dbperf.runs WHERE label = 'encodings'}), 't', 'the attributes of a run are converted');
$node->safe_psql('latin', "SET client_encoding = 'UTF8'; SET dbperf.scope = 'caf\xc3\xa9'; SELECT 1 AS \"na\xc3\xafve\" FROM item WHERE 'z\xc3\xbcrich' <> id::text LIMIT 1; "
      . join ' ', map { "SELECT id AS work FROM item WHERE id = $_;" } 1 .. 20);
$node->safe_psql('raw', "SELECT 1 AS \"na\xefve\"");
is($node->safe_psql('elsewhere', q{SELECT count(*) FROM dbperf.statements WHERE run = 'encodings' AND query LIKE U&'%"na\00EFve"%'}), '1', 'the live view converts a text');
$node->safe_psql('elsewhere', 'SELECT dbperf.finish_run()');
is($node->safe_psql('elsewhere', q{SELECT count(*) FROM dbperf.statements WHERE run = 'encodings' AND query LIKE U&'%"na\00EFve"%'}), '1', '... it is stored so');
is($node->safe_psql('elsewhere', q{SELECT count(*) FROM dbperf.plans WHERE run = 'encodings' AND plan::text LIKE U&'%z\00FCrich%'}), '1', '... as is the plan');
is($node->safe_psql('elsewhere', q{SELECT DISTINCT scope = U&'caf\00E9' FROM dbperf.n_plus_one_finding JOIN dbperf.run USING (run_id) WHERE label = 'encodings'}), 't', '... and the scope of a finding');
is($node->safe_psql('elsewhere', q{SELECT count(*) FROM dbperf.statements WHERE run = 'encodings' AND query LIKE '%"na?ve"%'}), '1', 'what cannot be converted is told by its ASCII part');

$node->stop;
done_testing();
