// The module's entry point: what is installed, in which order. Decides nothing.
#include "core/pg.h"

#include "core/event_queue.h"
#include "core/feature.h"
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
#include "n_plus_one/n_plus_one_feature.h"
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

namespace {

constexpr const dbperf::core::Feature *features[] = {
    &dbperf::n_plus_one::feature,
};

} // namespace

void _PG_init(void) {
    // Loaded any other way there is no shared memory; the functions then say what to do.
    if (!process_shared_preload_libraries_in_progress)
        return;
    dbperf::core::feature::enlist(features);
    dbperf::core::settings::install();
    dbperf::core::runs::install();
    dbperf::core::event_queue::install();
    dbperf::statements::query_text::install();
    dbperf::statements::known_shapes::install();
    dbperf::statements::statement_table::install();
    dbperf::plans::plan_table::install();
    dbperf::workload::parameter_table::install();
    dbperf::n_plus_one::finding_table::install();
    dbperf::n_plus_one::lineage::install();
    dbperf::n_plus_one::shared_units::install();
    dbperf::n_plus_one::named_scopes::install();
    dbperf::deadlock_prediction::lock_trace_table::install();
    dbperf::deadlocks::trail::install();
    dbperf::core::overhead::install();
    dbperf::statements::last_execution::install();
    dbperf::workload::captured_execution::install();
    dbperf::database_pool::install();
    dbperf::core::recording::install();
    dbperf::core::results_database::install();
    dbperf::core::shared_memory::install();
    dbperf::hooks::install();
    dbperf::recorder::launcher::install();
}
