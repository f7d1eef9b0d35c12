#include "cli/options.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::cli {
using namespace base;
using namespace postgres;
using namespace terminal;

namespace {

Options parse(std::vector<const char *> arguments) {
    arguments.insert(arguments.begin(), "dbperf");
    return parse_options(static_cast<int>(arguments.size()), arguments.data()).value();
}

TEST(Options, ConnectionFlagsAsPsql) {
    const Options options = parse({"report", "-h", "db", "-p", "5433", "-U", "me", "-d", "shop", "-w"});
    EXPECT_EQ(options.connection.host, "db");
    EXPECT_EQ(options.connection.port, "5433");
    EXPECT_EQ(options.connection.user, "me");
    EXPECT_EQ(options.connection.database, "shop");
    EXPECT_EQ(options.connection.password, PasswordMode::never);
}

TEST(Options, GlobalFlagsStandAnywhere) {
    EXPECT_EQ(parse({"--format", "json", "doctor"}).output.format, OutputFormat::json);
    EXPECT_EQ(parse({"doctor", "--format", "json"}).output.format, OutputFormat::json);
    EXPECT_EQ(parse({"server", "start", "-p", "7"}).connection.port, "7");
}

TEST(Options, TheCommandIsAllAfterTwoDashes) {
    const Options options = parse({"run", "--label", "x", "--", "make", "--", "-h", "test"});
    EXPECT_EQ(options.run.label, "x");
    EXPECT_EQ(options.run.command, (std::vector<std::string>{"make", "--", "-h", "test"}));
    EXPECT_TRUE(options.connection.host.empty());
}

TEST(Options, ListsOfSeveral) {
    const Options compare = parse({"compare", "--migration", "1.sql", "--migration", "2.sql", "--from", "shop"});
    EXPECT_EQ(compare.compare.migrations, (std::vector<std::string>{"1.sql", "2.sql"}));
    const Options deadlock = parse({"deadlock", "--deadlock-timeout", "10ms,1s", "a.spec", "b.spec"});
    EXPECT_EQ(deadlock.deadlock.deadlock_timeouts, (std::vector<std::string>{"10ms", "1s"}));
    EXPECT_EQ(deadlock.deadlock.specs, (std::vector<std::string>{"a.spec", "b.spec"}));
}

TEST(Options, ReportsOfACheck) {
    const Options options =
        parse({"check", "--report", "json=a", "--report", "tap=b", "--baseline", "main", "--", "make"});
    EXPECT_EQ(options.check.reports, (std::vector<std::string>{"json=a", "tap=b"}));
    EXPECT_EQ(options.check.command, (std::vector<std::string>{"make"}));
}

TEST(Options, MetricsAndHistory) {
    EXPECT_EQ(parse({"export", "--listen", "[::1]:9630"}).exporting.listen, "[::1]:9630");
    EXPECT_EQ(parse({"export", "--openmetrics", "a", "--run", "x"}).exporting.run, "x");
    EXPECT_EQ(parse({"report", "--since", "7 days", "--query", "q"}).report.since, "7 days");
}

TEST(Options, SizesAndSeedOfARun) {
    const Options options = parse({"run", "--scale", "1,2", "--seed", "make seed", "--", "make", "test"});
    EXPECT_EQ(options.run.scale, "1,2");
    EXPECT_EQ(options.run.seed, "make seed");
    EXPECT_FALSE(parse({"run", "--", "make"}).run.scale);
}

TEST(Options, ResultsDatabases) {
    EXPECT_EQ(parse({"run", "--results-db", "db=x", "--", "ls"}).results.database, "db=x");
    EXPECT_EQ(parse({"check", "--results-db", "db=x"}).results.database, "db=x");
    EXPECT_EQ(parse({"report", "--results-db", "db=x", "--project", "shop"}).results.project, "shop");
    EXPECT_EQ(parse({"push", "--run", "before"}).push.run, "before");
    EXPECT_TRUE(parse({"push", "--all"}).push.all);
    EXPECT_TRUE(parse({"push", "--init"}).push.init);
    const CollectOptions collect = parse({"collect", "--from", "a", "--from", "b", "--interval", "60"}).collect;
    EXPECT_EQ(collect.sources, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(collect.interval_s, 60);
}

TEST(Options, MistakesAreUsageErrors) {
    const auto expect = [](std::vector<const char *> arguments, const std::string &message,
                           const std::string &hint = {}) {
        expect_error([&] { parse(arguments); }, ExitCode::usage, message, hint);
    };
    expect({}, "a command is needed", "dbperf demo");
    expect({"compair"}, "compair", "did you mean \"compare\"?");
    expect({"report", "--frmat", "json"}, "--frmat");
    expect({"report", "--format", "xml"}, "\"xml\" is not possible here");
    expect({"run", "--repeat", "0", "--queries", "x"}, "--repeat");
    expect({"run", "--"}, "no command after");
    expect({"report", "--", "ls"}, "\"report\" takes no command");
    expect({"deadlock"}, "SPEC");
    expect({"server"}, "subcommand");
    expect({"collect"}, "--from");
    expect({"collect", "--from", "a", "--interval", "0"}, "--interval");
}

} // namespace
} // namespace dbperf::client::cli
