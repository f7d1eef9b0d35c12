# The adapter for Go: its own tests, and the example, which turns red at the line of an N+1. In GOPATH mode, as Debian has the drivers.
use strict;
use warnings;
use lib 'regress/t';
use adapter;
use File::Path qw(make_path);
use Test::More;

my $folder = begin_adapter_test('Go', q{go version && test -d /usr/share/gocode/src/github.com/lib/pq && test -d /usr/share/gocode/src/github.com/jackc/pgx/v4});
my $adapter = copied('integrations/go');
my $example = copied('examples/go');
make_path("$folder/path/src/dbperf.dev/integrations", "$folder/path/src/example.com");
rename $adapter, "$folder/path/src/dbperf.dev/integrations/go" or die;
rename $example, "$folder/path/src/example.com/shop" or die;
($adapter, $example) = ("$folder/path/src/dbperf.dev/integrations/go", "$folder/path/src/example.com/shop");
local %ENV = (%ENV, GOPATH => "$folder/path:/usr/share/gocode", GO111MODULE => 'off', GOFLAGS => '', GOCACHE => "$folder/cache");
green($adapter, 'go test ./...', qr/^ok\b/m, 'its own tests');

green($example, 'go test -count=1 ./...', qr/^ok\b/m, 'the example is green');
replace_in("$example/orders/orders.go", 'SELECT o.id, c.name FROM "order" o JOIN customer c ON c.id = o.customer_id ORDER BY', 'SELECT id, customer_id FROM "order" o ORDER BY');
replace_in("$example/orders/orders.go", "\treturn list, rows.Err()\n", <<'END');
	for i := range list {
		if err := db.QueryRow("SELECT name FROM customer WHERE id = $1", list[i].Customer).Scan(&list[i].Customer); err != nil {
			return nil, err
		}
	}
	return list, rows.Err()
END
red($example, 'go test -count=1 -parallel=4 ./...', [
        qr/^\s+orders\/orders\.go:28: N\+1: 12 executions of one statement, 12 different keys$/m,
        qr/^--- FAIL: TestList /m, qr/^--- FAIL: TestPlaceAgain /m ],
    'an N+1 turns its tests red', qr/^--- FAIL: TestPlace /m);
end_adapter_test();
