#include "lock_waits/wait_chains.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace {

using namespace dbperf::core;
using namespace dbperf::deadlocks;
using namespace dbperf::lock_waits;

constexpr uint8_t row_exclusive = 3, exclusive = 7, access_exclusive = 8, access_share = 1;

LockTag tag(LockType type, uint32_t number) {
    return {1, number, 0, 0, type, 1};
}
LockInstance holds(int32_t pid, LockTag lock, uint8_t mode) {
    return {lock, pid, static_cast<uint16_t>(1u << mode), 0, 0, 0};
}
LockInstance waits(int32_t pid, LockTag lock, uint8_t mode, int64_t since) {
    return {lock, pid, 0, mode, 0, since};
}

std::vector<Chain> chains_of(const std::vector<LockInstance> &locks) {
    std::array<Chain, 64> chains;
    return {chains.begin(), chains.begin() + static_cast<long>(find_chains(locks, chains))};
}

TEST(WaitChains, NobodyWaits) {
    EXPECT_TRUE(chains_of({}).empty());
    EXPECT_TRUE(chains_of({holds(1, tag(LockType::relation, 7), row_exclusive)}).empty());
}

// The usual hot row: the first waiter holds the row's own lock and waits for a transaction, others queue for that lock.
TEST(WaitChains, HotRow) {
    const LockTag end = tag(LockType::transaction, 100), row = tag(LockType::tuple, 7);
    const auto chains = chains_of({
        waits(4, row, exclusive, 30),
        waits(3, row, exclusive, 20),
        holds(2, row, exclusive),
        waits(2, end, 5, 10),
        holds(1, end, exclusive),
    });
    ASSERT_EQ(chains.size(), 3u);
    EXPECT_EQ(chains[0].pid, 2);
    EXPECT_EQ(chains[0].blocker, 1);
    EXPECT_EQ(chains[0].length, 2u);
    EXPECT_EQ(chains[1].pid, 3);
    EXPECT_EQ(chains[1].blocker, 2);
    EXPECT_EQ(chains[1].head, 1);
    EXPECT_EQ(chains[1].length, 3u);
    EXPECT_EQ(chains[2].pid, 4);
    EXPECT_EQ(chains[2].blocker, 2); // who holds it goes before who only came earlier
    EXPECT_EQ(chains[2].head, 1);
    EXPECT_EQ(chains[2].length, 4u);
}

// Readers get along with the holder, but not with the one who came before them.
TEST(WaitChains, QueueBehindDdl) {
    const LockTag table = tag(LockType::relation, 7);
    const auto chains = chains_of({
        holds(1, table, access_share),
        waits(2, table, access_exclusive, 10),
        waits(3, table, access_share, 20),
        waits(4, table, access_share, 30),
    });
    ASSERT_EQ(chains.size(), 3u);
    EXPECT_EQ(chains[1].pid, 3);
    EXPECT_EQ(chains[1].blocker, 2);
    EXPECT_EQ(chains[1].head, 1);
    EXPECT_EQ(chains[2].length, 3u);
    EXPECT_EQ(chains[2].blocker, 2);
}

TEST(WaitChains, OfSeveralOneThatDoesNotWait) {
    const LockTag table = tag(LockType::relation, 7), other = tag(LockType::relation, 8);
    const auto chains = chains_of({
        holds(1, table, row_exclusive),
        waits(1, other, exclusive, 5),
        holds(9, other, exclusive),
        holds(2, table, row_exclusive),
        waits(3, table, exclusive, 10),
    });
    ASSERT_EQ(chains.size(), 2u);
    EXPECT_EQ(chains[1].pid, 3);
    EXPECT_EQ(chains[1].blocker, 2);
    EXPECT_EQ(chains[1].head, 9);
    EXPECT_EQ(chains[1].length, 3u);
}

TEST(WaitChains, DeadlockEnds) {
    const LockTag one = tag(LockType::transaction, 1), two = tag(LockType::transaction, 2);
    const auto chains = chains_of({
        holds(1, one, exclusive),
        waits(2, one, 5, 10),
        holds(2, two, exclusive),
        waits(1, two, 5, 20),
    });
    ASSERT_EQ(chains.size(), 2u);
    for (const Chain &chain : chains) {
        EXPECT_EQ(chain.blocker, 3 - chain.pid);
        EXPECT_LE(chain.length, 3u);
    }
}

TEST(WaitChains, PreparedTransactionAndOneThatHasGone) {
    const LockTag end = tag(LockType::transaction, 100), gone = tag(LockType::advisory, 1);
    const auto chains = chains_of({holds(0, end, exclusive), waits(2, end, 5, 10), waits(3, gone, exclusive, 10)});
    ASSERT_EQ(chains.size(), 2u);
    EXPECT_EQ(chains[0].pid, 3);
    EXPECT_EQ(chains[0].blocker, nobody);
    EXPECT_EQ(chains[0].length, 1u);
    EXPECT_EQ(chains[1].blocker, 0);
    EXPECT_EQ(chains[1].length, 2u);
}

TEST(WaitChains, NoMoreThanFit) {
    std::vector<LockInstance> locks{holds(1, tag(LockType::relation, 7), exclusive)};
    for (int32_t pid = 2; pid < 100; ++pid)
        locks.push_back(waits(pid, tag(LockType::relation, 7), exclusive, pid));
    const auto chains = chains_of(locks);
    ASSERT_EQ(chains.size(), 64u);
    EXPECT_LE(chains.back().length, 65u);
}

} // namespace
