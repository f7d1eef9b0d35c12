# One workload, made by a seed and played three times, the last time after a restart: the findings are the same each time, also
# those that are only possible. Arguments: the number of pieces, and the seed.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $pieces = shift // 60;
my $seed = shift // 20261129;
srand $seed;
my $connections = 5;

my $node = PostgreSQL::Test::Cluster->new('again');
$node->init;
$node->append_conf('postgresql.conf', q{
    shared_preload_libraries = 'dbperf'
    dbperf.database = 'postgres'
    dbperf.capture_plans = off
    dbperf.scope_gap = '1h'
    autovacuum = off
    fsync = off});
$node->start;
# Everything is called by the same small numbers, so that many columns explain a key.
$node->safe_psql('postgres', q{
    CREATE EXTENSION dbperf;
    CREATE EXTENSION dblink;
    CREATE TABLE customer (id int PRIMARY KEY, name text, visits int DEFAULT 0);
    CREATE TABLE country (id int PRIMARY KEY, name text);
    CREATE TABLE purchase (id int PRIMARY KEY, customer_id int REFERENCES customer, place int);
    CREATE INDEX ON purchase (customer_id);
    INSERT INTO customer SELECT i, 'customer ' || i FROM generate_series(1, 60) i;
    INSERT INTO country SELECT i, 'country ' || i FROM generate_series(1, 60) i;
    INSERT INTO purchase SELECT i, 1 + i * 7 % 53, 1 + i * 5 % 47 FROM generate_series(1, 60) i;
    ANALYZE});

sub some { my ($from, $to) = sort { $a <=> $b } 1 + int rand 60, 1 + int rand 60; return ($from, $to) }
my @lists = ('SELECT id, customer_id, place FROM purchase WHERE id BETWEEN %d AND %d ORDER BY id', 'SELECT id, name FROM customer WHERE id BETWEEN %d AND %d ORDER BY id DESC',
    'SELECT id FROM country WHERE id BETWEEN %d AND %d ORDER BY id');
my @children = ('SELECT name FROM customer WHERE id = %d', 'SELECT name FROM country WHERE id = %d', 'SELECT id, place FROM purchase WHERE customer_id = %d',
    'SELECT visits FROM customer WHERE visits = 0 AND id = %d', 'UPDATE customer SET visits = visits + 0 WHERE id = %d');

# One key again and again is left out: whether that is a poll the pauses say, and those are the machine's.
# Statements that belong together, and what ties them: nothing, a transaction, many small ones, or a tag.
sub piece {
    my $list = sprintf $lists[ rand @lists ], some();
    my $child = $children[ rand @children ];
    my $count = 3 + int rand 12;
    my $first = 1 + int rand(60 - $count);
    my @keys = map { $first + $_ } 0 .. $count - 1;
    @keys = map { 1 + $_ * 7 % 53 } @keys if rand() < 0.4; # the customers of these purchases
    @keys = map { 100 + $_ } @keys if rand() < 0.2; # which no list has
    my @statements = map { sprintf $child, $_ } @keys;
    unshift @statements, $list if rand() < 0.7;
    my $tie = int rand 4;
    @statements = ('BEGIN', @statements, 'COMMIT') if $tie == 1;
    @statements = map { ('BEGIN', $_, 'COMMIT') } @statements if $tie == 2;
    my $trace = sprintf "/*traceparent='00-%032x-b7ad6b7169203331-01'*/", 1 + int rand 1e9;
    @statements = map { "$_ $trace" } @statements if $tie == 3;
    return { whole => $tie == 1 || $tie == 2, statements => \@statements };
}

# Sessions one after another, then several at once, whose order is this one since one psql drives them all.
my @sessions = map { join ";\n", (map { @{ $_->{statements} } } map { piece() } 1 .. $pieces / 5), '' } 1 .. 3;
# What nothing ties together but that it is near.
$sessions[0] .= join '', map { "SELECT visits FROM customer WHERE name = 'nobody $_';\n" } 1 .. 8;
my @dealt;
{
    my @queues = map { [ map { piece() } 1 .. $pieces / 10 ] } 1 .. $connections;
    while (my @left = grep { @{ $queues[$_] } } 0 .. $#queues) {
        my $connection = $left[ rand @left ];
        my $piece = $queues[$connection][0];
        push @dealt, [ $connection, $_ ] for splice @{ $piece->{statements} }, 0, 1 + int rand 4;
        shift @{ $queues[$connection] } unless @{ $piece->{statements} };
    }
}
my $at_once = "SET dbperf.n_plus_one = off;\n";
$at_once .= "SELECT dblink_connect('c$_', 'dbname=postgres application_name=app host=' || current_setting('unix_socket_directories') || ' port=' || current_setting('port'));\n" for 0 .. $connections - 1;
for (@dealt) {
    my ($connection, $statement) = @$_;
    my ($output) = $statement =~ /^SELECT (.*?) FROM/;
    $at_once .= defined $output
      ? "SELECT count(*) FROM dblink('c$connection', \$q\$$statement\$q\$) t(" . join(', ', map { "c$_ text" } 0 .. ($output =~ tr/,//)) . ");\n"
      : "SELECT dblink_exec('c$connection', \$q\$$statement\$q\$);\n";
}
$at_once .= "SELECT dblink_disconnect('c$_');\n" for 0 .. $connections - 1;

sub played {
    my ($label) = @_;
    $node->safe_psql('postgres', "SELECT dbperf.start_run('$label')");
    for my $script (@sessions, $at_once) {
        $node->safe_psql('postgres', $script);
        # The last of a session is reported when it ends, shortly after its client.
        $node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
    }
    $node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
    return $node->safe_psql('postgres', qq{SELECT concat_ws(' ', kind, confidence, calls, distinct_keys, scopes, scope_calls_min, scope_calls_max, backends, scope,
            key_column, 'from', parent_relation, parent_column, 'in', query)
        FROM dbperf.n_plus_one WHERE run = '$label' ORDER BY 1});
}

my $first = played('first');
is(played('second'), $first, "the same findings again (seed $seed)");
$node->restart;
is(played('third'), $first, '... and after a restart');
my %seen;
$seen{$_}++ for $first =~ /\b(proven|likely|possible|n_plus_one_write)\b/g;
ok(defined $seen{$_}, "$_ ones are among them") for qw(proven likely possible n_plus_one_write);
my @costs = split /\n/, $node->safe_psql('postgres', q{SELECT n.run || ': ' || n.query FROM dbperf.n_plus_one n JOIN dbperf.runs r USING (run_id)
    WHERE n.wait_ms > extract(epoch FROM r.finished_at - r.started_at) * 1000});
is(scalar @costs, 0, 'nobody waited longer than the run took') or diag join "\n", @costs;

$node->stop;
done_testing();
