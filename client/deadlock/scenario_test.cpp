#include "deadlock/scenario.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::deadlock {
using namespace base;

namespace {

const std::string two_sessions = "setup { CREATE TABLE t (i int); }\n"
                                 "setup { INSERT INTO t VALUES (1); }\n"
                                 "teardown { DROP TABLE t; }\n"
                                 "# a comment with { and \"\n"
                                 "session \"s1\"\n"
                                 "setup { BEGIN; }\n"
                                 "step \"s1a\" { UPDATE t SET i = 1; }\n"
                                 "step s1b\n"
                                 "{\n"
                                 "  COMMIT;\n"
                                 "}\n"
                                 "session s2\n"
                                 "step s2a { SELECT 1; }\n"
                                 "teardown { SELECT 2; }\n";

TEST(DeadlockSpec, ReadsAllSections) {
    const DeadlockSpec spec =
        parse_deadlock_spec(two_sessions + "permutation s1a s2a(s1a, *) \"s1b\"\n", "specs/two.spec");
    EXPECT_EQ(spec.name, "two");
    EXPECT_EQ(spec.setups, (std::vector<std::string>{"CREATE TABLE t (i int);", "INSERT INTO t VALUES (1);"}));
    EXPECT_EQ(spec.teardown, "DROP TABLE t;");
    ASSERT_EQ(spec.sessions.size(), 2u);
    EXPECT_EQ(spec.sessions[0].setup, "BEGIN;");
    EXPECT_EQ(spec.sessions[0].steps[1].sql, "COMMIT;");
    EXPECT_EQ(spec.sessions[0].steps[1].line, 10);
    EXPECT_EQ(spec.sessions[1].teardown, "SELECT 2;");
    ASSERT_EQ(spec.permutations.size(), 1u);
    ASSERT_EQ(spec.permutations[0].steps.size(), 3u);
    EXPECT_EQ(spec.permutations[0].steps[1].session, 1u);
    EXPECT_EQ(spec.permutations[0].line, 15);
}

TEST(DeadlockSpec, WithoutPermutationTheSessionsTakeTurns) {
    const DeadlockSpec spec = parse_deadlock_spec(two_sessions, "two.spec");
    ASSERT_EQ(spec.permutations.size(), 1u);
    const auto &steps = spec.permutations[0].steps;
    ASSERT_EQ(steps.size(), 3u);
    EXPECT_EQ(steps[0].session, 0u);
    EXPECT_EQ(steps[1].session, 1u);
    EXPECT_EQ(steps[2].step, 1u);
}

TEST(DeadlockSpec, TheControlIsTheMarkedPermutationElseSerial) {
    const DeadlockSpec marked = parse_deadlock_spec(
        two_sessions + "permutation s1a s2a s1b\n# dbperf: control\npermutation s2a s1a s1b\n", "two.spec");
    EXPECT_EQ(marked.control().steps[0].session, 1u);
    EXPECT_FALSE(marked.permutations[0].control);
    EXPECT_TRUE(marked.permutations[1].control);

    const Permutation serial = parse_deadlock_spec(two_sessions + "permutation s2a s1a s1b\n", "two.spec").control();
    ASSERT_EQ(serial.steps.size(), 3u);
    EXPECT_EQ(serial.steps[0].session, 0u);
    EXPECT_EQ(serial.steps[2].session, 1u);
}

TEST(DeadlockSpec, APermutationMaySayHowItMustEnd) {
    const DeadlockSpec spec = parse_deadlock_spec(two_sessions + "# dbperf: expect deadlock\npermutation s1a s2a s1b\n"
                                                                 "# dbperf: expect none\npermutation s1a s1b s2a\n"
                                                                 "permutation s2a s1a s1b\n",
                                                  "two.spec");
    ASSERT_EQ(spec.permutations.size(), 3u);
    EXPECT_EQ(spec.permutations[0].expects_deadlock, true);
    EXPECT_EQ(spec.permutations[1].expects_deadlock, false);
    EXPECT_EQ(spec.permutations[2].expects_deadlock, std::nullopt);
}

TEST(DeadlockSpec, OnlyAControlStillLeavesSomethingToMeasure) {
    const DeadlockSpec spec =
        parse_deadlock_spec(two_sessions + "# dbperf: control\npermutation s1a s1b s2a\n", "two.spec");
    ASSERT_EQ(spec.permutations.size(), 2u);
    EXPECT_FALSE(spec.permutations[0].control);
}

TEST(DeadlockSpec, ErrorsNameLineAndWhatWasExpected) {
    const auto expect = [](const std::string &text, const std::string &message) {
        expect_error([&] { parse_deadlock_spec(text, "x.spec"); }, ExitCode::usage, message);
    };
    expect("", "x.spec:1: expected \"session\", found the end of the file");
    expect("\nsetupp { }", "x.spec:2: expected setup, teardown, session or permutation, found \"setupp\"");
    expect("setup\n\nsession a", "x.spec:3: expected { SQL } after setup, found \"session\"");
    expect("setup { SELECT 1;\n", "x.spec:1: this { never finds its }");
    expect("session a", "x.spec:1: expected \"step\", found the end of the file");
    expect("session a\nstep b", "x.spec:2: expected { SQL } after the step's name");
    expect("session a step b { }\npermutation c", "x.spec:2: no step is named \"c\"");
    expect("session a step b { } step c { }\npermutation c b", "x.spec:2: step \"b\" comes after a later step");
    expect("session a step b { }\nstep b { }", "x.spec:2: a second step is named \"b\"");
    expect("session a step b { }\npermutation b(c", "expected \")\"");
    expect("# dbperf: expct deadlock\nsession a",
           "x.spec:1: expected \"control\", \"expect deadlock\" or \"expect none\"");
    expect("session a step b { };", "x.spec:1: unexpected character \";\"");
}

} // namespace
} // namespace dbperf::client::deadlock
