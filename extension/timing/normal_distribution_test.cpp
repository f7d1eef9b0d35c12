// Against the table every textbook prints.
#include "timing/normal_distribution.h"

#include <gtest/gtest.h>

using namespace dbperf::timing;

// Abramowitz and Stegun 1964, table 26.1.
TEST(normal_distribution, tail_is_that_of_the_table) {
    EXPECT_DOUBLE_EQ(normal_below(0), 0.5);
    EXPECT_NEAR(normal_below(1), 0.841344746068543, 1e-15);
    EXPECT_NEAR(normal_below(-1), 0.158655253931457, 1e-15);
    EXPECT_NEAR(normal_below(2), 0.977249868051821, 1e-15);
    EXPECT_NEAR(normal_below(-5) / 2.866515719e-7, 1, 1e-9);
}

// Quantiles as printed by Wichura 1988 (AS 241) and in every table of percentage points.
TEST(normal_distribution, quantile_is_that_of_the_table) {
    EXPECT_NEAR(normal_quantile(0.5), 0, 1e-15);
    EXPECT_NEAR(normal_quantile(0.25), -0.6744897501960817, 1e-14);
    EXPECT_NEAR(normal_quantile(0.001), -3.090232306167814, 1e-14);
    EXPECT_NEAR(normal_quantile(1e-20), -9.262340089798408, 1e-13);
    EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
    EXPECT_NEAR(normal_quantile(0.995), 2.575829303548901, 1e-14);
}

TEST(normal_distribution, quantile_ends_outside_of_the_unit_interval) {
    EXPECT_EQ(normal_quantile(0), -40);
    EXPECT_EQ(normal_quantile(-1), -40);
    EXPECT_EQ(normal_quantile(1), 40);
    EXPECT_EQ(normal_quantile(2), 40);
}
