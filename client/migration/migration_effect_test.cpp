#include "migration/migration_effect.h"

#include <gtest/gtest.h>

namespace dbperf::client::migration {
namespace {

AppliedStatement statement(std::vector<std::string> words, const std::string &mode) {
    AppliedStatement made;
    made.file = "m.sql";
    made.line = 3;
    made.words = std::move(words);
    if (!mode.empty())
        made.locks.push_back({"orders", mode});
    return made;
}

std::vector<std::string> sentences(const AppliedStatement &each) {
    MigrationEffect effect;
    effect.statements.push_back(each);
    std::vector<std::string> found;
    for (const MigrationWarning &warning : warnings_of(effect)) {
        EXPECT_EQ(warning.line, 3);
        EXPECT_EQ(warning.advice.back(), '.');
        found.push_back(warning.sentence);
    }
    return found;
}

using List = std::vector<std::string>;

TEST(MigrationEffect, KnowsTheStrengthOfLocks) {
    EXPECT_GT(lock_strength("AccessExclusiveLock"), lock_strength("ExclusiveLock"));
    EXPECT_GT(lock_strength("ShareRowExclusiveLock"), lock_strength("ShareLock"));
    EXPECT_EQ(lock_strength("nonsense"), 0);
    EXPECT_EQ(lock_words("ShareUpdateExclusiveLock"), "SHARE UPDATE EXCLUSIVE");
}

TEST(MigrationEffect, WarnsOfARewrite) {
    AppliedStatement alter = statement({"ALTER", "TABLE"}, "AccessExclusiveLock");
    alter.files = {{"orders", "orders", false, FileChange::rewritten, 100},
                   {"orders_pkey", "orders", true, FileChange::rewritten, 100}};
    alter.work = {{"orders", 1, 100, 0}};
    EXPECT_EQ(sentences(alter),
              List{"orders is rewritten under ACCESS EXCLUSIVE: everybody who reads or writes it waits"});
    alter.files[0].change = FileChange::emptied; // with its indexes
    alter.work.clear();
    EXPECT_EQ(sentences(alter), List{});
}

TEST(MigrationEffect, WarnsOfAnIndexThatBlocksWrites) {
    AppliedStatement create = statement({"CREATE", "INDEX"}, "ShareLock");
    create.files = {{"i", "orders", true, FileChange::built, 100}};
    EXPECT_EQ(sentences(create), List{"the index i is built under SHARE on orders: everybody who writes to it waits"});
    create.locks = {{"orders", "ShareUpdateExclusiveLock"}}; // CONCURRENTLY
    EXPECT_EQ(sentences(create), List{});
    create.locks.clear(); // a table of the migration's own
    EXPECT_EQ(sentences(create), List{});
}

TEST(MigrationEffect, WarnsOfAScanUnderAStrongLock) {
    AppliedStatement alter = statement({"ALTER", "TABLE"}, "AccessExclusiveLock");
    alter.work = {{"orders", 1, 100, 0}};
    EXPECT_EQ(sentences(alter),
              List{"orders is read as a whole under ACCESS EXCLUSIVE: everybody who reads or writes it waits"});
    alter.locks = {{"orders", "ShareUpdateExclusiveLock"}}; // VALIDATE CONSTRAINT
    EXPECT_EQ(sentences(alter), List{});
    EXPECT_EQ(sentences(statement({"ALTER", "TABLE"}, "AccessExclusiveLock")), List{}); // only the catalog changes
}

TEST(MigrationEffect, WarnsOfManyRowsInOneTransaction) {
    AppliedStatement update = statement({"UPDATE", "ORDERS"}, "RowExclusiveLock");
    update.work = {{"orders", 1, 5000, 999}};
    EXPECT_EQ(sentences(update), List{});
    update.work[0].rows_changed = 1000;
    EXPECT_EQ(sentences(update),
              List{"1000 rows of orders are changed in one transaction: they stay locked until it ends"});
}

TEST(MigrationEffect, WarnsOfWhatIsNotConfinedToTheCopy) {
    EXPECT_EQ(sentences(statement({"ALTER", "SYSTEM", "SET"}, "")),
              List{"ALTER SYSTEM is not confined to the copy: the server itself has changed"});
    EXPECT_EQ(sentences(statement({"CREATE", "ROLE", "A"}, "")).size(), 1u);
    EXPECT_EQ(sentences(statement({"CREATE", "USER", "MAPPING", "FOR"}, "")), List{});
    EXPECT_EQ(sentences(statement({"CREATE", "TABLE", "ROLE"}, "")), List{});
}

TEST(MigrationEffect, WarnsOfAnUnlimitedWait) {
    MigrationEffect effect;
    effect.locks = {{"orders", "AccessExclusiveLock", 1.0, "m.sql", 7}, {"users", "ShareLock", 2.0, "m.sql", 8}};
    const auto found = warnings_of(effect);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].line, 7);
    EXPECT_NE(found[0].sentence.find("on orders is"), std::string::npos);
    effect.statements.push_back(statement({"SET", "LOCAL", "LOCK_TIMEOUT", "TO"}, ""));
    EXPECT_TRUE(warnings_of(effect).empty());
}

} // namespace
} // namespace dbperf::client::migration
