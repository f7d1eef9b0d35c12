// The module's entry point, and the list of features. Decides nothing.
#include "core/pg.h"

#include "core/event_queue.h"
#include "core/feature.h"
#include "core/overhead.h"
#include "core/recording.h"
#include "core/results_database.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "database_pool/database_pool_feature.h"
#include "deadlock_prediction/deadlock_prediction_feature.h"
#include "deadlocks/deadlocks_feature.h"
#include "hooks/hooks.h"
#include "lock_waits/lock_waits_feature.h"
#include "n_plus_one/n_plus_one_feature.h"
#include "plans/plans_feature.h"
#include "recorder/launcher.h"
#include "schema_changes/schema_changes_feature.h"
#include "statements/statements_feature.h"
#include "statistics/statistics_feature.h"
#include "units/units_feature.h"
#include "workload/workload_feature.h"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "dbperf", .version = DBPERF_VERSION);
#else
PG_MODULE_MAGIC;
#endif
PGDLLEXPORT void _PG_init(void);
}

namespace {

using namespace dbperf;

// Statements first: others refer to their texts.
constexpr const core::Feature *features[] = {
    &statements::feature, &plans::feature,          &workload::feature,   &units::feature,
    &n_plus_one::feature, &schema_changes::feature, &deadlocks::feature,  &deadlock_prediction::feature,
    &lock_waits::feature, &database_pool::feature,  &statistics::feature,
};

} // namespace

void _PG_init(void) {
    // Loaded any other way there is no shared memory; the functions then say what to do.
    if (!process_shared_preload_libraries_in_progress)
        return;
    core::feature::enlist(features);
    core::settings::install();
    core::runs::install();
    core::event_queue::install();
    core::overhead::install();
    core::recording::install();
    core::results_database::install();
    core::feature::call_each(&core::Feature::install);
    core::shared_memory::install();
    hooks::install();
    recorder::launcher::install();
}
