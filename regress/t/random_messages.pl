# Random messages of the wire protocol from a role that may do nothing but log in: the server lives, answers and counts exactly,
# and gives the answers that it gives without dbperf. The program is regress/soak/protocol.py; ./dev soak protocol gives it more time.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('random_messages');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\nlog_statement = none\n"
      . "log_min_error_statement = panic\ndeadlock_timeout = 20ms\ndbperf.track_locks = on\ndbperf.keep_parameters = on\ndbperf.capture_plans = all\n");
$node->start;

local $ENV{PYTHONDONTWRITEBYTECODE} = 1;
my ($out, $err) = ('', '');
my $clean = IPC::Run::run([ 'python3', 'regress/soak/protocol.py', '--host', $node->host, '--port', $node->port, '--log', $node->logfile,
    '--admin', scalar(getpwuid($<)), '--rounds', 12, '--seed', 14, @ARGV ], '>', \$out, '2>', \$err);
note(s/^# //r) for split /\n/, "$out$err";
ok($clean, 'no crash, no hang, no different answer');
like($out, qr/statements completed: [1-9]\d\d/, '... of some hundred statements');
is($node->safe_psql('postgres', 'SELECT 1'), '1', '... and the server answers');
$node->stop;
done_testing();
