// JUnit 5 and JDBC: one database for the class, clean for every test.
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;

class ItemTest {
    static Connection home; // the lease lasts as long as this connection
    static Connection db;

    static Connection open(String database) throws SQLException {
        return DriverManager.getConnection(System.getenv("JDBC_URL") + database);
    }

    static String value(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    @BeforeAll
    static void acquire() throws SQLException {
        home = open("postgres");
        db = open(value(home, "SELECT dbperf.acquire_database('app')"));
    }

    @AfterEach
    void reset() throws SQLException {
        String clean = value(db, "SELECT dbperf.reset_database()");
        if (clean.equals(db.getCatalog()))
            return;
        db.close(); // more than rows was changed
        db = open(clean);
    }

    @AfterAll
    static void release() throws SQLException {
        db.close();
        home.close();
    }

    @RepeatedTest(3)
    void rows() throws SQLException {
        assertEquals("4", value(db, "INSERT INTO item (name) VALUES ('new') RETURNING id"));
        assertEquals("4", value(db, "SELECT count(*) FROM item"));
    }

    @RepeatedTest(2)
    void schema() throws SQLException {
        try (Statement statement = db.createStatement()) {
            statement.execute("CREATE TABLE more (a int)");
        }
        assertEquals("3", value(db, "SELECT count(*) FROM item"));
    }
}
