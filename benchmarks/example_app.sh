#!/usr/bin/env bash
# A small application with three faults that dbperf finds: the page of orders looks up each customer by itself (N+1), the
# report of sales reads far more than it shows (slow), and the index on the customer of an order is dropped. It works
# on the database of DATABASE_URL, else of DBPERF_DATABASE_URL or PG*, where it makes its tables when they are missing.
#
#   dbperf run --label main -- ./example_app.sh --mended         # what is compared with
#   dbperf check --baseline main -- ./example_app.sh             # exit code 1
#   dbperf check --baseline main -- ./example_app.sh --mended    # exit code 0
set -euo pipefail
mended=
case ${1:-} in
    --mended) mended=yes ;;
    '') ;;
    *)
        echo "usage: example_app.sh [--mended]" >&2
        exit 2
        ;;
esac
database=${DATABASE_URL:-${DBPERF_DATABASE_URL:-}}
sql() { psql -XqAt -v ON_ERROR_STOP=1 ${database:+"$database"} "$@"; }

# Made once; a run after that finds the data as it is.
sql <<'SQL'
SET client_min_messages = warning;
SELECT to_regclass('example_orders') IS NULL AS missing \gset
\if :missing
CREATE TABLE example_customers (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE example_orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES example_customers, day date NOT NULL,
                             cents int NOT NULL, note text NOT NULL);
INSERT INTO example_customers SELECT i, 'customer ' || i FROM generate_series(1, 500) i;
INSERT INTO example_orders SELECT 100000 + i, 1 + i % 500, date '2026-01-01' + i % 365, i % 10000, repeat('x', 200) FROM generate_series(1, 8000) i;
VACUUM ANALYZE example_customers, example_orders;
\endif
SQL

# The migration of the day.
if [ -n "$mended" ]; then
    sql -c 'SET client_min_messages = warning' -c 'CREATE INDEX IF NOT EXISTS example_orders_customer ON example_orders (customer_id)'
else
    sql -c 'SET client_min_messages = warning' -c 'DROP INDEX IF EXISTS example_orders_customer'
fi

# The page of orders: one statement for all customers, or one for each.
page_of_orders() {
    echo "SET dbperf.scope = 'GET /orders';"
    echo 'SELECT id, customer_id, cents FROM example_orders ORDER BY id LIMIT 20;'
    if [ -n "$mended" ]; then
        echo "SELECT name FROM example_customers WHERE id = ANY ('{$(seq -s, 2 21)}');"
    else
        for id in $(seq 2 21); do
            echo "SELECT name FROM example_customers WHERE id = $id;"
        done
    fi
    echo "SET dbperf.scope = '';"
}

# The report of sales: of one order's customer, or of every pair of an order and a customer.
report_of_sales() {
    echo "SET dbperf.query_name = 'report_of_sales';"
    local i
    for i in {1..24}; do
        if [ -n "$mended" ]; then
            echo "SELECT count(*), sum(cents) FROM example_customers c JOIN example_orders o ON o.customer_id = c.id WHERE o.id = $((100000 + i));"
        else
            echo "SELECT count(*) FILTER (WHERE md5(o.note || c.name || o.id) < '8'), sum(cents) FROM example_orders o, example_customers c WHERE o.id % 80 = $i;"
        fi
    done
    echo "SET dbperf.query_name = '';"
}

orders_of_customers() {
    echo "SET dbperf.query_name = 'orders_of_customer';"
    local i
    for i in {1..24}; do
        echo "SELECT day, cents FROM example_orders WHERE customer_id = $((i * 7));"
    done
    echo "SET dbperf.query_name = '';"
}

{
    page_of_orders
    report_of_sales
    orders_of_customers
} | sql >/dev/null
