# The adapter for Node: packed and installed from its folder, its own tests, and the example, which turns red at the line of an N+1.
use strict;
use warnings;
use lib 'regress/t';
use adapter;
use Test::More;

my $folder = begin_adapter_test('Node', q{node -e 'require("pg"); process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' && npm --version});
my $adapter = copied('integrations/node');
green($adapter, 'npm pack --offline --silent', qr/dbperf-test-.*\.tgz/, 'it is packed from its folder');
green($adapter, 'node --test --test-reporter=tap test/adapter.test.mjs', qr/^# fail 0$/m, 'its own tests');

my $example = copied('examples/node');
my $node_modules = "$example/node_modules";
mkdir $node_modules;
my ($installed) = grep { -d "$_/pg" } split /:/, $ENV{NODE_PATH} // '';
for my $package ($installed ? grep { !m{/dbperf-test$} } glob "$installed/*" : ()) {
    symlink $package, "$node_modules/" . ($package =~ s{.*/}{}r);
}
system("mkdir -p $node_modules/dbperf-test && tar -xzf $adapter/dbperf-test-*.tgz --strip-components=1 -C $node_modules/dbperf-test") == 0 or die;
my $run = 'node --test --test-reporter=tap --import dbperf-test/register test/*.test.js';
green($example, $run, qr/^# pass 3\n# fail 0/m, 'the example is green');
replace_in("$example/shop/orders.js", <<'END', <<'END');
    const { rows } = await pool.query(
        'SELECT o.id, c.name, sum(i.cents)::int AS cents FROM "order" o JOIN customer c ON c.id = o.customer_id JOIN item i ON i.order_id = o.id' +
            ' GROUP BY o.id, c.name ORDER BY o.placed_on DESC',
    );
END
    const { rows } = await pool.query('SELECT id, customer_id FROM "order" ORDER BY placed_on DESC');
    for (const row of rows)
        row.name = (await pool.query('SELECT name FROM customer WHERE id = $1', [row.customer_id])).rows[0].name;
END
red($example, $run, [
        qr/^ +shop\/orders\.js:11: N\+1: 12 executions of one statement, 12 different keys$/m,
        qr/^not ok 1 - list$/m, qr/^ok 2 - place$/m, qr/^not ok 3 - place again/m ],
    'an N+1 turns its tests red');
end_adapter_test();
