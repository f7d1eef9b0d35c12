-- The query that is slowed down: per order a function whose loop is nearly all of the time, from few orders to many.
-- name: loyalty_points
-- params: SELECT to_time - days * interval '24 hours' AS from_time, to_time FROM (SELECT max(created_at) AS last FROM orders) AS o CROSS JOIN generate_series(0, 4) AS quarter CROSS JOIN LATERAL (SELECT date_trunc('day', last, 'UTC') - quarter * 91 * interval '24 hours' AS to_time) AS t CROSS JOIN (VALUES (7), (14), (28), (56)) AS d (days) ORDER BY to_time, days
SELECT user_id, sum(loyalty_points(total_cents)) AS points
FROM orders
WHERE created_at >= :from_time
  AND created_at < :to_time
GROUP BY user_id;
