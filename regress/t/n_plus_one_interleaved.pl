# Loops whose truth is known, up to five at a time over up to ten connections, in random order: each is found with exactly its calls, its
# keys and its parent, however others go on between. Arguments: the number of rounds, and the seed that gives the same again.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use List::Util qw(shuffle);
use Test::More;

my $rounds = shift // 60;
my $seed = shift // 20261129;
srand $seed;
my $connections = 10;
my $each_run = 20; # rounds

my $node = PostgreSQL::Test::Cluster->new('interleaved');
$node->init;
$node->append_conf('postgresql.conf', q{
    shared_preload_libraries = 'dbperf'
    dbperf.database = 'postgres'
    dbperf.capture_plans = off
    dbperf.scope_gap = '10s'
    dbperf.max_findings = 2000});
$node->start;

# Ids of all tables are the same small numbers. Lists show columns that nobody looks up, too, some with the same numbers.
$node->safe_psql('postgres', q{
    CREATE EXTENSION dbperf;
    CREATE EXTENSION dblink;
    CREATE TABLE customer (id int PRIMARY KEY, name text);
    CREATE TABLE country (id int PRIMARY KEY, name text);
    CREATE TABLE purchase (id int PRIMARY KEY, customer_id int REFERENCES customer, place int, amount int);
    CREATE TABLE visit (id int PRIMARY KEY, customer_id int, country_id int);
    CREATE TABLE item (id int PRIMARY KEY, purchase_id int REFERENCES purchase, piece int);
    CREATE INDEX ON purchase (customer_id);
    CREATE INDEX ON item (purchase_id);
    INSERT INTO customer SELECT i, 'customer ' || i FROM generate_series(1, 400) i;
    INSERT INTO country SELECT i, 'country ' || i FROM generate_series(1, 400) i;
    INSERT INTO purchase SELECT i, 1 + i * 7 % 397, 1 + i * 5 % 389, i * 3 % 50 FROM generate_series(1, 400) i;
    INSERT INTO visit SELECT i, 1 + i * 11 % 397, 1 + i * 13 % 383 FROM generate_series(1, 400) i;
    INSERT INTO item SELECT i, 1 + i % 400, i % 9 FROM generate_series(1, 1200) i;
    ANALYZE});

# Kinds of loops: the list, the column it is looked up by, the child. AS and NAME make each loop's statements its own.
my @kinds = (
    { list => 'SELECT id AS NAME, customer_id, place, amount FROM purchase WHERE id BETWEEN FROM AND TO ORDER BY id', key => 'customer_id',
        child => 'SELECT name AS NAME FROM customer WHERE id = KEY', column => 'customer.id', parent => 'customer_id' },
    { list => 'SELECT id AS NAME, country_id, customer_id FROM visit WHERE id BETWEEN FROM AND TO ORDER BY id', key => 'country_id',
        child => 'SELECT name AS NAME FROM country WHERE id = KEY', column => 'country.id', parent => 'country_id' },
    { list => 'SELECT id, place, amount AS NAME FROM purchase WHERE id BETWEEN FROM AND TO ORDER BY id DESC', key => 'id',
        child => 'SELECT id, piece AS NAME FROM item WHERE purchase_id = KEY', column => 'item.purchase_id', parent => 'id' });
my %formula = (
    customer_id => sub { 1 + $_[0] * 7 % 397 }, country_id => sub { 1 + $_[0] * 13 % 383 }, id => sub { $_[0] });

# The statements of one loop, as [connection, SQL], in their order; and what is to be found.
sub make_loop {
    my ($name, $first) = @_;
    my $kind = $kinds[ rand @kinds ];
    my $size = 5 + int rand 28;
    my $from = 1 + int rand(400 - $size);
    my @rows = $from .. $from + $size - 1;
    @rows = reverse @rows if $kind->{list} =~ /DESC/;
    my @keys = map { $formula{ $kind->{key} }->($_) } @rows;
    # On one connection by itself, in a transaction of it, tagged over several, or over several as a pool does it.
    my $unit = ('own', 'transaction', 'tagged', 'pool')[ rand 4 ];
    my $comment = $unit eq 'tagged' ? sprintf(" /*traceparent='00-%032x-b7ad6b7169203331-01'*/", 1 + int rand 1e15) : '';
    my $to = $from + $size - 1;
    my @statements = ($kind->{list} =~ s/FROM AND TO/$from AND $to/r =~ s/NAME/$name/gr . $comment);
    push @statements, map { $kind->{child} =~ s/NAME/$name/gr =~ s/KEY/$_/r . $comment } @keys;
    my @steps;
    my $many = $unit eq 'tagged' || $unit eq 'pool';
    for my $i (0 .. $#statements) {
        push @steps, [ $many ? int rand $connections : $first, $statements[$i] ];
    }
    if ($unit eq 'transaction') {
        unshift @steps, [ $first, 'BEGIN' ];
        push @steps, [ $first, 'COMMIT' ];
    }
    my %distinct = map { $_ => 1 } @keys;
    return { name => $name, unit => $unit, steps => \@steps,
        expected => join '|', $name, 'n_plus_one', 'proven', $kind->{column}, $kind->{parent}, $size, scalar keys %distinct };
}

# A transaction has its connection to itself; all others are dealt in random order.
sub interleave {
    my @loops = @_;
    my @dealt;
    while (my @left = grep { @{ $_->{steps} } } @loops) {
        my $loop = $left[ rand @left ];
        my $count = $loop->{unit} eq 'transaction' && rand() < 0.3 ? 3 : 1;
        push @dealt, splice @{ $loop->{steps} }, 0, $count;
    }
    return @dealt;
}

# One psql drives all connections, so that the order is this one.
sub as_sent {
    my ($connection, $statement) = @_;
    return "SELECT dblink_exec('c$connection', '$statement');\n" if $statement =~ /^(BEGIN|COMMIT)/;
    my ($output) = $statement =~ /^SELECT (.*?) FROM/;
    my $columns = join ', ', map { "c$_ text" } 0 .. ($output =~ tr/,//);
    return "SELECT count(*) FROM dblink('c$connection', \$q\$$statement\$q\$) t($columns);\n";
}

my ($good, @wrong) = (0);
for (my $first = 0; $first < $rounds; $first += $each_run) {
    my (@expected, %unit_of);
    my $script = "SET dbperf.n_plus_one = off;\n";
    $script .= "SELECT dblink_connect('c$_', 'dbname=postgres application_name=app host=' || current_setting('unix_socket_directories') || ' port=' || current_setting('port'));\n" for 0 .. $connections - 1;
    for my $round ($first .. $first + $each_run - 1) {
        my @own = shuffle(0 .. $connections - 1);
        my @loops = map { make_loop("r${round}_$_", $own[$_]) } 0 .. int rand 5;
        push @expected, map { $_->{expected} } @loops;
        $unit_of{ $_->{name} } = $_->{unit} for @loops;
        # Connections of a transaction take no part in others, and who tags statements tags all of them.
        my %taken = map { $_->{steps}[0][0] => 1 } grep { $_->{unit} eq 'transaction' } @loops;
        for my $loop (grep { $_->{unit} ne 'transaction' } @loops) {
            my @free = grep { !$taken{$_} && ($_ % 2 == 0) == ($loop->{unit} eq 'tagged') } 0 .. $connections - 1;
            my $own = $free[ rand @free ];
            $_->[0] = $loop->{unit} eq 'own' ? $own : $free[ $_->[0] % @free ] for @{ $loop->{steps} };
        }
        $script .= as_sent(@$_) for interleave(@loops);
    }
    $script .= "SELECT dblink_disconnect('c$_');\n" for 0 .. $connections - 1;
    $node->safe_psql('postgres', qq{SELECT dbperf.start_run('rounds $first')});
    $node->safe_psql('postgres', $script);
    $node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
    my %found;
    for (split /\n/, $node->safe_psql('postgres', qq{SELECT substring(query, 'r[0-9]+_[0-9]'), kind, confidence, key_column, coalesce(parent_column, ''), calls, distinct_keys
            FROM dbperf.n_plus_one WHERE run = 'rounds $first' AND confidence <> 'possible'})) {
        push @{ $found{ (split /\|/)[0] } }, $_;
    }
    for my $expected (@expected) {
        my $name = (split /\|/, $expected)[0];
        my $is = join ' and ', @{ delete $found{$name} // ['nothing'] };
        if ($is eq $expected) { $good++; } else { push @wrong, "$unit_of{$name}: expected $expected, found $is"; }
    }
    push @wrong, map { "expected nothing, found @$_" } values %found;
}
is(scalar @wrong, 0, "loops of $rounds rounds are found as they are ($good)") or diag join "\n", "seed $seed", @wrong[ 0 .. ($#wrong < 200 ? $#wrong : 200) ];
cmp_ok($good, '>', $rounds, '... and there were some');

$node->stop;
done_testing();
