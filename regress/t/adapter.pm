# What the tests of integrations/ share: a server that lends databases, a copy of a folder to work in, and who runs there.
package adapter;
use strict;
use warnings;
use Exporter qw(import);
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
our @EXPORT = qw(begin_adapter_test copied replace_in runs red green end_adapter_test);

my ($node, $folder);

# Skips the whole test, aloud, unless the probe succeeds.
sub begin_adapter_test {
    my ($language, $probe) = @_;
    plan skip_all => "$language or what its adapter needs is not installed" unless system("($probe) >/dev/null 2>&1") == 0;
    $node = PostgreSQL::Test::Cluster->new('adapter');
    $node->init;
    $node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nlisten_addresses = '127.0.0.1'\nfsync = off\nautovacuum = off\nwal_keep_size = 512MB\n");
    $node->start;
    $node->safe_psql('postgres', 'CREATE EXTENSION dbperf; CREATE DATABASE shop');
    $node->safe_psql('shop', slurp_file('examples/shop.sql'));
    $folder = PostgreSQL::Test::Utils::tempdir;
    $ENV{$_->[0]} = $_->[1] for [ HOME => $folder ], [ PGHOST => $node->host ], [ PGPORT => $node->port ], [ PGUSER => $node->safe_psql('postgres', 'SELECT current_user') ];
    return $folder;
}

# A copy of a folder of the repository.
sub copied {
    my ($from) = @_;
    my $to = "$folder/$from";
    make_path($to);
    system('cp', '-r', "$from/.", $to) == 0 or die "cannot copy $from";
    return $to;
}

sub replace_in {
    my ($file, $text, $by) = @_;
    my $content = slurp_file($file);
    $content =~ s/\Q$text\E/$by/ or die "$file: there is no $text";
    open my $out, '>', $file or die $!;
    print $out $content;
    close $out;
}

# Runs a command in a folder; returns whether it succeeded, and what it said.
sub runs {
    my ($in, $command) = @_;
    my $good = run_log([ 'sh', '-c', "cd '$in' && $command" ], '>', \my $output, '2>', \my $errors);
    return ($good, $output . $errors);
}

sub green {
    my ($in, $command, $pattern, $name) = @_;
    my ($good, $output) = runs($in, $command);
    ok($good && $output =~ $pattern, $name) or diag $output;
}

# Fails, and says each of these; says none of what is in the last array.
sub red {
    my ($in, $command, $patterns, $name, @never) = @_;
    my ($good, $output) = runs($in, $command);
    my @missing = grep { $output !~ $_ } @$patterns;
    ok(!$good && !@missing && !grep({ $output =~ $_ } @never), $name) or diag "$output\nmissing: @missing";
}

sub end_adapter_test {
    ok($node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM dbperf.test_databases WHERE state = 'leased')}), 'no lease is left');
    $node->stop;
    unlike(slurp_file($node->logfile), qr/PANIC|TRAP/, 'nothing bad is in the log');
    done_testing();
}

1;
