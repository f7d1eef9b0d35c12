#include "deadlock/scenario_list.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::deadlock {
using namespace base;

namespace {

TEST(ScenarioList, ReadsScenariosInOrder) {
    const auto specs = parse_scenario_list("# a comment\n"
                                           "#  # ID title | deadlock or safe | explained\n"
                                           "# X1 two updates | deadlock | somewhere\n"
                                           "setup: create table t (i int); insert into t values (1)\n"
                                           "A:update t set i = 1\n"
                                           "B: update t set i = 2\n"
                                           "A:commit\n"
                                           "\n"
                                           "# X2 | safe\n"
                                           "A:select 1",
                                           "list.txt");
    ASSERT_EQ(specs.size(), 2u);
    EXPECT_EQ(specs[0].name, "X1 two updates");
    EXPECT_TRUE(specs[0].labelled);
    EXPECT_EQ(specs[0].setups.size(), 1u);
    ASSERT_EQ(specs[0].sessions.size(), 2u);
    EXPECT_EQ(specs[0].sessions[0].steps[1].sql, "commit");
    EXPECT_EQ(specs[0].sessions[1].steps[0].line, 6);
    ASSERT_EQ(specs[0].permutations.size(), 1u);
    EXPECT_EQ(specs[0].permutations[0].expects_deadlock, true);
    ASSERT_EQ(specs[0].permutations[0].steps.size(), 3u);
    EXPECT_EQ(specs[0].permutations[0].steps[1].session, 1u);
    EXPECT_EQ(specs[0].permutations[0].steps[2].step, 1u);
    EXPECT_EQ(specs[1].name, "X2");
    EXPECT_EQ(specs[1].permutations[0].expects_deadlock, false);
}

TEST(ScenarioList, ErrorsNameLineAndWhatWasExpected) {
    const auto expect = [](const std::string &text, const std::string &message) {
        expect_error([&] { parse_scenario_list(text, "x.txt"); }, ExitCode::usage, message);
    };
    expect("", "x.txt:1: expected \"# ID title | deadlock or safe\", found no scenario");
    expect("A:select 1", "x.txt:1: expected \"# ID title | deadlock or safe\" before this line");
    expect("# X1 | maybe", "x.txt:1: expected \"deadlock\" or \"safe\" after the title, found \"maybe\"");
    expect("# X1 | safe\nselect 1", "x.txt:2: expected \"setup:\" or the name of a session");
    expect("# X1 | safe\nA:", "x.txt:2: expected SQL after \"A:\"");
    expect("\n# X1 | safe\nsetup: select 1", "x.txt:2: expected steps of sessions in scenario \"X1\"");
}

} // namespace
} // namespace dbperf::client::deadlock
