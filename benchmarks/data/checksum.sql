-- One row a table: rows and md5 of the content in key order. Equal on every server version; README.md has the values.
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SELECT 'users' AS name, count(*) AS rows, md5(string_agg(md5(t::text), '' ORDER BY id)) FROM users AS t
UNION ALL
SELECT 'products', count(*), md5(string_agg(md5(t::text), '' ORDER BY id)) FROM products AS t
UNION ALL
SELECT 'warehouses', count(*), md5(string_agg(md5(t::text), '' ORDER BY id)) FROM warehouses AS t
UNION ALL
SELECT 'inventory', count(*), md5(string_agg(md5(t::text), '' ORDER BY product_id, warehouse_id)) FROM inventory AS t
UNION ALL
SELECT 'orders', count(*), md5(string_agg(md5(t::text), '' ORDER BY id)) FROM orders AS t
UNION ALL
SELECT 'order_items', count(*), md5(string_agg(md5(t::text), '' ORDER BY order_id, line)) FROM order_items AS t;
