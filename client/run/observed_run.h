// Owns the life of a run: begun, and finished however the command ends.
#pragma once

#include "base/process.h"
#include "postgres/connection.h"
#include "queries/query_file.h"
#include "run/run_report.h"
#include "terminal/progress.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dbperf::client::run {

// "run-20260131-093000-1f0c", in UTC.
std::string default_label();

enum class RunScope {
    server,  // begins at once, takes in every session without a label of its own
    sessions // begins by itself with the first session that sets dbperf.run to its label
};

class OpenRun {
public:
    OpenRun(postgres::Connection &results, const std::string &label, RunScope scope);
    ~OpenRun(); // finishes it when finish() was not reached, so that no run stays open
    OpenRun(const OpenRun &) = delete;
    OpenRun &operator=(const OpenRun &) = delete;

    void finish();

private:
    postgres::Connection &results_;
    std::string label_;
    RunScope scope_;
    bool open_ = true;
};

// Runs the user's command as a run of this label, with DBPERF_RUN and these variables in its environment; gives its
// exit status.
int observe_command(postgres::Connection &results, const std::string &label, const std::vector<std::string> &command,
                    base::CommandOutput output, std::vector<std::pair<std::string, std::string>> variables = {});

// Executes monitored queries on the database of the connection's target, all parameter sets in turns, as a run of this
// label to which nothing else belongs, and stores their budgets.
void run_monitored_queries(const postgres::ConnectionTarget &target, postgres::Connection &results,
                           const std::vector<queries::MonitoredQuery> &queries, const std::string &label, int repeat,
                           std::optional<double> threshold_ms, terminal::Progress &progress);

} // namespace dbperf::client::run
