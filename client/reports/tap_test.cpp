#include "reports/tap.h"

#include "reports/report_sample.h"

#include <gtest/gtest.h>

#include <sstream>

namespace dbperf::client::reports {
namespace {

TEST(Tap, OneLineAJudgement) {
    std::istringstream lines(tap_report(sample_check()));
    std::vector<std::string> results;
    std::string first;
    std::getline(lines, first);
    EXPECT_EQ(first, "TAP version 13");
    for (std::string line; std::getline(lines, line);)
        if (!line.starts_with("  "))
            results.push_back(line);
    ASSERT_EQ(results.size(), 6u);
    EXPECT_EQ(results[0], "1..5");
    EXPECT_TRUE(results[1].starts_with("not ok 1 - n_plus_one: SELECT '</script>'"));
    EXPECT_EQ(results[2], "not ok 2 - regression: order_history");
    EXPECT_EQ(results[3], "ok 3 - stale_acceptance: old");
    EXPECT_EQ(results[4], "ok 4 - budget: few: p95_ms # SKIP 5 calls; a p95 budget needs 20");
    EXPECT_EQ(results[5], "ok 5 - slow_query: none over 100 ms");
}

TEST(Tap, NothingOfAQueryIsADirectiveOrALine) {
    const std::string text = tap_report(sample_check());
    EXPECT_NE(text.find("\\# @team \\#12"), std::string::npos);
    EXPECT_EQ(text.find("\nok 1 - no"), std::string::npos);
    EXPECT_NE(text.find("  cause: \"DROP INDEX \\\"it's\\\"\"\n"), std::string::npos);
    EXPECT_NE(text.find("  line: 12\n"), std::string::npos);
}

} // namespace
} // namespace dbperf::client::reports
