#include "core/lock_mode.h"

#include <gtest/gtest.h>

#include <string>

namespace dbperf::core {
namespace {

TEST(LockMode, TableModesConflictAsTheManualSays) {
    // One row a mode, from AccessShareLock on; X: conflicts.
    const std::string manual[] = {".......X", "......XX", "....XXXX", "...XXXXX",
                                  "..XX.XXX", "..XXXXXX", ".XXXXXXX", "XXXXXXXX"};
    for (int one = 1; one <= max_table_mode; ++one)
        for (int other = 1; other <= max_table_mode; ++other)
            EXPECT_EQ(table_modes_conflict(one, other), manual[one - 1][static_cast<size_t>(other - 1)] == 'X')
                << name_of_table_mode(one) << " and " << name_of_table_mode(other);
    EXPECT_FALSE(table_modes_conflict(0, 8));
    EXPECT_FALSE(table_modes_conflict(9, 8));
}

TEST(LockMode, RowModesConflictAsTheManualSays) {
    const std::string manual[] = {"...X", "..XX", ".XXX", "XXXX"};
    for (int one = 1; one <= 4; ++one)
        for (int other = 1; other <= 4; ++other)
            EXPECT_EQ(row_modes_conflict(static_cast<RowLockMode>(one), static_cast<RowLockMode>(other)),
                      manual[one - 1][static_cast<size_t>(other - 1)] == 'X')
                << one << " and " << other;
    EXPECT_FALSE(row_modes_conflict(RowLockMode::none, RowLockMode::update));
    EXPECT_TRUE(row_modes_conflict(RowLockMode::insert, RowLockMode::insert));
    EXPECT_TRUE(row_modes_conflict(RowLockMode::insert, RowLockMode::key_share));
}

} // namespace
} // namespace dbperf::core
