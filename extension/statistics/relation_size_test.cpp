#include "statistics/relation_size.h"

#include <gtest/gtest.h>

namespace dbperf::statistics {
namespace {

TEST(RelationSize, RowsFollowTheBlocksOfNow) {
    const PlannedSize size = table_size({100, 5000, 50, 150}, 0, false);
    EXPECT_EQ(size.pages, 150);
    EXPECT_EQ(size.rows, 7500);
    EXPECT_DOUBLE_EQ(size.visible_fraction, 50.0 / 150);
}

TEST(RelationSize, NeverMoreThanAllIsVisible) {
    EXPECT_EQ(table_size({100, 5000, 100, 80}, 0, false).visible_fraction, 1);
}

TEST(RelationSize, UncountedTablesHaveTenPages) {
    const PlannedSize size = table_size({0, -1, 0, 2}, 40, false);
    EXPECT_EQ(size.pages, 10);
    EXPECT_EQ(size.rows, 400);
    EXPECT_EQ(table_size({0, -1, 0, 200}, 40, false).rows, 8000);
}

TEST(RelationSize, UncountedParentsMayBeEmpty) {
    EXPECT_EQ(table_size({0, -1, 0, 0}, 40, true).pages, 0);
    EXPECT_EQ(table_size({0, -1, 0, 0}, 40, true).rows, 0);
}

TEST(RelationSize, EmptyAndCounted) {
    EXPECT_EQ(table_size({0, 0, 0, 0}, 40, false).pages, 0);
    // Rows were deleted and came back: no density to go by.
    EXPECT_EQ(table_size({0, 0, 0, 3}, 40, false).rows, 120);
}

TEST(RelationSize, PartialIndexesDoNotCountTheirFirstPage) {
    EXPECT_EQ(partial_index_rows({11, 1000, 0, 21}, 1e6), 2000);
    EXPECT_EQ(partial_index_rows({11, 1000, 0, 21}, 1500), 1500);
    EXPECT_EQ(partial_index_rows({1, 0, 0, 1}, 1500), 0);
}

} // namespace
} // namespace dbperf::statistics
