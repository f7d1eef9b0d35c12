// dbperf.collect_test_databases(), live_test_databases(): all of them, whoever holds them.
#include "core/pg.h"

#include "core/settings.h"
#include "core/row_builder.h"
#include "core/shared_memory.h"
#include "database_pool/copy_worker.h"
#include "database_pool/registry.h"

using namespace dbperf::core;
using namespace dbperf::database_pool;

// collect_test_databases(kept boolean) returns integer: drops what nobody holds; the number of databases that remain.
DBPERF_FUNCTION(dbperf_collect_test_databases) {
    copy_worker::require_primary();
    const Oid maintenance = copy_worker::choose_maintenance_database();
    locked([maintenance, kept = PG_GETARG_BOOL(0)] {
        registry->maintenance = maintenance;
        registry->collected = false;
        registry->collect_all = true;
        registry->collect_kept = registry->collect_kept || kept;
    });
    copy_worker::wake();
    const TimestampTz deadline = GetCurrentTimestamp() + static_cast<TimestampTz>(settings::acquire_timeout) * 1000;
    while (locked([] { return registry->collect_all; }) && GetCurrentTimestamp() < deadline) {
        CHECK_FOR_INTERRUPTS();
        pg_usleep(10000);
    }
    PG_RETURN_INT32(static_cast<int32>(locked([] { return count_all(); })));
}

// live_test_databases(): one row for each copy that exists.
DBPERF_FUNCTION(dbperf_live_test_databases) {
    shared_memory::require_available();
    InitMaterializedSRF(fcinfo, 0);
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    Copy *copies = static_cast<Copy *>(palloc(sizeof(registry->copies)));
    locked([=] { memcpy(static_cast<void *>(copies), registry->copies.data(), sizeof(registry->copies)); });
    for (int i = 0; i < max_copies; ++i) {
        const Copy &copy = copies[i];
        if (copy.state == CopyState::free)
            continue;
        RowBuilder row;
        row.text(NameStr(copy.name)[0] != 0 ? NameStr(copy.name) : nullptr);
        row.text(NameStr(copy.source_name));
        row.text(name_of(copy.state).data());
        row.integer(copy.holder, copy.state != CopyState::leased);
        row.add(TIMESTAMPTZOID, TimestampTzGetDatum(copy.since));
        row.integer(static_cast<int>(copy.resets));
        row.text(copy.reason != ResetReason::none ? text_of(copy.reason).data() : nullptr);
        row.text(is_stuck(copy) ? copy.error.data() : nullptr);
        row.put(result);
    }
    return Datum{0};
}
