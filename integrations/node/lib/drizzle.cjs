// Drizzle executes a statement when it is awaited, where the line that wrote it is not on the stack any more: it is
// remembered where the statement is begun.
'use strict';
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');
const { rememberLine } = require('./observer.cjs');

async function install() {
    let file;
    try {
        file = createRequire(process.cwd() + '/').resolve('drizzle-orm/pg-core');
    } catch {
        return;
    }
    const modules = [require(file)];
    try {
        modules.push(await import(pathToFileURL(file.replace(/\.cjs$/, '.js')).href));
    } catch {
        // only one kind of module
    }
    for (const { PgDatabase } of modules)
        for (const name of ['select', 'selectDistinct', 'selectDistinctOn', 'insert', 'update', 'delete', 'execute']) {
            const original = PgDatabase && PgDatabase.prototype[name];
            if (typeof original !== 'function' || original.dbperf) continue;
            PgDatabase.prototype[name] = function begun(...values) {
                rememberLine(begun);
                return original.apply(this, values);
            };
            PgDatabase.prototype[name].dbperf = true;
        }
}

module.exports = { install };
