# Eight processes of fifty tests each at once, every tenth test killed with its process: nobody sees another's rows,
# nothing is refused, the bounds hold, and all is collected at the end. In the middle the server crashes once.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my ($processes, $tests, $most) = (8, 50, 12);
my $node = PostgreSQL::Test::Cluster->new('parallel');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\nwal_keep_size = 1GB\nlog_statement = none\ndbperf.max_test_databases = $most\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf; CREATE DATABASE origin');
$node->safe_psql('origin', q{
CREATE TABLE mark (who text); CREATE TABLE a (id serial PRIMARY KEY, v text); CREATE TABLE b (a_id int REFERENCES a, v text);
INSERT INTO a (v) SELECT i FROM generate_series(1, 300) i});
my $folder = PostgreSQL::Test::Utils::tempdir;

# One psql holds the lease for all tests of a process until it is killed; another one is each test.
sub run_process {
    my ($number, $count, $file) = @_;
    open my $report, '>>', $file or die;
    $report->autoflush;
    my ($holder, $in, $out, $err);
    for my $test (1 .. $count) {
        if (!$holder) {
            ($in, $out, $err) = ('', '', '');
            $holder = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(180));
        }
        my $ask = sub { $out = ''; $in .= "$_[0];\n"; $holder->pump until $out =~ /\n/ || length $err; chomp(my $answer = $out); return $answer; };
        my $copy = eval { $ask->(q{SELECT dbperf.acquire_database('origin')}) } // '';
        if ($copy !~ /^dbperf_test_/) { print $report "refused $err $@\n"; eval { $holder->kill_kill }; undef $holder; next; }
        my $sql = "SELECT count(*) FROM mark; SELECT count(*) FROM a; INSERT INTO mark VALUES ('$number $test'); INSERT INTO a (v) SELECT 'x' FROM generate_series(1, 10); "
          . "INSERT INTO b SELECT id, 'y' FROM a WHERE v = 'x' LIMIT 5;" . ($test % 17 == 3 ? ' CREATE TABLE t (a int);' : '') . ' SELECT count(*) FROM mark';
        my ($code, $seen, $problem) = $node->psql('postgres', $sql, connstr => $node->connstr($copy));
        s/\n/,/g for $seen, $problem;
        print $report $code == 0 && $seen eq "0,300,1" ? "good\n" : "bad $seen $problem\n";
        if ($test % 10 == 0) {
            $holder->signal('KILL');
            eval { $holder->finish };
            undef $holder;
        } else {
            my $outcome = eval { $ask->("SELECT dbperf.release_database('$copy')") } // '';
            print $report "release $err $@\n" if $outcome !~ /^(clean|reset|replaced|ending)/;
        }
    }
    if ($holder) { $in .= "\\q\n"; eval { $holder->finish }; }
    close $report;
}

my $largest = 0;
sub play {
    my ($count, $meanwhile) = @_;
    my @children;
    for my $number (1 .. $processes) {
        my $pid = fork // die;
        if ($pid == 0) {
            eval { run_process($number, $count, "$folder/$number"); 1 } or print STDERR $@;
            POSIX::_exit(0);
        }
        push @children, $pid;
    }
    my $round = 0;
    while (@children) {
        $meanwhile->(++$round);
        @children = grep { waitpid($_, POSIX::WNOHANG()) == 0 } @children;
        usleep(100_000);
    }
}
sub reports { my %count; for my $number (1 .. $processes) { for (split /\n/, slurp_file("$folder/$number")) { $count{ /^good$/ ? 'good' : $_ }++; } unlink "$folder/$number"; } return %count; }

require POSIX;
play($tests, sub {
    my $now = $node->safe_psql('postgres', q{SELECT count(*) FROM pg_database WHERE datname LIKE 'dbperf\_test\_%'});
    $largest = $now if $now > $largest;
});
my %count = reports();
is(delete $count{good}, $processes * $tests, 'every test found its database as the template');
is(join('; ', %count), '', '... none was refused');
cmp_ok($largest, '<=', $most, 'there were never more databases than allowed');
cmp_ok($largest, '>', 3, '... but several at once');
note $node->safe_psql('postgres', q{SELECT item, value, note FROM dbperf.status() WHERE item LIKE 'test_databases%'});
ok($node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM dbperf.test_databases WHERE state IN ('leased', 'ending', 'recycling'))}), 'the leases of killed processes are over');
is($node->safe_psql('postgres', 'SELECT dbperf.collect_test_databases()'), '0', 'all are collected');

# The server is killed in the middle. Sessions break, but what is handed out afterwards is clean.
my $killed = 0;
play(12, sub {
    return if $killed || !grep { -e $_ && slurp_file($_) =~ /^good$/m } glob "$folder/*";
    $killed = 1;
    $node->stop('immediate');
    $node->start;
});
%count = reports();
cmp_ok(delete $count{good} // 0, '>', 0, 'some tests ran while the server was killed');
is(join('; ', grep { /^bad [1-9]/ || /^bad 0,(?!300)/ } keys %count), '', '... and none saw rows of others');
is($node->safe_psql('postgres', 'SELECT dbperf.collect_test_databases()'), '0', 'all are collected');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_database WHERE datname LIKE 'dbperf%'}), '0', '... those from before the crash, too');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal|is being accessed by other users/, 'nothing bad is in the log');
done_testing();
