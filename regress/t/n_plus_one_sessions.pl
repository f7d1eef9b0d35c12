# Many sessions at once, each repeating a trace of its own: the verdicts are those of one at a time.
# Arguments: sessions (8) and seconds (of each round; without, every session plays its trace a fixed number of times).
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($sessions, $seconds) = @ARGV;
$sessions //= 8;

my $node = PostgreSQL::Test::Cluster->new('sessions');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\n"
      . 'max_connections = ' . ($sessions + 20) . "\n");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION dbperf;
    CREATE TABLE customer (id int PRIMARY KEY, name text);
    INSERT INTO customer SELECT 1000 + i, 'c' || i FROM generate_series(0, 99) i;
    CREATE TABLE purchase (id int PRIMARY KEY, customer_id int REFERENCES customer, total int);
    INSERT INTO purchase SELECT 5000 + i, 1000 + i / 8, i FROM generate_series(0, 799) i;
    CREATE INDEX ON purchase (customer_id);
    CREATE TABLE item (id int PRIMARY KEY, purchase_id int REFERENCES purchase);
    INSERT INTO item SELECT 90000 + i, 5000 + i / 3 FROM generate_series(0, 2399) i;
    CREATE INDEX ON item (purchase_id);
    ANALYZE});

# A trace is a script of pgbench and what is found in it: kind, confidence, key, parent column, calls each time it is played.
# NAME stands in every statement, so that a finding tells whose it is.
sub each_row { my ($statement, @keys) = @_; return join '', map { $statement =~ s/KEY/$_/gr . ";\n" } @keys; }
my $read_customer = 'SELECT name AS NAME FROM customer WHERE id = KEY';
my $list = "SELECT id AS NAME, customer_id FROM purchase WHERE id BETWEEN 5000 AND 5063 AND id % 8 = 0 ORDER BY id;\n"; # of customers 1000 to 1007
my @customers = map { 1000 + $_ } 0 .. 7;
my @traces = (
    # Played again and again without a pause, it reads one list again and again in one burst.
    [ 'loop over a list', 'extended', $list . each_row($read_customer, @customers),
        "n_plus_one proven customer.id customer_id 8\nredundant possible purchase.id  1" ],
    [ 'the same in a transaction', 'prepared', "BEGIN;\n$list" . each_row($read_customer, @customers) . "COMMIT;\n",
        'n_plus_one proven customer.id customer_id 8' ],
    [ 'tagged', 'simple', "\\set request random(1000000, 9999999)\n" . each_row("$read_customer /*traceparent='00-0000000000000000000000000:request-b7ad6b7169203331-01'*/", @customers),
        'n_plus_one likely customer.id  8' ],
    [ 'in a transaction, no list', 'simple', "BEGIN;\n" . each_row($read_customer, reverse @customers) . "COMMIT;\n",
        'n_plus_one likely customer.id  8' ],
    [ 'two levels', 'extended', "BEGIN;\nSELECT id AS NAME FROM customer WHERE id BETWEEN 1000 AND 1005 ORDER BY id;\n" . join('', map {
            my $customer = $_;
            each_row('SELECT id AS NAME FROM purchase WHERE customer_id = KEY', 1000 + $customer)
                . each_row('SELECT id AS NAME FROM item WHERE purchase_id = KEY', map { 5000 + 8 * $customer + $_ } 0 .. 7)
        } 0 .. 5) . "COMMIT;\n",
        "n_plus_one proven item.purchase_id id 48\nn_plus_one proven purchase.customer_id id 6" ],
    [ 'redundant', 'extended', "BEGIN;\n" . each_row($read_customer, (1042) x 8) . "COMMIT;\n",
        'redundant likely customer.id  8' ],
    [ 'paging', 'extended', "BEGIN;\n" . each_row('SELECT id AS NAME FROM purchase ORDER BY id LIMIT 10 OFFSET KEY', map { 10 * $_ } 0 .. 7)
            . each_row('SELECT id AS NAME, total FROM purchase WHERE id > KEY ORDER BY id LIMIT 10', map { 5009 + 10 * $_ } 0 .. 7) . "COMMIT;\n", '' ],
    [ 'lists of keys', 'simple', "BEGIN;\n$list" . each_row('SELECT name AS NAME FROM customer WHERE id IN (KEY, KEY + 1)', 1000, 1002, 1004, 1006, 1008, 1010) . "COMMIT;\n", '' ],
    [ 'the chain of one row', 'prepared', "BEGIN;\nSELECT purchase_id AS NAME FROM item WHERE id = 90010;\nSELECT customer_id AS NAME FROM purchase WHERE id = 5003;\n"
            . each_row($read_customer, 1000) . "COMMIT;\n", '' ],
    [ 'writes per row', 'extended', "BEGIN;\n$list" . each_row('UPDATE purchase_NAME SET total = total + 1 WHERE customer_id = KEY', @customers) . "COMMIT;\n",
        'n_plus_one_write proven purchase_NAME.customer_id customer_id 8' ],
    [ 'a loop in a function', 'simple', "SELECT walk_NAME() AS NAME;\n", 'server_loop likely customer.id  8' ],
    [ 'a loop by a trigger', 'extended', "BEGIN;\nINSERT INTO copy_NAME SELECT id, customer_id FROM purchase WHERE id % 8 = 0 AND id < 5064;\nROLLBACK;\n",
        'server_loop likely customer.id  8' ]);

my $dir = PostgreSQL::Test::Utils::tempdir;
for my $number (0 .. $sessions - 1) {
    my $objects = q{
        CREATE TABLE purchase_NAME AS SELECT id, customer_id, total FROM purchase WHERE id % 8 = 0;
        CREATE UNIQUE INDEX ON purchase_NAME (customer_id);
        CREATE FUNCTION walk_NAME() RETURNS void LANGUAGE plpgsql AS $$
        BEGIN FOR i IN 1000 .. 1007 LOOP PERFORM name AS NAME FROM customer WHERE id = i; END LOOP; END $$;
        CREATE TABLE copy_NAME (id int, customer_id int);
        CREATE FUNCTION look_NAME() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM name AS NAME FROM customer WHERE id = new.customer_id; RETURN new; END $$;
        CREATE TRIGGER look BEFORE INSERT ON copy_NAME FOR EACH ROW EXECUTE FUNCTION look_NAME();};
    $node->safe_psql('postgres', $objects =~ s/NAME/s$number/gr);
}

sub begin_trace {
    my ($number, $trace, $length) = @_;
    my (undef, $protocol, $script) = @$trace;
    my $file = "$dir/s$number.sql";
    unlink $file;
    append_to_file($file, $script =~ s/NAME/s$number/gr);
    local $ENV{PGAPPNAME} = "s$number";
    my $played = { number => $number, trace => $trace };
    $played->{process} = IPC::Run::start([ 'pgbench', '-n', '-c', 1, @$length, '-M', $protocol, '-f', $file, $node->connstr('postgres') ],
        '<', \undef, '>', \$played->{out}, '2>', \$played->{err});
    return $played;
}

# Per trace, in the words of the list above; calls are per time played. What values came from is remembered in little room:
# of many thousand loops under load, a few may miss a call.
my $digits = $seconds ? 0 : 1;
sub verdict_of {
    my ($run, $played) = @_;
    my ($times) = $played->{out} =~ /number of transactions actually processed: (\d+)/;
    return "not played: $played->{err}" unless $times;
    my $found = $node->safe_psql('postgres', qq{
        SELECT concat_ws(' ', kind, confidence, key_column, coalesce(parent_column, ''), trim_scale(round(calls::numeric / $times, $digits)))
          FROM dbperf.n_plus_one WHERE run = '$run' AND query ~ '(\\m|_)s$played->{number}\\M' ORDER BY 1});
    return $found =~ s/_s$played->{number}\./_NAME./gr;
}

for my $trace (@traces) {
    $node->safe_psql('postgres', qq{SELECT dbperf.start_run('alone: $trace->[0]')});
    my $played = begin_trace(0, $trace, [ '-t', 20 ]);
    $played->{process}->finish;
    $node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
    is(verdict_of("alone: $trace->[0]", $played), $trace->[3], "alone: $trace->[0]");
}

# Every trace is played at least once, each time beside others.
my $rounds = int(($#traces + $sessions) / $sessions);
for my $round (1 .. $rounds) {
    $node->safe_psql('postgres', "SELECT dbperf.start_run('together $round')");
    my @played = map { begin_trace($_, $traces[ ($round * $sessions + $_) % @traces ], $seconds ? [ '-T', $seconds ] : [ '-t', 100 ]) } 0 .. $sessions - 1;
    $_->{process}->finish for @played;
    $node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
    is(verdict_of("together $round", $_), $_->{trace}[3], "together, round $round: $_->{trace}[0]") for @played;
}
# Sixty requests at the same time, each on two connections in turns: none takes the place of another, and the last call of each is told.
$node->safe_psql('postgres', q{SELECT dbperf.start_run('requests')});
my @connections = map { $node->background_psql('postgres') } 1 .. 2;
for my $call (1 .. 47) { # not all of them are told at once
    my $key = 1000 + $call;
    $connections[ $call % 2 ]->query_safe(join ' ', map { my $trace = sprintf '%032x', 1 << 20 | $_; "SELECT name AS of_$_ FROM customer WHERE id = $key /*traceparent='00-$trace-b7ad6b7169203331-01'*/;" } 1 .. 60);
}
$_->quit for @connections;
$node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT query), min(calls), max(calls), min(backends) FROM dbperf.n_plus_one WHERE run = 'requests'}), '60|60|47|47|2', 'many requests over several connections');

# Flushes while a loop goes on, and a second loop over the same list: nothing is counted twice.
$node->safe_psql('postgres', q{SELECT dbperf.start_run('flushed')});
my $looping = $node->background_psql('postgres');
$looping->query_safe(q{SET dbperf.scope_gap = '1h'}); # a flush may take its time on a busy machine
for my $round (1 .. 2) {
    my @ids = split /\n/, $looping->query_safe('SELECT id AS flushed, customer_id FROM purchase WHERE id BETWEEN 5000 AND 5799 AND id % 8 = 0 ORDER BY id');
    for my $i (0 .. $#ids) {
        my ($customer) = $ids[$i] =~ /\|(\d+)/;
        $looping->query_safe("SELECT name AS flushed FROM customer WHERE id = $customer");
        $node->safe_psql('postgres', 'SELECT dbperf.flush()') if $i % 17 == 9;
    }
}
$node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
is($node->safe_psql('postgres', q{SELECT sum(calls), max(distinct_keys) FROM dbperf.n_plus_one WHERE run = 'flushed' AND key_column = 'customer.id'}),
    '200|100', 'what a flush reported is not reported again');
$looping->quit;

# A tag may stand behind the semicolon, where some libraries write it.
$node->safe_psql('postgres', q{SELECT dbperf.start_run('behind')});
for my $key (1001 .. 1006) {
    my $tag = "traceparent='00-000000000000000000000000000be41d-b7ad6b7169203331-01',controller='orders'";
    system_or_bail('psql', '-XAtq', '-o', '/dev/null', '-d', $node->connstr('postgres'), '-c', "SELECT name AS behind FROM customer WHERE id = $key; /*$tag*/");
}
$node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
is($node->safe_psql('postgres', q{SELECT kind, confidence, calls, backends, call_site FROM dbperf.n_plus_one WHERE run = 'behind' AND query LIKE '%behind%'}),
    "n_plus_one|likely|6|6|controller='orders'", 'a tag behind the semicolon is read');

is($node->safe_psql('postgres', q{SELECT sum(value::bigint) FROM dbperf.status() WHERE item LIKE 'dropped%'}), '0', 'nothing was dropped');
$node->stop;
done_testing();
