// Owns exact percentiles of a handful of measured values.
#pragma once

#include <vector>

namespace dbperf::client::deadlock {

struct SampleSummary {
    std::size_t count = 0;
    double p50 = 0;
    double p95 = 0;
    double max = 0;
};

// Nearest rank: p95 of 20 values is the 19th. All zero without values.
SampleSummary summarize(std::vector<double> values);

} // namespace dbperf::client::deadlock
