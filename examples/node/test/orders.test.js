'use strict';
const { after, test } = require('node:test');
const assert = require('node:assert');
const { dbperf } = require('dbperf-test');
const { orderList, placeOrder, pool } = require('../shop/orders.js');

after(() => pool.end());

test('list', async () => {
    const list = await orderList();
    assert.equal(list.length, 12);
    assert.equal(list[0].name, 'customer 12');
});
test('place', async () => {
    dbperf({ maxStatements: 2 });
    assert.equal(await placeOrder(1, { tea: 300, cup: 900 }), 13);
});
test('place again: the database is clean, numbers begin where they began', async () => {
    assert.equal(await placeOrder(2, { tea: 300 }), 13);
    assert.equal((await orderList()).length, 13);
});
