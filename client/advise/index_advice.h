// Owns advice from beginning to end: what is planned in a fresh copy of a database, and what of it is proved in
// another.
#pragma once

#include "advise/advice_text.h"
#include "queries/query_file.h"
#include "terminal/progress.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::advise {

// On monitored queries, or on the statements of a run.
struct AdviceRequest {
    std::string from; // the database; empty: that of the connection
    std::vector<queries::MonitoredQuery> queries;
    std::string run;                  // its label; empty: the queries
    std::string statistics;           // file of another server's: planned with them and not measured
    std::vector<std::string> indexes; // CREATE INDEX to measure instead of what planning suggests
    AdviceBounds bounds;
    int samples = 40;              // executions of each query on each side, at least
    std::string statement_timeout; // as the server reads it
    std::optional<double> threshold_ms;
};

// The database stays as it is, and no copy is left.
AdviceReport advise_indexes(const postgres::ConnectionTarget &target, const AdviceRequest &request,
                            terminal::Progress &progress);

} // namespace dbperf::client::advise
