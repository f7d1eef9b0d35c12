// Owns what dbperf.history() says: how queries did in one run after the other.
#pragma once

#include "postgres/connection.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::reports {

struct HistoryEntry {
    std::string query, run, started_at, commit;
    long long calls = 0;
    double mean_ms = 0, p50_ms = 0, p95_ms = 0, blocks = 0, rows = 0; // blocks and rows a call
    std::optional<double> time_ratio, blocks_ratio;                   // to the run before
    std::string change, cause;                                        // "" without
};

// A time, an age as "7 days", or the label of a run, as the server reads it: "2026-01-31 09:30:00+00". Throws a usage
// error for anything else.
std::string point_in_time(postgres::Connection &results, const std::string &text);

// By query, the oldest run first. An empty query is every one.
std::vector<HistoryEntry> load_history(postgres::Connection &results, const std::string &query,
                                       const std::string &since);

} // namespace dbperf::client::reports
