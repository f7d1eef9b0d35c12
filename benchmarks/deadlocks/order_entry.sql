-- One order of the shop, as its application enters it.
BEGIN;
INSERT INTO orders (id, user_id, item_count, shipping_cents, total_cents, payment_method, payment_reference, shipping_address, billing_address,
                    user_agent, risk_check)
VALUES (1000000001, 1, 1, 0, 100, 'card', 'order entry', '{}', '{}', 'psql', '{}');
INSERT INTO order_items (order_id, line, product_id, quantity, unit_price_cents) VALUES (1000000001, 1, 1, 1, 100);
UPDATE inventory SET reserved = reserved WHERE product_id = 1;
ROLLBACK;
