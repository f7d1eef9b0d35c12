#include "core/pg.h"

#include "recorder/own_extension.h"

#include "core/sql_version.h"

namespace dbperf::recorder::own_extension {
using namespace core;

namespace {

// The first thing that is not the extension's own, in words; no row: there is none. The functions of triggers count
// too, by whomever they were put on a table, and who may create in the schema: a function made between this look and a
// call could be taken for the extension's.
constexpr const char *foreign_sql = R"(
SELECT o.name
  FROM pg_catalog.pg_extension e
 CROSS JOIN LATERAL (
       SELECT 0 AS rank, 'schema dbperf' AS name, n.nspowner AS owner,
              EXISTS (SELECT FROM pg_catalog.pg_depend d
                       WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objid = n.oid
                         AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
                         AND d.deptype = 'e') AS is_own
         FROM (SELECT) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'dbperf'
        UNION ALL
       SELECT 0, 'the right to create in schema dbperf', x.grantee, true
         FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) x
        WHERE n.nspname = 'dbperf' AND x.privilege_type = 'CREATE'
        UNION ALL
       SELECT 1, c.oid::pg_catalog.regclass::text, c.relowner, true
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'dbperf' AND c.relkind NOT IN ('i', 'I')
        UNION ALL
       SELECT 1, p.oid::pg_catalog.regprocedure::text, p.proowner, true
         FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'dbperf'
        UNION ALL
       SELECT 1, 'operator ' || p.oid::pg_catalog.regoperator::text, p.oprowner, true
         FROM pg_catalog.pg_operator p JOIN pg_catalog.pg_namespace n ON n.oid = p.oprnamespace
        WHERE n.nspname = 'dbperf'
        UNION ALL
       SELECT 1, pg_catalog.format('trigger %I on %s', t.tgname, c.oid::pg_catalog.regclass), p.proowner, true
         FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
        WHERE n.nspname = 'dbperf') o
 WHERE e.extname = 'dbperf'
   AND NOT (o.is_own AND EXISTS (SELECT FROM pg_catalog.pg_authid a WHERE a.oid = o.owner AND a.rolsuper)
            AND EXISTS (SELECT FROM pg_catalog.pg_authid a WHERE a.oid = e.extowner AND a.rolsuper))
 ORDER BY o.rank, o.name LIMIT 1)";

// What is looked at must stay as it is until the transaction ends: nobody makes a trigger on a table, or gives it away,
// while somebody else may write to it. No lock is waited for while others of them are held, so that nobody who alters
// several tables (ALTER EXTENSION) is in a cycle with this.
constexpr const char *tables_sql = R"(
SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'dbperf' AND c.relkind IN ('r', 'p') ORDER BY c.oid)";

SPIPlanPtr kept_plan(const char *sql) {
    const SPIPlanPtr plan = SPI_prepare(sql, 0, nullptr);
    if (!plan || SPI_keepplan(plan) != 0)
        elog(ERROR, "could not prepare the look at the extension");
    return plan;
}

void lock_tables() {
    static SPIPlanPtr plan = nullptr;
    if (!plan)
        plan = kept_plan(tables_sql);
    if (SPI_execute_plan(plan, nullptr, nullptr, true, 0) != SPI_OK_SELECT)
        elog(ERROR, "could not look at the extension");
    const SPITupleTable *rows = SPI_tuptable;
    const uint64 count = SPI_processed;
    const auto table = [rows](uint64 row) {
        bool is_null;
        return DatumGetObjectId(SPI_getbinval(rows->vals[row], rows->tupdesc, 1, &is_null));
    };
    for (uint64 row = 0; row < count;) {
        if (ConditionalLockRelationOid(table(row), RowExclusiveLock)) {
            ++row;
            continue;
        }
        const Oid busy = table(row);
        while (row > 0)
            UnlockRelationOid(table(--row), RowExclusiveLock);
        LockRelationOid(busy, RowExclusiveLock);
        UnlockRelationOid(busy, RowExclusiveLock);
    }
}

} // namespace

Standing examine() {
    const char *version = sql_version::installed();
    if (!version)
        return Standing::missing;
    if (!sql_version::is_current(version)) {
        ereport(
            LOG,
            errmsg("dbperf recorder cannot write to database \"%s\": its extension is of version %s, the library of %s",
                   get_database_name(MyDatabaseId), version, DBPERF_VERSION),
            errhint("%s", sql_version::remedy(version)));
        return Standing::other_version;
    }
    lock_tables();
    // Planned once a process; what it looks at is small.
    static SPIPlanPtr plan = nullptr;
    if (!plan)
        plan = kept_plan(foreign_sql);
    PushActiveSnapshot(GetLatestSnapshot()); // of after the locks
    if (SPI_execute_plan(plan, nullptr, nullptr, true, 1) != SPI_OK_SELECT)
        elog(ERROR, "could not look at the extension");
    PopActiveSnapshot();
    if (SPI_processed == 0)
        return Standing::own;
    ereport(LOG,
            errmsg("dbperf recorder does not write to database \"%s\": %s is not the extension's own, or not a "
                   "superuser's",
                   get_database_name(MyDatabaseId), SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1)),
            errhint("Whoever owns it could run code as the recorder."));
    return Standing::foreign;
}

} // namespace dbperf::recorder::own_extension
