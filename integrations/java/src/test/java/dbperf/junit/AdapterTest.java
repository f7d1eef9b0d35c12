package dbperf.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** JUnit on the cases of package shop. Needs a server with dbperf: system property dbperf.url, JDBC_URL or PGHOST and PGPORT. */
class AdapterTest {
    @BeforeAll
    static void template() throws Exception {
        try (var home = Lease.connect("postgres", null); var statement = home.createStatement()) {
            statement.execute("CREATE EXTENSION IF NOT EXISTS dbperf");
            statement.execute("DROP DATABASE IF EXISTS adapter_java");
            statement.execute("CREATE DATABASE adapter_java");
        }
        try (var shop = Lease.connect("adapter_java", null); var statement = shop.createStatement()) {
            statement.execute("CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);"
                + "CREATE TABLE purchase (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, note text);"
                + "INSERT INTO customer (name) SELECT 'customer ' || i FROM generate_series(1, 8) i;"
                + "INSERT INTO purchase (customer_id) SELECT i FROM generate_series(1, 8) i");
        }
    }

    private static TestExecutionSummary run(String parallel, String... classes) throws Exception {
        var listener = new SummaryGeneratingListener();
        var request = LauncherDiscoveryRequestBuilder.request().configurationParameter("junit.jupiter.execution.parallel.enabled", parallel)
            .configurationParameter("junit.jupiter.execution.parallel.mode.default", "concurrent")
            .configurationParameter("junit.jupiter.execution.parallel.config.strategy", "fixed")
            .configurationParameter("junit.jupiter.execution.parallel.config.fixed.parallelism", "4");
        for (String name : classes) request.selectors(selectClass(Class.forName(name)));
        LauncherFactory.create().execute(request.build(), listener);
        return listener.getSummary();
    }

    private static Map<String, String> failures(TestExecutionSummary summary) {
        Map<String, String> failures = new TreeMap<>();
        for (var failure : summary.getFailures()) {
            var error = failure.getException();
            String text = error.getMessage() + "\n" + (error.getStackTrace().length > 0 ? error.getStackTrace()[0] : "");
            for (var suppressed : error.getSuppressed()) text += "\nsuppressed " + suppressed.getMessage();
            failures.put(failure.getTestIdentifier().getDisplayName().replaceFirst("\\(.*", ""), text);
        }
        return failures;
    }

    private static void assertRed(TestExecutionSummary summary) {
        var failures = failures(summary);
        assertEquals("[red, redBatch, redByUrl, redCommented, redInside, redItself, redMany, redPrepared, redRolledBack]", failures.keySet().toString(), failures.toString());
        String line = "shop/Shop.java:24: N+1: 8 executions of one statement, 8 different keys";
        for (String name : new String[] {"red", "redByUrl", "redInside", "redRolledBack"}) assertTrue(failures.get(name).startsWith(line), failures.get(name));
        assertTrue(failures.get("red").contains("key        purchase.customer_id -> customer.id"));
        assertTrue(failures.get("red").endsWith("shop.Shop.names(Shop.java:24)"), failures.get("red"));
        assertTrue(failures.get("redItself").startsWith("its own failure") && failures.get("redItself").contains("suppressed " + line), failures.get("redItself"));
        assertTrue(failures.get("redMany").startsWith("shop/Shop.java:14: 3 statements, at most 2 are allowed"), failures.get("redMany"));
        assertTrue(failures.get("redPrepared").startsWith("shop/ShopCases.java:126: N+1: 8 executions"), failures.get("redPrepared"));
        assertTrue(failures.get("redCommented").startsWith("shop/ShopCases.java:134: N+1: 8 executions"), failures.get("redCommented"));
        assertTrue(failures.get("redBatch").contains("N+1 of writes: 8 executions"), failures.get("redBatch"));
    }

    @Test
    void oneAfterTheOther() throws Exception {
        assertRed(run("false", "shop.ShopCases"));
    }

    @Test
    void fourThreads() throws Exception {
        assertRed(run("true", "shop.ShopCases"));
    }

    @Test
    void wrongServer() throws Exception {
        var failed = run("false", "shop.WrongServerCases$Fails");
        assertEquals(1, failed.getTotalFailureCount());
        assertTrue(failures(failed).toString().contains("dbperf: database template1 has no extension dbperf"), failures(failed).toString());
        var skipped = run("false", "shop.WrongServerCases$Skips");
        assertEquals(0, skipped.getTotalFailureCount());
        assertEquals(1, skipped.getContainersSkippedCount());
    }
}
