// Against printed tables, worked examples of the literature and the enumeration of all rankings.
#include "timing/rank_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

using namespace dbperf::timing;

namespace {

RankSumTest test_of(const std::vector<double> &first, const std::vector<double> &second) {
    std::vector<double> scratch(rank_sum_scratch(first.size(), second.size()));
    return rank_sum_test(first, second, scratch);
}

// The largest U that is significant, as tables of critical values print it; -1 for none.
int critical(size_t n, size_t m, double two_sided) {
    std::vector<double> scratch(max_rank_sum_counts);
    return static_cast<int>(rank_sum_bound(n, m, two_sided / 2, scratch)) - 1;
}

} // namespace

// Critical values of U, two-sided (Siegel 1956, table K; Milton 1964).
TEST(rank_sum, critical_values_are_those_of_the_tables) {
    const std::vector<int> at_5_percent{0,  2,  5,  8,  13, 17, 23,  30, 37,
                                        45, 55, 64, 75, 87, 99, 113, 127}; // n = m = 4, 5, ...
    const std::vector<int> at_1_percent{-1, 0, 2, 4, 7, 11, 16, 21, 27, 34, 42, 51, 60, 70, 81, 93, 105};
    for (size_t i = 0; i < at_5_percent.size(); ++i) {
        EXPECT_EQ(critical(i + 4, i + 4, 0.05), at_5_percent[i]) << i + 4;
        EXPECT_EQ(critical(i + 4, i + 4, 0.01), at_1_percent[i]) << i + 4;
    }
    const std::vector<int> of_5{2, 3, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 17, 18, 19, 20}; // n = 5, m = 5, 6, ...
    for (size_t i = 0; i < of_5.size(); ++i)
        EXPECT_EQ(critical(5, i + 5, 0.05), of_5[i]) << i + 5;
    const std::vector<int> of_10{23, 26, 29, 33, 36, 39, 42, 45, 48, 52, 55}; // n = 10, m = 10, 11, ...
    for (size_t i = 0; i < of_10.size(); ++i)
        EXPECT_EQ(critical(i + 10, 10, 0.05), of_10[i]) << i + 10;
}

// Permeability of the placenta, Hollander and Wolfe 1973, page 69; p as in R's help page of wilcox.test.
TEST(rank_sum, worked_example_without_ties) {
    const std::vector<double> at_term{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
    const std::vector<double> early{1.15, 0.88, 0.90, 0.74, 1.21};
    const RankSumTest test = test_of(at_term, early);
    EXPECT_TRUE(test.valid);
    EXPECT_TRUE(test.exact);
    EXPECT_EQ(test.above, 35);
    EXPECT_NEAR(test.p_greater, 0.1272, 5e-5);
    EXPECT_NEAR(test.p_two_sided, 0.2544, 1e-4);
    EXPECT_NEAR(test_of(early, at_term).p_less, 0.1272, 5e-5);
}

// Ozone in May and in August, R's data set airquality and the result of its help page: ties, so the approximation.
TEST(rank_sum, worked_example_with_ties) {
    const std::vector<double> may{41, 36, 12, 18, 28, 23, 19, 8, 7,  16, 11, 14,  18,
                                  14, 34, 6,  30, 11, 1,  11, 4, 32, 23, 45, 115, 37};
    const std::vector<double> august{39, 9,  16, 78, 35, 66, 122, 89,  110, 44, 28,  65, 22,
                                     59, 23, 31, 44, 21, 9,  45,  168, 73,  76, 118, 84, 85};
    const RankSumTest test = test_of(may, august);
    EXPECT_FALSE(test.exact);
    EXPECT_EQ(test.above, 127.5);
    EXPECT_NEAR(test.p_two_sided, 0.0001208, 5e-8);
    EXPECT_DOUBLE_EQ(test_of(august, may).p_greater, test.p_less);
    EXPECT_DOUBLE_EQ(test_of(august, may).p_less, test.p_greater);
}

// Every way to choose which ranks belong to the first sample.
TEST(rank_sum, exact_distribution_is_the_enumeration) {
    for (unsigned n = 1; n <= 6; ++n)
        for (unsigned m = 1; m <= 7; ++m) {
            std::vector<double> counts(n * m + 1);
            std::vector<std::vector<double>> first_with(n * m + 1), second_with(n * m + 1);
            double total = 0;
            for (unsigned chosen = 0; chosen < 1u << (n + m); ++chosen) {
                if (static_cast<unsigned>(std::popcount(chosen)) != n)
                    continue;
                std::vector<double> first, second;
                size_t u = 0;
                for (unsigned rank = 0; rank < n + m; ++rank) {
                    (chosen >> rank & 1 ? first : second).push_back(rank);
                    u += chosen >> rank & 1 ? second.size() : 0;
                }
                ++counts[u];
                ++total;
                first_with[u] = first;
                second_with[u] = second;
            }
            double below = 0;
            for (size_t u = 0; u <= n * m; ++u) {
                const RankSumTest test = test_of(first_with[u], second_with[u]);
                ASSERT_TRUE(test.exact);
                ASSERT_EQ(test.above, u);
                ASSERT_NEAR(test.p_greater, 1 - below / total, 1e-12) << n << " " << m << " " << u;
                below += counts[u];
                ASSERT_NEAR(test.p_less, below / total, 1e-12) << n << " " << m << " " << u;
            }
        }
}

// At the largest sizes that are counted, both ways agree; a lost integer would show.
TEST(rank_sum, exact_and_approximate_meet) {
    ASSERT_GT(rank_sum_counts_size(28, 28), 0u);
    ASSERT_EQ(rank_sum_counts_size(29, 29), 0u);
    std::vector<double> none;
    for (const double tail : {0.1, 0.025, 0.005}) {
        const int exact = critical(28, 28, 2 * tail) + 1;
        const auto approximate = static_cast<int>(rank_sum_bound(28, 28, tail, none));
        EXPECT_NEAR(exact, approximate, 1) << tail;
    }
    for (int shift = 1; shift < 56; shift += 2) {
        std::vector<double> first, second;
        for (int i = 0; i < 28; ++i) {
            first.push_back(2 * i);
            second.push_back(2 * i + shift);
        }
        const RankSumTest test = test_of(first, second);
        ASSERT_TRUE(test.exact);
        const double distance = 28 * 14 - test.above - 0.5;
        const double approximate = std::erfc(distance / std::sqrt(28 * 28 * 57 / 12.0) / std::sqrt(2.0)) / 2;
        EXPECT_NEAR(test.p_less, approximate, 0.002) << shift;
    }
    // The same approximation where it is used: 29 against 29, U = 29 * 28 / 2.
    std::vector<double> first, second;
    for (int i = 0; i < 29; ++i) {
        first.push_back(2 * i);
        second.push_back(2 * i + 1);
    }
    const RankSumTest larger = test_of(first, second);
    EXPECT_FALSE(larger.exact);
    EXPECT_EQ(larger.above, 406);
    EXPECT_NEAR(larger.p_two_sided, 0.8276, 0.0001); // z = 14 / sqrt(29 * 29 * 59 / 12)
}

TEST(rank_sum, unbalanced_samples_are_counted) {
    EXPECT_GT(rank_sum_counts_size(10, 160), 0u);
    EXPECT_GT(rank_sum_counts_size(1, 4000), 0u);
    EXPECT_EQ(rank_sum_counts_size(1, 1000000), 0u);
    EXPECT_EQ(rank_sum_counts_size(0, 5), 0u);
    // One value against 99: U is uniform from 0 to 99.
    std::vector<double> many;
    for (int i = 0; i < 99; ++i)
        many.push_back(i);
    EXPECT_NEAR(test_of({1.5}, many).p_less, 0.03, 1e-12);
    EXPECT_NEAR(test_of({96.5}, many).p_greater, 0.03, 1e-12);
}

TEST(rank_sum, shift_moves_the_second_sample) {
    const std::vector<double> first{1, 2, 3}, second{11, 12, 14};
    std::vector<double> scratch(max_rank_sum_counts);
    EXPECT_EQ(rank_sum_test_sorted(first, second, 0, scratch).above, 0);
    EXPECT_EQ(rank_sum_test_sorted(first, second, -20, scratch).above, 9);
    EXPECT_EQ(rank_sum_test_sorted(first, second, -10, scratch).above, 4) << "two ties";
}

TEST(rank_sum, equal_values_prove_nothing) {
    const RankSumTest test = test_of({5, 5, 5, 5}, {5, 5, 5});
    EXPECT_TRUE(test.valid);
    EXPECT_EQ(test.above, 6);
    EXPECT_EQ(test.p_less, 1);
    EXPECT_EQ(test.p_greater, 1);
    EXPECT_EQ(test.p_two_sided, 1);
}

TEST(rank_sum, nonsense_is_not_valid) {
    EXPECT_FALSE(test_of({}, {1}).valid);
    EXPECT_FALSE(test_of({1}, {}).valid);
    EXPECT_FALSE(test_of({1, std::numeric_limits<double>::quiet_NaN()}, {1}).valid);
    std::vector<double> scratch(3);
    const std::vector<double> two{1, 2};
    EXPECT_FALSE(rank_sum_test(two, two, scratch).valid);
    scratch.resize(5);
    EXPECT_FALSE(rank_sum_test(two, std::vector<double>{3, 4}, scratch).valid);
    EXPECT_EQ(rank_sum_bound(0, 3, 0.01, scratch), 0u);
}
