#include "deadlock/lock_cycle.h"

#include <gtest/gtest.h>

namespace dbperf::client::deadlock {
using namespace postgres;

namespace {

TEST(LockCycle, MembersAsTheServerTellsThem) {
    const std::vector<ReplayMember> members = parse_replay(
        R"([{"member": 1, "search_path": "s", "run_by": "app", "isolation": "SERIALIZABLE", "by_commit": false,
             "pause": "5/1/0", "gate": "LOCK TABLE t", "not_replayable": null,
             "statements": [{"query": "SELECT $1, $2", "types": ["integer", "text"], "values": ["1", null]}]}])");
    ASSERT_EQ(members.size(), 1U);
    EXPECT_EQ(members[0].role, "app");
    EXPECT_EQ(members[0].isolation, "SERIALIZABLE");
    EXPECT_EQ(members[0].pause, "5/1/0");
    EXPECT_EQ(members[0].gate, "LOCK TABLE t");
    EXPECT_EQ(members[0].not_replayable, "");
    ASSERT_EQ(members[0].statements.size(), 1U);
    EXPECT_EQ(members[0].statements[0].types, (std::vector<std::string>{"integer", "text"}));
    EXPECT_EQ(members[0].statements[0].values, (std::vector<Parameter>{"1", std::nullopt}));
}

TEST(LockCycle, WhatACommitDoesIsAskedForInItsPlace) {
    const std::vector<ReplayMember> members = parse_replay(
        R"([{"member": 1, "search_path": "", "run_by": "app", "isolation": "READ COMMITTED", "by_commit": true,
             "pause": null, "gate": null, "not_replayable": null, "statements": [{"query": "SELECT 1", "types": [], "values": []}]}])");
    ASSERT_EQ(members[0].statements.size(), 2U);
    EXPECT_EQ(members[0].statements[1].sql, "SET CONSTRAINTS ALL IMMEDIATE");
}

TEST(LockCycle, WithoutStatementsThereIsAReason) {
    const std::vector<ReplayMember> members =
        parse_replay(R"([{"member": 1, "search_path": null, "run_by": null, "isolation": "READ COMMITTED",
                          "by_commit": false, "pause": null, "gate": null, "not_replayable": null, "statements": []}])");
    EXPECT_NE(members[0].not_replayable, "");
}

} // namespace
} // namespace dbperf::client::deadlock
