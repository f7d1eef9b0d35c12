-- One order with its lines: the ten largest orders, the ten newest, and ten spread over the years.
-- name: order_detail
-- params: SELECT order_id FROM (SELECT id AS order_id, row_number() OVER (ORDER BY total_cents DESC, id) AS large, row_number() OVER (ORDER BY id DESC) AS recent, count(*) OVER () AS orders FROM orders) AS o WHERE large <= 10 OR recent <= 10 OR recent % (orders / 10) = 0 ORDER BY order_id
-- dbperf: budget_p95=20ms budget_avg=5ms budget_max=50ms
SELECT o.id, o.created_at, o.status, o.shipping_address, o.total_cents,
       i.line, p.sku, p.name, i.quantity, i.unit_price_cents
FROM orders AS o
JOIN order_items AS i ON i.order_id = o.id
JOIN products AS p ON p.id = i.product_id
WHERE o.id = :order_id
ORDER BY i.line;
