#include "queries/unit_budget.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dbperf::client::queries {
using namespace base;

namespace {

TEST(UnitBudget, AreWrittenByMetric) {
    EXPECT_EQ(parse_unit_budget("GET /orders", "statements", 12, "x:1"),
              (UnitBudget{"GET /orders", "statements", 12, 0}));
    EXPECT_EQ(parse_unit_budget("*", "exec_ms", 0.5, "x:1").limit, 0.5);
    EXPECT_EQ(parse_unit_budget("*", "rows", 0, "x:1").limit, 0);
}

TEST(UnitBudget, ErrorsSayWhatIsMeant) {
    const auto expect = [](std::string_view pattern, std::string_view metric, double limit, const char *message,
                           const char *hint = "") {
        expect_error([&] { parse_unit_budget(pattern, metric, limit, "dbperf.toml:3"); }, ExitCode::usage, message,
                     hint);
    };
    expect("a", "statement", 1, "dbperf.toml:3: unknown budget \"statement\"", "did you mean \"statements\"?");
    expect("a", "queries", 1, "unknown budget \"queries\"", "budgets are statements, ");
    expect("", "statements", 1, "needs a name");
    for (const double limit : {-1.0, HUGE_VAL, std::nan("")})
        expect("a", "statements", limit, "is a number from 0 on");
}

TEST(UnitBudget, GoToTheServerAsAnObject) {
    EXPECT_EQ(unit_budgets_json({}), "");
    EXPECT_EQ(unit_budgets_json(
                  {{"GET /\"a\"", "statements", 12, 1}, {"GET /\"a\"", "exec_ms", 0.5, 2}, {"b", "rows", 1, 3}}),
              R"({"GET /\"a\"":{"exec_ms":0.5,"statements":12.0},"b":{"rows":1.0}})");
}

} // namespace
} // namespace dbperf::client::queries
