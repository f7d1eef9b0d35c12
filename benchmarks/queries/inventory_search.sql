-- What can be delivered in a category up to a price: every category, cheap to dear, and one that does not exist.
-- name: inventory_search
-- params: SELECT category, max_price_cents FROM (SELECT category FROM products GROUP BY category UNION ALL SELECT 'antiques') AS c CROSS JOIN (VALUES (1500), (6000), (150000)) AS p (max_price_cents) ORDER BY category, max_price_cents
-- dbperf: budget_p95=20ms budget_avg=10ms budget_max=50ms
SELECT p.id, p.name, p.price_cents, sum(i.quantity - i.reserved) AS available
FROM products AS p
JOIN inventory AS i ON i.product_id = p.id
WHERE p.category = :category
  AND p.price_cents <= :max_price_cents
  AND p.active
  AND i.quantity > i.reserved
GROUP BY p.id, p.name, p.price_cents
ORDER BY p.price_cents, p.id
LIMIT 50;
