CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, cents int NOT NULL, note text NOT NULL);
INSERT INTO customers SELECT i, 'customer ' || i FROM generate_series(1, 500) i;
INSERT INTO orders SELECT i, 1 + i % 500, i % 10000, repeat('x', 100) FROM generate_series(1, 20000) i;
CREATE INDEX orders_customer ON orders (customer_id);
VACUUM ANALYZE customers, orders;
SELECT dbperf.set_budget('orders_of_customer', 'p95_ms', 500);
