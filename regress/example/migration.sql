CREATE INDEX orders_customer_cents ON orders (customer_id) INCLUDE (id, cents);
