#include "units/adaptive_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace dbperf::units {
namespace {

uint64_t exact_median(std::vector<uint64_t> values) {
    std::sort(values.begin(), values.end());
    return values[(values.size() - 1) / 2];
}

AdaptiveHistogram of(const std::vector<uint64_t> &values) {
    AdaptiveHistogram histogram{};
    for (const uint64_t value : values)
        histogram.add(value);
    return histogram;
}

uint64_t count(const AdaptiveHistogram &histogram) {
    uint64_t total = 0;
    for (size_t i = 0; i < histogram.used; ++i)
        total += histogram.counts[i];
    return total;
}

TEST(adaptive_histogram, small_values_have_buckets_of_their_own) {
    for (uint32_t value = 0; value < 64; ++value) {
        EXPECT_EQ(AdaptiveHistogram::bucket_of(value), value);
        EXPECT_EQ(AdaptiveHistogram::bucket_low(value), value);
    }
}

TEST(adaptive_histogram, buckets_follow_each_other) {
    for (uint32_t bucket = 1; bucket < 1920; ++bucket) {
        const uint64_t low = AdaptiveHistogram::bucket_low(bucket);
        ASSERT_EQ(AdaptiveHistogram::bucket_of(low), bucket);
        ASSERT_EQ(AdaptiveHistogram::bucket_of(low - 1), bucket - 1);
    }
    EXPECT_EQ(AdaptiveHistogram::bucket_of(UINT64_MAX), 1919u);
    EXPECT_EQ(AdaptiveHistogram::bucket_low(1920), UINT64_MAX);
}

TEST(adaptive_histogram, is_empty_at_first) {
    EXPECT_EQ(AdaptiveHistogram{}.median(), 0u);
}

TEST(adaptive_histogram, few_small_values_are_exact) {
    EXPECT_EQ(of({7}).median(), 7u);
    EXPECT_EQ(of({3, 1, 2}).median(), 2u);
    EXPECT_EQ(of({4, 1, 2, 3}).median(), 2u); // nearest rank: the lower one
    EXPECT_EQ(of({0, 0, 63}).median(), 0u);
}

TEST(adaptive_histogram, the_largest_values_there_are) {
    EXPECT_GE(of({UINT64_MAX}).median(), UINT64_MAX - (UINT64_MAX >> 6));
    AdaptiveHistogram histogram{};
    for (int bit = 0; bit < 64; ++bit)
        histogram.add(uint64_t{1} << bit);
    EXPECT_EQ(count(histogram), 64u);
    EXPECT_LE(histogram.used, AdaptiveHistogram::max_buckets);
}

TEST(adaptive_histogram, coarse_ones_lose_nothing_and_stay_in_order) {
    std::mt19937_64 random(7);
    AdaptiveHistogram histogram{};
    for (uint64_t added = 1; added <= 20000; ++added) {
        histogram.add(random() >> (random() % 64));
        ASSERT_EQ(count(histogram), added);
        ASSERT_LE(histogram.used, AdaptiveHistogram::max_buckets);
        for (size_t i = 1; i < histogram.used; ++i)
            ASSERT_LT(histogram.buckets[i - 1], histogram.buckets[i]);
    }
    EXPECT_LE(histogram.coarseness, 7);
}

TEST(adaptive_histogram, counts_stop_where_they_would_turn_over) {
    AdaptiveHistogram histogram{};
    histogram.add(100);
    histogram.counts[0] = UINT32_MAX;
    histogram.add(100);
    EXPECT_EQ(histogram.counts[0], UINT32_MAX);
    for (uint64_t value = 1; value < 100; ++value) // until it is coarse
        histogram.add(value * value);
    EXPECT_EQ(*std::max_element(histogram.counts.begin(), histogram.counts.begin() + histogram.used), UINT32_MAX);
}

// As the header and the documentation promise.
TEST(adaptive_histogram, medians_are_as_near_as_the_spread_allows) {
    const struct {
        double apart, error;
    } promises[] = {{1.5, 0.016}, {2.5, 0.032}, {7, 0.063}, {50, 0.13}, {2500, 0.25}};
    std::mt19937_64 random(11);
    for (const auto &[apart, error] : promises)
        for (int round = 0; round < 300; ++round) {
            const double least = std::exp(std::uniform_real_distribution<>(std::log(100), std::log(1e10))(random));
            std::uniform_real_distribution<> exponent(0, std::log(apart));
            std::vector<uint64_t> values;
            for (int i = 0; i < 500; ++i)
                values.push_back(static_cast<uint64_t>(least * std::exp(exponent(random))));
            const auto exact = static_cast<double>(exact_median(values));
            ASSERT_NEAR(static_cast<double>(of(values).median()), exact, exact * error + 1)
                << apart << " from " << least;
        }
}

} // namespace
} // namespace dbperf::units
