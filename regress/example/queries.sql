-- The same statement again and again is wanted here, and no N+1. The statement that makes the others has no name.
SET dbperf.n_plus_one = off;
SELECT format($$SET dbperf.query_name = 'orders_of_customer'; SELECT id, cents FROM orders WHERE customer_id = %s; RESET dbperf.query_name$$, i)
  FROM generate_series(1, 20) i \gexec
SELECT format($$SET dbperf.query_name = 'customer_by_id'; SELECT name FROM customers WHERE id = %s; RESET dbperf.query_name$$, i)
  FROM generate_series(1, 20) i \gexec
RESET dbperf.n_plus_one;
