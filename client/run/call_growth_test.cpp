#include "run/call_growth.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::run {
using namespace base;

namespace {

using Calls = std::vector<long long>;

Growth judged(const Sizes &sizes, const Calls &calls, long long threshold = 5) {
    return judge_growth(sizes, calls, growth_exponent(sizes, calls), threshold);
}

TEST(Growth, SizesAreSortedAndDifferent) {
    EXPECT_EQ(parse_sizes("1,2,4"), (Sizes{1, 2, 4}));
    EXPECT_EQ(parse_sizes("10,1,10"), (Sizes{1, 10}));
    for (const char *list : {"", "1,", ",1,2", "1,,2", "1;2", "0,1", "-1,2", "1,2.5", "1, 2", "1,x", "1,99999999999"})
        expect_error([&] { parse_sizes(list); }, ExitCode::usage, "is not a size", "whole numbers from 1");
    for (const char *list : {"1", "4,4"})
        expect_error([&] { parse_sizes(list); }, ExitCode::usage,
                     "--scale needs at least two different sizes, such as 1,2,4", "three or more");
}

TEST(Growth, ExponentIsThatOfThePower) {
    EXPECT_NEAR(growth_exponent({1, 2, 4}, {20, 40, 80}), 1, 1e-9);
    EXPECT_NEAR(growth_exponent({1, 10}, {3, 300}), 2, 1e-9);
    EXPECT_NEAR(growth_exponent({1, 3, 9}, {2, 18, 162}), 2, 1e-9);
    EXPECT_NEAR(growth_exponent({1, 4, 16}, {10, 20, 40}), 0.5, 1e-9);
    EXPECT_NEAR(growth_exponent({1, 2, 4}, {7, 7, 7}), 0, 1e-9);
    EXPECT_NEAR(growth_exponent({1, 2}, {8, 4}), -1, 1e-9);
    EXPECT_NEAR(growth_exponent({1, 2, 4}, {0, 0, 0}), 0, 1e-9);
}

TEST(Growth, AFixedPartDoesNotHideTheRest) {
    EXPECT_NEAR(growth_exponent({1, 2, 4}, {70, 90, 130}), 1, 1e-9);
    EXPECT_NEAR(growth_exponent({1, 10, 100}, {57, 125, 806}), 1, 0.05); // 50 and about 7.56 a size
    EXPECT_LT(growth_exponent({1, 2}, {70, 90}), 0.5);                   // two sizes are no proof
    EXPECT_LT(growth_exponent({1, 2, 4}, {100, 103, 107}), 0.1);         // no line
    EXPECT_LT(growth_exponent({1, 2, 4}, {1000, 1002, 1006}), 0.1);      // a line, but next to nothing
}

TEST(Growth, Verdicts) {
    EXPECT_EQ(judged({1, 2, 4}, {20, 40, 80}), Growth::grows);
    EXPECT_EQ(judged({1, 2, 4}, {21, 39, 83}), Growth::grows);
    EXPECT_EQ(judged({1, 2}, {20, 40}), Growth::grows);
    EXPECT_EQ(judged({1, 2, 4}, {70, 90, 130}), Growth::grows);
    EXPECT_EQ(judged({1, 2, 4}, {25, 100, 400}), Growth::grows);
    EXPECT_EQ(judged({1, 2, 4}, {0, 10, 20}), Growth::grows);
    EXPECT_EQ(judged({1, 10, 100}, {1, 10, 100}), Growth::grows);
    EXPECT_EQ(judged({1, 2, 4}, {1, 1, 1}), Growth::constant);
    EXPECT_EQ(judged({1, 2, 4}, {500, 502, 501}), Growth::constant);
    EXPECT_EQ(judged({1, 10, 100}, {3, 4, 6}), Growth::constant);
    EXPECT_EQ(judged({1, 2, 4}, {40, 20, 20}), Growth::varies);
    EXPECT_EQ(judged({1, 2, 4}, {10, 100, 30}), Growth::varies);
    EXPECT_EQ(judged({1, 10, 100}, {10, 14, 17}), Growth::varies); // log n
    EXPECT_EQ(judged({1, 2, 4}, {20, 40, 40}), Growth::varies);    // up to a page
}

TEST(Growth, TheThresholdIsTheLeastThatCounts) {
    EXPECT_EQ(judged({1, 2, 4}, {1, 2, 5}), Growth::constant);
    EXPECT_EQ(judged({1, 2, 4}, {1, 3, 6}), Growth::grows);
    EXPECT_EQ(judged({1, 2, 4}, {1, 3, 6}, 6), Growth::constant);
    EXPECT_EQ(judged({1, 2, 4}, {1, 2, 4}, 2), Growth::grows);
}

TEST(Growth, StatementsAreJoinedByFingerprint) {
    const auto statements =
        judge_statements({1, 2},
                         {{{"1", "SELECT name FROM users WHERE id = $1", 10}, {"2", "SELECT id FROM users", 1}},
                          {{"2", "SELECT id FROM users", 1},
                           {"1", "SELECT name FROM users WHERE id = $1", 15}, // of two databases
                           {"1", "SELECT name FROM users WHERE id = $1", 5},
                           {"3", "INSERT INTO log VALUES ($1)", 40}}},
                         5);
    ASSERT_EQ(statements.size(), 3u);
    EXPECT_EQ(statements[0].fingerprint, "3");
    EXPECT_EQ(statements[0].calls, (Calls{0, 40}));
    EXPECT_EQ(statements[1].calls, (Calls{10, 20}));
    EXPECT_EQ(growth_sentence({1, 2}, statements[1]), "called 10, 20 times at sizes 1, 2: grows with the data");
    EXPECT_EQ(statements[2].query, "SELECT id FROM users");
    EXPECT_EQ(growth_sentence({1, 2}, statements[2]), "called 1, 1 times at sizes 1, 2: constant");
}

TEST(Growth, RunsAreAlikeWhenTheSizeChangedNothing) {
    EXPECT_TRUE(all_runs_alike({{{"1", "SELECT $1", 2, 7}}, {{"1", "SELECT $1", 2, 7}}}));
    EXPECT_FALSE(all_runs_alike({{{"1", "SELECT $1", 2, 7}}, {{"1", "SELECT $1", 2, 14}}}));
    EXPECT_FALSE(all_runs_alike({{{"1", "SELECT $1", 2, 7}}, {{"1", "SELECT $1", 3, 7}}}));
}

TEST(Growth, OnlyWhatTouchesRowsIsJudged) {
    const auto judged_at_all = [](const std::string &query) {
        return judge_statements({1, 2}, {{{"1", query, 10}}, {{"1", query, 20}}}, 5).size() == 1;
    };
    for (const char *query :
         {"SELECT $1", "select $1", "(SELECT $1) UNION (SELECT $2)", "WITH a AS (SELECT $1) TABLE a",
          "UPDATE t SET a = $1", "DELETE FROM t", "INSERT INTO t VALUES ($1)", "MERGE INTO t USING s", "VALUES ($1)",
          "COPY t FROM STDIN", "CALL p($1)", "/* c */ SELECT $1", ""})
        EXPECT_TRUE(judged_at_all(query)) << query;
    for (const char *query : {"BEGIN", "COMMIT", "SET work_mem = $1", "SAVEPOINT a", "FETCH $1 FROM c", "DEALLOCATE p",
                              "DISCARD ALL", "CREATE TABLE t (a int)"})
        EXPECT_FALSE(judged_at_all(query)) << query;
}

} // namespace
} // namespace dbperf::client::run
