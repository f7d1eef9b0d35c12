#include "postgres/connection_target.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

#include <map>

namespace dbperf::client::postgres {
using namespace base;

namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

Environment environment(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const char *name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

ConnectionOptions with_database(const std::string &database) {
    ConnectionOptions options;
    options.database = database;
    return options;
}

TEST(ConnectionTarget, NothingGivenIsLeftToLibpq) {
    EXPECT_EQ(connection_target({}, "", environment({})).parameters, (Parameters{{"dbname", ""}}));
}

TEST(ConnectionTarget, Precedence) {
    const auto all =
        environment({{"DBPERF_DATABASE_URL", "postgresql://a/"}, {"DATABASE_URL", "postgresql://d/"}, {"PGHOST", "c"}});
    EXPECT_EQ(connection_target(with_database("host=f"), "postgresql://b/", all).parameters,
              (Parameters{{"dbname", "host=f"}}));
    EXPECT_EQ(connection_target({}, "postgresql://b/", all).parameters, (Parameters{{"dbname", "postgresql://a/"}}));
    const auto without = environment({{"DATABASE_URL", "postgresql://d/"}, {"PGHOST", "c"}});
    EXPECT_EQ(connection_target({}, "postgresql://b/", without).parameters,
              (Parameters{{"dbname", "postgresql://b/"}}));
    EXPECT_EQ(connection_target({}, "", without).parameters, (Parameters{{"dbname", ""}}));
    EXPECT_EQ(connection_target({}, "", environment({{"DATABASE_URL", "postgresql://d/"}})).parameters,
              (Parameters{{"dbname", "postgresql://d/"}}));
}

TEST(ConnectionTarget, APlainNameIsADatabaseOfTheServerAlreadyNamed) {
    EXPECT_EQ(connection_target(with_database("shop"), "", environment({{"DBPERF_DATABASE_URL", "postgresql://a/x"}}))
                  .parameters,
              (Parameters{{"dbname", "postgresql://a/x"}, {"dbname", "shop"}}));
}

TEST(ConnectionTarget, AnotherHostLeavesUrlsOfTheEnvironmentAside) {
    ConnectionOptions options;
    options.host = "other";
    options.port = "1";
    EXPECT_EQ(connection_target(options, "", environment({{"DBPERF_DATABASE_URL", "postgresql://a/x"}})).parameters,
              (Parameters{{"dbname", ""}, {"host", "other"}, {"port", "1"}}));
}

TEST(ConnectionTarget, AFileFarAboveNamesNoServer) {
    const auto target = [](const std::string &database, const Environment &variables) {
        return connection_target({}, database, variables, ProjectTrust::database_name_alone).parameters;
    };
    EXPECT_EQ(target("shop", environment({})), (Parameters{{"dbname", "shop"}}));
    for (const char *database : {"postgresql://b/", "host=b", "dbname=b"})
        expect_error(
            [&] {
                target(database, environment({{"PGPASSWORD", "x"}}));
            },
            ExitCode::usage, "dbperf.toml of a folder above names a server", "--config");
    EXPECT_EQ(target("host=b", environment({{"DBPERF_DATABASE_URL", "host=a"}})), (Parameters{{"dbname", "host=a"}}));
}

TEST(ConnectionTarget, AnotherDatabaseComesLastAndWins) {
    EXPECT_EQ(connection_target("host=a").with_database("b=c").parameters,
              (Parameters{{"dbname", "host=a"}, {"dbname", "b=c"}}));
}

} // namespace
} // namespace dbperf::client::postgres
