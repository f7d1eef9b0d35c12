// The runners as users start them, on the files of fixtures/. Needs a server with dbperf (the PG* variables), and the packages
// in NODE_PATH or above this folder; what is not there is left out aloud.
import { before, test } from 'node:test';
import assert from 'node:assert';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const adapter = path.dirname(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dbperf-node-'));
const packages = [process.env.NODE_PATH, path.join(adapter, 'node_modules'), path.join(process.cwd(), 'node_modules')].find(each => each && fs.existsSync(path.join(each, 'pg')));
const has = name => fs.existsSync(path.join(packages || '', name));

const psql = (database, script) => execFileSync('psql', ['-qXv', 'ON_ERROR_STOP=1', '-d', database], { input: script });

before(() => {
    psql('postgres', 'SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS dbperf; DROP DATABASE IF EXISTS adapter_node; CREATE DATABASE adapter_node');
    psql('adapter_node', `CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
        CREATE TABLE purchase (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, note text);
        INSERT INTO customer (name) SELECT 'customer ' || i FROM generate_series(1, 8) i;
        INSERT INTO purchase (customer_id) SELECT i FROM generate_series(1, 8) i;`);
    fs.cpSync(path.join(adapter, 'test/fixtures'), folder, { recursive: true });
    fs.mkdirSync(path.join(folder, 'node_modules'));
    for (const name of fs.readdirSync(packages)) if (name !== 'dbperf-test' && !name.startsWith('.')) fs.symlinkSync(path.join(packages, name), path.join(folder, 'node_modules', name));
    fs.symlinkSync(adapter, path.join(folder, 'node_modules', 'dbperf-test'));
});
test.after?.(() => fs.rmSync(folder, { recursive: true, force: true }));

function run(command, args, env = {}) {
    return new Promise(done => {
        let output = '';
        const { NODE_TEST_CONTEXT, NODE_OPTIONS, ...rest } = process.env;
        const child = spawn(command, args, { cwd: folder, env: { ...rest, NO_COLOR: '1', FORCE_COLOR: '0', CI: '1', ...env } });
        for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data));
        child.on('close', code => done({ code, output }));
    });
}
const node = (file, env) => run(process.execPath, ['--test', '--test-reporter=tap', '--import', 'dbperf-test/register', file], env);

test('node:test', async () => {
    const { code, output } = await node('runner.test.mjs');
    const results = [...output.matchAll(/^\s*(ok|not ok) \d+ - (.*)$/gm)].filter(match => match[2] !== 'inner');
    for (const [, result, name] of results) assert.equal(result, name.startsWith('red') ? 'not ok' : 'ok', `${name}\n${output}`);
    assert.equal(code, 1);
    assert.equal(results.filter(match => match[1] === 'not ok').length, 10, output);
    assert.match(output, /shop\.cjs:8: N\+1: 8 executions of one statement, 8 different keys/);
    assert.match(output, /key {8}purchase\.customer_id -> customer\.id/);
    assert.match(output, /runner\.test\.mjs:42: N\+1: 8 executions/); // all at once
    assert.match(output, /runner\.test\.mjs:47: N\+1: 8 executions/); // named
    assert.match(output, /runner\.test\.mjs:77: N\+1: 8 executions/); // has a comment
    assert.match(output, /runner\.test\.mjs:58: N\+1: 8 executions/); // named before
    assert.match(output, /in {9}GET \/purchases\n/);
    assert.match(output, /3 statements, at most 2 are allowed/);
    assert.match(output, /its own failure/);
    assert.match(output, /allowNPlusOne of "runner\.test\.mjs: needless" is not needed any more/);
    assert.doesNotMatch(output, /Deprecation/);
});

test('mappers', { skip: !(has('knex') && has('drizzle-orm')) && 'knex or drizzle-orm is not installed' }, async () => {
    const { output } = await node('mappers.test.mjs');
    assert.match(output, /mappers\.test\.mjs:17: N\+1: 8 executions/);
    assert.match(output, /mappers\.test\.mjs:21: N\+1: 8 executions/);
});

test('Vitest, in four workers', { skip: !has('vitest') && 'vitest is not installed' }, async () => {
    const { code, output } = await run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run']);
    assert.equal(code, 1, output);
    assert.match(output, /Tests +4 failed \| 16 passed/, output);
    assert.match(output, /shop\.ts:13: N\+1: 8 executions of one statement, 8 different keys/);
    assert.match(output, /vitest1\.test\.ts > inner > red/);
});

test('Jest, in two workers', { skip: !has('jest') && 'jest is not installed' }, async () => {
    const { code, output } = await run(process.execPath, ['node_modules/jest/bin/jest.js']);
    assert.equal(code, 1, output);
    assert.match(output, /Tests: +2 failed, 6 passed/, output);
    assert.match(output, /shop\.cjs:8: N\+1: 8 executions of one statement, 8 different keys/);
    assert.match(output, /● inner › red/);
});

test('types', { skip: !has('typescript') && 'typescript is not installed' }, async () => {
    fs.writeFileSync(path.join(folder, 'types.mts'), `import { check, dbperf, pause, unit } from 'dbperf-test';
        dbperf({ maxStatements: 1, allowNPlusOne: ['a'] });
        const n: number = await check('a', { maxStatements: 2 }, async () => 1);
        const s: string = unit('b', () => pause(() => 'x'));
        export { n, s };`);
    const { code, output } = await run(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', 'types.mts']);
    assert.equal(code, 0, output);
});

test('a server without what is needed', async () => {
    const wrong = await node('runner.test.mjs', { DBPERF_HOME: 'template1' });
    assert.match(wrong.output, /dbperf: database template1 has no extension dbperf/);
    assert.equal(wrong.output.match(/no extension/g).length, 1, wrong.output);
    const skipped = await node('mappers.test.mjs', { DBPERF_HOME: 'template1', DBPERF_MISSING: 'skip' });
    assert.match(skipped.output, /# SKIP dbperf: database template1 has no extension/);
});
