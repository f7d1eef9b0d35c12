-- The same statement again and again is wanted here, and no N+1.
SET dbperf.n_plus_one = off;
SET dbperf.query_name = 'orders_of_customer';
SELECT format('SELECT id, cents FROM orders WHERE customer_id = %s', i) FROM generate_series(1, 20) i \gexec
SET dbperf.query_name = 'customer_by_id';
SELECT format('SELECT name FROM customers WHERE id = %s', i) FROM generate_series(1, 20) i \gexec
RESET dbperf.query_name;
RESET dbperf.n_plus_one;
