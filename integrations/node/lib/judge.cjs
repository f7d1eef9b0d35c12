// Whether what was found fails a test, and what it is told then.
'use strict';
const { loopOf, observer, shortened, unit } = require('./observer.cjs');

function placeOf(finding) {
    const pairs = Object.fromEntries([...(finding.callSite || '').matchAll(/([\w.%]+)='((?:[^'\\]|\\.)*)'/g)].map(match => [match[1], decode(match[2])]));
    return pairs.source_location || [pairs['code.file.path'] || pairs['code.filepath'] || pairs.file, pairs['code.line.number'] || pairs.line].filter(Boolean).join(':');
}
function decode(value) {
    try {
        return decodeURIComponent(value.replace(/\\'/g, "'"));
    } catch {
        return value;
    }
}

function edgeOf({ parentRelation, parentColumn, keyColumn }) {
    if (!parentColumn) return keyColumn || '';
    return `${[parentRelation, parentColumn].filter(Boolean).join('.').replace(/^public\./, '')} -> ${keyColumn}`;
}

function oneLine(text) {
    const line = (text || '').split(/\s+/).join(' ').trim();
    return line.length <= 300 ? line : line.slice(0, 297) + '...';
}

const kinds = { n_plus_one: 'N+1', n_plus_one_write: 'N+1 of writes', server_loop: 'N+1 inside the server', redundant: 'the same statement, again and again' };

function describe(finding, statements) {
    const { place, below, above } = loopOf(statements, placeOf(finding));
    const keys = finding.kind === 'redundant' ? '' : `, ${finding.keys} different keys`;
    const lines = [`${place ? place + ': ' : ''}${kinds[finding.kind]}: ${finding.calls} executions of one statement${keys}${finding.confidence === 'proven' ? '' : ` (${finding.confidence})`}`];
    const add = (what, text) => text && lines.push(`  ${what.padEnd(10)} ${text}`);
    add('statement', oneLine(finding.query));
    add('key', edgeOf(finding));
    add('keys from', oneLine(finding.parentQuery));
    add('instead', oneLine(finding.suggestion));
    add('executed', below.slice(0, 3).join(', '));
    add('called at', above.slice(0, 3).join(', '));
    add('in', finding.unit);
    return lines.join('\n');
}

function isAllowed(finding, allowed, statements) {
    if (!Array.isArray(allowed)) return Boolean(allowed);
    const { place, below } = loopOf(statements, placeOf(finding));
    const text = [finding.query, edgeOf(finding), place, ...below].filter(Boolean).join('\n');
    return allowed.some(part => text.includes(part));
}

function unneeded(findings, allowed, statements) {
    if (!allowed) return [];
    if (!Array.isArray(allowed)) return findings.length ? [] : ['allowNPlusOne'];
    return allowed.filter(part => !findings.some(finding => isAllowed(finding, [part], statements))).map(part => `allowNPlusOne ${JSON.stringify(part)}`);
}

function verdict(findings, statements, { maxStatements, allowNPlusOne } = {}) {
    const gates = findings.filter(finding => ['proven', 'likely'].includes(finding.confidence));
    const parts = gates.filter(finding => !isAllowed(finding, allowNPlusOne, statements)).map(finding => describe(finding, statements));
    const entries = [...statements.values()].sort((a, b) => b.count - a.count);
    const total = entries.reduce((sum, { count }) => sum + count, 0);
    if (maxStatements !== undefined && total > maxStatements) {
        const { place } = loopOf(statements, entries[0].sent);
        const rows = entries.slice(0, 10).map(({ count, place, text }) => `  ${String(count).padStart(5)} x  ${place || ''}  ${oneLine(text).slice(0, 160)}`);
        parts.push([`${place ? place + ': ' : ''}${total} statements, at most ${maxStatements} are allowed`, ...rows].join('\n'));
    }
    return { text: parts.join('\n\n'), unneeded: unneeded(gates, allowNPlusOne, statements) };
}

// An error that runners show as it is, at the line of the loop.
function failure(text) {
    const error = new Error(text);
    error.name = 'dbperf';
    const place = /^(.+?):(\d+): /.exec(text);
    error.stack = `dbperf: ${text}${place ? `\n    at ${place[1].startsWith('/') ? '' : observer.root}${place[1]}:${place[2]}:1` : ''}`;
    return error;
}

// The test that has ended: its failure, or null.
async function judge(test) {
    if (!test) return null;
    const limits = test.limits;
    const executed = test.statements.size > 0 && observer.lease;
    const { text, unneeded } = verdict(executed ? await observer.lease.findings(test.units) : [], test.statements, limits);
    for (const what of unneeded) console.warn(`dbperf: ${what} of "${test.name}" is not needed any more`);
    return text ? failure(text) : null;
}

// Marks for the test that calls it.
function dbperf(limits) {
    for (const name of Object.keys(limits))
        if (!['maxStatements', 'allowNPlusOne'].includes(name)) throw new TypeError(`dbperf() knows maxStatements and allowNPlusOne, not ${name}`);
    if (observer.test) Object.assign(observer.test.limits, limits);
}

// A block that is judged by itself.
async function check(name, limits, body) {
    if (typeof limits === 'function') [limits, body] = [{}, limits];
    const test = observer.test;
    if (!test) return body();
    const before = new Map([...test.statements].map(([key, { count }]) => [key, count]));
    const result = await unit(name, body);
    const executed = new Map();
    for (const [key, entry] of test.statements)
        if (entry.count > (before.get(key) || 0)) executed.set(key, { ...entry, count: entry.count - (before.get(key) || 0) });
    const short = shortened(name);
    test.units = test.units.filter(each => each !== short); // what the block is told, the test is not told again
    const { text } = verdict(executed.size ? await observer.lease.findings([short]) : [], executed, limits);
    if (text) throw failure(text);
    return result;
}

module.exports = { check, dbperf, judge };
