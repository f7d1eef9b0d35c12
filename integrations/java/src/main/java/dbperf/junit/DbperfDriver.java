package dbperf.junit;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.Properties;
import java.util.logging.Logger;

/** For who opens connections by URL: jdbc:dbperf: is the database of the test that runs in this thread. */
public final class DbperfDriver implements Driver {
    static {
        try {
            DriverManager.registerDriver(new DbperfDriver());
        } catch (SQLException problem) {
            throw new ExceptionInInitializerError(problem);
        }
    }

    @Override
    public Connection connect(String url, Properties properties) throws SQLException {
        if (!acceptsURL(url)) return null;
        Lease lease = DbperfExtension.CURRENT.get();
        if (lease == null) throw new SQLException("no test with @Dbperf runs in this thread");
        return lease.connection(false);
    }

    @Override
    public boolean acceptsURL(String url) {
        return url != null && url.startsWith("jdbc:dbperf:");
    }

    @Override
    public DriverPropertyInfo[] getPropertyInfo(String url, Properties properties) {
        return new DriverPropertyInfo[0];
    }

    @Override
    public int getMajorVersion() {
        return 0;
    }

    @Override
    public int getMinorVersion() {
        return 2;
    }

    @Override
    public boolean jdbcCompliant() {
        return false;
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getLogger("dbperf");
    }
}
