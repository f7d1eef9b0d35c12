#include "queries/budget.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::queries {
using namespace base;

namespace {

TEST(Budget, UnitsOfTime) {
    EXPECT_EQ(parse_budget("p95", "20ms", "f:1"), (Budget{"p95_ms", 20}));
    EXPECT_EQ(parse_budget("avg", "0.5s", "f:1"), (Budget{"avg_ms", 500}));
    EXPECT_EQ(parse_budget("p99", "800us", "f:1"), (Budget{"p99_ms", 0.8}));
    EXPECT_EQ(parse_budget("max", "7", "f:1"), (Budget{"max_ms", 7}));
}

TEST(Budget, Counts) {
    EXPECT_EQ(parse_budget("blocks", "500", "f:1"), (Budget{"blocks", 500}));
}

TEST(Budget, Refusals) {
    for (const char *limit : {"", "ms", "-1ms", "0", "20 ms", "20min", "nan", "inf", "1e999", "1e308s", "1e-323us"})
        expect_error([&] { parse_budget("p95", limit, "f:1"); }, ExitCode::usage, "f:1:", "above 0");
    expect_error([] { parse_budget("rows", "20ms", "f:1"); }, ExitCode::usage, "f:1:", "whole number");
    expect_error([] { parse_budget("p90", "20ms", "f:1"); }, ExitCode::usage, "unknown budget \"p90\"", "did you mean");
}

} // namespace
} // namespace dbperf::client::queries
