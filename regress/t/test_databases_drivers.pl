# The examples of regress/examples/test_databases, each by the test runner and the driver of its language. What is not
# installed is said to be left out.
use strict;
use warnings;
use File::Copy qw(copy);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $examples = 'regress/examples/test_databases';
my @jars = grep { -e } map { "/usr/share/java/$_.jar" }
  qw(postgresql junit-jupiter-api junit-jupiter-engine junit-jupiter-params junit-platform-commons junit-platform-engine
  junit-platform-launcher junit-platform-console junit-platform-reporting opentest4j apiguardian-api picocli univocity-parsers);
my $class_path = join ':', @jars;
my $has_junit = @jars >= 10;

my $node = PostgreSQL::Test::Cluster->new('drivers');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nlisten_addresses = '127.0.0.1'\nfsync = off\nautovacuum = off\nwal_keep_size = 512MB\ndbperf.verify = on\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf; CREATE DATABASE app');
$node->safe_psql('app', q{CREATE TABLE item (id serial PRIMARY KEY, name text); INSERT INTO item (name) SELECT i FROM generate_series(1, 3) i});
my $user = $node->safe_psql('postgres', 'SELECT current_user');
my $folder = PostgreSQL::Test::Utils::tempdir;
copy($_, $folder) for glob "$examples/*";
local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGUSER => $user, HOME => $folder, GOPATH => '/usr/share/gocode',
    GO111MODULE => 'off', GOCACHE => "$folder/go", GOFLAGS => '', JDBC_URL => 'jdbc:postgresql://127.0.0.1:' . $node->port . '/');

my @languages = (
    [ 'pytest', q{/usr/bin/python3 -c 'import pytest, psycopg2'}, '/usr/bin/python3 -m pytest -q -p no:cacheprovider', qr/^7 passed, 1 xfailed/m ],
    [ 'Node', q{node -e 'require("pg"); require("node:test")'}, 'node --test --test-reporter=tap item.test.js', qr/^# pass [1-9]\d*\n# fail 0/m ],
    [ 'minitest', q{ruby -e 'require "pg"; require "minitest"'}, 'ruby item_test.rb', qr/^5 runs, 8 assertions, 0 failures, 0 errors/m ],
    [ 'Go', 'go version && test -d /usr/share/gocode/src/github.com/lib/pq', 'go test item_test.go', qr/^ok\b/m ],
    [ 'JUnit', 'javac -version && ' . ($has_junit ? 'true' : 'false'), "javac -cp '$class_path' -d . ItemTest.java && java -cp '$class_path:.' org.junit.platform.console.ConsoleLauncher -c ItemTest --details=summary", qr/5 tests successful.*0 tests failed/s ],
);
for (@languages) {
    my ($language, $probe, $run, $good) = @$_;
  SKIP: {
        skip "$language or its driver is not installed", 1 unless system("($probe) >/dev/null 2>&1") == 0;
        my $result = run_log([ 'sh', '-c', "cd '$folder' && $run" ], '>', \my $output, '2>', \my $errors);
        ok($result && $output =~ $good, "$language: every test finds its database clean") or diag "$output$errors";
    }
}
ok($node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM dbperf.test_databases WHERE state = 'leased')}), 'no lease is left');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|differs from its template/, 'nothing bad is in the log');
done_testing();
