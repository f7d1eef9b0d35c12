#include "units/unit_totals.h"

#include <gtest/gtest.h>

namespace dbperf::units {
namespace {

TEST(unit_totals, one_occurrence_is_all_there_is) {
    UnitTotals totals{};
    totals.add({12, 3, 1000, 123456789, 0});
    EXPECT_EQ(totals.occurrences, 1u);
    for (const Measure measure : {statement_count, distinct_count, row_count, exec_time, wait_time}) {
        EXPECT_EQ(totals.least[measure], totals.sum[measure]);
        EXPECT_EQ(totals.median(measure), totals.sum[measure]); // exact, however wide its bucket
        EXPECT_EQ(totals.most[measure], totals.sum[measure]);
    }
    EXPECT_EQ(totals.sum[exec_time], 123456789u);
}

TEST(unit_totals, several_occurrences) {
    UnitTotals totals{};
    for (const uint64_t count : {3, 9, 4, 4, 5})
        totals.add({count, 2, 0, count * 1000000, 7});
    EXPECT_EQ(totals.occurrences, 5u);
    EXPECT_EQ(totals.sum[statement_count], 25u);
    EXPECT_EQ(totals.least[statement_count], 3u);
    EXPECT_EQ(totals.median(statement_count), 4u);
    EXPECT_EQ(totals.most[statement_count], 9u);
    EXPECT_EQ(totals.least[row_count], 0u);
    EXPECT_NEAR(static_cast<double>(totals.median(exec_time)), 4e6, 4e6 * 0.032);
    EXPECT_EQ(totals.sum[wait_time], 35u);
}

TEST(unit_totals, an_occurrence_that_did_nothing_is_the_least) {
    UnitTotals totals{};
    totals.add({5, 5, 5, 5, 5});
    totals.add({0, 0, 0, 0, 0});
    EXPECT_EQ(totals.least[statement_count], 0u);
    EXPECT_EQ(totals.most[statement_count], 5u);
}

} // namespace
} // namespace dbperf::units
