// The module's entry point: what is installed, in which order. Decides nothing.
#include "core/pg.h"

#include "core/event_queue.h"
#include "core/overhead.h"
#include "core/recording.h"
#include "core/results_database.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "database_pool/registry.h"
#include "deadlock_prediction/lock_trace_table.h"
#include "deadlocks/trail.h"
#include "hooks/hooks.h"
#include "n_plus_one/finding_table.h"
#include "n_plus_one/lineage.h"
#include "n_plus_one/named_scopes.h"
#include "n_plus_one/shared_units.h"
#include "plans/plan_table.h"
#include "recorder/launcher.h"
#include "statements/known_shapes.h"
#include "statements/last_execution.h"
#include "statements/query_text.h"
#include "statements/statement_table.h"
#include "workload/captured_execution.h"
#include "workload/parameter_table.h"

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
