// node --test --import dbperf-test/register: hooks of the file's root. Hooks of the tests are no part of their bodies.
import { createRequire, syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import session from './session.cjs';
import observing from './observer.cjs';

// The runner itself has no tests.
const isTest = process.env.NODE_TEST_CONTEXT || !process.execArgv.includes('--test');
if (isTest) {
    const runner = createRequire(import.meta.url)('node:test');
    const { beforeEach, afterEach, after } = runner;
    let skip = null;
    try {
        skip = await session.start();
    } catch (error) {
        process.stderr.write(`${error.message}\n`);
        process.exit(3);
    }
    const file = path.relative(process.cwd(), process.argv[1] || '');
    let depth = 0;
    beforeEach(async test => {
        if (skip) return test.skip(skip);
        if (depth++ > 0) return;
        await session.beforeSetUp();
        session.beforeBody(`${file}: ${test.fullName || test.name}`);
    });
    afterEach(async () => {
        if (!skip && --depth === 0) await session.afterBody();
    });
    after(() => session.stop());
    for (const name of ['before', 'after', 'beforeEach', 'afterEach']) {
        const hook = runner[name];
        runner[name] = (body, options) =>
            hook(typeof body !== 'function' ? body : body.length > 1 ? (context, done) => observing.pause(() => body(context, done)) : context => observing.pause(() => body(context)), options);
    }
    syncBuiltinESMExports();
}
