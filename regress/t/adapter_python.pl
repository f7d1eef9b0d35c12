# The adapter for pytest: installed from its folder, its own tests, and the example, which turns red at the line of an N+1.
use strict;
use warnings;
use lib 'regress/t';
use adapter;
use Test::More;

my $folder = begin_adapter_test('Python', q{/usr/bin/python3 -c 'import pytest, psycopg2, psycopg, sqlalchemy, django, pytest_django, xdist, setuptools, wheel, pip'});
my $adapter = copied('integrations/python');
$ENV{PYTHONPATH} = "$folder/site";
green($adapter, "/usr/bin/python3 -m pip install -q --no-deps --no-build-isolation --no-index --target '$folder/site' .", qr/^/, 'it installs from its folder');
green($adapter, '/usr/bin/python3 -m pytest -q -p no:cacheprovider tests', qr/^\d+ passed/m, 'its own tests');

my $example = copied('examples/python');
my $pytest = '/usr/bin/python3 -m pytest -p no:cacheprovider';
green($example, $pytest, qr/ 3 passed/, 'the example is green');
my $good = PostgreSQL::Test::Utils::slurp_file("$example/shop/orders.py");
replace_in("$example/shop/orders.py", substr($good, index($good, "    return rows(\n"), index($good, 'def place_order') - index($good, "    return rows(\n")), <<'END');
    result = []
    for number, customer in rows('SELECT id, customer_id FROM "order" ORDER BY placed_on DESC'):
        name = rows("SELECT name FROM customer WHERE id = %s", customer)[0][0]
        result.append((number, name, 0))
    return result


END
for my $workers ('', ' -n 4') {
    red($example, $pytest . $workers, [
            qr/^shop\/orders\.py:27: N\+1: 24 executions of one statement, 12 different keys$/m,
            qr/^FAILED tests\/test_orders\.py::test_list/m, qr/^FAILED tests\/test_orders\.py::test_place_again/m, qr/2 failed, 1 passed/ ],
        "an N+1 turns its tests red$workers");
}
end_adapter_test();
