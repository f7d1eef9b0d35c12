# ALTER EXTENSION dbperf UPDATE from each version whose script is kept in regress/upgrade/: the catalog is that of a new
# installation, every stored row and every right that somebody gave or took stays. What it refuses, and what is refused before it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use File::Basename;
use File::Copy;

chomp(my $extensions = `$ENV{PG_CONFIG} --sharedir`);
$extensions .= '/extension';
plan skip_all => "cannot write to $extensions" unless -w $extensions;

my $node = PostgreSQL::Test::Cluster->new('upgrade');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nautovacuum = off\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf; CREATE ROLE mallory; CREATE ROLE reader');
sub value { my ($database, $sql) = @_; return $node->safe_psql($database, $sql); }
sub refused { my ($database, $sql, $what, $why) = @_; like(($node->psql($database, $sql))[2], $what, $why); }

# One row in every table, with values by type: what a table keeps is what it kept.
my $fill = <<'SQL';
DO $$
DECLARE
    target record;
BEGIN
    FOR target IN
        SELECT c.oid::regclass AS relation, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns,
               string_agg(CASE WHEN a.attname = 'metric' THEN $q$'avg_ms'$q$ WHEN a.attname = 'status' THEN $q$'predicted'$q$ WHEN a.attname = 'verdict' THEN $q$'regressed'$q$
                               WHEN t.typcategory = 'A' THEN $q$'{}'$q$
                               WHEN t.typname = 'bool' THEN 'true' WHEN t.typcategory = 'N' THEN '7' WHEN t.typname = 'uuid' THEN $q$'00000000-0000-0000-0000-000000000007'$q$
                               WHEN t.typcategory = 'D' THEN $q$'2026-01-02'$q$ WHEN t.typname = 'jsonb' THEN $q$'{"kept": [7]}'$q$ ELSE $q$'kept'$q$ END, ', ' ORDER BY a.attnum) AS kept
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid
         WHERE c.relnamespace = 'dbperf'::regnamespace AND c.relkind = 'r'
         GROUP BY c.oid ORDER BY c.relname
    LOOP
        EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)', target.relation, target.columns, target.kept);
    END LOOP;
END $$
SQL
# Table => its row as JSON.
sub stored {
    my %rows;
    for my $table (split /\n/, value($_[0], q{SELECT c.relname FROM pg_class c WHERE relnamespace = 'dbperf'::regnamespace AND relkind = 'r'})) {
        $rows{$table} = value($_[0], "SELECT to_jsonb(t) FROM dbperf.$table t");
    }
    return %rows;
}
# All that the catalogs know of the extension, but for numbers.
my $catalog = <<'SQL';
WITH own AS (SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
              WHERE e.extname = 'dbperf' AND d.deptype = 'e')
SELECT replace(fact, E'\n', ' ') FROM (
    SELECT 'member ' || pg_describe_object(classid, objid, 0) AS fact FROM own
    UNION ALL
    SELECT format('extension in %s of %s', extnamespace::regnamespace, extversion) FROM pg_extension WHERE extname = 'dbperf'
    UNION ALL
    SELECT format('dumped %s %s', t.relation, e.extcondition[t.n]) FROM pg_extension e, unnest(e.extconfig::regclass[]) WITH ORDINALITY t(relation, n) WHERE extname = 'dbperf'
    UNION ALL
    SELECT format('column %s.%s %s %s %s %s%s %s %s', a.attrelid::regclass, a.attname, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod),
                  a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(f.adbin, f.adrelid), col_description(a.attrelid, a.attnum))
      FROM own JOIN pg_attribute a ON own.classid = 'pg_class'::regclass AND a.attrelid = own.objid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    UNION ALL
    SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'dbperf'::regnamespace
    UNION ALL
    SELECT 'index ' || pg_get_indexdef(i.indexrelid) FROM own JOIN pg_index i ON own.classid = 'pg_class'::regclass AND i.indrelid = own.objid
    UNION ALL
    SELECT format('view %s %s %s', c.oid::regclass, c.reloptions, pg_get_viewdef(c.oid)) FROM own JOIN pg_class c ON own.classid = 'pg_class'::regclass AND c.oid = own.objid AND c.relkind = 'v'
    UNION ALL
    SELECT CASE WHEN p.prokind = 'a' THEN 'aggregate ' || p.oid::regprocedure ELSE pg_get_functiondef(p.oid) END FROM own JOIN pg_proc p ON own.classid = 'pg_proc'::regclass AND p.oid = own.objid
    UNION ALL
    SELECT format('comment on %s: %s', pg_describe_object(classid, objid, 0), obj_description(objid, classid::regclass::name)) FROM own
    UNION ALL
    SELECT format('%s right on %s: %s for %s', w.what, pg_describe_object(w.classid, w.objid, 0), a.privilege_type, a.grantee::regrole)
      FROM (SELECT 'relation' AS what, classid, objid, relacl AS acl FROM own JOIN pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid
            UNION ALL SELECT 'function', classid, objid, proacl FROM own JOIN pg_proc p ON classid = 'pg_proc'::regclass AND p.oid = objid
            UNION ALL SELECT 'schema', classid, objid, nspacl FROM own JOIN pg_namespace n ON classid = 'pg_namespace'::regclass AND n.oid = objid
            UNION ALL SELECT 'initial', classoid, objoid, initprivs FROM pg_init_privs i JOIN own ON classoid = classid AND objoid = objid) w, aclexplode(w.acl) a
) facts ORDER BY fact COLLATE "C"
SQL
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION dbperf');
my $expected = value('fresh', $catalog);
cmp_ok(($expected =~ tr/\n//), '>', 300, 'the catalog of a new installation');

my @scripts = glob(dirname(__FILE__) . '/../upgrade/dbperf--*.sql');
cmp_ok(scalar @scripts, '>', 0, 'there are earlier versions');
for my $script (@scripts) {
    my ($version) = $script =~ /dbperf--([0-9.]+)\.sql$/;
    copy($script, $extensions) or die "$extensions: $!";
    append_to_file("$extensions/dbperf--$version.control", "schema = dbperf\n") if $version eq '0.1.0'; # as its control file said
    my $create = "CREATE EXTENSION dbperf VERSION '$version'";
    for my $name ('old', 'early', 'planted', 'used') { $node->safe_psql('postgres', "DROP DATABASE IF EXISTS $name"); $node->safe_psql('postgres', "CREATE DATABASE $name"); }

    # Before the update: every call says what to do, status() too, and nothing is changed.
    $node->safe_psql('old', "$create; $fill");
    for my $call (q{start_run('x')}, 'finish_run()', 'flush()', 'reset()', 'live_statements()', 'statements', q{acquire_database('fresh')}) {
        refused('old', "SELECT * FROM dbperf.$call", qr/the extension dbperf of database "old" is of version \Q$version\E, the loaded library of .*\nHINT:  Run ALTER EXTENSION dbperf UPDATE/, "$version: $call names the update");
    }
    like(value('old', q{SELECT value, note FROM dbperf.status() WHERE item = 'extension_version'}), qr/^\Q$version\E\|Run ALTER EXTENSION dbperf UPDATE/, "$version: as does status()");
    $node->safe_psql('postgres', q{ALTER SYSTEM SET dbperf.database = 'old'; SELECT pg_reload_conf()});
    $node->poll_query_until('postgres', q{SELECT current_setting('dbperf.database') = 'old'});
    refused('fresh', 'SELECT dbperf.flush()', qr/the extension dbperf of the results database "old" is of another version.*\nHINT:  Run ALTER EXTENSION dbperf UPDATE in it/, "$version: as does a flush into it");
    like(slurp_file($node->logfile), qr/cannot write to database "old": its extension is of version \Q$version\E/, '... and the log');
    $node->safe_psql('postgres', q{ALTER SYSTEM RESET dbperf.database; SELECT pg_reload_conf()});

    my %before = stored('old');
    is((scalar grep { $_ ne '' } values %before), scalar(keys %before), "$version: every table has a row");
    $node->safe_psql('old', 'GRANT SELECT ON dbperf.run, dbperf.statements TO reader; GRANT EXECUTE ON FUNCTION dbperf.prune TO reader WITH GRANT OPTION;
        REVOKE EXECUTE ON FUNCTION dbperf.start_run FROM pg_monitor; REVOKE SELECT ON dbperf.plan FROM pg_read_all_stats; GRANT CREATE ON SCHEMA dbperf TO reader');
    $node->safe_psql('old', 'ALTER EXTENSION dbperf UPDATE');
    my %after = stored('old');
    my @lost = grep { value('old', "SELECT \$row\$$before{$_}\$row\$::jsonb <@ \$row\$" . ($after{$_} // 'null') . "\$row\$::jsonb") ne 't' } sort keys %before;
    is_deeply(\@lost, [], "$version: every stored row is there");
    is(value('old', q{SELECT string_agg(r, ' ') FROM (VALUES (has_table_privilege('reader', 'dbperf.run', 'SELECT')), (has_table_privilege('reader', 'dbperf.statements', 'SELECT')),
        (has_function_privilege('reader', 'dbperf.prune(interval, text[])', 'EXECUTE WITH GRANT OPTION')), (has_function_privilege('pg_monitor', 'dbperf.start_run(text, jsonb)', 'EXECUTE')),
        (has_table_privilege('pg_read_all_stats', 'dbperf.plan', 'SELECT')), (has_schema_privilege('reader', 'dbperf', 'CREATE'))) v(b), LATERAL (SELECT b::text AS r) t}),
        'true true true false false false', "$version: rights that were given or taken stay, but not that of adding to the schema");
    my $dump = `pg_dump -s -h @{[$node->host]} -p @{[$node->port]} -d old`;
    is(join('|', sort grep { /^(GRANT|REVOKE)/ } split /\n/, $dump) =~ s/\([^)]*\)//gr,
       'GRANT ALL ON FUNCTION dbperf.prune TO reader WITH GRANT OPTION;|GRANT SELECT ON TABLE dbperf.run TO reader;|GRANT SELECT ON TABLE dbperf.statements TO reader;|'
       . 'REVOKE ALL ON FUNCTION dbperf.start_run FROM pg_monitor;|REVOKE SELECT ON TABLE dbperf.plan FROM pg_read_all_stats;', '... and are dumped');
    $node->safe_psql('old', 'REVOKE ALL ON dbperf.run, dbperf.statements FROM reader; REVOKE ALL ON FUNCTION dbperf.prune FROM reader; GRANT EXECUTE ON FUNCTION dbperf.start_run TO pg_monitor; GRANT SELECT ON dbperf.plan TO pg_read_all_stats');
    is(($node->psql('postgres', 'DROP ROLE reader; CREATE ROLE reader'))[0], 0, '... and hold nobody afterwards');
    my %fresh = map { $_ => 1 } split /\n/, $expected;
    my %updated = map { $_ => 1 } split /\n/, value('old', $catalog);
    is_deeply([ sort grep { !$updated{$_} } keys %fresh ], [], "$version: all of a new installation is there");
    is_deeply([ sort grep { !$fresh{$_} } keys %updated ], [], "$version: and nothing else");
    $node->safe_psql('old', q{TRUNCATE dbperf.run; SELECT dbperf.choose_results_database(); SELECT dbperf.start_run('works'); CREATE TABLE made (i int); SELECT * FROM made; SELECT dbperf.finish_run()});
    is(value('old', q{SELECT calls FROM dbperf.statements WHERE run = 'works' AND query LIKE '%FROM made'}), '1', "$version: and it works");
    is(value('old', q{SELECT value FROM dbperf.status() WHERE item = 'failed_records'}), '0', '... whole');
    $node->safe_psql('postgres', 'SELECT dbperf.choose_results_database()');
    $node->safe_psql('old', 'DROP EXTENSION dbperf');
    is(value('old', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'dbperf'}), '0', '... and goes with its schema');

    # A schema that was somebody else's, or in which somebody left something, is not taken over.
    if ($version eq '0.1.0') {
        $node->safe_psql('early', "CREATE SCHEMA dbperf AUTHORIZATION mallory; $create");
        refused('early', 'ALTER EXTENSION dbperf UPDATE', qr/schema dbperf belongs to role "mallory", who is no superuser\nHINT:  The extension owns its schema/, 'the schema of another role is refused');
    }
    $node->safe_psql('planted', "$create; GRANT CREATE ON SCHEMA dbperf TO mallory; SET ROLE mallory; CREATE FUNCTION dbperf.quantile(bigint[], numeric) RETURNS float8 LANGUAGE sql AS 'SELECT 1.0::float8'");
    refused('planted', 'ALTER EXTENSION dbperf UPDATE', qr/dbperf\.quantile\(bigint\[\],numeric\) belongs to role "mallory"/, "$version: as is what another role put into it");
    $node->safe_psql('planted', 'DROP FUNCTION dbperf.quantile(bigint[], numeric); ALTER EXTENSION dbperf UPDATE');
    $node->safe_psql('used', "$create; CREATE VIEW mine AS SELECT calls FROM dbperf.statements");
    refused('used', 'ALTER EXTENSION dbperf UPDATE', qr/the view dbperf\.statements of the extension cannot be replaced: something else uses it\nDETAIL:  view public\.mine depends on view dbperf\.statements\nHINT:  Drop what uses it/, "$version: what uses a view is named");
    is(value('used', q{SELECT extversion FROM pg_extension WHERE extname = 'dbperf'}), $version, '... and nothing is changed');
    unlink "$extensions/dbperf--$version.sql", "$extensions/dbperf--$version.control";
}

# Newer SQL than the library: the other way round.
$node->safe_psql('fresh', q{UPDATE pg_extension SET extversion = '999.0' WHERE extname = 'dbperf'});
refused('fresh', q{SELECT dbperf.start_run('x')}, qr/is of version 999\.0, the loaded library of .*\nHINT:  Restart the server/, 'a library that is older asks for a restart');
$node->stop;
done_testing();
