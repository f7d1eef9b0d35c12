package shop;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

final class Shop {
    static List<String> rows(Connection connection, String sql, Object... values) throws SQLException {
        try (var statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
            List<String> list = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) list.add(rows.getString(1));
            }
            return list;
        }
    }

    static List<String> names(Connection connection) throws SQLException {
        List<String> list = new ArrayList<>();
        for (String customer : rows(connection, "SELECT customer_id FROM purchase ORDER BY id"))
            list.addAll(rows(connection, "SELECT name FROM customer WHERE id = ?", Integer.valueOf(customer)));
        return list;
    }

    static List<String> namesAtOnce(Connection connection) throws SQLException {
        return rows(connection, "SELECT name FROM customer JOIN purchase ON customer_id = customer.id");
    }
}
