// setupFilesAfterEnv: ['dbperf-test/jest'].
'use strict';
const path = require('node:path');
const session = require('./session.cjs');
const { pause } = require('./observer.cjs');

let skip = null;
const { beforeAll, beforeEach, afterAll, afterEach } = globalThis;
beforeAll(async () => {
    skip = await session.start();
    if (skip) console.warn(skip);
});
beforeEach(async () => {
    const { currentTestName, testPath } = expect.getState();
    await session.beforeSetUp();
    session.beforeBody(`${path.relative(process.cwd(), testPath)}: ${currentTestName}`);
});
afterEach(() => session.afterBody());
afterAll(() => session.stop());
// Hooks of the tests are no part of their bodies.
for (const [name, hook] of Object.entries({ beforeAll, beforeEach, afterAll, afterEach }))
    globalThis[name] = (body, ...rest) => hook(typeof body !== 'function' || body.length > 0 ? body : () => pause(body), ...rest);
