# Everything is bounded: what does not fit is dropped and counted, and nothing else is harmed.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('limits');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\njit = off\nlog_statement = none\nlog_min_error_statement = panic\n"
      . "dbperf.max_statements = 100\ndbperf.max_plans = 100\ndbperf.max_findings = 16\ndbperf.text_memory = 256kB\ndbperf.queue_size = 256kB\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf');
$node->safe_psql('postgres', 'CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT i, i FROM generate_series(1, 100) i; ANALYZE item');
sub status { return $node->safe_psql('postgres', "SELECT value FROM dbperf.status() WHERE item = '$_[0]'"); }
sub reset_all { $node->safe_psql('postgres', 'SELECT dbperf.reset()'); }
# What a run could not keep, and what to raise.
sub dropped_of { return $node->safe_psql('postgres', "SELECT item, dropped, setting FROM dbperf.dropped WHERE run = '$_[0]' ORDER BY item"); }

# Statements outside runs make room for younger ones.
reset_all();
$node->safe_psql('postgres', join ' ', map { "SELECT id AS old_$_ FROM item WHERE id = 1;" } 1 .. 300);
cmp_ok(status('statements'), '<=', 100, 'the statement table does not grow');
cmp_ok(status('evicted_statements'), '>=', 200, '... old entries made room, and are counted');
is(status('dropped_executions'), '0', '... so that nothing was dropped');
is($node->safe_psql('postgres', q{SELECT calls FROM dbperf.statements WHERE query LIKE '%old_300 %'}), '1', '... and the youngest is there');

# Those of a run do not: what comes later is dropped and counted.
reset_all();
$node->safe_psql('postgres', q{SET dbperf.capture_plans = off; SELECT dbperf.start_run('full');} . join ' ', map { "SELECT id AS kept_$_ FROM item WHERE id = 1;" } 1 .. 150);
is(status('statements'), '100', 'a run fills the table');
is(status('dropped_executions'), '50', '... what does not fit is counted');
is(dropped_of('full'), 'executions|50|dbperf.max_statements', '... for the run too, with what to raise');
is($node->safe_psql('postgres', 'SELECT id AS outside FROM item WHERE id = 1'), '1', '... and statements go on');
$node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
is($node->safe_psql('postgres', q{SELECT count(*) FROM dbperf.statements WHERE run = 'full'}), '100', '... what fitted is stored');
is(status('statements') <= 5 ? 1 : 0, 1, '... and then there is room again');
is($node->safe_psql('postgres', q{SELECT kind, severity, gate, reason FROM dbperf.findings WHERE run = 'full' AND kind = 'incomplete'}),
    'incomplete|warning|f|executions dropped: 51, the table was full of statements of runs; raise dbperf.max_statements', '... and the run says what it lacks');
$node->safe_psql('postgres', q{SELECT dbperf.start_run('small'); SELECT id AS small FROM item WHERE id = 1; SELECT dbperf.finish_run()});
is(dropped_of('small'), '', '... the next one lacks nothing');

# A statement outside runs makes room for one of a run, wherever in a table full of others it stands.
reset_all();
$node->safe_psql('postgres', q{SET dbperf.capture_plans = off; SET dbperf.run = 'most';} . join ' ', map { "SELECT id AS most_$_ FROM item WHERE id = 1;" } 1 .. 96);
$node->safe_psql('postgres', join ' ', map { "SELECT id AS old_$_ FROM item WHERE id = 1;" } 1 .. 6);
$node->safe_psql('postgres', q{SET dbperf.capture_plans = off; SET dbperf.run = 'most'; SELECT id AS most_97 FROM item WHERE id = 1});
is(status('dropped_executions'), '0', 'few statements outside runs are found and make room');
is($node->safe_psql('postgres', q{SELECT count(*) FROM dbperf.statements WHERE run = 'most' AND query LIKE '%most_97 %'}), '1', '... for that of a run');

# More statements than sessions tell each other of: each is itself in both sessions that execute it, first met or not, and has its own text.
reset_all();
my @sessions = map { $node->background_psql('postgres') } 1 .. 2;
for my $part (1 .. 8) {
    $node->safe_psql('postgres', "SELECT dbperf.start_run('part $part')");
    for my $session ($part % 2 ? @sessions : reverse @sessions) {
        $session->query_safe('SET dbperf.capture_plans = off; ' . join ' ', map { "SELECT id AS part_${part}_$_ FROM item WHERE id = 1;" } 1 .. 90);
    }
    $node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
}
is($node->safe_psql('postgres', q{SELECT DISTINCT count(*), count(DISTINCT query), min(calls), max(calls), bool_and(query LIKE '%' || replace(run, ' ', '\_') || '\_%') FROM dbperf.statements WHERE query LIKE '% AS part\_%' GROUP BY run}), '90|90|2|2|t', 'statements of two sessions are the same');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT run), count(DISTINCT fingerprint) FROM dbperf.statements WHERE query LIKE '% AS part\_%'}), '8|720', '... and each another than all others');
$_->quit for @sessions;

# Text memory: the statistics stay, texts are missing and counted.
reset_all();
my $long = join ' + ', map { "length('x') * id" } 1 .. 300;
$node->safe_psql('postgres', q{SET dbperf.query_name = 'long'; } . join ' ', map { "SELECT id AS text_$_, $long FROM item WHERE id = 1;" } 1 .. 95);
cmp_ok(status('text_bytes'), '<=', 256 * 1024, 'texts do not grow beyond their memory');
cmp_ok(status('dropped_texts'), '>', 0, '... those that found no room are counted');
is($node->safe_psql('postgres', q{SELECT count(*), sum(calls) FROM dbperf.statements WHERE query_name = 'long'}), '95|95', '... and all statistics are there');
is($node->safe_psql('postgres', q{SELECT count(*) > 0 FROM dbperf.statements WHERE query_name = 'long' AND query IS NULL}), 't', '... some without a text');

# A full memory of texts is not looked through for each new text: nothing has gone since the last time.
my $compactions = status('text_compactions');
$node->safe_psql('postgres', q{SET dbperf.query_name = 'long'; } . join ' ', map { "SELECT id AS other_$_, $long FROM item WHERE id = 1;" } 1 .. 4);
cmp_ok(status('text_compactions') - $compactions, '<=', 1, 'texts that find no room are turned away');

# Those of a run get the room of others; what then lacks a text is told.
$node->safe_psql('postgres', q{SET dbperf.capture_plans = off; SELECT dbperf.start_run('texts');} . join(' ', map { "SELECT id AS of_run_$_, $long FROM item WHERE id = 1;" } 1 .. 20) . ' SELECT dbperf.finish_run()');
is($node->safe_psql('postgres', q{SELECT count(*), count(query) FROM dbperf.statements WHERE run = 'texts'}), '20|20', 'statements of a run take the room of texts outside runs');
is(dropped_of('texts'), '', '... and lack nothing');
$node->safe_psql('postgres', q{SET dbperf.capture_plans = off; SELECT dbperf.start_run('no room');} . join(' ', map { "SELECT id AS of_other_run_$_, $long FROM item WHERE id = 1;" } 1 .. 90) . ' SELECT dbperf.finish_run()');
my $textless = $node->safe_psql('postgres', q{SELECT count(*) - count(query) FROM dbperf.statements WHERE run = 'no room'});
cmp_ok($textless, '>', 0, 'more texts than there is room for');
is(dropped_of('no room'), "texts|$textless|dbperf.text_memory", '... are told of the run');

# The queue: with the recorder held up it fills.
reset_all();
my $holder = $node->background_psql('postgres');
$holder->query_safe('SELECT dbperf.flush()');
$holder->query_safe('BEGIN; LOCK TABLE dbperf.plan IN SHARE MODE');
$node->safe_psql('postgres', q{SET dbperf.capture_plans = 'all'; SET dbperf.enabled = on; SELECT dbperf.start_run('queue');} . join ' ', map { "SELECT id AS queued FROM item WHERE id = $_;" } 1 .. 1000);
my $dropped = status('dropped_records');
cmp_ok($dropped, '>', 0, 'a full queue drops and counts');
cmp_ok(status('queue_bytes'), '<=', status('queue_size'), '... and does not grow');
my (undef, undef, $message) = $node->psql('postgres', q{SET dbperf.flush_timeout = '500ms'; SELECT dbperf.flush()});
like($message, qr/the recorder made no progress for 500 ms\nHINT:  What is queued is kept/, '... a flush that cannot be served says so in time');
$holder->query_safe('COMMIT');
$holder->quit;
$node->safe_psql('postgres', 'SELECT dbperf.finish_run()');
is($node->safe_psql('postgres', q{SELECT count(*) FROM dbperf.plans WHERE run = 'queue'}), 1000 - $dropped, '... what was queued is stored, once');
is(dropped_of('queue'), "records|$dropped|dbperf.queue_size", '... what was not is told of the run');
is($node->safe_psql('postgres', q{SELECT calls FROM dbperf.statements WHERE run = 'queue' AND query LIKE '%queued%'}), '1000', '... and every call is counted');

# A plan too long for the queue.
reset_all();
my $union = join ' UNION ALL ', map { "SELECT id FROM item WHERE id = $_" } 1 .. 300;
is($node->safe_psql('postgres', "SELECT dbperf.start_run('long plan') IS NOT NULL; SELECT count(*) FROM ($union) u; SELECT dbperf.finish_run() IS NOT NULL"), "t\n100\nt", 'a plan that is too long');
is(status('dropped_records'), '1', '... is dropped and counted');

# Shapes of plans: each statement has two.
reset_all();
$node->safe_psql('postgres', q{SELECT dbperf.start_run('shapes');} . join(' ', map { my $n = $_; map { "SET enable_seqscan = $_; SELECT id AS shape_$n FROM item WHERE id = 1;" } 'on', 'off' } 1 .. 60) . ' SELECT dbperf.finish_run()');
is($node->safe_psql('postgres', q{SELECT count(*) FROM dbperf.plans WHERE run = 'shapes'}), '100', 'shapes of plans are bounded');
is(dropped_of('shapes'), 'plans|20|dbperf.max_plans', '... and the others are told of the run, with what to raise');

# Statements whose parameters are kept.
reset_all();
$node->safe_psql('postgres', q{SET dbperf.capture_plans = off; SET dbperf.keep_parameters = on; SELECT dbperf.start_run('parameters');} . join(' ', map { "SELECT id AS kept_$_ FROM item WHERE id = 1;" } 1 .. 130) . ' SELECT dbperf.finish_run()');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT fingerprint) FROM dbperf.parameter_set JOIN dbperf.run USING (run_id) WHERE label = 'parameters'}), '100', 'parameters are kept of as many statements as are remembered');
is(dropped_of('parameters'), "executions|30|dbperf.max_statements\nparameters|30|dbperf.max_statements", '... and what both lack is told of the run');

# Findings.
reset_all();
$node->safe_psql('postgres', 'SELECT dbperf.flush()');
$holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE dbperf.n_plus_one_finding IN SHARE MODE');
$node->safe_psql('postgres', join ' ', map { my $scope = chr(96 + $_); "SET dbperf.scope = '$scope';" . join ' ', map { "SELECT name FROM item WHERE id = $_;" } 1 .. 5 } 1 .. 20);
is($node->safe_psql('postgres', 'SELECT count(*) FROM dbperf.n_plus_one WHERE run IS NULL'), '16', 'findings are bounded');
is(status('dropped_findings'), '4', '... and the others counted');
$holder->query_safe('COMMIT');
$holder->quit;
# Those that are stored and belong to no run make room, then, and stay stored.
sub loops { my ($label, @scopes) = @_; return $label . join ' ', map { my $scope = $_; "SET dbperf.scope = '$scope';" . join ' ', map { "SELECT name FROM item WHERE id = $_;" } 1 .. 5 } @scopes; }
$node->safe_psql('postgres', 'SELECT dbperf.flush()');
$node->safe_psql('postgres', loops('', 'u' .. 'w'));
is(status('dropped_findings'), '4', 'stored findings outside runs make room');
$node->safe_psql('postgres', 'SELECT dbperf.flush()');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dbperf.n_plus_one WHERE run IS NULL'), '19', '... and stay stored');
$node->safe_psql('postgres', loops(q{SELECT dbperf.start_run('loops'); }, 'a' .. 't') . ' SELECT dbperf.finish_run()');
is(dropped_of('loops'), 'findings|4|dbperf.max_findings', 'findings of a run beyond the limit are told of it');
is($node->safe_psql('postgres', q{SELECT count(*) FROM dbperf.n_plus_one WHERE run = 'loops'}), '16', '... and the others stored');

# Long texts.
reset_all();
my $dir = PostgreSQL::Test::Utils::tempdir;
my $list = join ', ', 1 .. 10000;
my $literal = 'x' x 1_000_000;
my $columns = join ', ', map { "$_ AS c$_" } 1 .. 1600;
my $deep = ('(' x 2000) . 'id' . (')' x 2000);
append_to_file("$dir/long.sql", "SELECT count(*) FROM item WHERE id IN ($list);\nSELECT length('$literal') AS length;\nSELECT /* $literal */ 1 AS commented;\n"
      . "SELECT $columns;\nSELECT $deep AS deep FROM item WHERE id = 1;\n");
$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-o', "$dir/out", '-f', "$dir/long.sql" ], 'texts of a megabyte');
is($node->safe_psql('postgres', q{SELECT string_agg(query, E'\n' ORDER BY query COLLATE "C") FROM dbperf.statements WHERE run IS NULL AND (query LIKE 'SELECT count%' OR query LIKE 'SELECT length%' OR query LIKE '%commented')}),
    "SELECT \$1 AS commented\nSELECT count(*) FROM item WHERE id IN (\$1 /*, ... */)\nSELECT length(\$1) AS length", '... are normalised');
is($node->safe_psql('postgres', q{SELECT count(*), max(octet_length(query)) <= 4096 FROM dbperf.statements WHERE run IS NULL}), '5|t', '... or cut');
my $prepared = "PREPARE p AS SELECT count(*) FROM item WHERE id IN ($list); EXECUTE p; EXECUTE p; EXECUTE p";
is($node->safe_psql('postgres', $prepared), "100\n100\n100", 'a prepared statement with ten thousand constants');
is($node->safe_psql('postgres', q{SELECT sum(calls) FROM dbperf.statements WHERE query LIKE 'SELECT count(*) FROM item WHERE id IN%'}), '4', '... is the same statement');

# More statements than one backend remembers.
reset_all();
append_to_file("$dir/many.sql", join "\n", map { "SELECT id AS m$_ FROM item WHERE id = 1;" } 1 .. 6000);
$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-o', "$dir/out", '-f', "$dir/many.sql" ], 'thousands of statements in one session');
is($node->safe_psql('postgres', 'SELECT id AS alive FROM item WHERE id = 1; SELECT calls FROM dbperf.statements WHERE query LIKE \'%alive%\''), "1\n1", '... and it goes on counting');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal|skipped one record/, 'nothing bad is in the log');
done_testing();
