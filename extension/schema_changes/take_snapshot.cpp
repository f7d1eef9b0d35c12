// dbperf.take_snapshot(): describes this database now.
#include "core/pg.h"

#include "core/recording.h"
#include "core/runs.h"
#include "core/shared_memory.h"
#include "schema_changes/schema_snapshot.h"

using namespace dbperf::core;
using namespace dbperf::schema_changes;

// take_snapshot() returns void: of the database and run of this session; finish_run() replaces it by its own.
DBPERF_FUNCTION(dbperf_take_snapshot) {
    shared_memory::require_available();
    recording::prevent_if_read_only("dbperf.take_snapshot()");
    const uint32 run = runs::current_id();
    if (run == runs::no_run)
        ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("no run is under way"),
                errhint("Begin one with dbperf.start_run('label')."));
    schema_snapshot::take(run);
    recording::flush();
    PG_RETURN_VOID();
}
