# Databases of failed tests that are kept: nobody is handed them, they outlive restarts, and their number is bounded. What
# somebody looks at is never dropped.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('kept');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\ndbperf.max_kept_databases = 2\ndbperf.max_test_databases = 4\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf; CREATE DATABASE origin; CREATE ROLE other CREATEDB');
$node->safe_psql('origin', 'CREATE TABLE item (name text)');

my $holder = $node->background_psql('postgres');
my $acquire = sub { return $holder->query_safe(q{SELECT dbperf.acquire_database('origin')}); };
# A copy that holds one row of its own.
sub keep {
    my ($what) = @_;
    my $copy = $acquire->();
    $node->safe_psql($copy, "INSERT INTO item VALUES ('$what')");
    is($holder->query_safe("SELECT dbperf.release_database('$copy', keep => true)"), 'kept', "$what is kept");
    return $copy;
}
sub rows { return $node->safe_psql($_[0], 'SELECT string_agg(name, $$,$$) FROM item'); }
sub kept { return $node->safe_psql('postgres', q{SELECT count(*) FROM dbperf.test_databases WHERE state = 'kept' AND holder_pid IS NULL AND template = 'origin'}); }
sub gone { return $node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_database WHERE datname = '$_[0]')"); }

my $first = keep('first');
my $second = keep('second');
is(rows($first), 'first', 'it is as the test left it');
my $next = $acquire->();
isnt($next, $_, '... and nobody is handed it') for $first, $second;
is(rows($next), '', '... but a clean one');
is($holder->query_safe("SELECT dbperf.release_database('$first', keep => true)"), 'kept', 'keeping it again is no error');
my ($code, $out, $err) = $node->psql('postgres', "SET ROLE other; SELECT dbperf.release_database('$first')");
like($err, qr/database "$first" is another role's/, 'another role cannot drop it');

# One more than allowed: the oldest goes, but not while somebody looks at it.
my $looking = $node->background_psql($first);
$looking->query_safe('SELECT 1');
is($holder->query_safe("SELECT dbperf.release_database('$next', keep => true)"), 'kept', 'a third is kept');
ok(gone($second), '... the oldest that nobody looks at goes');
is(rows($first), 'first', '... not the one that somebody looks at');
$looking->quit;
is(kept(), 2, 'two are kept');

# Restarts: whoever held copies is gone, what is kept stays.
my $lost = $acquire->();
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', 'SELECT dbperf.collect_test_databases()'), '2', 'a crash and a collection leave what is kept');
ok(gone($lost), '... but not what was leased');
is(kept(), 2, '... which is known again');
is(rows($first), 'first', '... and as it was');

# Its room is needed: all four are taken, somebody waits, the oldest kept one goes.
$holder = $node->background_psql('postgres');
$acquire->() for 1 .. 3;
ok(gone($first), 'the oldest one goes when its room is needed');
is(kept(), 1, '... and only that one');
like($node->safe_psql('postgres', q{SELECT string_agg(state, ',' ORDER BY state) FROM dbperf.test_databases}), qr/^kept,leased,leased,leased$/, '... within the bound');

is($node->safe_psql('postgres', "SELECT dbperf.release_database('$next')"), 'dropped', 'released once more it is given up');
ok(gone($next), '... and dropped');
is($node->safe_psql('postgres', q{SELECT value FROM dbperf.status() WHERE item = 'test_databases_kept'}), '0', 'what was kept before the restart is not counted');
$holder->quit;
$holder = $node->background_psql('postgres');
keep('last');
is($node->safe_psql('postgres', 'SELECT dbperf.collect_test_databases()'), '1', 'a collection leaves it');
is($node->safe_psql('postgres', 'SELECT dbperf.collect_test_databases(kept => true)'), '0', '... unless told otherwise');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_database WHERE datname LIKE 'dbperf%'}), '0', 'none is left');
$node->safe_psql('postgres', 'ALTER SYSTEM SET dbperf.max_kept_databases = 0');
$node->reload;
my $copy = $acquire->();
($code, $out, $err) = $node->psql('postgres', "SELECT dbperf.release_database('$copy', keep => true)");
like($err, qr/cannot be kept: dbperf.max_kept_databases is 0/, 'nothing can be kept when none is allowed');
$holder->quit;
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'nothing bad is in the log');
done_testing();
