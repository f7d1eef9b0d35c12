# dbperf.index_review() and unused indexes over random schemas: nothing that something needs is ever named, and all that is named
# can be dropped at once without losing a prefix or a guarantee.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $schemas = $ENV{DBPERF_SCHEMAS} // 12;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf');

my $seed = $ENV{DBPERF_SEED} // 20;
srand $seed;
note "seed $seed";
sub any { return $_[ int rand @_ ] }
sub chance { return rand() < $_[0] }

my @columns = ([ a => 'int' ], [ b => 'int' ], [ c => 'text' ], [ '"D e"' => 'timestamptz' ], [ e => 'boolean' ], [ f => 'int[]' ]);
my @ordered = map { $_->[0] } @columns[ 0 .. 4 ];

sub key {
    my ($name) = @_;
    my $key = chance(0.1) ? '(lower(c))' : $name;
    return $key . ($key eq 'c' && chance(0.3) ? any(' COLLATE "C"', ' text_pattern_ops') : '') . (chance(0.2) ? ' DESC' : '') . (chance(0.1) ? ' NULLS FIRST' : '');
}

sub random_index {
    my ($table) = @_;
    my $roll = rand;
    return "CREATE INDEX ON $table USING hash (" . any(qw(a b c)) . ')' if $roll < 0.08;
    return "CREATE INDEX ON $table USING gin (f)" if $roll < 0.14;
    my %seen;
    my @keys = grep { !$seen{$_}++ } map { any(@ordered[ 0 .. (chance(0.7) ? 2 : 4) ]) } 1 .. 1 + int rand 3;
    my $unique = chance(0.2);
    my $columns = join ', ', map { $unique ? $_ : key($_) } @keys;
    my $include = chance(0.15) ? ' INCLUDE (' . any(@ordered) . ')' : '';
    my $where = chance(0.15) ? ' WHERE ' . any('a > 0', 'e', 'c IS NOT NULL') : '';
    my $nulls = $unique && chance(0.2) ? ' NULLS NOT DISTINCT' : '';
    return 'CREATE ' . ($unique ? 'UNIQUE ' : '') . "INDEX ON $table ($columns)$include$nulls$where";
}

sub random_schema {
    my ($schema) = @_;
    my @ddl = ("CREATE SCHEMA $schema");
    for my $number (1 .. 3) {
        my $table = "$schema.t$number";
        my $partitioned = chance(0.2);
        push @ddl, "CREATE TABLE $table (id int NOT NULL, " . join(', ', map { "$_->[0] $_->[1]" } @columns) . ')' . ($partitioned ? ' PARTITION BY RANGE (id)' : '');
        push @ddl, "CREATE TABLE ${table}_1 PARTITION OF $table FOR VALUES FROM (0) TO (1000)" if $partitioned;
        push @ddl, "ALTER TABLE $table ADD PRIMARY KEY (id)" if $number < 3 || chance(0.8);
        push @ddl, random_index($table) for 1 .. 3 + int rand 6;
        push @ddl, map { s/ ON \S+/ ON ${table}_1/r } map { random_index($table) } 1 .. 2 if $partitioned;
        push @ddl, "ALTER TABLE $table ADD UNIQUE (id, " . any(@ordered) . ')' if chance(0.3);
        push @ddl, "ALTER TABLE $table ADD EXCLUDE (a WITH =)" if !$partitioned && chance(0.2);
        push @ddl, "CREATE UNIQUE INDEX s${number}_key ON $table (id, b)";
        push @ddl, "CREATE UNIQUE INDEX s${number}_key_too ON $table (id, b)" if chance(0.4);
        push @ddl, "CREATE INDEX s${number}_a ON $table (a)", "CREATE INDEX s${number}_ab ON $table (a, b)" if chance(0.7);
        push @ddl, "ALTER TABLE $table ALTER b SET NOT NULL", "ALTER TABLE $table REPLICA IDENTITY USING INDEX s${number}_key" if !$partitioned && chance(0.4);
        push @ddl, "CLUSTER $table USING s${number}_key" if !$partitioned && chance(0.3);
        push @ddl, "ALTER TABLE $table ADD FOREIGN KEY (a, b) REFERENCES $schema.t1 (id, b)", "CREATE INDEX ON $table (a, b)" if $number > 1 && chance(0.5);
        push @ddl, "ALTER TABLE $table ADD FOREIGN KEY (a) REFERENCES $schema.t1" if $number > 1 && chance(0.5);
    }
    return @ddl;
}

# What indexes guarantee, and by which columns rows can be found: once for each index that is not named.
my $guarantees = q{
    SELECT i.indrelid::regclass || ' ' || (SELECT string_agg(k.n::text, ',' ORDER BY k.n) FROM unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) k(n))
           || coalesce(pg_get_expr(i.indpred, i.indrelid), '') || i.indnullsnotdistinct
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE i.indisunique AND n.nspname = '%s' GROUP BY 1 ORDER BY 1 };
my $prefixes = q{
    SELECT DISTINCT i.indrelid::regclass || ' ' || a.amname || ' ' || (
               SELECT string_agg(pg_get_indexdef(i.indexrelid, k.n, false) || i.indclass[k.n - 1] || ' ' || i.indcollation[k.n - 1], ',' ORDER BY k.n) FROM generate_series(1, p.count) k(n))
           || coalesce(pg_get_expr(i.indpred, i.indrelid), '')
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am a ON a.oid = c.relam
     CROSS JOIN LATERAL generate_series(1, i.indnkeyatts) p(count)
     WHERE n.nspname = '%s' ORDER BY 1 };
my $needed = q{
    SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = '%s' AND (i.indisprimary OR i.indisreplident OR i.indisclustered OR i.indisexclusion OR c.relispartition OR c.relkind = 'I'
           OR EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.indexrelid)) };

my ($named_at_all, $wrong) = (0, 0);
for my $number (1 .. $schemas) {
    my $schema = "random_$number";
    # What is not possible (a unique index that lacks the partition key) is left out.
    my $made = join '', map { "$_;\n" } random_schema($schema);
    $node->psql('postgres', $made, on_error_stop => 0);
    my @named = split /\n/, $node->safe_psql('postgres', qq{
        SELECT index_name FROM dbperf.index_review() WHERE index_name LIKE '$schema.%'});
    my @unused = split /\n/, $node->safe_psql('postgres', qq{
        SELECT u.index_name FROM dbperf.unused_indexes(jsonb_build_object('used_indexes', '[]'::jsonb, 'tables', (
            SELECT jsonb_agg(c.oid::bigint) FROM pg_class c WHERE c.relnamespace = '$schema'::regnamespace AND c.relkind IN ('r', 'p')))) u});
    my %needed = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', sprintf $needed, $schema);
    my @needed_and_named = grep { $needed{$_} } @named, @unused;
    my $before = join "\n", map { $node->safe_psql('postgres', sprintf $_, $schema) } $guarantees, $prefixes;
    my $drops = join '', map { "DROP INDEX $_;\n" } @named;
    my $failed = @named ? $node->psql('postgres', $drops, on_error_stop => 1) : 0;
    my $after = join "\n", map { $node->safe_psql('postgres', sprintf $_, $schema) } $guarantees, $prefixes;
    # Foreign keys keep their index.
    my $unused_of_key = $node->safe_psql('postgres', qq{
        SELECT count(*) FROM pg_constraint o JOIN pg_index i ON i.indrelid = o.conrelid
         WHERE o.contype = 'f' AND i.indexrelid = ANY (ARRAY(SELECT to_regclass(n)::oid FROM unnest(ARRAY[} . join(', ', map { "'" . ($_ =~ s/'/''/gr) . "'" } @unused) . qq{]::text[]) n))
           AND (i.indkey::int2[])[0:cardinality(o.conkey) - 1] @> o.conkey AND i.indnkeyatts >= cardinality(o.conkey)});
    $named_at_all += @named;
    my $same = $before eq $after;
    next if !@needed_and_named && !$failed && $same && $unused_of_key == 0;
    ++$wrong;
    diag "$schema: needed and named: @needed_and_named; drop failed: $failed; the same: " . ($same ? 1 : 0) . "; of a foreign key: $unused_of_key\n$made$drops";
}
is($wrong, 0, "$schemas random schemas: nothing that is needed is named");
cmp_ok($named_at_all, '>', $schemas / 4, "and $named_at_all indexes are named");
$node->stop;
done_testing();
