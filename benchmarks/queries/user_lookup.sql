-- A user signs in. Frequent and rare customers, users who never ordered, and addresses nobody has.
-- name: user_lookup
-- params: SELECT email FROM (SELECT email, 1 AS part, row_number() OVER (ORDER BY orders DESC NULLS LAST, id) AS place, count(*) OVER () AS users FROM users LEFT JOIN (SELECT user_id AS id, count(*) AS orders FROM orders GROUP BY user_id) AS o USING (id) UNION ALL SELECT 'nobody' || n || '@mail.example', 2, n, 1 FROM generate_series(1, 3) AS n) AS p WHERE part = 2 OR place <= 5 OR place % (users / 16) = 0 ORDER BY part, place
-- dbperf: budget_p95=20ms budget_avg=5ms budget_max=50ms
SELECT id, email, display_name, country, newsletter, registered_at
FROM users
WHERE email = :email;
