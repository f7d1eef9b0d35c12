-- The order history of one user, newest first. Until now it reads the whole table of orders.
-- (On a live shop one would add CONCURRENTLY, outside a transaction.)

CREATE INDEX idx_orders_user_created ON orders (user_id, created_at DESC);
