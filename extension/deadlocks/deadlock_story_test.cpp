#include "deadlocks/deadlock_story.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace dbperf::deadlocks {
using namespace core;

namespace {

constexpr LockTag table(uint32_t relation) {
    return {1, relation, 0, 0, LockType::relation, 1};
}
constexpr LockTag transaction{700, 0, 0, 0, LockType::transaction, 1};

TrailEntry entry(uint32_t step, uint32_t relation, RowLockMode row, const char *key, int table_mode = 3) {
    TrailEntry made{};
    made.step = step;
    made.lock = table(relation);
    made.table_mode = static_cast<uint8_t>(table_mode);
    made.row_mode = row;
    made.first = true;
    std::strncpy(made.key, key, sizeof(made.key) - 1);
    return made;
}
TrailEntry running(TrailEntry made) {
    made.running = true;
    return made;
}

DeadlockMember waiting_for(LockTag lock, int mode) {
    DeadlockMember member{};
    member.waits_for = lock;
    member.row = no_lock;
    member.mode = static_cast<uint8_t>(mode);
    return member;
}

TEST(DeadlockStory, TheRowOfTheWaitingStatementTellsTheFirstOne) {
    const std::vector<TrailEntry> waiter = {entry(1, 10, RowLockMode::no_key_update, "id=2"),
                                            running(entry(2, 10, RowLockMode::no_key_update, "id=1"))};
    const std::vector<TrailEntry> blocker = {
        entry(1, 10, RowLockMode::no_key_update, "id=7"), entry(2, 10, RowLockMode::key_share, "id=1"),
        entry(3, 10, RowLockMode::no_key_update, "id=1"), running(entry(4, 10, RowLockMode::no_key_update, "id=2"))};
    const HoldingStep holding = holding_step(waiting_for(transaction, 5), waiter, blocker);
    EXPECT_EQ(holding.entry, 2); // a key share lock would not have kept it
    EXPECT_EQ(holding.evidence, Evidence::exact);
}

TEST(DeadlockStory, WhatASavepointGaveBackHoldsNothing) {
    const std::vector<TrailEntry> waiter = {running(entry(1, 10, RowLockMode::update, "id=1"))};
    std::vector<TrailEntry> blocker = {entry(1, 10, RowLockMode::update, "id=1"),
                                       entry(2, 10, RowLockMode::update, "id=1")};
    blocker[0].released = true;
    EXPECT_EQ(holding_step(waiting_for(transaction, 5), waiter, blocker).entry, 1);
}

TEST(DeadlockStory, OneOfSeveralRowsIsLikely) {
    const std::vector<TrailEntry> waiter = {running(entry(1, 10, RowLockMode::update, "id=1"))};
    std::vector<TrailEntry> blocker = {entry(1, 10, RowLockMode::update, "id=3"),
                                       entry(2, 10, RowLockMode::update, "")};
    blocker[1].several = true;
    const HoldingStep holding = holding_step(waiting_for(transaction, 5), waiter, blocker);
    EXPECT_EQ(holding.entry, 1);
    EXPECT_EQ(holding.evidence, Evidence::likely);
}

TEST(DeadlockStory, RowsOfATableItKnowsNothingOf) {
    const std::vector<TrailEntry> waiter = {running(entry(1, 10, RowLockMode::update, "id=1"))};
    const std::vector<TrailEntry> blocker = {entry(1, 11, RowLockMode::none, "", 1),
                                             entry(2, 12, RowLockMode::insert, "id=1")};
    const HoldingStep holding = holding_step(waiting_for(transaction, 5), waiter, blocker);
    EXPECT_EQ(holding.entry, 1);
    EXPECT_EQ(holding.evidence, Evidence::likely);
    EXPECT_EQ(holding_step(waiting_for(transaction, 5), waiter, {}).entry, -1);
}

TEST(DeadlockStory, TablesByModeAndAdvisoryLocksByNumber) {
    const std::vector<TrailEntry> blocker = {entry(1, 10, RowLockMode::none, "", 1),
                                             entry(2, 10, RowLockMode::update, ""),
                                             entry(3, 10, RowLockMode::none, "", 8)};
    EXPECT_EQ(holding_step(waiting_for(table(10), 8), {}, blocker).entry, 0);
    EXPECT_EQ(holding_step(waiting_for(table(10), 5), {}, blocker).entry, 1);
    EXPECT_EQ(holding_step(waiting_for(table(10), 1), {}, blocker).entry, 2);
    EXPECT_EQ(holding_step(waiting_for(table(11), 8), {}, blocker).entry, -1);

    constexpr LockTag one{1, 0, 1, 1, LockType::advisory, 2};
    constexpr LockTag two{1, 0, 2, 1, LockType::advisory, 2};
    std::vector<TrailEntry> advisory = {entry(1, 0, RowLockMode::none, "", 7), entry(2, 0, RowLockMode::none, "", 7)};
    advisory[0].lock = one;
    advisory[1].lock = two;
    const HoldingStep holding = holding_step(waiting_for(two, 7), {}, advisory);
    EXPECT_EQ(holding.entry, 1);
    EXPECT_EQ(holding.evidence, Evidence::exact);
}

TEST(DeadlockStory, TheInnermostRunningStatementWaits) {
    std::vector<TrailEntry> trail = {entry(1, 10, RowLockMode::none, ""), running(entry(2, 10, RowLockMode::none, "")),
                                     running(entry(3, 11, RowLockMode::update, "id=1")),
                                     entry(4, 12, RowLockMode::none, "")};
    trail[2].level = 1;
    EXPECT_EQ(waiting_entry(trail), 2);
    trail[2].running = trail[1].running = false;
    EXPECT_EQ(waiting_entry(trail), -1);
}

TEST(DeadlockStory, TheTupleTellsWhichTableOfAJoinIsMeant) {
    std::vector<TrailEntry> waiter = {running(entry(1, 10, RowLockMode::update, "id=1")),
                                      entry(1, 11, RowLockMode::update, "id=1")};
    waiter[1].first = false;
    DeadlockMember member = waiting_for(transaction, 5);
    member.row = {1, 11, 0, 1, LockType::tuple, 1};
    const std::vector<TrailEntry> blocker = {entry(1, 10, RowLockMode::update, "id=1"),
                                             entry(2, 11, RowLockMode::update, "id=1")};
    EXPECT_EQ(holding_step(member, waiter, blocker).entry, 1);
}

} // namespace
} // namespace dbperf::deadlocks
