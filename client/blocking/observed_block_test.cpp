#include "blocking/observed_block.h"

#include <gtest/gtest.h>

namespace dbperf::client::blocking {
namespace {

LockWait wait_for(const char *relation, const char *mode, double ms, std::size_t statement = 0) {
    LockWait wait;
    wait.lock = {"relation", relation, mode};
    wait.behind = "AccessExclusiveLock";
    wait.ms = ms;
    wait.statement = statement;
    return wait;
}

StatementRecord statement_at(int line) {
    StatementRecord record;
    record.file = "m.sql";
    record.line = line;
    return record;
}

TEST(ObservedBlock, ModesConflictAsInTheDocumentation) {
    const char *modes[] = {"AccessShareLock", "RowShareLock",          "RowExclusiveLock", "ShareUpdateExclusiveLock",
                           "ShareLock",       "ShareRowExclusiveLock", "ExclusiveLock",    "AccessExclusiveLock"};
    const char *table[] = {".......X", "......XX", "....XXXX", "...XXXXX",
                           "..XX.XXX", "..XXXXXX", ".XXXXXXX", "XXXXXXXX"};
    for (std::size_t i = 0; i < 8; ++i)
        for (std::size_t j = 0; j < 8; ++j)
            EXPECT_EQ(modes_conflict(modes[i], modes[j]), table[i][j] == 'X') << modes[i] << " " << modes[j];
    EXPECT_FALSE(modes_conflict("", "AccessExclusiveLock"));
    EXPECT_FALSE(modes_conflict("AccessExclusiveLock", ""));
}

TEST(ObservedBlock, OnlyTheLongestWaitForOneLockIsKept) {
    QueryRecord record;
    for (const double ms : {5.0, 900.0, 20.0})
        add_wait(record, wait_for("orders", "AccessShareLock", ms));
    add_wait(record, wait_for("users", "AccessShareLock", 30));
    ASSERT_EQ(record.waits.size(), 2U);
    EXPECT_EQ(record.longest_wait()->ms, 900);
    EXPECT_EQ(QueryRecord().longest_wait(), nullptr);
}

TEST(ObservedBlock, ReadsAndWritesOfOneTableAreOneBlock) {
    QueryRecord reads, writes;
    reads.query = "list";
    writes.query = "add";
    add_wait(reads, wait_for("orders", "AccessShareLock", 900));
    add_wait(reads, wait_for("users", "AccessShareLock", 40));
    add_wait(writes, wait_for("orders", "RowExclusiveLock", 950));
    const std::vector<Block> blocks = blocks_of({reads, writes}, {statement_at(1)}, {});
    ASSERT_EQ(blocks.size(), 2U);
    EXPECT_EQ(blocks[0].what, "reads and writes of orders");
    EXPECT_EQ(blocks[0].ms, 950);
    ASSERT_EQ(blocks[0].waiters.size(), 2U);
    EXPECT_EQ(blocks[0].waiters[0].query, "add");
    EXPECT_EQ(blocks[1].what, "reads of users");
}

TEST(ObservedBlock, ALockOfAnEarlierStatementIsThatStatements) {
    QueryRecord record;
    record.query = "list";
    add_wait(record, wait_for("orders", "AccessShareLock", 100, 0));
    add_wait(record, wait_for("orders", "AccessShareLock", 700, 2));
    const std::vector<StatementRecord> statements = {statement_at(1), statement_at(3), statement_at(5)};
    migration::MigrationEffect effect;
    effect.locks = {{"orders", "AccessExclusiveLock", 800, "m.sql", 1}};
    const std::vector<Block> blocks = blocks_of({record}, statements, effect);
    ASSERT_EQ(blocks.size(), 1U);
    EXPECT_EQ(blocks[0].statement, 0U);
    EXPECT_EQ(blocks[0].ms, 700);
    ASSERT_EQ(blocks[0].waiters.size(), 1U);
    effect.locks = {{"orders", "ShareLock", 800, "m.sql", 1}};
    EXPECT_EQ(blocks_of({record}, statements, effect).size(), 2U);
}

TEST(ObservedBlock, RowsAreNoTable) {
    QueryRecord record;
    LockWait wait;
    wait.lock = {"transactionid", "", "ShareLock"};
    wait.ms = 50;
    add_wait(record, wait);
    wait.lock = {"tuple", "orders", "ExclusiveLock"};
    wait.ms = 40;
    add_wait(record, wait);
    const std::vector<Block> blocks = blocks_of({record}, {statement_at(1)}, {});
    ASSERT_EQ(blocks.size(), 1U);
    EXPECT_EQ(blocks[0].what, "changes of rows that it changed");
    EXPECT_EQ(blocks[0].ms, 50);
}

TEST(ObservedBlock, RowsAreOfTheLastStatementThatChangedSome) {
    QueryRecord record;
    LockWait wait;
    wait.lock = {"transactionid", "", "ShareLock"};
    wait.ms = 50;
    wait.statement = 2;
    add_wait(record, wait);
    migration::MigrationEffect effect;
    effect.statements.resize(4);
    effect.statements[1].work = {{"orders", 1, 10, 10}};
    effect.statements[3].work = {{"orders", 1, 10, 10}};
    const std::vector<StatementRecord> statements = {statement_at(1), statement_at(2), statement_at(3),
                                                     statement_at(4)};
    EXPECT_EQ(blocks_of({record}, statements, effect).at(0).statement, 1U);
    effect.statements.clear();
    EXPECT_EQ(blocks_of({record}, statements, effect).at(0).statement, 2U);
}

TEST(ObservedBlock, TheUsualTimeIsTheMedianBefore) {
    QueryRecord record;
    EXPECT_EQ(record.usual_ms(), 0);
    record.before_ms = {3, 1, 100};
    EXPECT_EQ(record.usual_ms(), 3);
    EXPECT_EQ(record.longest_before_ms(), 100);
}

TEST(ObservedBlock, TheFirstFailureIsTheOneThatIsReported) {
    QueryRecord record;
    add_failure(record, 10, "first");
    record.fails_on = false;
    add_failure(record, 20, "second");
    EXPECT_EQ(record.failures, 2);
    EXPECT_EQ(record.failed_from_ms, 10);
    EXPECT_EQ(record.error, "first");
    EXPECT_TRUE(record.fails_on);
}

} // namespace
} // namespace dbperf::client::blocking
