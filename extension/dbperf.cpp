// The module's entry point: what is installed, in which order. Decides nothing.
#include "server/pg.h"

#include "observe/captured_execution.h"
#include "observe/finding_table.h"
#include "observe/hooks.h"
#include "observe/known_shapes.h"
#include "observe/last_execution.h"
#include "observe/lineage.h"
#include "observe/lock_trace_table.h"
#include "observe/named_scopes.h"
#include "observe/own_time.h"
#include "observe/parameter_table.h"
#include "observe/plan_table.h"
#include "observe/query_text.h"
#include "observe/shared_units.h"
#include "observe/statement_table.h"
#include "observe/test_databases.h"
#include "observe/trail.h"
#include "record/launcher.h"
#include "record/recorder.h"
#include "record/results_database.h"
#include "server/event_queue.h"
#include "server/runs.h"
#include "server/settings.h"
#include "server/shared_memory.h"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "dbperf", .version = DBPERF_VERSION);
#else
PG_MODULE_MAGIC;
#endif
PGDLLEXPORT void _PG_init(void);
}

void _PG_init(void) {
    // Loaded any other way there is no shared memory; the functions then say what to do.
    if (!process_shared_preload_libraries_in_progress)
        return;
    dbperf::settings::install();
    dbperf::runs::install();
    dbperf::event_queue::install();
    dbperf::query_text::install();
    dbperf::known_shapes::install();
    dbperf::statement_table::install();
    dbperf::plan_table::install();
    dbperf::parameter_table::install();
    dbperf::finding_table::install();
    dbperf::lineage::install();
    dbperf::shared_units::install();
    dbperf::named_scopes::install();
    dbperf::lock_trace_table::install();
    dbperf::trail::install();
    dbperf::own_time::install();
    dbperf::last_execution::install();
    dbperf::captured_execution::install();
    dbperf::test_databases::install();
    dbperf::recorder::install();
    dbperf::results_database::install();
    dbperf::shared_memory::install();
    dbperf::hooks::install();
    dbperf::launcher::install();
}
