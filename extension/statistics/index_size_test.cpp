#include "statistics/index_size.h"

#include <gtest/gtest.h>

namespace dbperf::statistics {
namespace {

// Pages and levels that PostgreSQL 15 built, of columns filled by generate_series().
TEST(IndexSize, UniqueIntegers) {
    const BtreeSize size = btree_size({1000000, 1000000, 4, 0.9, false});
    EXPECT_NEAR(size.pages, 2745, 2745 * 0.02);
    EXPECT_EQ(size.height, 2);
}

TEST(IndexSize, ManyRowsOfEachKey) {
    // 1,000,000 rows of 1,000 keys
    const BtreeSize size = btree_size({1000000, 1000, 4, 0.9, true});
    EXPECT_NEAR(size.pages, 853, 853 * 0.03);
    EXPECT_EQ(size.height, 2);
}

TEST(IndexSize, DeduplicationIsAnOption) {
    EXPECT_GT(btree_size({1000000, 1000, 4, 0.9, false}).pages, 2700);
}

TEST(IndexSize, NothingIsOnePage) {
    EXPECT_EQ(btree_size({0, 0, 4, 0.9, true}).pages, 1);
    EXPECT_EQ(btree_size({1, 1, 4, 0.9, true}).pages, 2);
    EXPECT_EQ(btree_size({1, 1, 4, 0.9, true}).height, 0);
}

TEST(IndexSize, HeightOfPages) {
    EXPECT_EQ(btree_height(2, 4), 0);
    EXPECT_EQ(btree_height(100, 4), 1);
    EXPECT_EQ(btree_height(2745, 4), 2);
    EXPECT_EQ(btree_height(0, 4), 0);
}

TEST(IndexSize, OddInputIsHarmless) {
    EXPECT_GE(btree_size({1e18, -5, -4, 17, true}).pages, 1);
    EXPECT_GE(btree_size({1e12, 1e15, 1e9, 0, true}).pages, 1);
}

} // namespace
} // namespace dbperf::statistics
