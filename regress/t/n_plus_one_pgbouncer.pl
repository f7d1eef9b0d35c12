# A transaction pooler hands every statement to another backend: what one client does is still found as one loop, and what
# many clients do is not.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
plan skip_all => 'there is no pgbouncer: install the package pgbouncer' unless $pgbouncer;

my $node = PostgreSQL::Test::Cluster->new('behind_pooler');
$node->init;
# The clients of pgbench all have the same name, as those of one application server have.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\n"
      . "dbperf.scope_gap = '1s'\n");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION dbperf;
    CREATE TABLE customer (id int PRIMARY KEY, name text);
    INSERT INTO customer SELECT 5000 + i, 'c' || i FROM generate_series(0, 499) i;
    CREATE TABLE purchase (id int PRIMARY KEY, customer_id int REFERENCES customer);
    INSERT INTO purchase SELECT i, 5000 + i * 7 % 500 FROM generate_series(0, 499) i;
    ANALYZE});

# The server connections are taken in turn, so that even one client changes its backend with every statement.
my $dir = PostgreSQL::Test::Utils::tempdir_short;
my $port = PostgreSQL::Test::Cluster::get_free_port();
my ($host, $user) = ($node->host, $node->safe_psql('postgres', 'SELECT current_user'));
append_to_file("$dir/pgbouncer.ini", <<"END_OF_SETTINGS");
[databases]
postgres = host=$host port=@{[ $node->port ]} user=$user
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $dir
auth_type = any
pool_mode = transaction
default_pool_size = 6
server_round_robin = 1
ignore_startup_parameters = extra_float_digits
END_OF_SETTINGS
my $pooler = IPC::Run::start([ $pgbouncer, '-q', "$dir/pgbouncer.ini" ], '<', \undef, '>', \my $pooler_out, '2>', \my $pooler_err);
END { $pooler->kill_kill(grace => 5) if $pooler; }

my $through = "host=$dir port=$port dbname=postgres user=$user";
for my $try (1 .. 100) {
    last if -S "$dir/.s.PGSQL.$port";
    select undef, undef, undef, 0.1;
}

# Several connections, each doing the script once; :client_id tells them apart.
sub play {
    my ($clients, $protocol, $script, $name) = @_;
    my $file = "$dir/script.sql";
    unlink $file;
    append_to_file($file, $script);
    local $ENV{PGAPPNAME} = $name // 'shop';
    my ($out, $err) = run_command([ 'pgbench', '-n', '-c', $clients, '-j', 1, '-t', 1, '-M', $protocol, '-f', $file, $through ]);
    like($out, qr/number of transactions actually processed: $clients\//, "... ($clients clients, $protocol, played)");
}

# What was found in a run of its own. The pooler's backends stay: finish_run() asks for what they have left to tell.
my $run = 0;
sub found_by {
    my ($clients, $protocol, $script) = @_;
    $run++;
    $node->safe_psql('postgres', "SELECT dbperf.start_run('run $run')");
    play($clients, $protocol, $script);
    return $node->safe_psql('postgres', "SELECT dbperf.finish_run() \\gset
        SELECT kind, confidence, calls, distinct_keys, backends > 1, key_column, parent_relation || '.' || parent_column
          FROM dbperf.n_plus_one WHERE run = 'run $run' ORDER BY 1, 2, 3");
}
my $backends = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()};

# The pool is filled, all its backends being in use at once.
play(12, 'simple', "SELECT pg_sleep(0.2);\n");
is($node->safe_psql('postgres', $backends), '6', 'twelve clients share six backends');

my $list = "SELECT id, customer_id FROM purchase WHERE id < 40 ORDER BY id;\n";
my $request = 0;
sub trace_of_request { return sprintf "/*traceparent='00-%032x-b7ad6b7169203331-01'*/", 0xabc000 + $request; } # the same until the next
sub next_trace { $request++; return trace_of_request(); }
sub lookup {
    my ($row, $comment) = @_;
    return "\\set key 5000 + ($row) * 7 % 500\nSELECT name FROM customer WHERE id = :key" . ($comment ? " $comment" : '') . ";\n";
}
my $proven = 'n_plus_one|proven|40|40|t|customer.id|public.purchase.customer_id';
sub tagged_list { my ($comment) = @_; return $comment ? $list =~ s/;/ $comment;/r : $list; }
sub one_by_one { my ($comment) = @_; return tagged_list($comment) . join '', map { lookup($_, $comment) } 0 .. 39; }

# One of ten connections reads the list, then all of them look its rows up at once, dealt in turn.
sub dealt { my ($comment) = @_; return join '', map { lookup("10 * $_ + :client_id", $comment) } 0 .. 3; }
sub all_at_once { my ($comment) = @_; return "\\if :client_id = 0\n" . tagged_list($comment) . "\\endif\n\\sleep 100 ms\n" . dealt($comment); }

for my $protocol ('simple', 'extended') {
    for my $case ([ 'one by one', 1, one_by_one() ], [ 'ten at once', 10, all_at_once() ],
                  [ 'one by one, traced', 1, one_by_one(next_trace()) ], [ 'ten at once, traced', 10, all_at_once(next_trace()) ]) {
        my ($what, $clients, $script) = @$case;
        is(found_by($clients, $protocol, $script), $proven, "$what, $protocol: proven over several backends");
    }
}

# A trace without the list, and one whose transactions each stay with a backend.
is(found_by(10, 'extended', dealt(next_trace())), 'n_plus_one|likely|40|40|t|customer.id|', 'the list came from elsewhere: likely');
is(found_by(1, 'extended', "BEGIN;\n" . one_by_one() . "COMMIT;\n"), $proven =~ s/\|t\|/|f|/r, 'in a transaction: one backend');

# Not this: many clients, each looking up a row of its own; also after somebody read a list, some of whose rows are among them.
for my $traced ('', ', traced') {
    for my $listed ('', ', after a list') {
        # Every client is a request with a trace of its own; the protocol is simple: the comment is part of the text.
        my $own = $traced ? "/*traceparent='00-000000000000000000000000000:own-b7ad6b7169203331-01'*/" : '';
        # Without a trace five clients may follow each other on one backend of a busy pooler: possible, which fails no check.
        my $found = found_by(10, 'simple', ($listed ? "\\if :client_id = 0\n" . tagged_list($traced && next_trace()) . "\\endif\n\\sleep 100 ms\n" : '')
              . "\\set own 10000 + :client_id\n" . lookup('(:client_id * 13 + 5) % 40', $own));
        unlike($found, $traced ? qr/./ : qr/proven|likely/, "ten clients, one row each$listed$traced");
    }
}

# Not this either: the list of one application and the rows of another.
play(1, 'extended', $list, 'other');
unlike(found_by(10, 'extended', dealt()), qr/proven|likely/, 'another application looks rows up');

$pooler->kill_kill(grace => 5);
$pooler = undef;
is($node->poll_query_until('postgres', "SELECT ($backends) = 0"), 1, 'the pooler is gone');
$node->stop;
done_testing();
