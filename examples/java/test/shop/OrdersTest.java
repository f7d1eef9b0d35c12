package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dbperf.junit.Dbperf;
import dbperf.junit.MaxStatements;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

@Dbperf(template = "shop")
class OrdersTest {
    @Test
    void list(DataSource database) throws SQLException {
        var list = new Orders(database).list();
        assertEquals(new Orders.Order(12, "customer 12"), list.get(0));
    }

    @Test
    @MaxStatements(1)
    void place(DataSource database) throws SQLException {
        assertEquals(13, new Orders(database).place(1, "tea", 300));
    }

    /** The database is clean: numbers begin where they began. */
    @Test
    void placeAgain(DataSource database) throws SQLException {
        assertEquals(13, new Orders(database).place(2, "cup", 900));
        assertEquals(13, new Orders(database).list().size());
    }
}
