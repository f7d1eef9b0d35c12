-- All orders of one user, newest first: the three best customers, then the ranking of all in steps.
-- name: order_history
-- params: SELECT user_id FROM (SELECT user_id, row_number() OVER (ORDER BY count(*) DESC, user_id) AS place, count(*) OVER () AS buyers FROM orders GROUP BY user_id) AS ranked WHERE place <= 3 OR place % (buyers / 20) = 0 ORDER BY place
-- dbperf: budget_p95=20ms budget_avg=5ms budget_max=50ms
SELECT id, created_at, status, item_count, total_cents
FROM orders
WHERE user_id = :user_id
ORDER BY created_at DESC, id DESC;
