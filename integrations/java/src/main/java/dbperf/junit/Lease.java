package dbperf.junit;

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.logging.Logger;
import javax.sql.DataSource;

/** A leased copy of a template, and what is connected to it. Tests use leases one after another; each thread has one at a time. */
final class Lease {
    static final class Missing extends Exception {
        Missing(String message) {
            super(message, null, false, false);
        }
    }

    record Finding(String unit, String kind, String confidence, long calls, long keys, String query, String keyColumn, String parentQuery,
                   String parentRelation, String parentColumn, String callSite, String suggestion) {}

    private static final Map<List<String>, ConcurrentLinkedDeque<Lease>> FREE = new ConcurrentHashMap<>();

    final Observer observer = new Observer();
    final DataSource dataSource = new Source();
    private final List<String> key;
    private final Connection home; // the lease lasts as long as this connection
    private Connection inside; // resets the copy and asks what was found
    private String mark;
    String name;
    final List<Connection> open = new ArrayList<>();
    private final ConcurrentLinkedDeque<Connection> idle = new ConcurrentLinkedDeque<>();

    static Lease take(String template, String homeName) throws SQLException, Missing {
        List<String> key = List.of(template, homeName);
        Lease lease = FREE.computeIfAbsent(key, each -> new ConcurrentLinkedDeque<>()).poll();
        return lease != null ? lease : new Lease(key);
    }

    private Lease(List<String> key) throws SQLException, Missing {
        this.key = key;
        home = check(key.get(1));
        String copy;
        try {
            copy = row(home, "SELECT dbperf.acquire_database(?)", key.get(0)).get(0);
        } catch (SQLException problem) {
            home.close();
            throw new Missing("no copy of " + key.get(0) + ": " + problem.getMessage());
        }
        enter(copy);
    }

    private void enter(String copy) throws SQLException {
        if (inside != null) inside.close();
        name = copy;
        inside = connect(copy, "-c dbperf.n_plus_one=off");
        mark = row(inside, "SELECT clock_timestamp()::text").get(0);
    }

    /** A connection to a server that can do what is needed. */
    private static Connection check(String homeName) throws SQLException, Missing {
        Connection home;
        try {
            home = connect(homeName, "-c dbperf.n_plus_one=off");
        } catch (SQLException problem) {
            throw new Missing("cannot connect to database " + homeName + ": " + problem.getMessage());
        }
        List<String> found = row(home, "SELECT current_setting('dbperf.max_test_databases', true), current_setting('dbperf.enabled', true),"
            + " (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'dbperf'),"
            + " pg_catalog.to_regprocedure('dbperf.unit_findings(text, timestamp with time zone)') IS NOT NULL");
        String problem = found.get(0) == null ? "the server has not loaded dbperf (hint: shared_preload_libraries = 'dbperf', then restart)"
            : found.get(2) == null ? "database " + homeName + " has no extension dbperf (hint: CREATE EXTENSION dbperf)"
            : !found.get(3).equals("t") ? "dbperf " + found.get(2) + " in database " + homeName + " is too old (hint: ALTER EXTENSION dbperf UPDATE)"
            : found.get(0).equals("0") ? "test databases are switched off (hint: dbperf.max_test_databases is 0)"
            : !"on".equals(found.get(1)) ? "the server observes nothing (hint: dbperf.enabled is off)" : null;
        if (problem == null) return home;
        home.close();
        throw new Missing(problem);
    }

    /** The server's URL is system property dbperf.url or JDBC_URL; its database does not matter. */
    static Connection connect(String database, String options) throws SQLException {
        String url = System.getProperty("dbperf.url", System.getenv().getOrDefault("JDBC_URL", "jdbc:postgresql://"
            + System.getenv().getOrDefault("PGHOST", "localhost").replaceFirst("^/.*", "localhost") + ":" + System.getenv().getOrDefault("PGPORT", "5432") + "/"));
        int question = url.indexOf('?');
        String parameters = question < 0 ? "" : url.substring(question);
        String server = question < 0 ? url : url.substring(0, question);
        Properties properties = new Properties();
        if (options != null) properties.setProperty("options", options);
        if (System.getenv("PGUSER") != null && !parameters.contains("user=")) properties.setProperty("user", System.getenv("PGUSER"));
        if (System.getenv("PGPASSWORD") != null) properties.setProperty("password", System.getenv("PGPASSWORD"));
        String encoded = java.net.URLEncoder.encode(database, java.nio.charset.StandardCharsets.UTF_8);
        return DriverManager.getConnection(server.substring(0, server.lastIndexOf('/') + 1) + encoded + parameters, properties);
    }

    static List<String> row(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                List<String> row = new ArrayList<>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) row.add(rows.getString(i));
                return row;
            }
        }
    }

    /** Of these units since the copy was clean, worst first. */
    List<Finding> findings(List<String> units) throws SQLException {
        List<Finding> found = new ArrayList<>();
        if (units.isEmpty()) return found;
        try (PreparedStatement statement = inside.prepareStatement("SELECT u, f.kind, f.confidence, f.calls, f.distinct_keys, f.query, f.key_column, f.parent_query,"
            + " f.parent_relation, f.parent_column, f.call_site, f.suggestion"
            + " FROM pg_catalog.unnest(?::text[]) u, dbperf.unit_findings(u, ?::timestamptz) f ORDER BY f.calls DESC")) {
            statement.setArray(1, inside.createArrayOf("text", units.toArray()));
            statement.setString(2, mark);
            try (ResultSet r = statement.executeQuery()) {
                while (r.next())
                    found.add(new Finding(r.getString(1), r.getString(2), r.getString(3), r.getLong(4), r.getLong(5), r.getString(6), r.getString(7), r.getString(8),
                        r.getString(9), r.getString(10), r.getString(11), r.getString(12)));
            }
        }
        return found;
    }

    /** The copy is put back for the next test. Transactions that the application left open are rolled back. */
    void giveBack() throws SQLException {
        if (observer.touched) {
            observer.touched = false;
            synchronized (open) {
                open.removeIf(Lease::isClosed);
                for (Connection each : open) if (!each.getAutoCommit()) each.rollback();
            }
            List<String> now = row(inside, "SELECT dbperf.reset_database(), clock_timestamp()::text");
            mark = now.get(1);
            if (!now.get(0).equals(name)) { // more than rows was changed
                synchronized (open) {
                    for (Connection each : open) each.close();
                    open.clear();
                    idle.clear();
                }
                enter(now.get(0));
            }
        }
        FREE.get(key).push(this);
    }

    private static boolean isClosed(Connection connection) {
        try {
            return connection.isClosed();
        } catch (SQLException problem) {
            return true;
        }
    }

    /** An observed connection to the copy. `pooled`: closed, it waits for the next one. */
    Connection connection(boolean pooled) throws SQLException {
        Connection real = pooled ? idle.poll() : null;
        if (real == null || isClosed(real)) {
            real = connect(name, null);
            synchronized (open) {
                open.add(real);
            }
        }
        return Observed.connection(real, observer, pooled ? idle::push : Lease::end);
    }

    private static void end(Connection connection) {
        try {
            connection.close();
        } catch (SQLException problem) {
            // it is closed
        }
    }

    private final class Source implements DataSource {
        public Connection getConnection() throws SQLException {
            return connection(true);
        }

        public Connection getConnection(String user, String password) throws SQLException {
            return getConnection();
        }

        public PrintWriter getLogWriter() {
            return null;
        }

        public void setLogWriter(PrintWriter out) {}

        public void setLoginTimeout(int seconds) {}

        public int getLoginTimeout() {
            return 0;
        }

        public Logger getParentLogger() {
            return Logger.getLogger("dbperf");
        }

        public <T> T unwrap(Class<T> type) throws SQLException {
            throw new SQLException("not a wrapper");
        }

        public boolean isWrapperFor(Class<?> type) {
            return false;
        }
    }
}
