# The sample shop: its data is the same on every server and under every setting, and 002 changes the plan of order_history
# and of no other monitored query.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('shop');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\njit = off\nfsync = off\n");
$node->start;

my $seed = slurp_file('benchmarks/data/seed.sql');
my @settings = ('', q{SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'; SET work_mem = '64kB';
                      SET enable_hashjoin = off; SET enable_mergejoin = off; SET shop.scale = '1'});

# The md5 of each table at scale 1 as documented.
my %documented = slurp_file('benchmarks/data/README.md') =~ /^\| (\w+) \| ([0-9a-f]{32}) \|/mg;
is(scalar(keys %documented), 6, 'six tables are documented');

for my $number (0 .. $#settings) {
    my $database = "shop$number";
    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $node->safe_psql($database, slurp_file('migrations/001_baseline.sql'));
    # One string, one message: as a client sends it.
    $node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database),
                        ($settings[$number] ? ('-c', $settings[$number]) : ()), '-c', $seed ], "the seed loads ($number)");
    my %found = map { my ($name, undef, $md5) = split /\|/; ($name => $md5) }
        split /\n/, $node->safe_psql($database, slurp_file('benchmarks/data/checksum.sql'));
    is_deeply(\%found, \%documented, "every table has the documented content ($number)");
}
is($node->safe_psql('shop0', "SELECT count(*) FROM pg_class WHERE relname LIKE 'seed%'"), '0', 'the seed leaves nothing else behind');

my (undef, undef, $message) = $node->psql('shop0', $seed);
like($message, qr/the shop already has rows/, 'a second seed is refused');
for my $scale ('0', '-1', '1.5', 'x', '10000') {
    (undef, undef, $message) = $node->psql('shop0', "SET shop.scale = '$scale'; $seed");
    like($message, qr/shop\.scale must be a whole number/, "scale $scale is refused");
}

# The monitored queries, each as one EXPLAIN for each of its parameter sets.
my %explain;
for my $file (glob 'benchmarks/queries/*.sql') {
    my $text = slurp_file($file);
    my ($name) = $text =~ /^-- name: (\w+)$/m;
    my ($params) = $text =~ /^-- params: (.+)$/m;
    like($text, qr/^-- dbperf: .*\bbudget_p95=\d+ms\b/m, "$name has a budget");
    $text =~ s/^--.*\n//mg;
    my $placeholder = qr/(?<!:):([a-z_]+)/;
    my @names = do { my %seen; grep { !$seen{$_}++ } $text =~ /$placeholder/g };
    my $literals = join ', ', map { "quote_nullable($_)" } @names;
    my @rows = split /\n/, $node->safe_psql('shop0', "SELECT concat_ws(chr(1), $literals) FROM ($params) AS p");
    cmp_ok(scalar @rows, '>=', 20, "$name has at least 20 parameter sets");
    for my $row (@rows) {
        my %value;
        @value{@names} = split /\x01/, $row;
        (my $statement = $text) =~ s/$placeholder/$value{$1}/g;
        $explain{$name} .= "EXPLAIN (COSTS OFF) $statement\n";
    }
}
is(join(' ', sort keys %explain), 'inventory_search order_detail order_history sales_by_day user_lookup', 'five queries are monitored');

sub plans {
    return { map { ($_ => $node->safe_psql('shop0', $explain{$_})) } keys %explain };
}

$node->safe_psql('shop0', 'VACUUM ANALYZE');
my $before = plans();
$node->safe_psql('shop0', slurp_file('migrations/002_add_indexes.sql'));
$node->safe_psql('shop0', 'VACUUM ANALYZE');
my $after = plans();

for my $name (sort keys %$before) {
    next if $name eq 'order_history';
    is($after->{$name}, $before->{$name}, "002 leaves the plans of $name alone");
}
my $sets = () = $before->{order_history} =~ /^Sort/mg;
is(scalar(() = $before->{order_history} =~ /Seq Scan on orders/g), $sets, 'before 002 order_history is a sequential scan, every time');
is(scalar(() = $after->{order_history} =~ /Bitmap Index Scan on idx_orders_user_created/g), $sets, 'after it a bitmap index scan, every time');

$node->stop;
done_testing();
