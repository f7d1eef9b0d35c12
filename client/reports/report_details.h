// Owns what a report shows beyond verdicts, read once for every format that wants it: stories of deadlocks, waits,
// latencies, plans of both sides, how queries did over the runs.
#pragma once

#include "findings/judgement.h"
#include "reports/deadlock_story.h"
#include "reports/history.h"
#include "reports/latency.h"
#include "reports/lock_waits.h"

#include <string>
#include <vector>

namespace dbperf::client::reports {

struct PlanPair {
    std::string before, after; // EXPLAIN's JSON, "" when a plan is gone
};

struct ReportDetails {
    std::vector<DeadlockStory> deadlocks, predicted;
    std::vector<QueryLatency> latencies;
    std::vector<PlanPair> plans;       // one for each of CheckReport::regressions
    std::vector<HistoryEntry> history; // of queries with a name, a latency or a regression, over the latest runs
    std::vector<LockWaitFigures> lock_waits;
    std::string commit; // of the run, "" when it is not known
};

ReportDetails load_report_details(postgres::Connection &results, const findings::CheckReport &report);

} // namespace dbperf::client::reports
