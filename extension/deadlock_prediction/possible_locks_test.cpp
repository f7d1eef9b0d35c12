#include "deadlock_prediction/possible_locks.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <vector>

namespace dbperf::deadlock_prediction {
namespace {

// A row of a table with this key, locked by UPDATE in statement number `statement`.
LockStep locked_row(uint32_t table, int64_t key, uint16_t statement, RowAction mode = RowAction::write) {
    LockStep step{};
    step.resource = table * 1000 + static_cast<uint64_t>(key);
    step.detail = static_cast<uint64_t>(key);
    step.detail_kind = LockDetail::integer;
    step.object = table;
    step.statement = statement;
    step.released = never_released;
    step.level = 1;
    step.kind = LockKind::row;
    step.mode = static_cast<uint8_t>(mode);
    step.waits = true;
    return step;
}

LockStep advisory_lock(uint64_t key) {
    LockStep step = locked_row(0, 0, 0);
    step.resource = key;
    step.kind = LockKind::advisory;
    step.mode = static_cast<uint8_t>(AdvisoryMode::exclusive);
    step.detail_kind = LockDetail::advisory_one;
    return step;
}

const std::array<uint64_t, 2> statements = {11, 22};

uint32_t count_unordered(const std::vector<std::vector<LockStep>> &transactions) {
    std::vector<LockTrace> traces;
    for (const std::vector<LockStep> &steps : transactions)
        traces.push_back({steps, statements, 1});
    std::array<LockCycle, 8> cycles;
    return find_unordered_rows(traces, cycles);
}

TEST(PossibleLocks, RowsInOneOrderAndInTheOther) {
    EXPECT_EQ(count_unordered({{locked_row(1, 1, 0), locked_row(1, 2, 0)}, {locked_row(1, 9, 0), locked_row(1, 8, 0)}}),
              1U);
}

TEST(PossibleLocks, AlwaysInOneOrder) {
    EXPECT_EQ(count_unordered({{locked_row(1, 1, 0), locked_row(1, 2, 0)}, {locked_row(1, 8, 0), locked_row(1, 9, 0)}}),
              0U);
    EXPECT_EQ(
        count_unordered({{locked_row(1, -2, 0), locked_row(1, 1, 0)}, {locked_row(1, 8, 0), locked_row(1, 9, 0)}}), 0U);
}

TEST(PossibleLocks, OneRowIsInNoOrder) {
    EXPECT_EQ(count_unordered({{locked_row(1, 1, 0)}, {locked_row(1, 9, 0)}}), 0U);
}

TEST(PossibleLocks, OtherTablesAndStatementsAreOtherRows) {
    EXPECT_EQ(count_unordered({{locked_row(1, 1, 0), locked_row(1, 2, 0)}, {locked_row(2, 9, 0), locked_row(2, 8, 0)}}),
              0U);
    EXPECT_EQ(count_unordered({{locked_row(1, 1, 0), locked_row(1, 2, 0)}, {locked_row(1, 9, 1), locked_row(1, 8, 1)}}),
              0U);
}

TEST(PossibleLocks, NewRowsAndSharedOnesAreInNobodysWay) {
    EXPECT_EQ(count_unordered({{locked_row(1, 1, 0, RowAction::insert), locked_row(1, 2, 0, RowAction::insert)},
                               {locked_row(1, 9, 0, RowAction::insert), locked_row(1, 8, 0, RowAction::insert)}}),
              0U);
    EXPECT_EQ(count_unordered({{locked_row(1, 1, 0, RowAction::share), locked_row(1, 2, 0, RowAction::share)},
                               {locked_row(1, 9, 0, RowAction::share), locked_row(1, 8, 0, RowAction::share)}}),
              0U);
}

TEST(PossibleLocks, WhatWasGivenBackIsNotHeld) {
    LockStep back = locked_row(1, 1, 0);
    back.released = 1;
    EXPECT_EQ(count_unordered({{back, locked_row(1, 2, 0)}, {locked_row(1, 9, 0), locked_row(1, 8, 0)}}), 0U);
}

TEST(PossibleLocks, ACommonLockKeepsThemApart) {
    EXPECT_EQ(count_unordered({{advisory_lock(7), locked_row(1, 1, 0), locked_row(1, 2, 0)},
                               {advisory_lock(7), locked_row(1, 9, 0), locked_row(1, 8, 0)}}),
              0U);
    EXPECT_EQ(count_unordered({{advisory_lock(7), locked_row(1, 1, 0), locked_row(1, 2, 0)},
                               {advisory_lock(8), locked_row(1, 9, 0), locked_row(1, 8, 0)}}),
              1U);
}

TEST(PossibleLocks, TwoTablesInEitherOrder) {
    std::vector<LockStep> forth = {locked_row(1, 1, 0), locked_row(2, 2, 1)},
                          back = {locked_row(2, 8, 1), locked_row(1, 9, 0)};
    const auto find = [&] {
        const std::array<LockTrace, 2> traces = {LockTrace{forth, statements, 1}, LockTrace{back, statements, 1}};
        std::vector<std::byte> memory(memory_for_cycles(2, 4));
        std::array<LockCycle, 8> cycles;
        return find_lock_cycles(traces, memory, cycles, 1000000).count;
    };
    EXPECT_EQ(find(), 0U);
    merge_rows(forth, statements);
    merge_rows(back, statements);
    EXPECT_EQ(find(), 1U);
}

} // namespace
} // namespace dbperf::deadlock_prediction
