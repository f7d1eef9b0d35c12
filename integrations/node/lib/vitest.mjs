// setupFiles: ['dbperf-test/vitest']. The body is the test's function: what hooks do is no part of it.
import * as vitest from 'vitest';
import path from 'node:path';
import session from './session.cjs';

const { afterAll, beforeEach, TestRunner } = vitest;
const skip = await session.start();

// TestRunner has these from 4.1 on, but there the second is the first.
const setsBody = TestRunner?.setTestFn && TestRunner.setTestFn !== TestRunner.getTestFn;
const { getFn, setFn } = setsBody ? { getFn: TestRunner.getTestFn, setFn: TestRunner.setTestFn } : await import('vitest/suite');

beforeEach(async ({ task, skip: skipTest }) => {
    if (skip) return skipTest(skip);
    const names = [];
    for (let each = task; each && each.name && each.suite; each = each.suite) names.unshift(each.name);
    const name = `${path.relative(process.cwd(), task.file.filepath)}: ${names.join(' > ') || task.name}`;
    await session.beforeSetUp();
    const body = getFn(task).dbperfBody || getFn(task);
    const judged = async () => {
        session.beforeBody(name);
        await body();
        await session.afterBody();
    };
    judged.dbperfBody = body;
    setFn(task, judged);
});
afterAll(() => session.stop());
