package dbperf.junit;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.function.Consumer;

/** Connections and statements of JDBC around the real ones: the session is told of its unit before a statement, and each is observed. */
final class Observed {
    private final Connection real;
    private final Observer observer;
    private final Consumer<Connection> closed;
    private Connection proxy;
    private Observer.Unit told;
    private boolean inTransaction;
    private boolean isClosed;

    private Observed(Connection real, Observer observer, Consumer<Connection> closed) {
        this.real = real;
        this.observer = observer;
        this.closed = closed;
    }

    static Connection connection(Connection real, Observer observer, Consumer<Connection> closed) {
        Observed observed = new Observed(real, observer, closed);
        return observed.proxy = (Connection) Proxy.newProxyInstance(Observed.class.getClassLoader(), new Class<?>[] {Connection.class, org.postgresql.PGConnection.class}, observed::ofConnection);
    }

    private Object ofConnection(Object self, Method method, Object[] values) throws Throwable {
        switch (method.getName()) {
            case "createStatement":
                return statement(Statement.class, (Statement) call(real, method, values), null, null);
            case "prepareStatement":
            case "prepareCall": {
                String text = (String) values[0];
                tell();
                values[0] = observer.observe(text, null, 0);
                String sent = values[0].equals(text) ? null : Verdict.placeIn((String) values[0]);
                Class<?> type = method.getName().equals("prepareCall") ? CallableStatement.class : PreparedStatement.class;
                return statement(type, (Statement) call(real, method, values), text, sent);
            }
            case "rollback":
                told = null;
                inTransaction = values != null && values.length > 0;
                return call(real, method, values);
            case "commit":
                inTransaction = false;
                try {
                    return call(real, method, values);
                } catch (Throwable problem) {
                    told = null;
                    throw problem;
                }
            case "setSavepoint":
                tell(); // before it: going back to it would take that back
                inTransaction = true;
                return call(real, method, values);
            case "close":
                if (!isClosed) {
                    isClosed = true;
                    if (!real.isClosed() && !real.getAutoCommit()) {
                        real.rollback();
                        real.setAutoCommit(true);
                    }
                    closed.accept(real);
                }
                return null;
            case "isClosed":
                return isClosed || real.isClosed();
            case "unwrap":
                return real.unwrap((Class<?>) values[0]);
            case "equals":
                return self == values[0];
            case "hashCode":
                return System.identityHashCode(self);
            default:
                return call(real, method, values);
        }
    }

    private Object statement(Class<?> type, Statement statement, String prepared, String sent) {
        int[] batch = {0};
        return Proxy.newProxyInstance(Observed.class.getClassLoader(), new Class<?>[] {type}, (self, method, values) -> {
            String name = method.getName();
            if (name.equals("getConnection")) return proxy;
            if (name.equals("equals")) return self == values[0];
            if (name.equals("hashCode")) return System.identityHashCode(self);
            if (name.equals("addBatch")) {
                batch[0]++;
                if (values != null && values.length > 0) {
                    values[0] = observer.observe((String) values[0], null, 1);
                    batch[0] = 0;
                }
            } else if (name.startsWith("execute")) {
                tell();
                inTransaction = inTransaction || !real.getAutoCommit();
                if (values != null && values.length > 0 && values[0] instanceof String text) {
                    if (Observer.rollsBack(text)) told = null;
                    values[0] = observer.observe(text, null, 1);
                } else if (prepared != null) {
                    int times = name.endsWith("Batch") ? batch[0] : 1;
                    batch[0] = 0;
                    observer.observe(prepared, sent, times);
                }
            }
            return call(statement, method, values);
        });
    }

    private void tell() throws SQLException {
        Observer.Unit now = observer.unit;
        String text = observer.toTell(told, now);
        if (text == null) return;
        // Before a transaction begins: its rollback would take it back.
        boolean between = !inTransaction && !real.getAutoCommit();
        try {
            if (between) real.setAutoCommit(true);
            try (Statement statement = real.createStatement()) {
                statement.execute(text);
                told = now;
            } finally {
                if (between) real.setAutoCommit(false);
            }
        } catch (SQLException problem) {
            // In an aborted transaction it fails, as what comes after it does.
        }
    }

    private static Object call(Object of, Method method, Object[] values) throws Throwable {
        try {
            return method.invoke(of, values);
        } catch (InvocationTargetException problem) {
            throw problem.getCause();
        }
    }
}
