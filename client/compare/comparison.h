// Owns what dbperf.comparison() and dbperf.regressions() say, one record a query. The verdicts are the server's.
#pragma once

#include "postgres/connection.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::compare {

struct ComparedQuery {
    std::string query;
    std::string
        verdict; // regressed, improved, unchanged, fails, result_changed, unstable, not_enough_samples, incomparable
    std::string reason;
    std::optional<std::string> cause;
    std::optional<double> time_ratio, time_low, time_high;
    std::optional<double> p;                   // of the time, adjusted to the number of queries
    std::optional<long long> samples;          // pairs, or executions of the smaller side
    std::optional<double> ms_before, ms_after; // medians
    std::optional<double> blocks_before, blocks_after;
    std::optional<double> rows_before, rows_after;
    std::optional<double> temp_before, temp_after; // blocks
    std::optional<double> wal_before, wal_after;   // bytes
    std::optional<double> cost_before, cost_after;
    std::optional<std::string> plan_before, plan_after;
    std::optional<std::string> accepted; // why somebody wants it to be worse
};

// Of every query that one of the runs executed.
std::vector<ComparedQuery> load_comparison(postgres::Connection &results, const std::string &baseline,
                                           const std::string &candidate);

// A row of dbperf.comparison() or dbperf.regressions() as JSON.
ComparedQuery compared_query(const std::string &row);

// Regressed, or worse: it fails or returns something else; and nobody accepted it.
bool got_worse(const ComparedQuery &query);
int count_worse(const std::vector<ComparedQuery> &queries);

// EXPLAIN's JSON of a stored plan, "" when it is gone.
std::string load_plan(postgres::Connection &results, const std::string &plan_id);

} // namespace dbperf::client::compare
