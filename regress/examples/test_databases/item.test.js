// Node's own test runner and pg: one database for the file, clean for every test.
const { after, afterEach, before, test } = require('node:test');
const assert = require('node:assert');
const { Client } = require('pg');

const open = async database => {
    const client = new Client({ host: process.env.PGHOST, port: process.env.PGPORT, user: process.env.PGUSER, database });
    await client.connect();
    return client;
};
const value = async (client, text, values = []) => (await client.query({ text, values, rowMode: 'array' })).rows[0][0];

let home; // the lease lasts as long as this connection
let db;

before(async () => {
    home = await open('postgres');
    db = await open(await value(home, 'SELECT dbperf.acquire_database($1)', [process.env.TEMPLATE || 'app']));
});
afterEach(async () => {
    const clean = await value(db, 'SELECT dbperf.reset_database()');
    if (clean === db.database) return;
    await db.end(); // more than rows was changed
    db = await open(clean);
});
after(async () => {
    await db.end();
    await home.end();
});

for (const round of [1, 2, 3])
    test(`rows ${round}`, async () => {
        const insert = { name: 'insert', text: 'INSERT INTO item (name) VALUES ($1) RETURNING id', values: ['new'] };
        assert.strictEqual((await db.query(insert)).rows[0].id, 4);
        assert.strictEqual(await value(db, 'SELECT count(*)::int FROM item'), 4);
    });
test('schema', async () => {
    await db.query('CREATE TABLE more (a int)');
    assert.strictEqual(await value(db, 'SELECT count(*)::int FROM item'), 3);
});
test('after a change of the schema', async () => {
    assert.strictEqual(await value(db, "SELECT to_regclass('more')"), null);
});
