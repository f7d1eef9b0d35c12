// The leased copy of the template: one a process. Two connections of its own: `home` holds the lease, `inside` resets the
// copy and asks what was found.
'use strict';
const { clients, closeAll, install } = require('./driver.cjs');
const { observer } = require('./observer.cjs');

class Missing extends Error {
    name = 'dbperf';
}

class Lease {
    constructor({ template, home = 'postgres', url }) {
        Object.assign(this, { template, homeName: home, url, name: null, touched: false, mark: '-infinity', former: new Set(), begun: null });
    }

    isWanted(database) {
        return database === this.template || this.former.has(database);
    }

    acquire() {
        if (!this.begun) this.begun = this.begin();
        return this.begun.then(() => this.name);
    }

    async begin() {
        this.home = await this.check();
        let name;
        try {
            [[name]] = await ask(this.home, 'SELECT dbperf.acquire_database($1)', [this.template]);
        } catch (error) {
            await close(this.home);
            throw new Missing(`no copy of ${this.template}: ${error.message}`);
        }
        await this.take(name);
    }

    async take(name) {
        if (this.inside) await close(this.inside);
        this.name = name;
        this.former.add(name);
        this.inside = await this.open(name);
        [[this.mark]] = await ask(this.inside, 'SELECT clock_timestamp()::text');
    }

    // A connection to a server that can do what is needed.
    async check() {
        let home;
        try {
            home = await this.open(this.homeName);
        } catch (error) {
            throw new Missing(`cannot connect to database ${this.homeName}: ${error.message || error.code}`);
        }
        const [[databases, enabled, version, complete]] = await ask(home, `SELECT current_setting('dbperf.max_test_databases', true),
            current_setting('dbperf.enabled', true), (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'dbperf'),
            pg_catalog.to_regprocedure('dbperf.unit_findings(text, timestamp with time zone)') IS NOT NULL`);
        const problem =
            databases === null ? "the server has not loaded dbperf (hint: shared_preload_libraries = 'dbperf', then restart)"
            : version === null ? `database ${this.homeName} has no extension dbperf (hint: CREATE EXTENSION dbperf)`
            : !complete ? `dbperf ${version} in database ${this.homeName} is too old (hint: ALTER EXTENSION dbperf UPDATE)`
            : databases === '0' ? 'test databases are switched off (hint: dbperf.max_test_databases is 0)'
            : enabled !== 'on' ? 'the server observes nothing (hint: dbperf.enabled is off)' : null;
        if (problem) {
            await close(home);
            throw new Missing(problem);
        }
        return home;
    }

    // Findings of these units since the copy was clean, worst first.
    async findings(units) {
        if (!units.length || !this.inside) return [];
        const names = ['unit', 'kind', 'confidence', 'calls', 'keys', 'query', 'keyColumn', 'parentQuery', 'parentRelation', 'parentColumn', 'callSite', 'suggestion'];
        const rows = await ask(this.inside, `SELECT u, f.kind, f.confidence, f.calls, f.distinct_keys, f.query, f.key_column, f.parent_query,
            f.parent_relation, f.parent_column, f.call_site, f.suggestion
            FROM pg_catalog.unnest($1::text[]) u, dbperf.unit_findings(u, $2::timestamptz) f ORDER BY f.calls DESC`, [units, this.mark]);
        return rows.map(row => Object.fromEntries(names.map((name, i) => [name, row[i]])));
    }

    // Makes the copy clean, unless nobody was in it. Open transactions of the application are rolled back.
    async reset() {
        if (!this.touched || !this.inside) return;
        this.touched = false;
        const { query } = install();
        for (const client of clients)
            if (client.dbperfStatus && client.dbperfStatus !== 'I') {
                client.dbperfUnit = null;
                await query.call(client, 'ROLLBACK').catch(() => {});
            }
        let name;
        [[name, this.mark]] = await ask(this.inside, 'SELECT dbperf.reset_database(), clock_timestamp()::text');
        if (name === this.name) return;
        closeAll(); // more than rows was changed
        await this.take(name);
    }

    async release() {
        for (const client of [this.inside, this.home]) if (client) await close(client);
        this.inside = this.home = this.begun = null;
    }

    async open(database) {
        const { Client, connect } = install();
        const options = { options: '-c dbperf.n_plus_one=off', application_name: 'dbperf tests' };
        const client = new Client(this.url ? { connectionString: this.url, ...options } : options);
        client.database = client.connectionParameters.database = database;
        client.dbperfOwn = true;
        client.on('error', () => {});
        await connect.call(client);
        // It waits for nobody to end it.
        client.connection.stream.unref?.();
        return client;
    }
}

function close(client) {
    client.connection.stream.ref?.();
    return client.end().catch(() => {});
}

async function ask(client, text, values = []) {
    client.connection.stream.ref?.();
    try {
        return (await install().query.call(client, { text, values, rowMode: 'array' })).rows;
    } finally {
        client.connection.stream.unref?.();
    }
}

module.exports = { Lease, Missing };
