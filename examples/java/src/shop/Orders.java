package shop;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/** Orders of a small shop, with JDBC. */
public class Orders {
    public record Order(int id, String customer) {}

    private final DataSource database;

    public Orders(DataSource database) {
        this.database = database;
    }

    /** Every order, newest first. */
    public List<Order> list() throws SQLException {
        List<Order> list = new ArrayList<>();
        try (Connection connection = database.getConnection(); var statement = connection.createStatement()) {
            try (var rows = statement.executeQuery("SELECT o.id, c.name FROM \"order\" o JOIN customer c ON c.id = o.customer_id ORDER BY o.placed_on DESC")) {
                while (rows.next()) list.add(new Order(rows.getInt(1), rows.getString(2)));
            }
        }
        return list;
    }

    public int place(int customer, String product, int cents) throws SQLException {
        try (Connection connection = database.getConnection();
             var statement = connection.prepareStatement("WITH placed AS (INSERT INTO \"order\" (customer_id, placed_on) VALUES (?, current_date) RETURNING id)"
                 + " INSERT INTO item (order_id, product, cents) SELECT id, ?, ? FROM placed RETURNING order_id")) {
            statement.setInt(1, customer);
            statement.setString(2, product);
            statement.setInt(3, cents);
            try (var rows = statement.executeQuery()) {
                rows.next();
                return rows.getInt(1);
            }
        }
    }
}
