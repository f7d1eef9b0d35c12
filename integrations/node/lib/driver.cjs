// pg, and what sits on it: connections to the template go to its leased copy, and what is executed there is observed.
'use strict';
const { AsyncResource } = require('node:async_hooks');
const { createRequire } = require('node:module');
const { observe, observeEarly, observer, rollsBack, commits, toTell } = require('./observer.cjs');

const clients = new Set(); // those of the leased copy
const pools = new Set();
let originals = null;

// The application's pg, not one that lies beside this file.
function applicationPg() {
    return createRequireFor('pg');
}
function createRequireFor(name) {
    try {
        return require(require.resolve(name, { paths: [process.cwd(), __dirname] }));
    } catch {
        return createRequire(process.cwd() + '/')(name);
    }
}

function install() {
    if (originals) return originals;
    const pg = applicationPg();
    const { connect, query } = pg.Client.prototype;
    if (query.dbperfOriginals) return (originals = query.dbperfOriginals);
    originals = { Client: pg.Client, connect, query };

    pg.Client.prototype.connect = function (callback) {
        const { lease } = observer;
        if (!lease || this.dbperfOwn || !lease.isWanted(this.connectionParameters.database)) return connect.call(this, callback);
        const begun = lease.acquire().then(name => {
            this.database = this.connectionParameters.database = name;
            this.dbperfObserved = true;
            clients.add(this);
            this.once('end', () => clients.delete(this));
            this.connection.on('readyForQuery', message => (this.dbperfStatus = message.status));
        });
        if (typeof callback !== 'function') return begun.then(() => connect.call(this));
        begun.then(() => connect.call(this, callback), callback);
    };

    pg.Client.prototype.query = function dbperfQuery(config, values, callback) {
        if (!this.dbperfObserved || config == null) return query.call(this, config, values, callback);
        const text = textOf(config);
        if (text === null) return query.call(this, config, values, callback);
        observer.lease.touched = true;
        const telling = toTell(this);
        if (rollsBack.test(text) || (commits.test(text) && this.dbperfStatus === 'E')) this.dbperfUnit = null;
        // One name is one text: that of its first line.
        const named = config.name && (this.dbperfNamed = this.dbperfNamed || new Map());
        const first = named && named.get(config.name);
        let said = observe(text, dbperfQuery, first && first.place);
        if (named && first && first.text === text) said = first.said;
        else if (named) named.set(config.name, { text, said, place: placeIn(said) });
        if (said !== text) config = withText(config, said);
        const queue = (this.dbperfQueue = this.dbperfQueue || []);
        if (!telling && !queue.length) return query.call(this, config, values, callback);
        // Statements wait until the session knows the unit: a client has no queue of its own any more from pg 9 on.
        const send = () => query.call(this, config, values, callback);
        let later;
        if (typeof config.submit === 'function' || typeof (callback || values || config.callback) === 'function') {
            queue.push({ telling, send });
        } else {
            later = new Promise((resolve, reject) => queue.push({ telling, send: () => send().then(resolve, reject) }));
        }
        if (queue.length === 1) sendQueued(this, query);
        return typeof config.submit === 'function' ? config : later;
    };
    pg.Client.prototype.query.dbperfOriginals = originals;

    const Pool = pg.Pool.prototype.query ? pg.Pool : null;
    if (Pool) {
        const pool = { connect: Pool.prototype.connect, query: Pool.prototype.query };
        const isWanted = of => observer.lease && observer.lease.isWanted((of.dbperfDatabase = of.dbperfDatabase || databaseOf(pg, of.options)));
        Pool.prototype.query = function dbperfQuery(config, ...rest) {
            const text = config != null && isWanted(this) ? textOf(config) : null;
            if (text !== null && !config.name) config = withText(config, observeEarly(text, dbperfQuery));
            return pool.query.call(this, config, ...rest);
        };
        // Who waits for a client goes on in its own unit, not in that of who gave the client back.
        Pool.prototype.connect = function (callback) {
            pools.add(this);
            return pool.connect.call(this, typeof callback === 'function' ? AsyncResource.bind(callback) : callback);
        };
    }
    return originals;
}

function sendQueued(client, query) {
    const queue = client.dbperfQueue;
    while (queue.length) {
        const { telling, send } = queue[0];
        if (telling) {
            queue[0].telling = null;
            // In an aborted transaction it fails, as what comes after it does.
            return query.call(client, telling, () => sendQueued(client, query));
        }
        send();
        queue.shift();
    }
}

function placeIn(said) {
    const match = /source_location='([^']*)'\*\/$/.exec(said);
    return match ? decodeURIComponent(match[1]) : undefined;
}

function textOf(config) {
    const text = typeof config === 'string' ? config : config.text;
    return typeof text === 'string' ? text : null;
}

function withText(config, text) {
    if (typeof config === 'string') return text;
    if (typeof config.submit !== 'function') return Object.assign(Object.create(Object.getPrototypeOf(config)), config, { text });
    config.text = text;
    return config;
}

function databaseOf(pg, options) {
    try {
        return new pg.Client(options).connectionParameters.database;
    } catch {
        return undefined;
    }
}

// After the copy was replaced; pools connect anew.
function closeAll() {
    for (const pool of pools)
        for (const { client } of [...(pool._idle || [])]) if (clients.has(client)) pool._remove(client);
    for (const client of clients) {
        clients.delete(client);
        client.on('error', () => {});
        client.end().catch(() => {});
    }
}

module.exports = { clients, closeAll, install };
