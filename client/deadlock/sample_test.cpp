#include "deadlock/sample.h"

#include <gtest/gtest.h>

#include <numeric>

namespace dbperf::client::deadlock {
namespace {

TEST(Sample, NearestRank) {
    std::vector<double> values(100);
    std::iota(values.rbegin(), values.rend(), 1.0); // 100 down to 1
    const SampleSummary summary = summarize(values);
    EXPECT_EQ(summary.count, 100u);
    EXPECT_EQ(summary.p50, 50);
    EXPECT_EQ(summary.p95, 95);
    EXPECT_EQ(summary.max, 100);
}

TEST(Sample, SmallOnes) {
    EXPECT_EQ(summarize({}).count, 0u);
    EXPECT_EQ(summarize({7}).p50, 7);
    EXPECT_EQ(summarize({7}).p95, 7);
    EXPECT_EQ(summarize({1, 2, 3}).p50, 2);
    EXPECT_EQ(summarize({1, 2, 3}).p95, 3);
}

} // namespace
} // namespace dbperf::client::deadlock
