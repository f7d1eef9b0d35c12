# The recorder and what may happen to it: killed, terminated, its database or extension gone. Nothing is lost, doubled or left hanging.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('recorder');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\nrestart_after_crash = on\n"
      . "dbperf.capture_plans = 'all'\ndbperf.flush_timeout = '30s'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE results; CREATE DATABASE tested');
$node->safe_psql('results', 'CREATE EXTENSION dbperf; SELECT dbperf.flush()');
$node->safe_psql('tested', 'CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item SELECT generate_series(1, 100)');

# Plans of `count` executions, each told by its constant; a marker names the run they are of.
sub workload {
    my ($first, $last) = @_;
    $node->safe_psql('tested', join ' ', map { "SELECT id AS work FROM item WHERE id + 0 = $_;" } $first .. $last);
}
sub plan_count { return $node->safe_psql('results', "SELECT count(*) FROM dbperf.plans WHERE run = '$_[0]' AND query LIKE '%work%'"); }
sub wait_for_recorder {
    my ($condition) = @_;
    $node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'dbperf recorder' AND $condition")
        or die 'no recorder came';
    return $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'dbperf recorder'");
}
my $complete = 'SELECT count(*) FROM dbperf.plan p WHERE NOT EXISTS (SELECT FROM dbperf.plan_node n WHERE (n.run_id, n.plan_id) = (p.run_id, p.plan_id))';

# In the background a session holds a lock, so that the recorder is caught in the middle of its transaction.
sub locked_while {
    my ($table, $body) = @_;
    my $holder = $node->background_psql('results');
    $holder->query_safe("BEGIN; LOCK TABLE dbperf.$table IN SHARE MODE");
    $body->();
    $holder->query_safe('COMMIT');
    $holder->quit;
}

# Terminated while it writes plans.
$node->safe_psql('results', q{SELECT dbperf.start_run('terminated')});
locked_while('plan', sub {
    workload(1, 50);
    my $pid = wait_for_recorder("wait_event_type = 'Lock'");
    $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
});
$node->safe_psql('results', 'SELECT dbperf.finish_run()');
is(plan_count('terminated'), '50', 'terminated: every plan is stored once');
is($node->safe_psql('results', $complete), '0', '... with its nodes');
is($node->safe_psql('results', q{SELECT sum(calls) FROM dbperf.statements WHERE run = 'terminated' AND query LIKE '%work%'}), '50', '... and every call is counted once');

# Terminated while it writes findings: they are not stored yet, and must be again.
$node->safe_psql('results', q{SELECT dbperf.start_run('findings')});
locked_while('n_plus_one_finding', sub {
    $node->safe_psql('tested', "SET dbperf.scope = 'test'; " . join ' ', map { "SELECT id FROM item WHERE id = $_;" } 1 .. 20);
    my $pid = wait_for_recorder("wait_event_type = 'Lock'");
    $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
    $node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid");
});
$node->safe_psql('results', 'SELECT dbperf.finish_run()');
is($node->safe_psql('results', q{SELECT calls FROM dbperf.n_plus_one_finding JOIN dbperf.run USING (run_id) WHERE label = 'findings'}), '20', 'terminated: a finding is stored');

# Terminated while a session waits in flush().
my $waiting;
locked_while('recorder_progress', sub {
    $node->safe_psql('results', q{SELECT dbperf.start_run('waiting')});
    workload(1, 3);
    my $flusher = $node->background_psql('results');
    $flusher->query_until(qr/^$/, "SELECT dbperf.flush();\n\\echo flushed\n");
    my $pid = wait_for_recorder("wait_event_type = 'Lock'");
    $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
    $node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid");
    $waiting = $flusher;
});
$node->safe_psql('results', 'SELECT dbperf.finish_run()');
is(plan_count('waiting'), '3', 'terminated under a waiting flush: every plan is stored once');
$waiting->quit;

# Cancelled: a statement of the recorder ends, the record does not get lost.
$node->safe_psql('results', q{SELECT dbperf.start_run('cancelled')});
locked_while('plan', sub {
    workload(1, 5);
    my $pid = wait_for_recorder("wait_event_type = 'Lock'");
    $node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
    $node->wait_for_log(qr/canceling statement due to user request/);
});
$node->safe_psql('results', 'SELECT dbperf.finish_run()');
is(plan_count('cancelled'), '5', 'cancelled: every plan is stored');
is($node->safe_psql('results', q{SELECT value FROM dbperf.status() WHERE item = 'failed_records'}), '0', '... and none counts as failed');

# Killed while it writes: the server restarts; what was committed is there once, nothing by half.
$node->safe_psql('results', q{SELECT dbperf.start_run('killed')});
workload(1, 30);
$node->safe_psql('results', 'SELECT dbperf.flush()');
is(plan_count('killed'), '30', 'before the crash');
my $holder = $node->background_psql('results', on_error_stop => 0);
$holder->query_safe('BEGIN; LOCK TABLE dbperf.plan_node IN SHARE MODE');
workload(31, 60);
my $pid = wait_for_recorder("wait_event_type = 'Lock'");
kill 'KILL', $pid;
eval { $holder->quit };
$node->poll_query_until('results', 'SELECT 1', '1') or die 'the server did not come back';
is(plan_count('killed'), '30', 'killed: what was committed is there once');
is($node->safe_psql('results', $complete), '0', '... and nothing is stored by half');
is($node->safe_psql('results', q{SELECT state FROM dbperf.runs WHERE label = 'killed'}), 'lost', '... and the run is lost');
$node->safe_psql('results', q{SELECT dbperf.start_run('afterwards')});
workload(1, 7);
$node->safe_psql('results', 'SELECT dbperf.finish_run()');
is(plan_count('afterwards'), '7', '... and dbperf works again');

# DROP EXTENSION while the recorder writes: it waits for it, and flush() says what is missing.
$node->safe_psql('results', q{SELECT dbperf.start_run('dropped extension')});
workload(1, 50);
$node->safe_psql('results', 'DROP EXTENSION dbperf');
workload(51, 100);
$node->safe_psql('tested', 'CREATE EXTENSION dbperf');
my (undef, undef, $message) = $node->psql('tested', 'SELECT dbperf.flush()');
like($message, qr/the results database "results" does not have the extension dbperf\nHINT:  Run CREATE EXTENSION dbperf in it, or set dbperf\.database/, 'without the extension flush() says so');
is($node->safe_psql('tested', q{SELECT value FROM dbperf.status() WHERE item = 'recorder'}), 'failed', '... and status() too');
$node->safe_psql('results', 'CREATE EXTENSION dbperf');
$node->safe_psql('tested', 'SELECT dbperf.finish_run()');
cmp_ok(plan_count('dropped extension'), '>=', '50', 'with the extension back what had waited is stored');
is($node->safe_psql('tested', q{SELECT value FROM dbperf.status() WHERE item = 'recorder'}) =~ /idle|running/ ? 1 : 0, 1, '... and status() is content');

# DROP DATABASE while the recorder is in it: no hang; another one has to be chosen.
for (1 .. 100) { # it is there for a second after its last work
    $node->safe_psql('tested', 'CREATE TABLE logged (); DROP TABLE logged');
    last if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'dbperf recorder' AND datname = 'results'});
}
my $begin = time;
$node->safe_psql('postgres', 'DROP DATABASE results');
cmp_ok(time - $begin, '<', 6, 'DROP DATABASE of the results database does not hang');
(undef, undef, $message) = $node->psql('tested', 'SELECT dbperf.flush()');
like($message, qr/this server has no results database/, 'no other one takes its place by itself');
$node->safe_psql('tested', 'SELECT dbperf.choose_results_database(); SELECT dbperf.flush()');
is($node->safe_psql('tested', q{SELECT value FROM dbperf.status() WHERE item = 'results_database'}), 'tested', '... but by a superuser\'s word');

# One that is configured.
$node->safe_psql('postgres', q{ALTER SYSTEM SET dbperf.database = 'missing'});
$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
$node->poll_query_until('postgres', q{SELECT current_setting('dbperf.database') = 'missing' AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'dbperf recorder')});
(undef, undef, $message) = $node->psql('tested', q{SET dbperf.flush_timeout = '10s'; SELECT dbperf.flush()});
like($message, qr/the recorder could not be started for the results database "missing"\nHINT:  Check that the database exists/, 'a configured database that is missing is named');
$node->safe_psql('postgres', 'CREATE DATABASE missing');
(undef, undef, $message) = $node->psql('tested', q{SELECT dbperf.flush()});
like($message, qr/the results database "missing" does not have the extension dbperf/, '... as is one without the extension');
$node->safe_psql('missing', 'CREATE EXTENSION dbperf');
is($node->safe_psql('tested', q{SELECT dbperf.flush(); SELECT value FROM dbperf.status() WHERE item = 'results_database'}), "\nmissing", '... until it has it');
like(slurp_file($node->logfile), qr/database "missing" does not exist/, 'the log has the reason');

$node->stop;
done_testing();
