// Owns how long the executions of a query took in a run, as the server's histogram has it, and the limits set for it.
#pragma once

#include "postgres/connection.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::reports {

struct LatencyBucket {
    double low_ms = 0, width_ms = 0;
    long long calls = 0;
};

struct LatencyLimit {
    std::string metric; // as p95_ms
    double ms = 0;
};

struct QueryLatency {
    std::string name, query, fingerprint; // the name is "" without
    long long calls = 0, aborted = 0;
    double total_ms = 0, mean_ms = 0, p50_ms = 0, p95_ms = 0, p99_ms = 0, max_ms = 0;
    double blocks = 0, rows = 0;        // a call
    std::vector<LatencyBucket> buckets; // ascending, none of them empty
    std::vector<LatencyLimit> limits;
};

// The queries of a finished run that are slow, have a budget or a name, the slowest p95 first, at most so many.
std::vector<QueryLatency> load_latencies(postgres::Connection &results, const std::string &run_id, double slow_ms,
                                         int most);

// The histogram in so many bins, each as many times as wide as the one before; bounds has one number more.
struct LatencyBins {
    std::vector<double> bounds_ms;
    std::vector<double> calls;
};
LatencyBins log_bins(const std::vector<LatencyBucket> &buckets, double low_ms, double high_ms, int count);

} // namespace dbperf::client::reports
