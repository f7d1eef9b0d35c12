# Kills at random instants: sessions lease copies, write to them in all ways, and reset them, with checkpoints and VACUUM
# beside them; backends, workers and the postmaster are killed meanwhile. After each start the server is up, pg_amcheck
# finds nothing in any copy, a copy whose reset was answered equals its template row by row, and the pool drops what is
# left and hands out clean copies again. Rounds have checksums and full_page_writes on and off in turn, and a standby,
# which equals the primary.
# Arguments: SECONDS [SEED]
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use POSIX ();
use Time::HiRes qw(time sleep);

my $seconds = $ARGV[0] || 60;
my $seed = $ARGV[1] || int(time * 1000) % 1000000;
srand $seed;
my $until = time + $seconds;
my %count = map { $_ => 0 } qw(kills_of_backends kills_of_workers kills_of_the_server recoveries leases resets replaced amchecks compared standbys differences);
my $sessions = 3;

my @writes = (
    q{INSERT INTO parent (name) SELECT 'n' || random() || i FROM generate_series(1, 400) i},
    q{UPDATE parent SET name = name || '!' WHERE id % 7 = 0},
    'DELETE FROM parent WHERE id % 11 = 3',
    q{UPDATE fast SET v = 'x' WHERE id % 3 = 0},
    q{INSERT INTO words SELECT i, to_tsvector('simple', 'w' || i), int4range(i, i + 3) FROM generate_series(1000, 1400) i ON CONFLICT DO NOTHING},
    'DELETE FROM words WHERE id < 200',
    q{SELECT nextval('parent_id_seq')},
    'BEGIN; DELETE FROM parent; ROLLBACK',
    'CREATE TEMP TABLE IF NOT EXISTS scratch AS SELECT * FROM parent; INSERT INTO words (id) SELECT 100000 + id FROM scratch ON CONFLICT DO NOTHING',
    'VACUUM parent', 'ANALYZE words', 'CREATE TABLE more (a int)', 'TRUNCATE words', 'CHECKPOINT', 'CHECKPOINT',
    'SELECT lo_create(0)', 'SET enable_seqscan = off; SELECT count(*) FROM parent WHERE id > 3',
);
my $digest = q{SELECT count(*), md5(string_agg(ctid::text || p::text, chr(10) ORDER BY ctid)) FROM parent p;
SELECT count(*), md5(string_agg(ctid::text || w::text, chr(10) ORDER BY ctid)) FROM words w; SELECT last_value, is_called FROM parent_id_seq};

sub make_node {
    my ($round) = @_;
    my $node = PostgreSQL::Test::Cluster->new("crash_$round");
    $node->init(allows_streaming => 1, extra => $round % 2 ? ['--data-checksums'] : []);
    $node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'dbperf'", 'full_page_writes = ' . ($round % 4 < 2 ? 'on' : 'off'), 'autovacuum_naptime = 1s', 'autovacuum_vacuum_insert_threshold = 50',
        'autovacuum_vacuum_threshold = 10', 'checkpoint_timeout = 30s', 'shared_buffers = 16MB', 'fsync = off', 'jit = off', 'wal_keep_size = 256MB', 'dbperf.acquire_timeout = 60s', 'restart_after_crash = on', ''));
    $node->start;
    $node->safe_psql('postgres', 'CREATE EXTENSION dbperf; CREATE EXTENSION amcheck; CREATE DATABASE origin');
    $node->safe_psql('origin', q{CREATE EXTENSION amcheck;
        CREATE TABLE parent (id serial PRIMARY KEY, name text UNIQUE); CREATE UNLOGGED TABLE fast (id int PRIMARY KEY, v text);
        CREATE TABLE words (id int PRIMARY KEY, doc tsvector, box int4range); CREATE INDEX ON words USING gin (doc); CREATE INDEX ON words USING gist (box); CREATE INDEX ON words USING hash (id);
        INSERT INTO parent (name) SELECT 'p' || i FROM generate_series(1, 2000) i; INSERT INTO fast SELECT i, 'v' FROM generate_series(1, 300) i;
        INSERT INTO words SELECT i, to_tsvector('simple', 'w' || i), int4range(i, i + 5) FROM generate_series(1, 400) i});
    # The log is ahead of a sequence by up to 32 values, and a crash would take the template's own there.
    $node->safe_psql('origin', 'CHECKPOINT');
    return $node;
}

# A session: leases, writes, resets, and notes in a file which copy is known to be clean ("clean NAME"), which may be in the
# middle of a reset or is written to ("dirty NAME").
sub work {
    my ($node, $file) = @_;
    my $copy;
    my $ask = sub {
        my ($database, $sql) = @_;
        my ($code, $out, $err) = $node->psql($database, $sql, on_error_stop => 0, timeout => 120);
        return defined $code && $code == 0 ? $out : undef;
    };
    my $tell = sub { open my $handle, '>>', $file or POSIX::_exit(1); print $handle "@_\n"; close $handle; };
    # The lease lives as long as its session.
    my $holder = eval { $node->background_psql('postgres', on_error_stop => 0) } or return;
    while (1) {
        $copy = eval { $holder->query(q{SELECT dbperf.acquire_database('origin')}) };
        return if !$copy || $copy !~ /^dbperf_test_\w+$/;
        $tell->("leased $copy");
        for (0 .. int rand 4) {
            $tell->("dirty $copy");
            for (0 .. int rand 3) { $ask->($copy, $writes[rand @writes]) // return; }
            my $next = $ask->($copy, 'SELECT dbperf.reset_database()') // return;
            $tell->($next eq $copy ? "reset $copy" : "replaced $copy");
            $copy = $next;
            $tell->("clean $copy");
        }
        $tell->("dirty $copy");
        eval { $holder->query("SELECT dbperf.release_database('$copy')"); 1 } or return;
    }
}

sub alive {
    open my $handle, '<', "/proc/$_[0]/stat" or return 0;
    my $line = <$handle> // '';
    return $line =~ /.*\) ([A-Z])/ && $1 !~ /[ZX]/;
}

sub start_again {
    my ($node) = @_;
    for (1 .. 600) {
        return 1 if $node->psql('postgres', 'SELECT 1', timeout => 30) == 0;
        sleep 0.1;
    }
    return 0;
}

sub copies { return split /\n/, $_[0]->safe_psql('postgres', q{SELECT datname FROM pg_database WHERE datname LIKE 'dbperf\_test\_%' AND datallowconn}); }

sub difference { ++$count{differences}; fail($_[0]); diag($_[1] // ''); }

sub amcheck {
    my ($node, $database) = @_;
    my ($out, $err) = ('', '');
    my $good = IPC::Run::run(['pg_amcheck', '--heapallindexed', '--no-dependent-toast', '-h', $node->host, '-p', $node->port, '-d', $database], '>', \$out, '2>', \$err);
    ++$count{amchecks};
    difference("pg_amcheck of $database", $out . $err) if !$good && $err !~ /does not exist|no connectable databases|terminat/;
}

sub compare {
    my ($node, $database, $expected, $what) = @_;
    my ($code, $got, $err) = $node->psql($database, $digest);
    return if $code != 0 && $err =~ /does not exist|being dropped/; # the pool was quicker
    ++$count{compared};
    difference("$what differs from the template in $database", "$got\n$err\nexpected\n$expected") if $got ne $expected;
}

for (my $round = 0; time < $until; ++$round) {
    my $node = make_node($round);
    my $expected = $node->safe_psql('origin', $digest);
    my $standby;
    if ($round % 3 == 2 || $seconds < 30) {
        $node->backup('base');
        $standby = PostgreSQL::Test::Cluster->new("crash_standby_$round");
        $standby->init_from_backup($node, 'base', has_streaming => 1);
        $standby->append_conf('postgresql.conf', "hot_standby_feedback = on\n");
        $standby->start;
        ++$count{standbys};
    }
    for (my $kill = 0; $kill < 6 && time < $until; ++$kill) {
        my $folder = PostgreSQL::Test::Utils::tempdir();
        my %children;
        for my $session (1 .. $sessions) {
            my $child_seed = int rand 1 << 30;
            my $child = fork // die;
            if ($child == 0) {
                srand $child_seed;
                eval { work($node, "$folder/$session"); };
                POSIX::_exit(0);
            }
            $children{$child} = 1;
        }
        sleep 1 + rand 4;
        # The instant: any.
        my $whom = (qw(backend worker server server))[rand 4];
        my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
        if ($whom eq 'server') {
            ++$count{kills_of_the_server};
            my @all = ($postmaster, split ' ', `ps -o pid= --ppid $postmaster`);
            kill 'KILL', @all;
        } else {
            my $type = $whom eq 'worker' ? "backend_type LIKE 'dbperf%' OR backend_type IN ('autovacuum worker', 'checkpointer', 'walwriter')" : q{backend_type = 'client backend' AND datname LIKE 'dbperf%'};
            my ($code, $pid) = $node->psql('postgres', "SELECT pid FROM pg_stat_activity WHERE $type ORDER BY random() LIMIT 1");
            if (defined $code && $code == 0 && $pid) {
                kill 'KILL', $pid;
                ++$count{"kills_of_${whom}s"};
            } else {
                kill 'KILL', $postmaster, split ' ', `ps -o pid= --ppid $postmaster`;
                ++$count{kills_of_the_server};
                $whom = 'server';
            }
        }
        # Sessions end by themselves at the first error.
        my $patience = time + 60;
        while (%children && time < $patience) {
            for my $child (keys %children) { delete $children{$child} if waitpid($child, POSIX::WNOHANG()) > 0; }
            sleep 0.05;
        }
        kill 'KILL', keys %children;
        waitpid $_, 0 for keys %children;
        if ($whom eq 'server') {
            # A dead process that nobody has collected yet still looks alive to a server that starts.
            for (1 .. 100) { last if !alive($postmaster); sleep 0.1; }
            unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock';
            $node->{_pid} = undef;
            if (!$node->start(fail_ok => 1)) {
                difference('the server starts after a kill', slurp_file($node->logfile));
                last;
            }
        }
        start_again($node) or difference('the server is up after a kill');
        ++$count{recoveries};
        my (%state, %last);
        for my $file (glob "$folder/*") {
            for my $line (split /\n/, slurp_file($file)) {
                my ($what, $copy) = split ' ', $line;
                $what eq 'leased' ? ++$count{leases} : $what eq 'reset' ? ++$count{resets} : $what eq 'replaced' ? ++$count{replaced} : ($last{$copy} = $what);
            }
        }
        # What was answered is durable.
        compare($node, $_, $expected, 'a copy that was reset before the kill') for grep { $last{$_} eq 'clean' } keys %last;
        # Nobody asks for it: what an earlier life left goes.
        $node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_database d WHERE datname LIKE 'dbperf\_test\_%' AND NOT EXISTS (SELECT FROM dbperf.test_databases t WHERE t.name = d.datname AND t.state <> 'dropping')})
            or difference('the pool drops what was left', $node->safe_psql('postgres', 'SELECT * FROM dbperf.test_databases'));
        my $holder = $node->background_psql('postgres');
        my $copy = $holder->query(q{SELECT dbperf.acquire_database('origin')});
        ++$count{leases};
        compare($node, $copy, $expected, 'a copy that is handed out after the kill');
        $node->psql($copy, $writes[rand 6]) for 1 .. 3;
        my ($code, $again) = $node->psql($copy, 'SELECT dbperf.reset_database()');
        ++$count{resets};
        compare($node, $again, $expected, 'a copy that was reset');
        if ($standby) {
            $node->wait_for_catchup($standby);
            compare($standby, $again, $expected, 'the standby');
            amcheck($standby, $again);
        }
        amcheck($node, $_) for copies($node);
        $holder->quit;
    }
    my $log = slurp_file($node->logfile);
    difference('the log has no sign of damage', $&) if $log =~ /^.*(?:PANIC|TRAP|invalid page|differs from its template|could not read block).*$/m;
    $_->stop('immediate') for grep { $_ } $standby, $node;
    $_->clean_node for grep { $_ } $standby, $node;
}
is($count{differences}, 0, 'no difference');
cmp_ok($count{recoveries}, '>', 0, 'the server recovered');
note(join ', ', "seed $seed", map { (my $name = $_) =~ tr/_/ /; "$count{$_} $name" } sort keys %count);
done_testing();
