// What is being observed now: the unit of work, what was executed in it, and at which lines. Knows no test runner.
'use strict';
// One in a process, however often a runner loads this file.
const shared = Symbol.for('dbperf-test');
if (globalThis[shared]) {
    module.exports = globalThis[shared];
    return;
}
const { AsyncLocalStorage } = require('node:async_hooks');
const channels = require('node:diagnostics_channel');
const path = require('node:path');
const { fileURLToPath } = require('node:url');

const paused = '';
const own = __dirname + path.sep;
const notCounted = /^\s*(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD)\b/i;
const rollsBack = /^\s*(ROLLBACK|ABORT)\b/i;
const commits = /^\s*(COMMIT|END)\b/i;
const sqlcommenter = /='(?:[^'\\]|\\.)*'\s*\*\/[\s;]*$/;
const hasLine = /\b(source_location|file|code\.file\.path|code\.filepath)='[^']*'(?:,[^*]*)?\s*\*\/[\s;]*$/;

const local = new AsyncLocalStorage(); // a unit inside the test: a request, a block
const observer = { lease: null, test: null, root: process.cwd() + path.sep };
let serial = 0;

// The test that runs now: {name, units, statements, limits}; null outside its body.
function begin(name) {
    observer.test = { name: shortened(name), serial: ++serial, units: [], statements: new Map(), limits: {} };
}

function end() {
    const test = observer.test;
    observer.test = null;
    return test;
}

// The server takes 127 bytes; the end says most.
function shortened(name) {
    const bytes = Buffer.from(name.replace(/\0/g, ''));
    return bytes.length <= 120 ? bytes.toString() : '...' + bytes.subarray(-117).toString().replace(/^\ufffd+/, '');
}

function currentUnit() {
    if (!observer.test) return { name: paused, serial: 0 };
    const inner = local.getStore();
    if (inner && (inner.name === paused || inner.test === observer.test)) return inner;
    return observer.test;
}

function unit(name, body) {
    if (!observer.test) return body();
    return local.run({ name: shortened(name), serial: ++serial, test: observer.test }, body);
}

// What prepares a test is neither judged nor counted.
function pause(body) {
    return local.run({ name: paused, serial: 0 }, body);
}

// Requests to servers in this process are units of their own.
channels.subscribe('http.server.request.start', ({ request }) => {
    const inner = local.getStore();
    if (observer.test && !(inner && inner.name === paused))
        local.enterWith({ name: shortened(`${request.method} ${request.url.split('?')[0]}`), serial: ++serial, test: observer.test });
});

// --- lines of the application ---------------------------------------------------------------------------------------------

const verdicts = new Map();
function isApplication(file) {
    let verdict = verdicts.get(file);
    if (verdict === undefined) {
        verdict = Boolean(file) && !file.startsWith('node:') && !file.startsWith('internal/') && !file.startsWith(own) &&
            !/[\\/]node_modules[\\/]/.test(file) && (path.isAbsolute(file) || file.startsWith('file:'));
        verdicts.set(file, verdict);
    }
    return verdict;
}

function plain(file) {
    return (file.startsWith('file:') ? fileURLToPath(file.split('?')[0]) : file.split('?')[0]);
}

function framesAbove(caller) {
    const { prepareStackTrace, stackTraceLimit } = Error;
    Error.stackTraceLimit = 40;
    Error.prepareStackTrace = (_, sites) => sites;
    const holder = {};
    Error.captureStackTrace(holder, caller);
    const sites = holder.stack;
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
    return Array.isArray(sites) ? sites : [];
}

// As whoever maps sources (tsx, ts-jest, Vitest, --enable-source-maps) would print them.
function mappedPlaces(caller) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 60;
    const holder = {};
    Error.captureStackTrace(holder, caller);
    const text = String(holder.stack);
    Error.stackTraceLimit = stackTraceLimit;
    const places = [];
    for (const line of text.split('\n')) {
        const match = /(?:\(|at (?:async )?)((?:file:\/\/|[A-Za-z]:[\\/]|\/)[^()]*?):(\d+)(?::\d+)?\)?$/.exec(line.trim());
        if (!match || !isApplication(match[1])) continue;
        const file = plain(match[1]);
        const place = (file.startsWith(observer.root) ? file.slice(observer.root.length) : file) + ':' + match[2];
        if (places[places.length - 1] !== place) places.push(place);
    }
    return places.slice(0, 6);
}

const lastLine = new AsyncLocalStorage(); // for statements that are executed from no line
function rememberLine(caller) {
    if (observer.test) lastLine.enterWith(placesOf(caller));
}

const known = new Map(); // raw positions: places, innermost first
function placesOf(caller) {
    let key = '';
    let left = 6;
    for (const frame of framesAbove(caller)) {
        const file = frame.getFileName() || (frame.getScriptNameOrSourceURL && frame.getScriptNameOrSourceURL());
        if (!isApplication(file)) continue;
        key += `${file}:${frame.getLineNumber()}:${frame.getColumnNumber()}\n`;
        if (--left === 0) break;
    }
    if (!key) return lastLine.getStore() || [];
    let places = known.get(key);
    if (!places) {
        places = mappedPlaces(caller);
        if (known.size < 10000) known.set(key, places);
    }
    return places;
}

// --- statements -------------------------------------------------------------------------------------------------------------

const encode = value => encodeURIComponent(value).replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase()).replace(/%2F/g, '/');

// One text for each line, so that prepared statements stay prepared.
function comment(text, place) {
    const pair = `source_location='${encode(place.slice(-90))}'`;
    if (sqlcommenter.test(text)) {
        if (hasLine.test(text)) return text;
        const at = text.lastIndexOf('*/');
        return `${text.slice(0, at).trimEnd()},${pair}${text.slice(at)}`;
    }
    const statement = text.replace(/[\s;]+$/, '');
    const lastLine = statement.slice(statement.lastIndexOf('\n') + 1);
    return `${statement}${lastLine.includes('--') ? '\n' : ' '}/*${pair}*/`;
}

// For each statement in the leased copy: its text as it is to be sent. `sent`: the place that a named one was sent with.
function observe(text, caller, sent) {
    const test = observer.test;
    const unit = currentUnit();
    if (!test || unit.name === paused || notCounted.test(text)) return text;
    if (!test.units.includes(unit.name)) test.units.push(unit.name);
    const { text: written, places } = commented.get(text) || { text, places: placesOf(caller) };
    const key = `${places[0] || ''}\n${written}`;
    const entry = test.statements.get(key);
    if (entry) entry.count++;
    else if (test.statements.size < 10000) test.statements.set(key, { place: places[0], sent: sent || places[0], text: written, places, count: 1 });
    return places.length && written === text ? comment(text, places[0]) : text;
}

// For a statement that a pool will execute later, when the line that asked for it is not on the stack any more.
const commented = new Map();
function observeEarly(text, caller) {
    if (!observer.test || currentUnit().name === paused || notCounted.test(text)) return text;
    const places = placesOf(caller);
    if (!places.length) return text;
    const said = comment(text, places[0]);
    if (commented.size > 5000) commented.clear();
    if (said !== text) commented.set(said, { text, places });
    return said;
}

// What tells a session of the unit that is current now; null when it knows.
function toTell(client) {
    const unit = currentUnit();
    const told = client.dbperfUnit;
    if (told && told.name === unit.name && told.serial === unit.serial) return null;
    client.dbperfUnit = { name: unit.name, serial: unit.serial };
    if (unit.name === paused) return "SET dbperf.scope = ''; SET dbperf.n_plus_one = off";
    // The same name again is another time.
    const again = told && told.name === unit.name ? "SET dbperf.scope = ''; " : '';
    return `${again}SET dbperf.scope = ${literal(unit.name)}; SET dbperf.n_plus_one = on`;
}

const literal = value => (value.includes('\\') ? " E'" : "'") + value.replace(/\\/g, '\\\\').replace(/'/g, "''") + "'";

// The line of the loop, lines below it, lines above it: one that executes several statements is a function that all use.
function loopOf(statements, place) {
    const ofPlace = [...statements.values()].filter(entry => entry.sent === place).sort((a, b) => b.count - a.count);
    if (!ofPlace.length) return { place, below: [], above: [] };
    const texts = new Map();
    for (const { text, places } of statements.values())
        for (const each of places) texts.set(each, (texts.get(each) || new Set()).add(text));
    const { places } = ofPlace[0];
    const at = Math.max(0, places.findIndex(each => texts.get(each).size < 2));
    return { place: places[at], below: places.slice(0, at), above: places.slice(at + 1) };
}

module.exports = globalThis[shared] = { begin, commits, currentUnit, end, loopOf, observe, observeEarly, observer, pause, paused, rememberLine, rollsBack, shortened, toTell, unit };
