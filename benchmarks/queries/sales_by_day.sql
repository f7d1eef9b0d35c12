-- Sales a day: the last 7, 30 and 90 days at the end of each quarter, from quiet early days to the busy last ones.
-- name: sales_by_day
-- params: SELECT to_time - days * interval '24 hours' AS from_time, to_time FROM (SELECT max(created_at) AS last FROM orders) AS o CROSS JOIN generate_series(0, 8) AS quarter CROSS JOIN LATERAL (SELECT date_trunc('day', last, 'UTC') - quarter * 91 * interval '24 hours' AS to_time) AS t CROSS JOIN (VALUES (7), (30), (90)) AS d (days) ORDER BY to_time, days
-- dbperf: budget_p95=20ms budget_avg=10ms budget_max=50ms
SELECT date_trunc('day', created_at, 'UTC') AS day,
       count(*) AS orders,
       count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
       sum(item_count) AS items,
       sum(total_cents) AS revenue_cents
FROM orders
WHERE created_at >= :from_time
  AND created_at < :to_time
GROUP BY day
ORDER BY day;
