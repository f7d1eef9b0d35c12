package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dbperf.junit.AllowNPlusOne;
import dbperf.junit.Dbperf;
import dbperf.junit.DbperfDatabase;
import dbperf.junit.MaxStatements;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** Those whose name begins with red are to fail; AdapterTest looks at them. */
@Dbperf(template = "adapter_java")
class ShopCases {
    @BeforeEach
    void setUp(Connection connection) throws SQLException {
        Shop.names(connection); // is not judged
        connection.close();
    }

    @AfterEach
    void tearDown(Connection connection) throws SQLException {
        Shop.names(connection);
        connection.close();
    }

    @RepeatedTest(3)
    void clean(Connection connection) throws SQLException {
        assertEquals("9", Shop.rows(connection, "INSERT INTO customer (name) VALUES ('new') RETURNING id").get(0));
        assertEquals("9", Shop.rows(connection, "SELECT count(*) FROM customer").get(0));
        Shop.namesAtOnce(connection);
    }

    @Test
    void red(Connection connection) throws SQLException {
        Shop.names(connection);
    }

    @Test
    void redItself(Connection connection) throws SQLException {
        Shop.names(connection);
        fail("its own failure");
    }

    @Nested
    class Inside {
        @Test
        void redInside(Connection connection) throws SQLException {
            Shop.names(connection);
        }
    }

    @Test
    @AllowNPlusOne("eight at most")
    void allowed(Connection connection) throws SQLException {
        Shop.names(connection);
    }

    @Test
    @AllowNPlusOne(parts = {"customer.id", "basket"})
    void allowedPart(Connection connection) throws SQLException {
        Shop.names(connection);
    }

    @Test
    @MaxStatements(2)
    void redMany(Connection connection) throws SQLException {
        for (int i = 0; i < 3; i++) Shop.namesAtOnce(connection);
    }

    @Test
    void paused(Connection connection, DbperfDatabase database) throws Exception {
        database.pause(() -> Shop.names(connection));
        var error = assertThrows(AssertionError.class, () -> database.check("GET /it's \\ */ #1", 0, () -> Shop.names(connection)));
        assertTrue(error.getMessage().contains("in         GET /it's \\ */ #1"), error.getMessage());
    }

    @Test
    void redRolledBack(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        for (int i = 0; i < 2; i++) {
            var savepoint = connection.setSavepoint();
            assertThrows(SQLException.class, () -> Shop.rows(connection, "SELECT 1 / 0"));
            connection.rollback(savepoint);
            connection.rollback();
        }
        Shop.names(connection);
        connection.rollback();
    }

    @Test
    void open(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        Shop.rows(connection, "DELETE FROM purchase RETURNING id");
    }

    @RepeatedTest(2)
    void schema(Connection connection) throws SQLException {
        assertEquals("8", Shop.rows(connection, "SELECT count(*) FROM purchase").get(0));
        try (var statement = connection.createStatement()) {
            statement.execute("ALTER TABLE purchase ADD more int");
        }
    }

    @Test
    void redByUrl() throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:dbperf:")) {
            Shop.names(connection);
        }
    }

    @Test
    void redPrepared(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement("SELECT note FROM purchase WHERE id = ?")) {
            for (String id : Shop.rows(connection, "SELECT customer_id FROM purchase")) {
                statement.setInt(1, Integer.parseInt(id));
                statement.executeQuery().close();
            }
        }
    }

    @Test
    void redCommented(Connection connection) throws SQLException {
        for (String id : Shop.rows(connection, "SELECT customer_id FROM purchase /*controller='orders'*/"))
            Shop.rows(connection, "SELECT note FROM purchase WHERE id = ? /*action='it%27s'*/;", Integer.valueOf(id));
    }

    @Test
    void redBatch(Connection connection) throws SQLException {
        for (String id : Shop.rows(connection, "SELECT customer_id FROM purchase"))
            try (var statement = connection.prepareStatement("UPDATE customer SET name = 'x' WHERE id = ?")) {
                statement.setInt(1, Integer.parseInt(id));
                statement.executeUpdate();
            }
    }
}
