// Every order statistic against a sorted list of all pairs.
#include "timing/pairwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace dbperf::timing;

namespace {

std::vector<double> sorted(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values;
}

void expect_all_orders(const std::vector<double> &first, const std::vector<double> &second) {
    std::vector<double> differences, averages;
    for (const double a : first)
        for (const double b : second)
            differences.push_back(a - b);
    for (size_t i = 0; i < first.size(); ++i)
        for (size_t j = i; j < first.size(); ++j)
            averages.push_back((first[i] + first[j]) / 2);
    differences = sorted(differences);
    averages = sorted(averages);
    for (size_t k = 1; k <= differences.size(); ++k)
        ASSERT_EQ(kth_difference(first, second, k), differences[k - 1]) << k;
    for (size_t k = 1; k <= averages.size(); ++k)
        ASSERT_EQ(kth_walsh_average(first, k), averages[k - 1]) << k;
}

} // namespace

TEST(pairwise, every_order_is_that_of_the_list) {
    std::mt19937_64 random(4);
    std::normal_distribution<double> normal(1, 3);
    std::uniform_int_distribution<int> tied(-3, 3);
    for (size_t n = 1; n < 12; ++n)
        for (size_t m = 1; m < 12; ++m) {
            std::vector<double> a, b, c, d;
            for (size_t i = 0; i < n; ++i) {
                a.push_back(normal(random));
                c.push_back(tied(random));
            }
            for (size_t i = 0; i < m; ++i) {
                b.push_back(normal(random));
                d.push_back(tied(random));
            }
            expect_all_orders(sorted(a), sorted(b));
            expect_all_orders(sorted(c), sorted(d));
        }
}

TEST(pairwise, far_outliers_and_tiny_steps_are_exact) {
    expect_all_orders({-1e300, 0, 1e-300, 5, 1e300}, {-1e8, 1, 1 + 1e-15, 1 + 3e-15});
    expect_all_orders({7}, {7});
}
