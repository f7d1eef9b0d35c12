#include "deadlocks/deadlock_detail.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace dbperf::deadlocks {
using namespace core;

namespace {

constexpr uint32_t database = 16384;

WaitEdge only_edge(const std::string &thing) {
    std::array<WaitEdge, 4> edges;
    const std::string text = "Process 70 waits for ShareLock on " + thing + "; blocked by process 71.\n" +
                             "Process 71 waits for ExclusiveLock on transaction 5; blocked by process 70.";
    EXPECT_EQ(read_wait_edges(text, database, edges), 2u) << thing;
    return edges[0];
}

TEST(DeadlockDetail, TwoMembers) {
    std::array<WaitEdge, 4> edges;
    ASSERT_EQ(read_wait_edges("Process 101 waits for ShareLock on transaction 734; blocked by process 102.\n"
                              "Process 102 waits for AccessExclusiveLock on relation 16390 of database 16384; blocked "
                              "by process 101.",
                              database, edges),
              2u);
    EXPECT_EQ(edges[0].pid, 101);
    EXPECT_EQ(edges[0].blocked_by, 102);
    EXPECT_EQ(edges[0].mode, 5);
    EXPECT_EQ(edges[0].lock, (LockTag{734, 0, 0, 0, LockType::transaction, 1}));
    EXPECT_EQ(edges[1].mode, 8);
    EXPECT_EQ(edges[1].lock, (LockTag{16384, 16390, 0, 0, LockType::relation, 1}));
}

TEST(DeadlockDetail, EveryKindOfThing) {
    EXPECT_EQ(only_edge("advisory lock [16384,0,42,1]").lock, (LockTag{16384, 0, 42, 1, LockType::advisory, 2}));
    EXPECT_EQ(only_edge("tuple (3,7) of relation 16390 of database 16384").lock,
              (LockTag{16384, 16390, 3, 7, LockType::tuple, 1}));
    EXPECT_EQ(only_edge("virtual transaction 4/12").lock, (LockTag{4, 12, 0, 0, LockType::virtual_transaction, 1}));
    EXPECT_EQ(only_edge("object 16400 of class 2615 of database 16384").lock,
              (LockTag{16384, 2615, 16400, 0, LockType::object, 1}));
    EXPECT_EQ(only_edge("speculative token 1 of transaction 733").lock,
              (LockTag{733, 1, 0, 0, LockType::speculative_token, 1}));
    EXPECT_EQ(only_edge("relation 1262 of database 0").lock, (LockTag{0, 1262, 0, 0, LockType::relation, 1}));
    EXPECT_EQ(only_edge("something new").lock, no_lock);
}

TEST(DeadlockDetail, OtherLanguages) {
    std::array<WaitEdge, 4> edges;
    ASSERT_EQ(read_wait_edges("Prozess 11 wartet auf ShareLock-Sperre auf Transaktion 9; blockiert von Prozess 12.\n"
                              "Prozess 12 wartet auf ShareLock-Sperre auf Transaktion 8; blockiert von Prozess 11.",
                              database, edges),
              2u);
    EXPECT_EQ(edges[1].mode, 5);
    EXPECT_EQ(edges[1].lock.field1, 8u);
    // Who blocks comes first in these.
    ASSERT_EQ(read_wait_edges("12 ShareLock 1 11\n13 ShareLock 2 12\n11 ShareLock 3 13", database, edges), 3u);
    EXPECT_EQ(edges[0].pid, 11);
    EXPECT_EQ(edges[0].blocked_by, 12);
}

TEST(DeadlockDetail, ThreeMembersAndNoMoreThanFit) {
    const std::string text = "Process 1 waits for ShareLock on transaction 8; blocked by process 2.\n"
                             "Process 2 waits for ShareLock on transaction 9; blocked by process 3.\n"
                             "Process 3 waits for ShareLock on transaction 7; blocked by process 1.";
    std::array<WaitEdge, 3> three;
    EXPECT_EQ(read_wait_edges(text, database, three), 3u);
    EXPECT_EQ(three[2].blocked_by, 1);
    std::array<WaitEdge, 2> two;
    EXPECT_EQ(read_wait_edges(text, database, two), 0u);
}

TEST(DeadlockDetail, AnythingElseIsNone) {
    std::array<WaitEdge, 4> edges;
    for (const char *text : {"", "no numbers", "only 1",
                             "Process 1 waits; blocked by process 2.\nProcess 3 waits for 4", "1 2 3 4 5 6 7 8 9\n9 1",
                             "99999999999 1\n1 99999999999", "\n\n", "18446744073709551617 5 2\n2 5 1"}) // 2^64 + 1
        EXPECT_EQ(read_wait_edges(text, database, edges), 0u) << text;
}

} // namespace
} // namespace dbperf::deadlocks
