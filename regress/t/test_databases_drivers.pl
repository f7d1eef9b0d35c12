# The examples of the README, by the drivers of other languages: one connection holds the lease, another one is reset.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my %programs = (
    python => [ 'import psycopg2', q{
import os, psycopg2
def query(connection, sql):
    cursor = connection.cursor()
    cursor.execute(sql)
    return cursor.fetchone()[0] if cursor.description else None
home = psycopg2.connect(dbname='postgres')
home.autocommit = True
name = query(home, "SELECT dbperf.acquire_database('app')")
db = psycopg2.connect(dbname=name)
for test in range(5):
    assert query(db, 'SELECT count(*) FROM item') == 3
    query(db, "INSERT INTO item (name) SELECT 'test' FROM generate_series(1, 50)")
    db.commit()
    assert query(db, 'SELECT dbperf.reset_database()') == name
    db.commit()
assert query(db, 'SELECT max(id) FROM item') == 3
db.commit()
query(db, 'CREATE TABLE more (a int)')
db.commit()
other = query(db, 'SELECT dbperf.reset_database()')
assert other != name and 'CREATE TABLE' in db.notices[-1]
db.close()
db = psycopg2.connect(dbname=other)
assert query(db, 'SELECT count(*) FROM item') == 3
print('done')
} ],
    node => [ q{require('pg')}, q{
const { Client } = require('pg');
const options = database => ({ host: process.env.PGHOST, port: process.env.PGPORT, user: process.env.PGUSER, database });
(async () => {
    const home = new Client(options('postgres'));
    await home.connect();
    const name = (await home.query("SELECT dbperf.acquire_database('app') AS name")).rows[0].name;
    const db = new Client(options(name));
    await db.connect();
    for (let test = 0; test < 5; test++) {
        const insert = { name: 'insert', text: 'INSERT INTO item (name) VALUES ($1)', values: ['test'] };
        await db.query(insert);
        const count = (await db.query({ name: 'count', text: 'SELECT count(*)::int AS n FROM item' })).rows[0].n;
        if (count !== 4) throw new Error('found ' + count);
        const clean = (await db.query('SELECT dbperf.reset_database() AS name')).rows[0].name;
        if (clean !== name) throw new Error('not in place');
    }
    await db.end();
    await home.end();
    console.log('done');
})().catch(error => { console.error(error); process.exit(1); });
} ]);
my $node = PostgreSQL::Test::Cluster->new('drivers');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dbperf'\nfsync = off\nautovacuum = off\nwal_keep_size = 512MB\ndbperf.verify = on\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dbperf; CREATE DATABASE app');
$node->safe_psql('app', q{CREATE TABLE item (id serial PRIMARY KEY, name text); INSERT INTO item (name) SELECT i FROM generate_series(1, 3) i});
my $user = $node->safe_psql('postgres', 'SELECT current_user');
local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGUSER => $user);
for my $language (sort keys %programs) {
    my ($probe, $program) = @{ $programs{$language} };
    my @run = $language eq 'node' ? ('node', '-e') : ('/usr/bin/python3', '-c');
    SKIP: {
        skip "$language has no driver here", 1 unless system("@run[0 .. 0] $run[1] \"$probe\" >/dev/null 2>&1") == 0;
        my $result = run_log([ @run, $program ], '>', \my $output, '2>', \my $errors);
        is("$output$errors", "done\n", "$language: prepared statements of the driver, transactions, resets");
    }
}
ok($node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM dbperf.test_databases WHERE state = 'leased')}), 'no lease is left');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|differs from its template/, 'nothing bad is in the log');
done_testing();
