#include "queries/query_file.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::queries {
using namespace base;

namespace {

MonitoredQuery only(const std::string &text) {
    auto queries = parse_query_file(text, "q.sql");
    EXPECT_EQ(queries.size(), 1u);
    return queries.at(0);
}

void expect_usage(const std::string &text, const std::string &message, const std::string &hint = {}) {
    expect_error([&] { parse_query_file(text, "q.sql"); }, ExitCode::usage, message, hint);
}

TEST(QueryFile, ReadsNameParamsBudgetsAndStatement) {
    const MonitoredQuery query = only("-- What a user sees first.\n"
                                      "-- name: user_lookup :one\n"
                                      "-- params: SELECT id AS user_id FROM users\n"
                                      "-- dbperf: budget_p95=20ms budget_rows=10\n"
                                      "-- dbperf: budget_max=0.5s\n"
                                      "\n"
                                      "SELECT *\nFROM users WHERE id = :user_id;\n");
    EXPECT_EQ(query.name, "user_lookup");
    EXPECT_EQ(query.params_sql, "SELECT id AS user_id FROM users");
    EXPECT_EQ(query.params_line, 3);
    EXPECT_EQ(query.sql, "SELECT *\nFROM users WHERE id = :user_id");
    EXPECT_EQ(query.line, 7);
    EXPECT_EQ(query.budgets, (std::vector<Budget>{{"p95_ms", 20}, {"rows", 10}, {"max_ms", 500}}));
}

TEST(QueryFile, TakesTheNameOfTheFileWithoutOne) {
    EXPECT_EQ(only("SELECT 1").name, "q");
}

TEST(QueryFile, ParamsGoOnInIndentedComments) {
    EXPECT_EQ(only("-- name: a\n-- params: SELECT 1 AS x\n--         UNION SELECT 2\nSELECT :x").params_sql,
              "SELECT 1 AS x\nUNION SELECT 2");
}

TEST(QueryFile, HoldsSeveralQueries) {
    const auto queries =
        parse_query_file("-- name: a^\nSELECT 1;\n\n-- name: b\n-- dbperf: budget_avg=1ms\nSELECT 2;\n", "q.sql");
    ASSERT_EQ(queries.size(), 2u);
    EXPECT_EQ(queries[0].name, "a");
    EXPECT_TRUE(queries[0].budgets.empty());
    EXPECT_EQ(queries[1].name, "b");
    EXPECT_EQ(queries[1].line, 6);
    EXPECT_EQ(queries[1].budgets.size(), 1u);
}

TEST(QueryFile, RefusesWhatItCannotMean) {
    expect_usage("", "q.sql is empty");
    expect_usage(" \n\t\n", "q.sql is empty");
    expect_usage("-- name: a\n-- nothing\n", "q.sql:1: the query \"a\" has no statement");
    expect_usage("-- name: a\n-- name: b\nSELECT 1", "q.sql:1: the query \"a\" has no statement");
    expect_usage("-- name:\nSELECT 1", "q.sql:1: a name is missing");
    expect_usage("SELECT 1;\nSELECT 2;", "q.sql:2: the query \"q\" has more than one statement");
    expect_usage("-- dbperf: budget_p59=20ms\nSELECT 1", "q.sql:1: unknown setting \"budget_p59\"",
                 "did you mean \"budget_p9");
    expect_usage("-- dbperf: budget_p95=fast\nSELECT 1", "q.sql:1: \"fast\" is not a budget for p95", "20ms");
    expect_usage("-- dbperf: budget_p95\nSELECT 1", "needs a value");
    expect_usage("-- params: SELECT 1\n-- params: SELECT 2\nSELECT 1", "q.sql:2: a second");
    expect_usage("SELECT 1;\n\\set x 1\n", "q.sql:2: psql commands");
    expect_usage("SELECT 1\n FROM 'a", "q.sql:2: this quote or comment never ends");
}

TEST(Placeholders, BecomeParametersInOrderOfFirstUse) {
    const BoundStatement bound = bind_placeholders(only("SELECT :b, :a, :b::int, x::text, ':a'"), {"a", "b"});
    EXPECT_EQ(bound.sql, "SELECT $1, $2, $1::int, x::text, ':a'");
    EXPECT_EQ(bound.columns, (std::vector<std::size_t>{1, 0}));
}

TEST(Placeholders, NumbersMeanColumns) {
    const BoundStatement bound = bind_placeholders(only("SELECT $2, $1"), {"a", "b", "c"});
    EXPECT_EQ(bound.sql, "SELECT $2, $1");
    EXPECT_EQ(bound.columns, (std::vector<std::size_t>{0, 1}));
}

TEST(Placeholders, WithoutAColumnAreErrorsWithTheirLine) {
    expect_error([] { bind_placeholders(only("SELECT 1,\n :missing"), {"a"}); }, ExitCode::usage,
                 "q.sql:2: the placeholder :missing", "its columns are: a");
    expect_error([] { bind_placeholders(only("SELECT :a"), {}); }, ExitCode::usage,
                 "q.sql:1:", "-- params: SELECT ... AS a");
    expect_error([] { bind_placeholders(only("SELECT $2"), {"a"}); }, ExitCode::usage, "q.sql:1: $2 has no value");
    expect_error([] { bind_placeholders(only("SELECT $1, :a"), {"a"}); }, ExitCode::usage, "mixes :name and $1");
}

} // namespace
} // namespace dbperf::client::queries
