#include "run/command_environment.h"

#include <gtest/gtest.h>

#include <map>

namespace dbperf::client::run {
namespace {

using Known = std::map<std::string, std::string>;

Variables missing_from(const Known &known) {
    return missing_variables({{"PGHOST", "/s"}, {"PGPORT", "5433"}, {"PGUSER", "u"}, {"PGDATABASE", "shop"}},
                             [&](const char *name) -> std::optional<std::string> {
                                 const auto found = known.find(name);
                                 return found == known.end() ? std::nullopt : std::optional(found->second);
                             });
}

TEST(CommandEnvironment, AllOfAServerThatTheEnvironmentDoesNotName) {
    EXPECT_EQ(missing_from({}).size(), 4u);
}

TEST(CommandEnvironment, WhatTheUserSetStays) {
    const Variables missing = missing_from({{"PGHOST", "/s"}, {"PGDATABASE", "other"}});
    EXPECT_EQ(missing, (Variables{{"PGPORT", "5433"}, {"PGUSER", "u"}}));
}

TEST(CommandEnvironment, NeverAMixtureOfTwoServers) {
    EXPECT_TRUE(missing_from({{"PGHOST", "elsewhere"}}).empty());
    EXPECT_TRUE(missing_from({{"PGPORT", "1"}}).empty());
    EXPECT_TRUE(missing_from({{"PGSERVICE", "production"}}).empty());
}

} // namespace
} // namespace dbperf::client::run
