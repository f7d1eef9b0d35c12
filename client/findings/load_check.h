// Owns judging a run: what the server found in it, what it is compared with, and what the project says of both.
#pragma once

#include "findings/judgement.h"
#include "postgres/connection.h"
#include "postgres/connection_target.h"
#include "queries/query_file.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::findings {

struct CheckRequest {
    std::string label;                  // "" is the latest finished run
    std::string baseline;               // "" without
    std::optional<KnownFindings> known; // with them only new findings fail
    std::optional<double> slow_query_threshold_ms;
    std::vector<queries::UnitBudget> unit_budgets; // of the project
    std::vector<std::string> warn_only;            // kinds that fail nothing
    std::vector<queries::MonitoredQuery> queries;  // to know in which files they stand
    std::string migrations;                        // folder of the project, or ""
    std::string project_file;                      // or ""
    std::string root;                              // of the repository; files below it are named relative to it
    int command_status = 0;
    // Where indexes that would help are planned; without it none is named.
    std::optional<postgres::ConnectionTarget> planned_on;
};

// What a baseline knows: the stored run of this label, else the file of this path. Throws when it is neither.
struct Baseline {
    std::string label; // "": it is a file
    KnownFindings known;
};
Baseline load_baseline(postgres::Connection &results, const std::string &name, const run::Yardsticks &yardsticks);

// The findings of a check that a baseline would hold.
std::vector<KnownFinding> findings_to_know(const CheckReport &report);

// Throws an environment error when a run is not known.
CheckReport load_check(postgres::Connection &results, const CheckRequest &request);

} // namespace dbperf::client::findings
