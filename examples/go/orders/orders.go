// Package orders are those of a small shop, with database/sql.
package orders

import "database/sql"

// An Order as the list shows it.
type Order struct {
	ID       int
	Customer string
}

// List is every order, newest first.
func List(db *sql.DB) ([]Order, error) {
	rows, err := db.Query(`SELECT o.id, c.name FROM "order" o JOIN customer c ON c.id = o.customer_id ORDER BY o.placed_on DESC`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Order
	for rows.Next() {
		var order Order
		if err := rows.Scan(&order.ID, &order.Customer); err != nil {
			return nil, err
		}
		list = append(list, order)
	}
	return list, rows.Err()
}

// Place an order.
func Place(db *sql.DB, customer int, product string, cents int) (number int, err error) {
	err = db.QueryRow(`WITH placed AS (INSERT INTO "order" (customer_id, placed_on) VALUES ($1, current_date) RETURNING id)
		INSERT INTO item (order_id, product, cents) SELECT id, $2, $3 FROM placed RETURNING order_id`, customer, product, cents).Scan(&number)
	return number, err
}
