# Deadlocks are predicted from transactions that ran alone: all of those that could happen, and no others. The scenarios
# are those of regress/scenarios/lock_order.txt, and of a file of the same form that DBPERF_DEADLOCK_SCENARIOS names.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('lock_cycles');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\ndbperf.lock_memory = 64\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf');
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub status { return sql("SELECT value FROM dbperf.status() WHERE item = '$_[0]'"); }

sub scenarios {
    my @scenarios;
    for my $line (split /\n/, slurp_file($_[0])) {
        if ($line =~ /^# (?=\S)(?:\w\d+ )?(.*?) \| (deadlock|safe)\b/) {
            push @scenarios, { title => $1, label => $2, setup => '', steps => {} };
        } elsif (@scenarios && $line =~ /^setup:(.*)/) {
            $scenarios[-1]{setup} = $1;
        } elsif (@scenarios && $line =~ /^(\w):(.*)/) {
            push @{ $scenarios[-1]{steps}{$1} }, $2;
        }
    }
    return @scenarios;
}

# Each session's transaction, alone; what is predicted.
my $number = 0;
sub predict {
    my ($scenario, $end) = @_;
    my $run = 'scenario ' . ++$number;
    sql("DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s; SET search_path = s; $scenario->{setup}; SELECT dbperf.start_run('$run')");
    for my $session (sort keys %{ $scenario->{steps} }) {
        $node->psql('postgres', join "\n", 'SET dbperf.track_locks = on;', 'SET search_path = s;', 'BEGIN;', (map { "$_;" } @{ $scenario->{steps}{$session} }), $end);
    }
    sql('SELECT dbperf.finish_run()');
    return sql("SELECT description FROM dbperf.lock_cycles WHERE run = '$run'");
}

for my $file ('regress/scenarios/lock_order.txt', grep { $_ } $ENV{DBPERF_DEADLOCK_SCENARIOS}) {
    my @scenarios = scenarios($file);
    cmp_ok(scalar @scenarios, '>', 10, 'there are scenarios');
    for my $scenario (@scenarios) {
        my $predicted = predict($scenario, 'ROLLBACK;');
        ok(($predicted ne '') == ($scenario->{label} eq 'deadlock'), "$scenario->{label}: $scenario->{title}") or diag($predicted);
    }
}

# Committed transactions change the place of the rows, not which rows they are.
my ($reverse) = scenarios('regress/scenarios/lock_order.txt');
is(predict($reverse, 'COMMIT;'),
    'transaction 1 holds s.acc (id)=(1) (UPDATE) and requests s.acc (id)=(2) (UPDATE), which transaction 2 holds; '
      . 'transaction 2 holds s.acc (id)=(2) (UPDATE) and requests s.acc (id)=(1) (UPDATE), which transaction 1 holds',
    'a prediction in words');
is(sql("SELECT database, confidence, status, members, rows_in_common FROM dbperf.lock_cycles WHERE run = 'scenario $number'"),
    'postgres|proven|predicted|2|["s.acc (id)=(2)", "s.acc (id)=(1)"]', 'and in columns');
is(sql("SELECT s->>'member', s->>'query', s->>'target', s->>'mode', s->>'role' FROM dbperf.lock_cycles, jsonb_array_elements(steps) s WHERE run = 'scenario $number' AND s->>'kind' = 'row'"),
    join("\n", '1|update acc set bal=bal-$1 where id=$2|s.acc (id)=(1)|UPDATE|holds', '1|update acc set bal=bal+$1 where id=$2|s.acc (id)=(2)|UPDATE|requests',
        '2|update acc set bal=bal-$1 where id=$2|s.acc (id)=(2)|UPDATE|holds', '2|update acc set bal=bal+$1 where id=$2|s.acc (id)=(1)|UPDATE|requests'),
    'with both transactions\' steps');
is(sql("SELECT count(DISTINCT cycle_id) FROM dbperf.lock_cycles WHERE run IN ('scenario 1', 'scenario $number')"), '1', 'it is the same in another run');
is(status('lock_traces'), '0', 'traces go with their run');

# Nothing is recorded unasked.
my $transfer = 'BEGIN; UPDATE s.acc SET bal = 0 WHERE id = 1; UPDATE s.acc SET bal = 0 WHERE id = 2; COMMIT;';
sql("SET dbperf.track_locks = on; $transfer");
is(status('lock_traces'), '0', 'nothing is recorded outside a run');
sql("SELECT dbperf.start_run('off')");
sql($transfer);
is(status('lock_traces'), '0', 'nor without dbperf.track_locks');
sql("SET dbperf.track_locks = on; $transfer $transfer");
is(status('lock_traces'), '1', 'what is locked alike is recorded once');
sql('SELECT dbperf.reset()');
is(status('lock_traces'), '0', 'reset() forgets');

# A transaction against another of its kind, seen twice.
for my $times (1, 2) {
    sql("SELECT dbperf.start_run('times $times')");
    sql('SET dbperf.track_locks = on;' . 'BEGIN; SELECT FROM s.acc WHERE id = 1 FOR SHARE; UPDATE s.acc SET bal = 1 WHERE id = 1; COMMIT;' x $times);
    sql('SELECT dbperf.finish_run()');
    is(sql("SELECT count(*) FROM dbperf.lock_cycles WHERE run = 'times $times'"), $times - 1, "an upgrade, seen $times times");
}

# Other rows, by the same statements, in the other order: only where that is asked for.
for my $asked ('off', 'on') {
    sql("SELECT dbperf.start_run('possible $asked')");
    sql("SET dbperf.track_locks = on; SET dbperf.possible_cycles = $asked;" . join '', map { my ($a, $b) = @$_; "BEGIN; UPDATE s.acc SET bal = 1 WHERE id = $a; UPDATE s.acc SET bal = 1 WHERE id = $b; COMMIT;" } [ 1, 2 ], [ 4, 3 ]);
    sql('SELECT dbperf.finish_run()');
}
is(sql("SELECT count(*) FROM dbperf.lock_cycles WHERE run = 'possible off'"), '0', 'what did not meet is not predicted');
is(sql("SELECT confidence, status, description, rows_in_common FROM dbperf.lock_cycles WHERE run = 'possible on'"),
    'possible|predicted|transaction 1 holds a row of s.acc (UPDATE) and requests a row of s.acc (UPDATE), which transaction 2 could hold with other parameters; '
      . 'transaction 2 holds a row of s.acc (UPDATE) and requests a row of s.acc (UPDATE), which transaction 1 could hold with other parameters|["a row of s.acc", "a row of s.acc"]',
    '... but said to be possible when asked for');
is(sql("SELECT kind, severity, gate FROM dbperf.findings WHERE run = 'possible on'"), 'lock_cycle|warning|f', '... which stops nothing');

# Databases do not meet.
sql('CREATE DATABASE other');
$node->safe_psql('other', 'CREATE SCHEMA s; CREATE TABLE s.acc (id int PRIMARY KEY, bal int); INSERT INTO s.acc VALUES (1, 0), (2, 0)');
sql("SELECT dbperf.start_run('databases')");
sql("SET dbperf.track_locks = on; BEGIN; SELECT pg_advisory_xact_lock(1); SELECT pg_advisory_xact_lock(2); COMMIT");
$node->safe_psql('other', "SET dbperf.track_locks = on; BEGIN; SELECT pg_advisory_xact_lock(2); SELECT pg_advisory_xact_lock(1); COMMIT");
sql('SELECT dbperf.finish_run()');
is(sql("SELECT count(*) FROM dbperf.lock_cycles WHERE run = 'databases'"), '0', 'transactions of two databases do not meet');

# Many rows: the first ones in order, then nothing, and nothing wrong.
sql('CREATE TABLE many (id int PRIMARY KEY, n int); INSERT INTO many SELECT i, 0 FROM generate_series(1, 20000) i');
sql("SELECT dbperf.start_run('many')");
sql('SET dbperf.track_locks = on; BEGIN; UPDATE many SET n = 1; SELECT n FROM s.acc, many WHERE acc.id = 1 AND many.id = 1 FOR UPDATE; ROLLBACK; INSERT INTO many SELECT i, 0 FROM generate_series(20001, 30000) i; DELETE FROM many WHERE id > 20000');
sql('SET dbperf.track_locks = on; BEGIN; UPDATE many SET n = 1 WHERE id = 20; UPDATE many SET n = 1 WHERE id = 10; COMMIT');
sql('SELECT dbperf.finish_run()');
is(sql("SELECT rows_in_common FROM dbperf.lock_cycles WHERE run = 'many'"), '["public.many (id)=(20)", "public.many (id)=(10)"]', 'the first rows of a large UPDATE');
is(sql('SELECT count(*), sum(n) FROM many'), '20000|2', '... which does what it should');

# Errors, statements that are cut off, and very many open queries.
sql("SELECT dbperf.start_run('errors')");
$node->psql('postgres', 'SET dbperf.track_locks = on; BEGIN; UPDATE many SET n = 1 WHERE id = 1; UPDATE many SET n = 1 / (id - 5) WHERE id < 10; ROLLBACK');
$node->psql('postgres', 'SET dbperf.track_locks = on; BEGIN; INSERT INTO many VALUES (30001, 0), (1, 0); ROLLBACK');
$node->psql('postgres', 'SET dbperf.track_locks = on; DO $$ BEGIN FOR i IN 1 .. 50 LOOP BEGIN INSERT INTO many VALUES (30000 + i, 0), (1, 0); EXCEPTION WHEN unique_violation THEN NULL; END; END LOOP; END $$');
$node->psql('postgres', 'SET dbperf.track_locks = on; BEGIN;' . join '', map { "DECLARE c$_ CURSOR FOR SELECT * FROM many ORDER BY id FOR UPDATE; FETCH 1 FROM c$_;" } 1 .. 100);
$node->psql('postgres', "SET dbperf.track_locks = on; SET statement_timeout = '50ms'; BEGIN; SELECT pg_sleep(0.001) FROM many FOR UPDATE; ROLLBACK");
$node->psql('postgres', q{SET dbperf.track_locks = on; BEGIN; UPDATE many SET n = 1 WHERE id = 2; SAVEPOINT a; UPDATE many SET n = 1 WHERE id = 3; DROP TABLE many; ROLLBACK TO a; UPDATE many SET n = 1 WHERE id = 4; PREPARE TRANSACTION 'p'});
sql('SELECT dbperf.finish_run()');
is(sql("SELECT 1"), '1', 'errors do no harm');

# Full memory.
my $traces = status('dropped_lock_traces');
sql("SELECT dbperf.start_run('full')");
sql('SET dbperf.track_locks = on; ' . join '', map { my $n = $_; 'BEGIN;' . join('', map { "UPDATE many SET n = $_ WHERE id = @{[($n * 7 + $_ * 13) % 40 + 1]};" } 1 .. $n % 11 + 2) . 'COMMIT;' } 1 .. 2000);
my $dropped = status('dropped_lock_traces') - $traces;
cmp_ok($dropped, '>', 0, 'what finds no room is counted');
is(sql("SELECT item, dropped, setting FROM dbperf.dropped WHERE run = 'full'"), "lock_traces|$dropped|dbperf.lock_memory", '... for the run, with what to raise');
cmp_ok(status('lock_trace_bytes'), '<=', status('lock_memory'), '... and memory does not grow');
sql('SELECT dbperf.finish_run()');
cmp_ok(sql("SELECT count(*) FROM dbperf.lock_cycles WHERE run = 'full'"), '>', 0, '... what was recorded is looked at');

my ($unchecked) = grep { $_->{title} eq 'foreign key deferred, and then not checked' } scenarios('regress/scenarios/lock_order.txt');
like(predict($unchecked, 'COMMIT;'), qr/requests s\.p \(id\)=\(1\) \(FOR KEY SHARE\)/, 'a deferred check of a foreign key is made at COMMIT');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal|skipped one record|leak/, 'nothing bad is in the log');
done_testing();
