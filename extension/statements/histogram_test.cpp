// Buckets tile the axis, and quantiles stay within 1.6 % of the exact ones.
#include "statements/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

using namespace dbperf::statements;

TEST(histogram, buckets_tile_the_axis) {
    for (int bucket = 0; bucket + 1 < histogram::bucket_count; ++bucket) {
        EXPECT_EQ(histogram::bucket_low(bucket) + histogram::bucket_width(bucket), histogram::bucket_low(bucket + 1));
        EXPECT_EQ(histogram::bucket_of(histogram::bucket_low(bucket)), bucket);
        EXPECT_EQ(histogram::bucket_of(histogram::bucket_low(bucket + 1) - 1), bucket);
    }
    EXPECT_EQ(histogram::bucket_of(UINT64_MAX), histogram::bucket_count - 1);
    EXPECT_EQ(histogram::bucket_low(histogram::bucket_count - 1) + histogram::bucket_width(histogram::bucket_count - 1),
              uint64_t{1} << 42);
}

namespace {

// Exact nearest-rank quantile against the histogram's.
void expect_close(std::vector<uint64_t> values) {
    std::vector<uint32_t> counts(histogram::bucket_count);
    for (const uint64_t value : values)
        ++counts[static_cast<size_t>(histogram::bucket_of(value))];
    std::sort(values.begin(), values.end());
    for (const double fraction : {0.5, 0.95, 0.99}) {
        const auto rank = static_cast<size_t>(std::ceil(fraction * static_cast<double>(values.size())));
        const auto exact = static_cast<double>(values[rank - 1]);
        EXPECT_NEAR(histogram::quantile(counts, fraction) / exact, 1.0, 0.016) << "fraction " << fraction;
    }
}

} // namespace

TEST(histogram, quantiles_of_known_distributions_are_within_1_6_percent) {
    std::mt19937_64 random(20261121);
    std::lognormal_distribution<double> queries(std::log(5e6), 1.5); // 5 ms, heavy tail
    std::exponential_distribution<double> arrivals(1 / 2e5);         // 0.2 ms
    std::uniform_real_distribution<double> flat(2e3, 9e9);           // 2 us .. 9 s
    std::vector<uint64_t> a, b, c, d;
    for (int i = 0; i < 20000; ++i) {
        a.push_back(static_cast<uint64_t>(queries(random)));
        b.push_back(static_cast<uint64_t>(arrivals(random)) + 1024);
        c.push_back(static_cast<uint64_t>(flat(random)));
        d.push_back(i % 100 < 94 ? 1'000'000u : 750'000'000u); // two modes
    }
    expect_close(a);
    expect_close(b);
    expect_close(c);
    expect_close(d);
    expect_close({123'456});
}

TEST(histogram, merging_is_addition) {
    std::vector<uint32_t> one(histogram::bucket_count), two(histogram::bucket_count), sum(histogram::bucket_count);
    for (uint64_t value = 1000; value < 1'000'000; value += 777) {
        ++(value % 2 ? one : two)[static_cast<size_t>(histogram::bucket_of(value))];
        ++sum[static_cast<size_t>(histogram::bucket_of(value))];
    }
    for (size_t i = 0; i < sum.size(); ++i)
        one[i] += two[i];
    EXPECT_EQ(one, sum);
}

TEST(histogram, empty_has_no_quantile) {
    const std::vector<uint32_t> counts(histogram::bucket_count);
    EXPECT_EQ(histogram::quantile(counts, 0.5), 0);
    EXPECT_EQ(histogram::count_above(counts, 0), 0u);
}

TEST(histogram, count_above_never_counts_what_may_be_below) {
    std::vector<uint32_t> counts(histogram::bucket_count);
    counts[static_cast<size_t>(histogram::bucket_of(20'000'000))] = 3;
    counts[static_cast<size_t>(histogram::bucket_of(30'000'000))] = 4;
    EXPECT_EQ(histogram::count_above(counts, 20'000'001), 4u);
    EXPECT_EQ(histogram::count_above(counts, 10'000'000), 7u);
    EXPECT_EQ(histogram::count_above(counts, 40'000'000), 0u);
}
