// One process or one file of tests: settings, the lease, and what happens around each test. Runners call it.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const drizzle = require('./drizzle.cjs');
const { install } = require('./driver.cjs');
const { judge } = require('./judge.cjs');
const { Lease, Missing } = require('./lease.cjs');
const { begin, end, observer } = require('./observer.cjs');

// "dbperf" of package.json; the environment says it last.
function settings() {
    let found = {};
    for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
        const file = path.join(folder, 'package.json');
        if (fs.existsSync(file)) {
            observer.root = folder + path.sep;
            found = JSON.parse(fs.readFileSync(file, 'utf8')).dbperf || {};
            break;
        }
        if (folder === path.dirname(folder)) break;
    }
    const { DBPERF_TEMPLATE, DBPERF_HOME, DBPERF_URL, DBPERF_MISSING } = process.env;
    const all = { template: DBPERF_TEMPLATE, home: DBPERF_HOME, url: DBPERF_URL, missing: DBPERF_MISSING };
    return { missing: 'error', ...found, ...Object.fromEntries(Object.entries(all).filter(([, value]) => value)) };
}

// Returns why tests are to be skipped, or null. Throws one sentence when there is no server to test with.
async function start() {
    const { missing, ...options } = settings();
    if (!options.template) return null;
    if (!['error', 'skip', 'ignore'].includes(missing)) throw new Missing(`missing is "${missing}", not error, skip or ignore`);
    const lease = new Lease(options);
    try {
        await lease.acquire();
    } catch (error) {
        if (!(error instanceof Missing) || missing === 'error') throw new Error(`dbperf: ${error.message}`);
        return missing === 'skip' ? `dbperf: ${error.message}` : null;
    }
    observer.lease = lease;
    install();
    await drizzle.install();
    return null;
}

let ran = false; // a test, since the copy was clean

// The first of all hooks: what a test before did is undone.
async function beforeSetUp() {
    end();
    if (observer.lease && ran) await observer.lease.reset();
    ran = true;
}

function beforeBody(name) {
    if (observer.lease) begin(name);
}

// The body is over: throws if it is red.
async function afterBody() {
    if (!observer.lease) return;
    const failure = await judge(end());
    if (failure) throw failure;
}

async function stop() {
    end();
    if (observer.lease) await observer.lease.release();
    observer.lease = null;
}

module.exports = { afterBody, beforeBody, beforeSetUp, start, stop };
