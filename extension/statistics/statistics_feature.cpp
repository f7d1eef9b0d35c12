// Nothing is observed here: the feature is a setting and what it does to planning.
#include "core/pg.h"

#include "statistics/statistics_feature.h"

#include "statistics/planner_hooks.h"
#include "statistics/session_statistics.h"

namespace dbperf::statistics {

namespace {

void install() {
    session_statistics::install(planner_hooks::install_once);
}

} // namespace

const core::Feature feature{.name = "statistics", .install = install};

} // namespace dbperf::statistics
