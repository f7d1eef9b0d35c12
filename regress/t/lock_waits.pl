# Waits for locks: the worker that sees them comes and goes with runs, each wait belongs to the run of its session, and what it is that
# stands in the way: prepared transactions, several one after another, sessions that are busy. What has no room is said.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('lock_waits');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\nmax_prepared_transactions = 2\n"
      . "dbperf.lock_wait_interval = 1\ndbperf.max_lock_waits = 16\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf; CREATE TABLE account (id int PRIMARY KEY, balance int); INSERT INTO account SELECT generate_series(1, 9), 0');
sub value { return $node->safe_psql('postgres', $_[0]) }
sub becomes { my ($sql, $why) = @_; ok($node->poll_query_until('postgres', "SELECT $sql"), $why) }
sub session { my $session = $node->background_psql('postgres', on_error_stop => 0); $session->query_safe($_) for @_; return $session }
# A session that waits in this statement; read from it when it has ended.
my $waiting = 'waiting';
sub waits {
    my ($sql, @before) = @_;
    my $session = session(@before);
    $session->query_until(qr/$waiting/, "\\echo $waiting\n$sql;\n");
    return $session;
}
sub ended { my ($session) = @_; $session->query_safe('SELECT 1'); $session->quit }
sub setting { $node->append_conf('postgresql.conf', $_[0]); $node->reload; my ($name, $value) = split / = /, $_[0]; becomes("current_setting('$name') = '$value'", "$name is $value") }
my $observers = "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'dbperf lock waits')";
my $is_waiting = q{(SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock') = };
sub looked {
    my $looks = value(q{SELECT value::bigint + 20 FROM dbperf.status() WHERE item = 'lock_observer_looks'});
    becomes("value::bigint >= $looks FROM dbperf.status() WHERE item = 'lock_observer_looks'", 'it looked');
}

# Off: nobody looks.
value(q{SELECT dbperf.start_run('off')});
my $holder = session('BEGIN', 'UPDATE account SET balance = 1 WHERE id = 1');
my $waiter = waits('UPDATE account SET balance = 2 WHERE id = 1');
becomes("$is_waiting 1", 'somebody waits');
is(value("SELECT $observers"), '0', 'without the setting there is no worker');
$holder->query_safe('COMMIT');
ended($waiter);
value('SELECT dbperf.finish_run()');
is(value('SELECT count(*) FROM dbperf.lock_waits'), '0', '... and nothing is seen');

# On: the worker is there while a run is, and is in nobody's way.
setting('dbperf.track_lock_waits = on');
value('SELECT pg_sleep(0.1)');
is(value("SELECT $observers"), '0', 'without a run there is no worker');
value(q{SELECT dbperf.start_run('on')});
becomes("$observers = 1", 'it comes with a run');
value('CREATE DATABASE short_lived');
value('DROP DATABASE short_lived');
$holder->query_safe('BEGIN; UPDATE account SET balance = 1 WHERE id = 1');
$waiter = waits('UPDATE account SET balance = 2 WHERE id = 1');
becomes(q{count(*) = 1 FROM dbperf.lock_waits WHERE run = 'on'}, 'a wait is seen while it lasts');
value(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'dbperf lock waits'});
my $before = value(q{SELECT waited_ms FROM dbperf.lock_waits WHERE run = 'on'});
becomes(qq{waited_ms > $before FROM dbperf.lock_waits WHERE run = 'on'}, 'a worker that was ended comes back, and nothing is forgotten');
# The run ends, the wait goes on into the next one.
value('SELECT dbperf.finish_run()');
becomes("$observers = 0", 'it leaves with the run');
value(q{SELECT dbperf.start_run('next')});
becomes(q{count(*) = 1 FROM dbperf.lock_waits WHERE run = 'next'}, 'a wait goes on in the next run');
$holder->query_safe('COMMIT');
ended($waiter);
value('SELECT dbperf.finish_run()');
is(value(q{SELECT count(*), bool_and(w.max_ms <= extract(epoch FROM r.finished_at - r.started_at) * 1000 AND transaction_share <= 1)
             FROM dbperf.lock_waits w JOIN dbperf.runs r USING (run_id) WHERE w.run = 'next'}), '1|t', '... of which it has its own part');

# Two runs at once: a wait belongs to that of the session that waits.
value(q{SELECT dbperf.start_run('server')});
$holder->query_safe('BEGIN; UPDATE account SET balance = 1 WHERE id IN (1, 2)');
my @both = (waits('UPDATE account SET balance = 2 WHERE id = 1', q{SET dbperf.run = 'own'}, 'SELECT 1'), waits('DELETE FROM account WHERE id = 2', 'SELECT 1'));
becomes('count(*) = 2 FROM dbperf.live_lock_waits()', 'both are seen');
$holder->query_safe('COMMIT');
ended($_) for @both;
value(q{SELECT dbperf.finish_run('own')});
value(q{SELECT dbperf.finish_run('server')});
is(value(q{SELECT run, query FROM dbperf.lock_waits WHERE run IN ('own', 'server') ORDER BY run}),
    "own|UPDATE account SET balance = \$1 WHERE id = \$2\nserver|DELETE FROM account WHERE id = \$1", 'each in the run of its session');

# A prepared transaction has no session, and no statement.
value(q{SELECT dbperf.start_run('prepared')});
value(q{BEGIN; UPDATE account SET balance = 3 WHERE id = 3; PREPARE TRANSACTION 'p'});
$waiter = waits('UPDATE account SET balance = 4 WHERE id = 3');
becomes('count(*) = 1 FROM dbperf.live_lock_waits()', 'a wait for a prepared transaction is seen');
value(q{COMMIT PREPARED 'p'});
ended($waiter);
value('SELECT dbperf.finish_run()');
is(value(q{SELECT relation, row_key, blocker_query IS NULL, blocker_role IS NULL, head_query IS NULL, longest_chain, head_idle_ms FROM dbperf.lock_waits WHERE run = 'prepared'}),
    'account|id=3|t|t|t|2|0', '... and so is what it is about');

# In the way one after another. One of them works on.
value(q{SELECT dbperf.start_run('several')});
my $reader = session('BEGIN', 'SELECT count(*) AS first_reader FROM account');
my $busy = session('BEGIN', 'SELECT count(*) AS second_reader FROM account');
$waiter = waits('ALTER TABLE account ADD COLUMN remark text', q{SET application_name = 'migration'});
becomes('count(*) = 1 FROM dbperf.live_lock_waits()', 'a wait for two is seen');
my $first = value('SELECT CASE WHEN blocker_query ~ \'first\' THEN 1 ELSE 2 END FROM dbperf.live_lock_waits()');
($first == 1 ? $reader : $busy)->query_safe('COMMIT');
becomes('count(*) = 2 FROM dbperf.live_lock_waits()', 'the other one is in the way then');
($first == 1 ? $busy : $reader)->query_safe('COMMIT');
ended($waiter);
value('SELECT dbperf.finish_run()');
is(value(q{SELECT application_name, kind, relation, mode, blocker_query, waits, evidence FROM dbperf.lock_waits WHERE run = 'several' ORDER BY blocker_query}),
    join("\n", map { "migration|table|account|AccessExclusiveLock|SELECT count(*) AS ${_}_reader FROM account|1|exact" } qw(first second)), 'a wait for each of them');

# The session in the way works: it is not idle.
value(q{SELECT dbperf.start_run('busy')});
$busy->query_safe('BEGIN; UPDATE account SET balance = 5 WHERE id = 5');
$busy->query_until(qr/$waiting/, "\\echo $waiting\nSELECT pg_sleep(3600);\n");
$waiter = waits('SELECT balance FROM account WHERE id = 5 FOR UPDATE');
becomes('count(*) = 1 FROM dbperf.live_lock_waits()', 'a wait for a session that works');
is(value('SELECT head_idle_ms FROM dbperf.live_lock_waits()'), '0', '... that is not idle');
value(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(3600)%'});
$busy->query('ROLLBACK');
ended($waiter);
value('SELECT dbperf.finish_run()');

# A function's statement waits inside the client's; a text that pg_stat_activity cuts is known as far as it goes.
value('CREATE FUNCTION pay(account int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE account SET balance = balance + 1 WHERE id = pay.account; END $$');
value(q{SELECT dbperf.start_run('inside')});
$holder->query_safe('BEGIN; SELECT balance FROM account WHERE id = 6 FOR SHARE');
$waiter = waits('SELECT pay(6)');
becomes('count(*) = 1 FROM dbperf.live_lock_waits()', 'a wait in a function is seen');
$holder->query_safe('COMMIT; BEGIN; LOCK TABLE account');
my $long = 'SELECT ' . join(', ', map { "balance AS balance_$_" } 1 .. 100) . q{ FROM account WHERE id = 7};
my $cut = waits($long);
becomes(q{count(*) = 1 FROM dbperf.live_lock_waits() WHERE mode = 'AccessShareLock'}, 'a wait of a long statement is seen');
$holder->query_safe('COMMIT');
ended($_) for $waiter, $cut;
value('SELECT dbperf.finish_run()');
is(value(q{SELECT query, inner_query, blocker_query, row_key, mode FROM dbperf.lock_waits WHERE run = 'inside' AND kind = 'row'}),
    'SELECT pay($1)|UPDATE account SET balance = balance + $1 WHERE id = pay.account|SELECT balance FROM account WHERE id = $1 FOR SHARE|id=6|FOR NO KEY UPDATE',
    'the statement of a function inside that of the client');
is(value(qq{SELECT starts_with('$long', query), blocker_query FROM dbperf.lock_waits WHERE run = 'inside' AND mode = 'AccessShareLock'}), 't|LOCK TABLE account', 'a long statement as far as it is known');

# No room: each number of an advisory lock is another wait.
value(q{SELECT dbperf.start_run('full')});
$holder->query_safe('SELECT pg_advisory_lock(i) FROM generate_series(1, 20) i');
value(q{DO $$
BEGIN
    SET LOCAL lock_timeout = '20ms';
    WHILE (SELECT value FROM dbperf.status() WHERE item = 'dropped_lock_waits') = '0' LOOP
        FOR number IN 1..20 LOOP
            BEGIN
                PERFORM pg_advisory_xact_lock(number);
            EXCEPTION WHEN lock_not_available THEN NULL;
            END;
        END LOOP;
    END LOOP;
END $$});
value('SELECT dbperf.finish_run()');
is(value(q{SELECT count(*) FROM dbperf.lock_waits WHERE run = 'full'}), '16', 'a full table keeps what it has');
like(value(q{SELECT reason FROM dbperf.dropped WHERE run = 'full' AND item = 'lock_waits'}), qr/^waits for locks dropped: \d+, .*; raise dbperf.max_lock_waits$/, '... and says so');
is(value(q{SELECT value FROM dbperf.status() WHERE item = 'lock_waits'}), '0', '... until the run is stored');
$_->quit for $holder, $reader, $busy;

# The server's own worker and the launcher have a place each. None is free: nothing is seen, and it is said.
$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
$node->restart;
value(q{SELECT dbperf.start_run('no worker')});
becomes(q{value = 'no worker' FROM dbperf.status() WHERE item = 'lock_observer'}, 'without a free worker the status says so');
like(slurp_file($node->logfile), qr/dbperf does not see waits for locks: no background worker was free/, '... and the log');
$node->stop;
done_testing();
