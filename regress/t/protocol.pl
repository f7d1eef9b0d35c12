# What drivers can send: one text prepared with many types, in any order, with portals that are left open, pipelines and
# errors on the way, and as many parameters as there can be. Every answer is what it is without dbperf.
use strict;
use warnings;
use IO::Socket::UNIX;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('protocol');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\nlog_statement = none\nlog_min_error_statement = panic\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf');
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE item (id int PRIMARY KEY, code text UNIQUE, tag uuid, note text);
INSERT INTO item SELECT i, i::text, ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid FROM generate_series(1, 50) i;
CREATE DOMAIN number AS int;
CREATE FUNCTION twice(number) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
ANALYZE item;
SQL
$node->safe_psql('postgres', 'CREATE DATABASE plain TEMPLATE postgres');

# --- a client of the protocol, without a library that knows better -------------------------------------------------

sub message { my ($type, $body) = @_; return $type . pack('N', 4 + length $body) . $body; }
sub parse { my ($name, $text, @types) = @_; return message('P', "$name\0$text\0" . pack('n N*', scalar @types, @types)); }
sub bind_values {
    my ($portal, $name, @values) = @_;
    return message('B', "$portal\0$name\0" . pack('n n', 0, scalar @values) . join('', map { defined $_ ? pack('N/a*', $_) : pack('N', 0xffffffff) } @values) . pack('n', 0));
}
sub execute { my ($portal, $rows) = @_; return message('E', "$portal\0" . pack('N', $rows // 0)); }
sub close_portal { return message('C', "P$_[0]\0"); }
sub sync { return message('S', ''); }

sub receive {
    my ($socket, $length) = @_;
    my $bytes = '';
    while (length $bytes < $length) {
        sysread($socket, $bytes, $length - length $bytes, length $bytes) or die "the server is gone\n";
    }
    return $bytes;
}

# All answers up to the next ReadyForQuery, as one text without what differs between two sessions.
sub answers {
    my ($socket) = @_;
    my $all = '';
    for (;;) {
        my ($type, $length) = unpack 'a N', receive($socket, 5);
        my $body = receive($socket, $length - 4);
        if    ($type eq 'E') { $all .= 'E ' . join(' ', $body =~ /\0?C(\w{5})\0M([^\0]*)/) . "\n"; }
        elsif ($type =~ /[DCsIZ]/) { $all .= "$type " . ($body =~ s/[^ -~]/./gr) . "\n"; }
        return $all if $type eq 'Z';
    }
}

sub connection {
    my ($database, @settings) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "no connection: $!";
    my $user = $node->safe_psql('postgres', 'SELECT current_user');
    my $body = pack('N', 196608) . "user\0$user\0database\0$database\0\0";
    syswrite $socket, pack('N', 4 + length $body) . $body;
    answers($socket);
    ask($socket, message('Q', "$_\0")) for @settings;
    return $socket;
}

sub ask { my ($socket, $bytes) = @_; syswrite($socket, $bytes) == length $bytes or die 'the server takes nothing'; return answers($socket); }

# --- what is asked ---------------------------------------------------------------------------------------------------

my %types = (int2 => 21, int4 => 23, int8 => 20, text => 25, varchar => 1043, bpchar => 1042, name => 19, uuid => 2950, oid => 26, numeric => 1700,
    float8 => 701, bool => 16, unknown => 705, 'int4[]' => 1007, 'int8[]' => 1016, 'text[]' => 1009, 'uuid[]' => 2951, int2vector => 22, jsonb => 3802, none => 0);
my @texts = (
    'SELECT id FROM item WHERE id = $1', 'SELECT id FROM item WHERE id = $1::int', 'SELECT id FROM item WHERE id = $1::text::int',
    'SELECT id FROM item WHERE code = $1', 'SELECT id FROM item WHERE code = $1::text', 'SELECT id FROM item WHERE tag = $1::uuid',
    'SELECT id FROM item WHERE id = ANY ($1::int[])', 'SELECT id FROM item WHERE code = ANY ($1::text[])', 'SELECT id FROM item WHERE id::text = ANY ($1::text[])',
    'SELECT id FROM item WHERE id < 9 AND id = $1::int::number', 'SELECT twice($1::int::number)', 'SELECT id FROM item WHERE id IN ($1::int, 7)',
    'UPDATE item SET note = $1::text WHERE id = 3 RETURNING id', 'UPDATE item SET note = note WHERE id = $1::int', 'SELECT id FROM item WHERE code = $1::text FOR UPDATE',
    'INSERT INTO item VALUES (100 + $1::int) ON CONFLICT DO NOTHING', 'SELECT pg_try_advisory_xact_lock($1::int), pg_try_advisory_xact_lock($1::int, 2)', 'SELECT id FROM item WHERE id > $1::int ORDER BY id LIMIT 3',
);

sub value_for {
    my ($type) = @_;
    my $number = 1 + int rand 9;
    return undef if rand() < 0.05;
    return "{$number}" if $type =~ /^int.\[\]/;
    return rand() < 0.5 ? "{$number}" : "{$number,2}" if $type eq 'text[]';
    return sprintf '{00000000-0000-0000-0000-%012d}', $number if $type eq 'uuid[]';
    return sprintf '00000000-0000-0000-0000-%012d', $number if $type eq 'uuid' || ($type =~ /text|varchar/ && rand() < 0.2);
    return 't' if $type eq 'bool';
    return "$number";
}

# The same messages for the same number, one group an answer.
sub groups {
    my ($seed) = @_;
    srand $seed;
    my (@groups, @prepared);
    my $in_block = $seed == 3;
    push @groups, message('Q', "BEGIN\0") if $in_block;
    for my $i (1 .. 150) {
        # Many times the same few texts, so that their plans become generic.
        my $text = $texts[ (int rand 3) ? ($seed * 3 - 3 + int rand 3) % @texts : int rand @texts ];
        my $type = (sort keys %types)[ int rand scalar keys %types ];
        my $name = 's' . $i;
        my $group = parse($name, $text, $types{$type});
        for (1 .. 1 + int rand 7) {
            my $portal = rand() < 0.2 ? "p$i$_" : '';
            $group .= bind_values($portal, $name, value_for($type));
            $group .= execute($portal, rand() < 0.2 ? 1 : 0);
            $group .= execute($portal) . close_portal($portal) if $portal && rand() < 0.5;
        }
        push @groups, $group . sync();
        push @prepared, [ $name, $type ];
        # One of those before again, with its own type.
        my ($old, $its_type) = @{ $prepared[ rand() < 0.5 ? -1 - int rand(@prepared < 9 ? @prepared : 9) : int rand @prepared ] };
        push @groups, join('', map { bind_values('', $old, value_for($its_type)) . execute('') . sync() } 1) for 1 .. 3;
        push @groups, message('Q', ($in_block ? 'ROLLBACK; BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR SELECT id FROM item; FETCH 2 FROM c; ROLLBACK TO s' : 'DEALLOCATE ALL; BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT id FROM item; COMMIT; FETCH 2 FROM c; CLOSE c') . "\0")
            if rand() < ($in_block ? 0.4 : 0.02);
    }
    return (@groups, message('Q', "ROLLBACK\0"));
}

my @everything = ('SET dbperf.capture_plans = all', 'SET dbperf.track_locks = on', 'SET dbperf.keep_parameters = on', 'SET dbperf.possible_cycles = on', q{SET dbperf.scope = 'a request'});
$node->safe_psql('postgres', q{SELECT dbperf.start_run('protocol')});
for my $seed (1 .. 4) {
    # In databases of their own, so that neither waits for the other. Plans that are kept are those of other types.
    my $kept = 'SET plan_cache_mode = ' . ($seed < 4 ? 'force_generic_plan' : 'auto');
    my ($with, $without) = (connection('postgres', $kept, $seed % 2 ? @everything : ()), connection('plain', $kept, 'SET dbperf.enabled = off'));
    my ($number, $same, $got, $wanted) = (0, 1);
    for my $group (groups($seed)) {
        $got = eval { ask($with, $group) } // 'nothing: the server is gone';
        $wanted = ask($without, $group) if $got !~ /gone/;
        $same = 0, last if $got ne ($wanted // '');
        ++$number;
    }
    ok($same, "messages of session $seed: the same answers with dbperf and without") or diag("answer $number is\n$got, without dbperf\n$wanted");
}

# As many parameters as the protocol has numbers for.
my $session = connection('postgres', @everything);
for my $case ([ 'id = $%d', 23, '5' ], [ 'id = $%d::int', 25, '6' ], [ 'tag = $%d::uuid', 25, '00000000-0000-0000-0000-000000000007' ], [ 'id = ANY ($%d)', 1007, '{8}' ]) {
    my ($condition, $type, $value) = @$case;
    for my $count (32767, 32768, 32770, 65535) {
        my $text = sprintf "SELECT id FROM item WHERE $condition", $count;
        like(ask($session, parse('', $text, ($type) x $count) . bind_values('', '', ($value) x $count) . execute('') . sync()), qr/^D/m, "$condition, $count parameters");
    }
}
$node->safe_psql('postgres', 'SELECT dbperf.finish_run()');

# A value that cannot be read for dbperf leaves nothing behind: no pin, no lock, no read that is never over.
$node->safe_psql('postgres', q{CREATE TABLE broken (id int PRIMARY KEY, code text UNIQUE, note int) WITH (fillfactor = 50);
    ALTER TABLE broken ALTER code SET STORAGE EXTERNAL; INSERT INTO broken SELECT i, repeat(i::text, 2500), 0 FROM generate_series(1, 2) i; CHECKPOINT});
my $file = $node->data_dir . '/' . $node->safe_psql('postgres', q{SELECT pg_relation_filepath(reltoastrelid) FROM pg_class WHERE relname = 'broken'});
$node->stop;
truncate $file, 0 or die "$file: $!";
$node->start;
$node->safe_psql('postgres', q{SELECT dbperf.start_run('broken')});
my ($status, $out, $warnings) = $node->psql('postgres', q{SET dbperf.track_locks = on; SET statement_timeout = '120s'; BEGIN; UPDATE broken SET note = 1; UPDATE broken SET note = 2; COMMIT; SELECT sum(note) FROM broken});
is($out, '4', 'a row with a key that cannot be read is updated');
is($warnings, '', '... and the transaction left nothing open');
(undef, undef, my $error) = $node->psql('postgres', q{SET statement_timeout = '120s'; SELECT code FROM broken});
like($error, qr/could not read blocks? 0/, '... nor keeps others from seeing what is wrong');
unlike(slurp_file($node->logfile), qr/terminated by signal|leak|PANIC/, 'no process ended, nothing leaked');

done_testing();
