# The adapter for JUnit 5: built from its folder, its own tests, and the example, which turns red at the line of an N+1.
use strict;
use warnings;
use lib 'regress/t';
use adapter;
use Test::More;

my @jars = grep { -e } map { "/usr/share/java/$_.jar" }
  qw(postgresql junit-jupiter-api junit-jupiter-engine junit-jupiter-params junit-platform-commons junit-platform-engine
  junit-platform-launcher junit-platform-console junit-platform-reporting opentest4j apiguardian-api picocli univocity-parsers);
my $class_path = join ':', @jars;
my $folder = begin_adapter_test('Java', 'javac -version && javac --help | grep -q -- --release && ' . (@jars >= 10 ? 'true' : 'false'));
my $adapter = copied('integrations/java');
local %ENV = (%ENV, JDBC_URL => "jdbc:postgresql://127.0.0.1:$ENV{PGPORT}/", CLASSPATH => $class_path, JAVA_TOOL_OPTIONS => '-XX:TieredStopAtLevel=1 -Duser.home=' . $folder);
my $console = 'org.junit.platform.console.ConsoleLauncher --details=tree --disable-banner --disable-ansi-colors';
green($adapter, 'sh ./build.sh', qr/^/, 'it builds from its folder');
$ENV{CLASSPATH} = "$adapter/dbperf-junit5.jar:$class_path";
green($adapter, "javac -d tests \$(find src/test -name '*.java') && java -cp \"\$CLASSPATH:tests\" $console -c dbperf.junit.AdapterTest", qr/3 tests successful.*0 tests failed/s, 'its own tests');

my $example = copied('examples/java');
my $run = "javac -d classes src/shop/*.java test/shop/*.java && java -cp \"\$CLASSPATH:classes\" $console -c shop.OrdersTest";
green($example, $run, qr/3 tests successful.*0 tests failed/s, 'the example is green');
replace_in("$example/src/shop/Orders.java", 'SELECT o.id, c.name FROM \\"order\\" o JOIN customer c ON c.id = o.customer_id ORDER BY', 'SELECT id, customer_id FROM \\"order\\" o ORDER BY');
replace_in("$example/src/shop/Orders.java", "        return list;\n", <<'END');
        try (Connection connection = database.getConnection(); var statement = connection.prepareStatement("SELECT name FROM customer WHERE id = ?")) {
            for (int i = 0; i < list.size(); i++) {
                statement.setInt(1, Integer.parseInt(list.get(i).customer()));
                try (var rows = statement.executeQuery()) {
                    rows.next();
                    list.set(i, new Order(list.get(i).id(), rows.getString(1)));
                }
            }
        }
        return list;
END
red($example, "$run --config junit.jupiter.execution.parallel.enabled=true --config junit.jupiter.execution.parallel.mode.default=concurrent --config junit.jupiter.execution.parallel.config.strategy=fixed --config junit.jupiter.execution.parallel.config.fixed.parallelism=4", [
        qr/shop\/Orders\.java:30: N\+1: 12 executions of one statement, 12 different keys$/m, qr/1 tests successful.*2 tests failed/s,
        qr/OrdersTest:list\(DataSource\)/, qr/OrdersTest:placeAgain\(DataSource\)/ ],
    'an N+1 turns its tests red');
end_adapter_test();
