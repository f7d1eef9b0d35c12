// Against worked examples of the literature, lists of all pairs, and the coverage an interval promises.
#include "timing/time_ratio.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace dbperf::timing;

namespace {

using Estimator = TimeRatio (*)(std::span<const double>, std::span<const double>, double, std::span<double>);

TimeRatio estimate(Estimator estimator, const std::vector<double> &before, const std::vector<double> &after,
                   double confidence) {
    std::vector<double> scratch(time_ratio_scratch(before.size(), after.size()));
    return estimator(before, after, confidence, scratch);
}

// Examples of the literature are about differences, which are logarithms of ratios.
std::vector<double> exponentials(std::vector<double> values) {
    for (double &value : values)
        value = std::exp(value);
    return values;
}

} // namespace

// Permeability of the placenta, Hollander and Wolfe 1973, chapter 4: estimate -0.305, interval -0.76 to
// 0.15.
TEST(time_ratio, worked_example_of_two_samples) {
    const auto at_term = exponentials({0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46});
    const auto early = exponentials({1.15, 0.88, 0.90, 0.74, 1.21});
    const TimeRatio ratio = estimate(time_ratio, at_term, early, 0.95);
    ASSERT_TRUE(ratio.valid);
    EXPECT_NEAR(std::log(ratio.ratio), -0.305, 1e-12);
    EXPECT_NEAR(std::log(ratio.low), -0.76, 1e-12);
    EXPECT_NEAR(std::log(ratio.high), 0.15, 1e-12);
}

// Hamilton depression scale, Hollander and Wolfe 1973, chapter 3: -0.46, 96 % interval -0.786 to -0.010.
TEST(time_ratio, worked_example_of_pairs) {
    const auto before = exponentials({1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30});
    const auto after = exponentials({0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29});
    const TimeRatio ratio = estimate(paired_time_ratio, before, after, 0.96);
    ASSERT_TRUE(ratio.valid);
    EXPECT_NEAR(std::log(ratio.ratio), -0.46, 1e-12);
    EXPECT_NEAR(std::log(ratio.low), -0.786, 1e-12);
    EXPECT_NEAR(std::log(ratio.high), -0.010, 1e-12);
}

// The median of four ratios 3, 6, 4, 8 is between 4 and 6: geometrically, so that the inverse question has the inverse
// answer.
TEST(time_ratio, is_the_median_of_all_ratios) {
    EXPECT_NEAR(estimate(time_ratio, {1, 2}, {6, 8}, 0.5).ratio, std::sqrt(24.0), 1e-12);
    EXPECT_NEAR(estimate(time_ratio, {6, 8}, {1, 2}, 0.5).ratio, 1 / std::sqrt(24.0), 1e-12);
    EXPECT_NEAR(estimate(paired_time_ratio, {1, 2, 4}, {2, 4, 8}, 0.5).ratio, 2, 1e-12);
}

TEST(time_ratio, units_cancel_and_outliers_do_not_count) {
    const std::vector<double> before{5, 5.1, 5.2, 4.9, 4.8, 5.05, 4.95, 5.15, 5.3, 500};
    std::vector<double> after;
    for (const double time : before)
        after.push_back(time * 2e6);
    EXPECT_NEAR(estimate(time_ratio, before, after, 0.99).ratio / 2e6, 1, 1e-12);
    after[9] = 1e9;
    EXPECT_NEAR(estimate(paired_time_ratio, before, after, 0.99).ratio / 2e6, 1, 1e-12);
}

TEST(time_ratio, few_samples_have_no_bound) {
    const TimeRatio ratio = estimate(time_ratio, {1, 2, 3}, {10, 20, 30}, 0.99);
    EXPECT_TRUE(ratio.valid);
    EXPECT_EQ(ratio.low, 0);
    EXPECT_EQ(ratio.high, std::numeric_limits<double>::infinity());
    EXPECT_GT(estimate(time_ratio, {1, 2, 3, 4, 5}, {10, 20, 30, 40, 50}, 0.99).low, 0); // 2/252 < 1 %
}

// Of the skewed, heavy-tailed samples that times are; exact (10), exact at its end (28) and approximate (40) intervals.
TEST(time_ratio, interval_covers_as_often_as_it_says) {
    std::mt19937_64 random(31);
    std::lognormal_distribution<double> body(1.6, 0.3);
    std::uniform_real_distribution<double> uniform(0, 1);
    const auto draw = [&](double factor) { return factor * body(random) * (uniform(random) < 0.05 ? 8 : 1); };
    for (const size_t n : {10u, 28u, 40u})
        for (const Estimator estimator : {time_ratio, paired_time_ratio}) {
            const int repetitions = 2000;
            int covered = 0;
            for (int repetition = 0; repetition < repetitions; ++repetition) {
                std::vector<double> before, after;
                for (size_t i = 0; i < n; ++i) {
                    before.push_back(draw(1));
                    after.push_back(draw(1.5));
                }
                const TimeRatio ratio = estimate(estimator, before, after, 0.95);
                covered += ratio.low <= 1.5 && 1.5 <= ratio.high;
            }
            // At least 95 %, up to three standard errors; not much more, or the interval is too wide.
            EXPECT_GT(covered, repetitions * 0.935) << n;
            EXPECT_LT(covered, repetitions * 0.972) << n;
        }
}

TEST(time_ratio, nonsense_is_not_valid) {
    const double infinity = std::numeric_limits<double>::infinity();
    for (const double bad : {0.0, -1.0, infinity, std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_FALSE(estimate(time_ratio, {1, bad}, {1, 2}, 0.99).valid);
        EXPECT_FALSE(estimate(time_ratio, {1, 2}, {1, bad}, 0.99).valid);
        EXPECT_FALSE(estimate(paired_time_ratio, {1, 2}, {1, bad}, 0.99).valid);
    }
    EXPECT_FALSE(estimate(time_ratio, {}, {1}, 0.99).valid);
    EXPECT_FALSE(estimate(paired_time_ratio, {}, {}, 0.99).valid);
    EXPECT_FALSE(estimate(paired_time_ratio, {1, 2}, {1}, 0.99).valid);
    std::vector<double> scratch(4);
    EXPECT_FALSE(time_ratio(std::vector<double>{1, 2}, std::vector<double>{1, 2}, 0.99, scratch).valid);
}
