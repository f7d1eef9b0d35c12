# Every execution is counted exactly once, whatever the protocol, the number of sessions and the way they end.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('counting');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\n"
      . "log_statement = none\nmax_prepared_transactions = 2\nmax_parallel_workers_per_gather = 2\nmin_parallel_table_scan_size = 0\nparallel_setup_cost = 0\nparallel_tuple_cost = 0\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf');
$node->safe_psql('postgres', 'CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT i, i FROM generate_series(1, 10000) i; ANALYZE item');
sub counted { return $node->safe_psql('postgres', "SELECT coalesce(sum(calls), 0) FROM dbperf.statements WHERE $_[0]"); }
sub reset_all { $node->safe_psql('postgres', 'SELECT dbperf.reset()'); }

# pgbench, some clients for some seconds, in a run: the sum is what pgbench says.
$node->command_ok([ 'pgbench', '-i', '-q', '-h', $node->host, '-p', $node->port, 'postgres' ], 'pgbench tables');
for my $protocol ('simple', 'extended', 'prepared') {
    reset_all();
    $node->safe_psql('postgres', "SELECT dbperf.start_run('$protocol')");
    my ($out, $err) = run_command([ 'pgbench', '-n', '-c', 4, '-j', 2, '-T', 2, '-M', $protocol, '-h', $node->host, '-p', $node->port, 'postgres' ]);
    my ($transactions) = $out =~ /number of transactions actually processed: (\d+)/;
    cmp_ok($transactions // 0, '>', 0, "$protocol: pgbench ran");
    $node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
    is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT calls::text, ' ') || ' of ' || count(*) FROM dbperf.statements WHERE run = '$protocol' AND top_level AND query ~ '^(BEGIN|END|UPDATE|SELECT abalance|INSERT)'"),
        "$transactions of 7", "$protocol: each of its seven statements is counted exactly");
    is($node->safe_psql('postgres', "SELECT sum(x) FROM (SELECT unnest(histogram) x, generate_subscripts(histogram, 1) i FROM dbperf.statements WHERE run = '$protocol' AND query LIKE 'INSERT INTO pgbench_history%') h WHERE i % 2 = 0"),
        $transactions, "$protocol: and the histogram has them all");
}

# Runs that begin and end under load: every execution belongs to one of them or to none, and is counted once.
reset_all();
my $load = IPC::Run::start([ 'pgbench', '-n', '-S', '-c', 4, '-j', 1, '-T', 6, '-M', 'prepared', '-h', $node->host, '-p', $node->port, 'postgres' ], '>', \my $load_out, '2>', \my $load_err);
$node->safe_psql('postgres', join ' ', map { "SELECT dbperf.start_run('load $_'); SELECT pg_sleep(0.1); SELECT dbperf.finish_run();" } 1 .. 30);
$load->finish;
my ($transactions) = $load_out =~ /number of transactions actually processed: (\d+)/;
is($node->safe_psql('postgres', q{SELECT sum(calls), count(DISTINCT run) > 2 FROM dbperf.statements WHERE query LIKE 'SELECT abalance%' AND (run IS NULL OR run LIKE 'load%')}),
    "$transactions|t", 'runs that begin and end under load');

# The last statement before the connection ends, in its ways.
my $dir = PostgreSQL::Test::Utils::tempdir;
my %script = (
    plain => 'SELECT id AS last FROM item WHERE id = 1;',
    'in a transaction' => "BEGIN;\nSELECT id AS last FROM item WHERE id = 1;",
    'with a cursor' => "BEGIN;\nDECLARE c CURSOR FOR SELECT id AS last FROM item;\nFETCH 1 FROM c;");
for my $way (sort keys %script) {
    unlink "$dir/script.sql";
    append_to_file("$dir/script.sql", "$script{$way}\n");
    for my $protocol ('simple', 'extended', 'prepared') {
        reset_all();
        run_command([ 'pgbench', '-n', '-c', 1, '-t', 1, '-M', $protocol, '-f', "$dir/script.sql", '-h', $node->host, '-p', $node->port, 'postgres' ]);
        $node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
        is(counted(q{query LIKE 'SELECT id AS last%'}), '1', "the last statement, $way, $protocol");
    }
}
reset_all();
$node->command_ok([ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-c', 'SELECT id AS last FROM item WHERE id = 1' ], 'psql -c');
is(counted(q{query LIKE 'SELECT id AS last%'}), '1', 'the last statement of psql -c');

# N+1 up to the end of the connection.
reset_all();
$node->safe_psql('postgres', "BEGIN; " . join ' ', map { "SELECT name FROM item WHERE id = $_;" } 1 .. 37);
is($node->safe_psql('postgres', q{SELECT calls, distinct_keys FROM dbperf.n_plus_one WHERE query LIKE 'SELECT name FROM item%'}), '37|37', 'repetitions are told up to the last');

# A client killed, a session terminated.
reset_all();
my $client = $node->background_psql('postgres');
$client->query_safe('SELECT id AS killed FROM item WHERE id = 1');
my $pid = $client->query_safe('SELECT pg_backend_pid()');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid");
is(counted(q{query LIKE 'SELECT id AS killed%'}), '1', 'a session that is terminated has been counted');
eval { $client->quit };

# A statement that is terminated in the middle is not lost either.
reset_all();
my $sleeper = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-c', 'SELECT pg_sleep(60) AS cut' ], '>', \my $out, '2>', \my $err);
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
$sleeper->finish;
is($node->safe_psql('postgres', q{SELECT calls, aborted FROM dbperf.statements WHERE query LIKE '%AS cut'}), '1|1', 'a statement that is terminated is counted as aborted');

# Parallel workers are not statements.
reset_all();
my $plan = $node->safe_psql('postgres', 'EXPLAIN (COSTS OFF) SELECT count(name) FROM item');
like($plan, qr/Gather/, 'the plan is parallel');
reset_all();
$node->safe_psql('postgres', 'SELECT count(name) FROM item; SELECT count(name) FROM item');
is($node->safe_psql('postgres', q{SELECT calls, rows, shared_blks_hit + shared_blks_read > 0 FROM dbperf.statements WHERE query = 'SELECT count(name) FROM item'}), '2|2|t', 'a parallel query is counted once');
is($node->safe_psql('postgres', q{SELECT count(*) FROM dbperf.statements WHERE NOT top_level}), '0', '... and nothing below it');
$node->safe_psql('postgres', q{SELECT dbperf.start_run('parallel'); SELECT count(name) FROM item; SELECT dbperf.finish_run()});
is($node->safe_psql('postgres', q{SELECT count(*), bool_or(node_type = 'Gather') FROM dbperf.plan_nodes JOIN dbperf.plans USING (run_id, plan_id) WHERE query LIKE 'SELECT count(name)%' AND plan_nodes.run = 'parallel' AND node_type = 'Gather'}), '1|t', '... nor captured twice');

# Two databases, each with a run of its own by ALTER DATABASE, stored in a third; one that is dropped keeps its numbers.
reset_all();
$node->safe_psql('postgres', "CREATE DATABASE $_; ALTER DATABASE $_ SET dbperf.run = '$_'") for 'before', 'after';
$node->safe_psql($_, 'CREATE TABLE here (id int); SELECT id FROM here; SELECT id FROM here') for 'before', 'after';
$node->safe_psql('before', 'BEGIN; SELECT id FROM here; ROLLBACK');
is($node->safe_psql('postgres', q{SELECT run, database, calls FROM dbperf.statements WHERE query = 'SELECT id FROM here' ORDER BY run}), "after|after|2\nbefore|before|3", 'two databases, two runs');
$node->safe_psql('postgres', q{SELECT dbperf.finish_run('before')});
$node->safe_psql('postgres', 'DROP DATABASE after');
is($node->safe_psql('postgres', q{SELECT dbperf.finish_run('after') IS NOT NULL}), 't', 'the run of a dropped database is stored');
is($node->safe_psql('postgres', q{SELECT run, database, calls FROM dbperf.statements WHERE query = 'SELECT id FROM here' ORDER BY run}), "after|after|2\nbefore|before|3", '... under its name');

# Two-phase commit.
reset_all();
$node->safe_psql('postgres', "BEGIN; SELECT id AS both FROM item WHERE id = 1; PREPARE TRANSACTION 'two'; COMMIT PREPARED 'two';");
is($node->safe_psql('postgres', q{SELECT query, calls, rows, aborted FROM dbperf.statements WHERE run IS NULL AND query ~ '^(BEGIN|SELECT id AS both|PREPARE|COMMIT)' ORDER BY query COLLATE "C"}),
    join("\n", 'BEGIN|1|0|0', 'COMMIT PREPARED $1|1|0|0', 'PREPARE TRANSACTION $1|1|0|0', 'SELECT id AS both FROM item WHERE id = $1|1|1|0'), 'two-phase commit');

# Off for the server.
$node->safe_psql('postgres', 'ALTER SYSTEM SET dbperf.enabled = off');
$node->reload;
reset_all();
$node->poll_query_until('postgres', q{SELECT current_setting('dbperf.enabled') = 'off'});
reset_all();
$node->safe_psql('postgres', 'SELECT id AS unseen FROM item WHERE id = 1');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dbperf.statements WHERE run IS NULL'), '0', 'switched off, nothing is seen');

$node->stop;
done_testing();
