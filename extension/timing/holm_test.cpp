// Against worked examples and against the definition.
#include "timing/holm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace dbperf::timing;

namespace {

std::vector<double> adjusted(std::vector<double> values) {
    std::vector<double> scratch(holm_scratch(values.size()));
    EXPECT_TRUE(adjust_holm(values, scratch));
    return values;
}

void expect_near(const std::vector<double> &values, const std::vector<double> &expected) {
    ASSERT_EQ(values.size(), expected.size());
    for (size_t i = 0; i < values.size(); ++i)
        EXPECT_NEAR(values[i], expected[i], 1e-12) << i;
}

} // namespace

// The example of the method's encyclopedia articles: of 0.01, 0.04, 0.03 and 0.005, at 5 % only the first and last
// hold.
TEST(holm, worked_example) {
    expect_near(adjusted({0.01, 0.04, 0.03, 0.005}), {0.03, 0.06, 0.06, 0.02});
}

// By hand: 5 * 0.001, 4 * 0.02, 3 * 0.021 lifted to what came before, 2 * 0.2, 0.9.
TEST(holm, never_falls_and_never_exceeds_one) {
    expect_near(adjusted({0.2, 0.001, 0.9, 0.02, 0.021}), {0.4, 0.005, 0.9, 0.08, 0.08});
    expect_near(adjusted({0.6, 0.7, 0.8}), {1, 1, 1});
}

TEST(holm, ties_stay_tied) {
    expect_near(adjusted({0.02, 0.01, 0.02, 0.01}), {0.04, 0.04, 0.04, 0.04});
    expect_near(adjusted({0.01, 0.01}), {0.02, 0.02});
}

TEST(holm, what_is_no_probability_does_not_count) {
    const std::vector<double> values = adjusted({0.01, std::numeric_limits<double>::quiet_NaN(), 0.5, -1, 2});
    EXPECT_EQ(values[0], 0.02);
    EXPECT_TRUE(std::isnan(values[1]));
    EXPECT_EQ(values[2], 0.5);
    EXPECT_EQ(values[3], -1);
    EXPECT_EQ(values[4], 2);
    expect_near(adjusted({}), {});
    expect_near(adjusted({0.3}), {0.3});
}

TEST(holm, too_little_scratch_changes_nothing) {
    std::vector<double> values{0.01, 0.02}, scratch(3);
    EXPECT_FALSE(adjust_holm(values, scratch));
    EXPECT_EQ(values, (std::vector<double>{0.01, 0.02}));
}
