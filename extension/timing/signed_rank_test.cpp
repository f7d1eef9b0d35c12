// Against printed tables, worked examples of the literature and the enumeration of all signs.
#include "timing/signed_rank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

using namespace dbperf::timing;

namespace {

SignedRankTest test_of(const std::vector<double> &differences, double shift = 0) {
    std::vector<double> scratch(signed_rank_scratch(differences.size()));
    return signed_rank_test(differences, shift, scratch);
}

int critical(size_t n, double two_sided) {
    std::vector<double> scratch(max_signed_rank_counts);
    return static_cast<int>(signed_rank_bound(n, two_sided / 2, scratch)) - 1;
}

} // namespace

// Critical values, two-sided (Wilcoxon 1945; McCornack 1965, table 1).
TEST(signed_rank, critical_values_are_those_of_the_tables) {
    const std::vector<int> at_5_percent{0,  2,  3,  5,  8,  10, 13, 17, 21,  25,  29,  34, 40,
                                        46, 52, 58, 65, 73, 81, 89, 98, 107, 116, 126, 137}; // n = 6, 7, ...
    for (size_t i = 0; i < at_5_percent.size(); ++i)
        EXPECT_EQ(critical(i + 6, 0.05), at_5_percent[i]) << i + 6;
    const std::vector<int> at_1_percent{0,  1,  3,  5,  7,  9,  12, 15, 19, 23,  27, 32,
                                        37, 42, 48, 54, 61, 68, 75, 83, 91, 100, 109}; // n = 8, 9, ...
    for (size_t i = 0; i < at_1_percent.size(); ++i)
        EXPECT_EQ(critical(i + 8, 0.01), at_1_percent[i]) << i + 8;
    EXPECT_EQ(critical(50, 0.05), 434);
    EXPECT_EQ(critical(50, 0.01), 373);
    EXPECT_EQ(critical(7, 0.01), -1);
}

// Hamilton depression scale, Hollander and Wolfe 1973, page 29; p as in R's help page of wilcox.test.
TEST(signed_rank, worked_example_of_depression) {
    const std::vector<double> first{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
    const std::vector<double> second{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
    std::vector<double> differences;
    for (size_t i = 0; i < first.size(); ++i)
        differences.push_back(first[i] - second[i]);
    const SignedRankTest test = test_of(differences);
    EXPECT_TRUE(test.exact);
    EXPECT_EQ(test.rank_sum, 40);
    EXPECT_NEAR(test.p_greater, 0.01953, 5e-6);
    EXPECT_NEAR(test.p_two_sided, 0.03906, 5e-6);
}

// Heights of cross- and self-fertilised maize (Darwin 1876, in Fisher 1935), eighths of an inch.
TEST(signed_rank, worked_example_of_maize) {
    const SignedRankTest test = test_of({49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48});
    EXPECT_TRUE(test.exact);
    EXPECT_EQ(test.rank_sum, 96);
    EXPECT_NEAR(test.p_two_sided, 0.04126, 5e-6);
}

TEST(signed_rank, exact_distribution_is_the_enumeration) {
    for (unsigned n = 1; n <= 12; ++n) {
        const size_t largest = n * (n + 1) / 2;
        std::vector<double> counts(largest + 1);
        std::vector<std::vector<double>> with(largest + 1);
        for (unsigned signs = 0; signs < 1u << n; ++signs) {
            size_t sum = 0;
            std::vector<double> differences;
            for (unsigned rank = 1; rank <= n; ++rank) {
                const bool positive = signs >> (rank - 1) & 1;
                sum += positive ? rank : 0;
                differences.push_back(positive ? rank : -static_cast<double>(rank));
            }
            ++counts[sum];
            with[sum] = differences;
        }
        double below = 0;
        const double total = static_cast<double>(1u << n);
        for (size_t sum = 0; sum <= largest; ++sum) {
            const SignedRankTest test = test_of(with[sum]);
            ASSERT_TRUE(test.exact);
            ASSERT_EQ(test.rank_sum, sum);
            ASSERT_NEAR(test.p_greater, 1 - below / total, 1e-12) << n << " " << sum;
            below += counts[sum];
            ASSERT_NEAR(test.p_less, below / total, 1e-12) << n << " " << sum;
        }
    }
}

TEST(signed_rank, exact_and_approximate_meet) {
    std::vector<double> none;
    for (const double tail : {0.1, 0.025, 0.005})
        EXPECT_NEAR(critical(50, 2 * tail) + 1, static_cast<int>(signed_rank_bound(50, tail, none)), 3) << tail;
    std::vector<double> differences;
    for (int i = 1; i <= 50; ++i)
        differences.push_back(i % 3 ? i : -i);
    const SignedRankTest exact = test_of(differences);
    differences.push_back(0.5);
    const SignedRankTest approximate = test_of(differences);
    EXPECT_TRUE(exact.exact);
    EXPECT_FALSE(approximate.exact);
    EXPECT_NEAR(approximate.p_two_sided / exact.p_two_sided, 1, 0.1);
}

// Ranks 1, 2.5, 2.5, 4: variance 4*5*9/24 - (8-2)/48 = 7.375; zeros count for nothing.
TEST(signed_rank, ties_share_ranks_and_zeros_are_left_out) {
    const SignedRankTest test = test_of({0, 1, -2, 2, 3, 0});
    EXPECT_EQ(test.used, 4u);
    EXPECT_FALSE(test.exact);
    EXPECT_EQ(test.rank_sum, 7.5);
    EXPECT_NEAR(test.p_greater, 0.230725, 1e-6); // upper tail of (7.5 - 5 - 0.5) / sqrt(7.375) = 0.736460
    EXPECT_NEAR(test.p_less, 0.865353, 1e-6);
    EXPECT_EQ(test_of({4, 5, 3}, 3).used, 2u);
    EXPECT_EQ(test_of({4, 5, 3}, 3).rank_sum, 3);
}

TEST(signed_rank, nonsense_and_nothing) {
    EXPECT_FALSE(test_of({}).valid);
    EXPECT_FALSE(test_of({1, std::numeric_limits<double>::quiet_NaN()}).valid);
    EXPECT_TRUE(test_of({0, 0}).valid);
    EXPECT_EQ(test_of({0, 0}).p_two_sided, 1);
    std::vector<double> scratch(3);
    EXPECT_FALSE(signed_rank_test(std::vector<double>{1, 2, 3}, 0, scratch).valid);
    EXPECT_EQ(signed_rank_bound(0, 0.01, scratch), 0u);
}
