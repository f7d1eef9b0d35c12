-- Tables of the labelled cases, from fixed formulas: the same data on every server.
CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, name text NOT NULL, city text NOT NULL, joined timestamptz NOT NULL,
                    active boolean NOT NULL, manager_id int, score int NOT NULL);
INSERT INTO users SELECT i, 'User' || i || '@Example.org', 'name ' || i * 7919 % 30011, 'city ' || i * 31 % 400,
       timestamptz '2020-01-01 00:00+00' + (i * 7907 % 30000) * interval '1 h', i % 300 <> 0,
       CASE WHEN i % 3 = 0 THEN i % 1000 + 1 END, i * 104729 % 10007 FROM generate_series(1, 30000::bigint) i;
CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL, created timestamptz NOT NULL, status text NOT NULL, total numeric(10, 2) NOT NULL,
                     country char(2) NOT NULL, note text, deleted_at timestamptz, priority int NOT NULL);
INSERT INTO orders SELECT i, CASE WHEN i % 50 = 0 THEN i / 50 % 10 + 1 ELSE i * 7919 % 30000 + 1 END, timestamptz '2024-01-01 00:00+00' + i * interval '5 min',
       CASE WHEN i % 500 = 0 THEN 'pending' WHEN i % 20 = 0 THEN 'returned' WHEN i % 4 = 0 THEN 'shipped' ELSE 'done' END,
       (i * 104729 % 100003) / 10.0, (ARRAY['DE', 'US', 'FR', 'GB', 'NL', 'SE', 'PL', 'ES'])[(i * 31 % 8 + 1)::int],
       CASE WHEN i % 200 = 0 THEN 'note ' || i ELSE NULL END, CASE WHEN i % 100 = 0 THEN timestamptz '2025-01-01 00:00+00' + i * interval '1 s' END, i * 13 % 1000
  FROM generate_series(1, 120000::bigint) i;
CREATE TABLE items (id int PRIMARY KEY, order_id int NOT NULL, product_id int NOT NULL, quantity int NOT NULL, price int NOT NULL);
INSERT INTO items SELECT i, i * 7 % 120000 + 1, i * 7919 % 2003 + 1, i % 9 + 1, i * 31 % 5000 FROM generate_series(1, 240000::bigint) i;
CREATE TABLE products (id int PRIMARY KEY, sku text NOT NULL, category text NOT NULL, price int NOT NULL, description text NOT NULL);
INSERT INTO products SELECT i, 'SKU-' || lpad(i::text, 6, '0'), 'category ' || i % 40, i * 31 % 9973, repeat('description of product ' || i || ' ', 4) FROM generate_series(1, 2003::bigint) i;
CREATE TABLE events (id bigint PRIMARY KEY, kind text NOT NULL, happened timestamptz NOT NULL, actor int, session uuid NOT NULL, payload jsonb NOT NULL, tags text[] NOT NULL, words tsvector NOT NULL);
INSERT INTO events SELECT i, (ARRAY['view', 'click', 'buy', 'login'])[(i * 31 % 4 + 1)::int], timestamptz '2025-01-01 00:00+00' + i * interval '20 s', CASE WHEN i % 10 = 0 THEN NULL ELSE i * 7919 % 5000 END,
       md5((i / 12)::text)::uuid, jsonb_build_object('page', i * 31 % 4001, 'ref', 'r' || i % 700, 'deep', jsonb_build_object('x', i % 97)),
       ARRAY['t' || i * 7919 % 1999, 'u' || i % 50], to_tsvector('simple', 'w' || i * 7907 % 3001 || ' common v' || i % 211) FROM generate_series(1, 100000::bigint) i;
CREATE TABLE bookings (id int PRIMARY KEY, room int NOT NULL, during tsrange NOT NULL, guest text NOT NULL);
INSERT INTO bookings SELECT i, i * 7 % 200, tsrange(timestamp '2025-01-01' + i * interval '37 min', timestamp '2025-01-01' + i * interval '37 min' + interval '1 day'), 'guest ' || i % 5000 FROM generate_series(1, 40000::bigint) i;
CREATE TABLE readings (day date NOT NULL, sensor int NOT NULL, value int NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE readings_1 PARTITION OF readings FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE readings_2 PARTITION OF readings FOR VALUES FROM ('2025-02-01') TO ('2025-03-01');
INSERT INTO readings SELECT date '2025-01-01' + (i % 58)::int, i * 7919 % 3001, i * 31 % 10007 FROM generate_series(1, 100000::bigint) i;
CREATE TABLE settings (id int PRIMARY KEY, name text NOT NULL, value text);
INSERT INTO settings SELECT i, 'setting ' || i, 'value' FROM generate_series(1, 200::bigint) i;
CREATE INDEX products_category_price ON products (category, price);
CREATE INDEX events_happened ON events (happened);
CREATE VIEW open_orders AS SELECT o.*, u.email FROM orders o JOIN users u ON u.id = o.user_id WHERE o.status <> 'done';
VACUUM ANALYZE;
