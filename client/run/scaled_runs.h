// Owns running one command at several sizes of the data, each as a run of its own.
#pragma once

#include "base/process.h"
#include "postgres/connection.h"
#include "run/call_growth.h"

#include <string>
#include <utility>
#include <vector>

namespace dbperf::client::run {

struct ScaledCommand {
    std::vector<std::string> command;
    std::string seed; // for sh; "": the command brings its own data
    Sizes sizes;
    base::CommandOutput output = base::CommandOutput::as_it_is;
    std::vector<std::pair<std::string, std::string>> variables; // of its environment, and the seed's
};

struct SizedRuns {
    std::vector<std::vector<StatementCount>> counts; // one a size; the last one is of the command that failed
    int status = 0;                                  // of the last command
};

// For every size: the seed outside of any run, then the command as the run "label@size"; both find the size in
// DBPERF_SCALE. Throws an environment error when the seed fails.
SizedRuns observe_at_sizes(postgres::Connection &results, const std::string &label, const ScaledCommand &scaled);

} // namespace dbperf::client::run
