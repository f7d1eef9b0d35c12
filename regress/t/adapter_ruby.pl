# The adapter for RSpec and Minitest: built and installed from its folder, its own tests, and the example, which turns red at the
# line of an N+1.
use strict;
use warnings;
use lib 'regress/t';
use adapter;
use Test::More;

my $folder = begin_adapter_test('Ruby', q{ruby -e 'require "pg"; require "active_record"; require "sequel"; require "minitest"; require "rspec"' && gem --version});
my $adapter = copied('integrations/ruby');
$ENV{GEM_PATH} = join ':', "$folder/gems", split /:/, qx{ruby -e 'print Gem.path.join(":")'};
green($adapter, "gem build --silent dbperf-test.gemspec && gem install --silent --local --no-document --install-dir '$folder/gems' dbperf-test-*.gem", qr/^/, 'it installs from its folder');
green($adapter, 'ruby test/adapter_test.rb', qr/ 0 failures, 0 errors/, 'its own tests');

my $example = copied('examples/ruby');
green($example, 'ruby test/orders_test.rb', qr/3 runs, \d+ assertions, 0 failures, 0 errors/, 'the example is green with Minitest');
green($example, 'rspec', qr/2 examples, 0 failures/, 'and with RSpec');
replace_in("$example/lib/orders.rb", 'Order.includes(:customer).order', 'Order.order');
my @said = (qr/lib\/orders\.rb:26: N\+1: 12 executions of one statement, 12 different keys$/m, qr/instead +Order\.includes\(:customer\)$/m);
red($example, 'ruby test/orders_test.rb', [ @said, qr/3 runs, \d+ assertions, 2 failures/, qr/OrdersTest#test_list/, qr/OrdersTest#test_place_again/ ], 'an N+1 turns its tests red');
red($example, 'rspec', [ @said, qr/2 examples, 1 failure/, qr/rspec \.\/spec\/orders_spec\.rb:7 /], 'also those of RSpec');
end_adapter_test();
