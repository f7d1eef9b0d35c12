#include "reports/latency.h"

#include <gtest/gtest.h>

#include <numeric>

namespace dbperf::client::reports {
namespace {

TEST(LatencyBins, LoseNoCall) {
    const LatencyBins bins = log_bins({{0, 0.00003, 4}, {1, 0.03, 2}, {99, 3, 1}, {5000, 100, 1}}, 0.1, 1000, 4);
    EXPECT_EQ(bins.bounds_ms.size(), 5u);
    EXPECT_EQ(std::accumulate(bins.calls.begin(), bins.calls.end(), 0.0), 8);
    EXPECT_EQ(bins.calls, (std::vector<double>{4, 2, 0, 2})); // what is outside counts at the edge
}

TEST(LatencyBins, EachTenTimesTheOneBefore) {
    const LatencyBins bins = log_bins({}, 0.1, 1000, 4);
    EXPECT_NEAR(bins.bounds_ms[1], 1, 1e-9);
    EXPECT_NEAR(bins.bounds_ms[3], 100, 1e-6);
}

} // namespace
} // namespace dbperf::client::reports
