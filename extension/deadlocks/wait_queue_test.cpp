#include "deadlocks/wait_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace dbperf::deadlocks {
using namespace core;

namespace {

constexpr LockTag queued_table(uint32_t relation) {
    return {1, relation, 0, 0, LockType::relation, 1};
}
LockInstance holds(int32_t pid, uint32_t relation, int mode) {
    return {queued_table(relation), pid, static_cast<uint16_t>(1 << mode), 0, 0, 0};
}
LockInstance waits(int32_t pid, uint32_t relation, int mode, int64_t since) {
    return {queued_table(relation), pid, 0, static_cast<uint8_t>(mode), 0, since};
}

std::vector<Bystander> bystanders(const std::vector<LockInstance> &locks, const std::vector<int32_t> &members) {
    std::array<Bystander, 8> found;
    const size_t count = find_bystanders(locks, members, found);
    return {found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count)};
}

TEST(WaitQueue, BehindAHolder) {
    const auto found = bystanders({holds(1, 10, 8), waits(3, 10, 1, 100)}, {1, 2});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].pid, 3);
    EXPECT_EQ(found[0].blocked_by, 1);
    EXPECT_EQ(found[0].mode, 1);
    EXPECT_EQ(found[0].wait_start, 100);
}

TEST(WaitQueue, BehindAWaiterThatCameEarlier) {
    // 9 is no member; 1 waits for it, and 3 queues behind 1.
    const std::vector<LockInstance> locks = {holds(9, 10, 1), waits(1, 10, 8, 5), waits(3, 10, 1, 6),
                                             waits(4, 10, 1, 4)};
    const auto found = bystanders(locks, {1, 2});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].pid, 3);
}

TEST(WaitQueue, BehindABystander) {
    const auto found = bystanders({waits(4, 11, 8, 2), holds(3, 11, 3), waits(3, 10, 3, 1), holds(2, 10, 8)}, {1, 2});
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].pid, 3);
    EXPECT_EQ(found[1].pid, 4);
    EXPECT_EQ(found[1].blocked_by, 3);
}

TEST(WaitQueue, NotTheMembersAndNotThoseWhoWaitForOthers) {
    EXPECT_TRUE(bystanders({holds(1, 10, 8), waits(2, 10, 8, 1), holds(5, 12, 8), waits(6, 12, 8, 1)}, {1, 2}).empty());
    EXPECT_TRUE(bystanders({holds(1, 10, 3), waits(3, 10, 3, 1)}, {1}).empty());
    EXPECT_TRUE(bystanders({holds(1, 10, 8), waits(3, 11, 8, 1)}, {1}).empty());
}

TEST(WaitQueue, NoMoreThanThereIsRoomFor) {
    std::vector<LockInstance> locks = {holds(1, 10, 8)};
    for (int32_t pid = 100; pid < 120; ++pid)
        locks.push_back(waits(pid, 10, 8, pid));
    EXPECT_EQ(bystanders(locks, {1}).size(), 8u);
}

} // namespace
} // namespace dbperf::deadlocks
