// Orders of a small shop, with pg.
'use strict';
const { Pool } = require('pg');

const pool = new Pool({ database: process.env.SHOP || 'shop' });

// Number, customer's name and total in cents of each order, newest first.
async function orderList() {
    const { rows } = await pool.query(
        'SELECT o.id, c.name, sum(i.cents)::int AS cents FROM "order" o JOIN customer c ON c.id = o.customer_id JOIN item i ON i.order_id = o.id' +
            ' GROUP BY o.id, c.name ORDER BY o.placed_on DESC',
    );
    return rows;
}

async function placeOrder(customer, products) {
    const { rows } = await pool.query('INSERT INTO "order" (customer_id, placed_on) VALUES ($1, current_date) RETURNING id', [customer]);
    await pool.query('INSERT INTO item (order_id, product, cents) SELECT $1, * FROM unnest($2::text[], $3::int[])', [
        rows[0].id, Object.keys(products), Object.values(products),
    ]);
    return rows[0].id;
}

module.exports = { orderList, placeOrder, pool };
