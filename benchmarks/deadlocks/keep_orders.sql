-- A migration of the shop: an order with items may not be deleted any more. It locks order_items, then orders. Order entry writes orders,
-- then order_items (order_entry.sql): the two can deadlock.
ALTER TABLE order_items
    DROP CONSTRAINT order_items_order_id_fkey,
    ADD CONSTRAINT order_items_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders ON DELETE RESTRICT;
