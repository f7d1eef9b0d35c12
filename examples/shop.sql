-- The database of the examples: psql -d postgres -c 'CREATE DATABASE shop' && psql -d shop -f shop.sql
CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE "order" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, placed_on date NOT NULL);
CREATE INDEX ON "order" (customer_id);
CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id int NOT NULL REFERENCES "order", product text NOT NULL, cents int NOT NULL);
CREATE INDEX ON item (order_id);
INSERT INTO customer (name) SELECT 'customer ' || i FROM generate_series(1, 12) i;
INSERT INTO "order" (customer_id, placed_on) SELECT i, date '2026-01-01' + i FROM generate_series(1, 12) i;
INSERT INTO item (order_id, product, cents) SELECT 1 + i % 12, 'product ' || i, 100 * i FROM generate_series(1, 36) i;
