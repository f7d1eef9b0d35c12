-- Fills the tables of migrations/001_baseline.sql, which must be empty. One script without psql commands:
-- send it to the server as a whole, after SET shop.scale = '10' for ten times the data (default 1).
-- README.md beside this file describes tables and distributions. Every draw is an integer cut from the md5 of a
-- stream name and a row number, and nothing depends on session settings, so that every load, on every
-- server version and platform, gives the same rows in the same order.

DO $$
BEGIN
    IF coalesce(nullif(current_setting('shop.scale', true), ''), '1') !~ '^[1-9][0-9]{0,3}$' THEN
        RAISE EXCEPTION 'shop.scale must be a whole number from 1 to 9999, not "%"', current_setting('shop.scale', true)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM products) OR EXISTS (SELECT FROM orders) THEN
        RAISE EXCEPTION 'the shop already has rows'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Load the seed into a fresh database.';
    END IF;
END $$;

CREATE FUNCTION pg_temp.scale() RETURNS bigint STABLE LANGUAGE sql
RETURN coalesce(nullif(current_setting('shop.scale', true), ''), '1')::bigint;

-- A whole number from 0 to bound - 1, fixed by the name of the stream and the number of the row.
CREATE FUNCTION pg_temp.draw(stream text, n bigint, bound bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
RETURN ('x' || substr(md5(stream || ':' || n), 1, 15))::bit(60)::bigint % bound;

CREATE FUNCTION pg_temp.pick(stream text, n bigint, choices text[]) RETURNS text IMMUTABLE LANGUAGE sql
RETURN choices[1 + ('x' || substr(md5(stream || ':' || n), 1, 15))::bit(60)::bigint % cardinality(choices)];

-- Times are seconds since the shop opened, a Monday; the data ends 1092 days later.
CREATE FUNCTION pg_temp.at(second bigint) RETURNS timestamptz IMMUTABLE LANGUAGE sql
RETURN timestamptz '2022-07-04 00:00:00+00' + second * interval '1 second';


-- Popularity. Rank r of n gets weight 10^9 / (r + offset) (Zipf-Mandelbrot, exponent 1). Ranks are dealt out to ids
-- at random; "below" is the sum of the weights before this rank, so that width_bucket turns a draw into a rank.

CREATE TEMPORARY TABLE seed_users AS
SELECT rank, id,
       (sum(weight) OVER (ORDER BY rank) - weight)::bigint AS below,
       (sum(weight) OVER ())::bigint AS total
FROM (SELECT id, rank, 1000000000 / (rank + 30 * pg_temp.scale()) AS weight
      FROM (SELECT id, row_number() OVER (ORDER BY md5('user:' || id) COLLATE "C", id) AS rank
            FROM generate_series(1, 500 * pg_temp.scale()) AS id) AS ranked) AS weighted
ORDER BY rank;

CREATE TEMPORARY TABLE seed_products AS
SELECT rank, id,
       (sum(weight) OVER (ORDER BY rank) - weight)::bigint AS below,
       (sum(weight) OVER ())::bigint AS total,
       (ARRAY[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 4, 4, 4, 4, 4, 12, 12, 12, 60])[1 + pg_temp.draw('price class', id, 20)]
           * (300 + 100 * pg_temp.draw('price', id, 20)) - 1 AS price_cents
FROM (SELECT id, rank, 1000000000 / (rank + 2) AS weight
      FROM (SELECT id, row_number() OVER (ORDER BY md5('product:' || id) COLLATE "C", id) AS rank
            FROM generate_series(1, 200 * pg_temp.scale()) AS id) AS ranked) AS weighted
ORDER BY rank;

-- 1092 days, 156 whole weeks from a Monday: growth to the fourfold, a weekly rhythm, a season before Christmas.
CREATE TEMPORARY TABLE seed_days AS
SELECT day,
       (sum(weight) OVER (ORDER BY day) - weight)::bigint AS below,
       (sum(weight) OVER ())::bigint AS total
FROM (SELECT day,
             (1092 + 3 * day)
             * (ARRAY[100, 92, 95, 104, 118, 151, 140])[1 + day % 7]
             * CASE WHEN extract(month FROM date '2022-07-04' + day) IN (11, 12) THEN 16 ELSE 10 END AS weight
      FROM generate_series(0, 1091) AS day) AS weighted
ORDER BY day;

ANALYZE seed_users, seed_products, seed_days;


-- Orders take shape: who and when; ids follow time.

CREATE TEMPORARY TABLE seed_orders AS
SELECT row_number() OVER (ORDER BY second, n) AS id, u.id AS user_id, drawn.rank AS user_rank, drawn.second
FROM (SELECT n,
             width_bucket(pg_temp.draw('order user', n, (SELECT max(total) FROM seed_users)),
                          (SELECT array_agg(below ORDER BY rank) FROM seed_users)) AS rank,
             86400::bigint * (width_bucket(pg_temp.draw('order day', n, (SELECT max(total) FROM seed_days)),
                                           (SELECT array_agg(below ORDER BY day) FROM seed_days)) - 1)
             -- share of the day's orders, in thousandths, before each hour: quiet nights, a peak in the evening
             + 3600 * (width_bucket(pg_temp.draw('order hour', n, 1000),
                                    ARRAY[0, 14, 22, 27, 31, 35, 42, 58, 87, 127, 172, 220, 273,
                                          327, 377, 423, 469, 519, 577, 645, 727, 815, 895, 957]::bigint[]) - 1)
             + pg_temp.draw('order second', n, 3600) AS second
      FROM generate_series(1, 2500 * pg_temp.scale()) AS n) AS drawn
JOIN seed_users AS u USING (rank)
ORDER BY 1;

-- One to eight lines an order; a product drawn twice becomes one line.
CREATE TEMPORARY TABLE seed_items AS
SELECT drawn.order_id, (row_number() OVER (PARTITION BY drawn.order_id ORDER BY min(drawn.draft)))::integer AS line,
       p.id AS product_id, p.price_cents AS unit_price_cents, sum(drawn.quantity)::integer AS quantity
FROM (SELECT o.id AS order_id, draft,
             width_bucket(pg_temp.draw('item product', o.id * 8 + draft, (SELECT max(total) FROM seed_products)),
                          (SELECT array_agg(below ORDER BY rank) FROM seed_products)) AS rank,
             (ARRAY[1, 1, 1, 1, 1, 1, 1, 2, 2, 4])[1 + pg_temp.draw('item quantity', o.id * 8 + draft, 10)] AS quantity
      FROM seed_orders AS o,
           generate_series(0, width_bucket(pg_temp.draw('order lines', o.id, 100),
                                           ARRAY[0, 38, 64, 79, 88, 93, 96, 98]::bigint[]) - 1) AS draft) AS drawn
JOIN seed_products AS p USING (rank)
GROUP BY drawn.order_id, p.id, p.price_cents
ORDER BY drawn.order_id, line;

-- Where users live.
CREATE TEMPORARY TABLE seed_homes AS
SELECT id AS user_id, jsonb_build_object(
    'name', name,
    'street', pg_temp.pick('street', id, ARRAY['Station Road', 'Mill Lane', 'Garden Street', 'Church Square', 'River Walk',
        'Old Market', 'Harbour Street', 'Chestnut Avenue', 'School Lane', 'North Ring']) || ' ' || 1 + pg_temp.draw('house', id, 180),
    'postcode', 10000 + pg_temp.draw('postcode', id, 89999),
    'city', pg_temp.pick('city', id, ARRAY['Aldford', 'Brookhaven', 'Castleton', 'Dunmore', 'Eastleigh', 'Fairview',
        'Greenwood', 'Highbury', 'Kingsbridge', 'Lakeside', 'Millbrook', 'Norwood']),
    'country', country,
    'phone', '+00 555 ' || 1000000 + pg_temp.draw('phone', id, 8999999)) AS address,
    name, country
FROM (SELECT id,
             pg_temp.pick('first name', id, ARRAY['Anna', 'Ben', 'Clara', 'David', 'Elena', 'Felix', 'Greta', 'Hugo',
                 'Ida', 'Jonas', 'Karla', 'Leon', 'Mia', 'Noah', 'Olga', 'Paul', 'Rosa', 'Simon', 'Tessa', 'Viktor']) || ' '
             || pg_temp.pick('last name', id, ARRAY['Bakker', 'Becker', 'Bernard', 'Conti', 'Fischer', 'Garcia', 'Hansen',
                 'Huber', 'Jansen', 'Keller', 'Kowalski', 'Lambert', 'Lindberg', 'Martin', 'Moreau', 'Murphy', 'Novak',
                 'Richter', 'Schmidt', 'Visser', 'Weber', 'Winter', 'Wolf', 'Zimmer']) AS name,
             pg_temp.pick('country', id, ARRAY['DE', 'DE', 'DE', 'DE', 'DE', 'DE', 'FR', 'FR', 'FR', 'NL',
                 'NL', 'AT', 'AT', 'PL', 'PL', 'IT', 'ES', 'SE', 'DK', 'IE']) AS country
      FROM seed_users) AS named;

ANALYZE seed_orders, seed_items, seed_homes;


-- The tables themselves, each in the order of its key.

INSERT INTO users (id, email, display_name, country, newsletter, registered_at)
SELECT user_id, lower(replace(name, ' ', '.')) || user_id || '@mail.example', name, country,
       pg_temp.draw('newsletter', user_id, 100) < 35,
       pg_temp.at(coalesce(first_order, pg_temp.draw('registered without order', user_id, 1092 * 86400))
                  - pg_temp.draw('registered', user_id, 60 * 86400))
FROM seed_homes
LEFT JOIN (SELECT user_id, min(second) AS first_order FROM seed_orders GROUP BY user_id) AS o USING (user_id)
ORDER BY user_id;

INSERT INTO products (id, sku, name, category, description, price_cents, active)
SELECT id, 'SKU-' || lpad(id::text, 7, '0'), adjective || ' ' || material || ' ' || noun,
       pg_temp.pick('category', id, ARRAY['kitchen', 'kitchen', 'kitchen', 'kitchen', 'kitchen', 'garden', 'garden', 'garden',
           'garden', 'office', 'office', 'office', 'lighting', 'lighting', 'lighting', 'textiles', 'textiles', 'toys', 'toys', 'music']),
       'A ' || lower(adjective) || ' ' || lower(noun) || ' made of ' || lower(material) || '. '
           || pg_temp.pick('description', id, ARRAY[
               'Built to last a lifetime and easy to repair; every part can be ordered one by one.',
               'Designed in a small workshop, packed without plastic, and delivered with a spare set of screws.',
               'A favourite of our customers for years. Wipe with a dry cloth, keep away from direct sunlight.',
               'New in the range. Goes well with everything else in the same colour and comes in three sizes.']),
       price_cents,
       pg_temp.draw('active', id, 100) < 95
FROM (SELECT id, price_cents,
             pg_temp.pick('adjective', id, ARRAY['Round', 'Small', 'Large', 'Folding', 'Classic', 'Light', 'Sturdy', 'Quiet',
                 'Simple', 'Bright']) AS adjective,
             pg_temp.pick('material', id, ARRAY['Oak', 'Steel', 'Linen', 'Glass', 'Copper', 'Wool', 'Bamboo', 'Ceramic']) AS material,
             pg_temp.pick('noun', id, ARRAY['Bowl', 'Lamp', 'Chair', 'Blanket', 'Shelf', 'Kettle', 'Basket', 'Clock', 'Box',
                 'Table', 'Mirror', 'Whistle']) AS noun
      FROM seed_products) AS named
ORDER BY id;

INSERT INTO warehouses (id, name, country)
VALUES (1, 'central', 'DE'), (2, 'west', 'NL'), (3, 'south', 'AT'), (4, 'east', 'PL');

-- The best-selling fifth lies in every warehouse, the middle in two, the long tail in one.
INSERT INTO inventory (product_id, warehouse_id, quantity, reserved, reorder_level, counted_at)
SELECT product_id, warehouse_id, quantity,
       CASE WHEN pg_temp.draw('is reserved', n, 4) = 0 THEN pg_temp.draw('reserved', n, 1 + least(quantity, 12)) ELSE 0 END,
       5 * popularity,
       pg_temp.at((1092 - 60) * 86400 + pg_temp.draw('counted', n, 60 * 86400))
FROM (SELECT id AS product_id, warehouse_id, popularity, id * 4 + warehouse_id AS n,
             CASE WHEN pg_temp.draw('sold out', id * 4 + warehouse_id, 100) < 10 THEN 0
                  ELSE 1 + pg_temp.draw('stock', id * 4 + warehouse_id, 25 * popularity) END AS quantity
      FROM (SELECT id, CASE WHEN rank <= 40 * pg_temp.scale() THEN 4
                            WHEN rank <= 120 * pg_temp.scale() THEN 2 ELSE 1 END AS popularity
            FROM seed_products) AS p,
           generate_series(1, 4) AS warehouse_id
      WHERE popularity = 4 OR (warehouse_id + id) % 4 < popularity) AS stocked
ORDER BY product_id, warehouse_id;

-- Two weeks after the order its story has ended; before that it depends on its age.
INSERT INTO orders (id, user_id, created_at, status, item_count, shipping_cents, total_cents, payment_method, payment_reference,
                    shipping_address, billing_address, user_agent, risk_check, note)
SELECT o.id, o.user_id, pg_temp.at(o.second),
       CASE WHEN o.second < (1092 - 14) * 86400
            THEN (ARRAY['delivered', 'cancelled', 'returned'])[width_bucket(luck, ARRAY[0, 88, 94]::bigint[])]
            WHEN o.second < (1092 - 3) * 86400
            THEN (ARRAY['shipped', 'delivered', 'paid', 'cancelled'])[width_bucket(luck, ARRAY[0, 45, 85, 93]::bigint[])]
            ELSE (ARRAY['paid', 'pending', 'shipped', 'cancelled'])[width_bucket(luck, ARRAY[0, 50, 75, 93]::bigint[])] END,
       i.item_count, i.shipping_cents, i.goods_cents + i.shipping_cents,
       pg_temp.pick('payment', o.id, ARRAY['card', 'card', 'card', 'card', 'card', 'wallet', 'wallet', 'wallet', 'invoice', 'transfer']),
       md5('payment reference:' || o.id),
       recipient.address, buyer.address,
       pg_temp.pick('agent', o.user_id, ARRAY[
           'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
           'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0',
           'ShopApp/4.2 (Android 14; phone) build 4207',
           'ShopApp/4.1 (iOS 17.5; tablet) build 4113']),
       jsonb_build_object('score', pg_temp.draw('risk', o.id, 1000), 'provider', 'inhouse', 'model', '2022-05',
                          'address_known', o.user_id = o.recipient_id, 'session', md5('session:' || o.id)),
       CASE WHEN pg_temp.draw('has note', o.id, 100) < 15 THEN
           pg_temp.pick('note', o.id, ARRAY[
               'Please leave the parcel with the neighbours on the ground floor if nobody answers the door.',
               'It is a present: no invoice in the box, please, and the wrapping paper with the small stars.',
               'Ring twice.',
               'Deliver after five in the afternoon; the entrance is in the yard, behind the bicycle shop.']) END
FROM (SELECT *, pg_temp.draw('status', id, 100) AS luck,
             -- one order in ten goes to somebody else
             CASE WHEN pg_temp.draw('gift', id, 10) = 0 THEN 1 + pg_temp.draw('recipient', id, 500 * pg_temp.scale())
                  ELSE user_id END AS recipient_id
      FROM seed_orders) AS o
JOIN (SELECT order_id, sum(quantity) AS item_count, sum(quantity * unit_price_cents) AS goods_cents,
             CASE WHEN sum(quantity * unit_price_cents) >= 5000 THEN 0 ELSE 495 END AS shipping_cents
      FROM seed_items GROUP BY order_id) AS i ON i.order_id = o.id
JOIN seed_homes AS buyer ON buyer.user_id = o.user_id
JOIN seed_homes AS recipient ON recipient.user_id = o.recipient_id
ORDER BY o.id;

INSERT INTO order_items (order_id, line, product_id, quantity, unit_price_cents)
SELECT order_id, line, product_id, quantity, unit_price_cents FROM seed_items ORDER BY order_id, line;

SELECT setval(pg_get_serial_sequence('users', 'id'), max(id)) FROM users;
SELECT setval(pg_get_serial_sequence('products', 'id'), max(id)) FROM products;
SELECT setval(pg_get_serial_sequence('warehouses', 'id'), max(id)) FROM warehouses;
SELECT setval(pg_get_serial_sequence('orders', 'id'), max(id)) FROM orders;

DROP TABLE seed_users, seed_products, seed_days, seed_orders, seed_items, seed_homes;
DROP FUNCTION pg_temp.at(bigint), pg_temp.pick(text, bigint, text[]),
    pg_temp.draw(text, bigint, bigint), pg_temp.scale();

ANALYZE users, products, warehouses, inventory, orders, order_items;
