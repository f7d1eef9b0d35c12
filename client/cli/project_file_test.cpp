#include "cli/project_file.h"

#include "base/expect_error.h"

#include <fmt/format.h>

#include <gtest/gtest.h>

namespace dbperf::client::cli {
using namespace base;
using namespace queries;

namespace {

ProjectFile parse(const std::string &text, const std::string &path = "dbperf.toml") {
    return parse_project_file(text, path, {"n_plus_one", "slow_query", "budget"});
}

TEST(ProjectFile, AllKeys) {
    const ProjectFile project = parse("slow_query_threshold_ms = 50\n"
                                      "database = \"postgresql:///shop\"\n"
                                      "queries = \"benchmarks/queries\"\n"
                                      "migrations = \"./migrations\"\n"
                                      "[budgets.order_history]\n"
                                      "p95 = \"20ms\"\n"
                                      "rows = 100\n"
                                      "[units.\"GET /orders/*\"]\n"
                                      "statements = 12\n"
                                      "exec_ms = 7.5\n"
                                      "[check]\n"
                                      "baseline = \"main\"\n"
                                      "warn_only = [\"budget\", \"n_plus_one\"]\n"
                                      "reports = [\"junit=build/x.xml\", \"json=/tmp/a=b.json\"]\n",
                                      "/app/dbperf.toml");
    EXPECT_EQ(project.slow_query_threshold_ms, 50);
    EXPECT_EQ(project.database, "postgresql:///shop");
    EXPECT_EQ(project.queries, "/app/benchmarks/queries");
    EXPECT_EQ(project.migrations, "/app/migrations");
    EXPECT_EQ(project.check.baseline, "main");
    EXPECT_EQ(project.check.warn_only, (std::vector<std::string>{"budget", "n_plus_one"}));
    EXPECT_EQ(project.check.reports, (std::vector<std::string>{"junit=/app/build/x.xml", "json=/tmp/a=b.json"}));
    ASSERT_EQ(project.budgets.count("order_history"), 1u);
    EXPECT_EQ(project.budgets.at("order_history"), (std::vector<Budget>{{"p95_ms", 20}, {"rows", 100}}));
    EXPECT_EQ(project.unit_budgets,
              (std::vector<UnitBudget>{{"GET /orders/*", "exec_ms", 7.5, 10}, {"GET /orders/*", "statements", 12, 9}}));
}

TEST(ProjectFile, EmptyIsFine) {
    EXPECT_FALSE(parse("").slow_query_threshold_ms.has_value());
}

TEST(ProjectFile, ErrorsNameTheLine) {
    const auto expect = [](const std::string &text, const std::string &message, const std::string &hint = {}) {
        expect_error([&] { parse(text); }, ExitCode::usage, message, hint);
    };
    expect("\nslow_query_treshold_ms = 5", "dbperf.toml:2: unknown key \"slow_query_treshold_ms\"",
           "did you mean \"slow_query_threshold_ms\"?");
    expect("slow_query_threshold_ms = \"fast\"", "dbperf.toml:1: \"slow_query_threshold_ms\" must be a number above 0");
    expect("[,", "dbperf.toml:1: ");
    for (const char *value : {"0", "nan", "inf"})
        expect(fmt::format("slow_query_threshold_ms = {}", value), "must be a number above 0");
    expect("database = 5", "dbperf.toml:1: \"database\" must be a text");
    expect("queries = ", "dbperf.toml:1:");
    expect("[budgets.a]\np94 = \"1ms\"", "dbperf.toml:2: unknown budget \"p94\"", "did you mean");
    expect("units = 3", "dbperf.toml:1: \"units\" must be a table");
    expect("[units]\n\"GET /\" = 3", "dbperf.toml:2: the budgets of unit \"GET /\" must be a table");
    expect("[units.\"GET /\"]\nstatement = 3", "dbperf.toml:2: unknown budget \"statement\"", "did you mean");
    expect("[units.\"GET /\"]\nstatements = \"many\"", "dbperf.toml:2: a budget of a unit of work is a number");
    expect("[units.\"GET /\"]\nstatements = -1", "dbperf.toml:2: ", "");
    expect("[units.\"GET /\"]\nrows = nan", "dbperf.toml:2: ", "");
    expect("[units.\"\"]\nrows = 1", "needs a name");
    expect("budgets = 3", "\"budgets\" must be a table");
    expect("check = 3", "dbperf.toml:1: \"check\" must be a table");
    expect("[check]\nbase_line = \"main\"", "dbperf.toml:2: unknown key \"base_line\" in [check]",
           "did you mean \"baseline\"?");
    expect("[check]\nbaseline = 3", "dbperf.toml:2: \"baseline\" must be a text");
    expect("[check]\nwarn_only = \"budget\"", "dbperf.toml:2: \"warn_only\" must be a list of texts");
    expect("[check]\nwarn_only = [3]", "dbperf.toml:2: \"warn_only\" must be a text");
    expect("[check]\nwarn_only = [\"budgets\"]", "dbperf.toml:2: \"budgets\" is no kind of finding",
           "did you mean \"budget\"?");
    expect("[check]\nwarn_only = [\"everything\"]", "is no kind of finding", "kinds are n_plus_one, slow_query");
    expect("[check]\nreports = [\"junit\"]", "dbperf.toml:2: \"junit\" is no report", "FORMAT=PATH");
}

} // namespace
} // namespace dbperf::client::cli
