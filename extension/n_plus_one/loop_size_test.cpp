#include "n_plus_one/loop_size.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace dbperf::n_plus_one {
namespace {

TEST(loop_size, small_loops_have_buckets_of_their_own) {
    for (uint64_t size = 0; size < 20; ++size)
        EXPECT_EQ(LoopSizes::size_of(LoopSizes::bucket_of(size)), size < 16 ? size : 16);
}

TEST(loop_size, a_bucket_begins_where_the_one_before_ends) {
    for (int bucket = 1; bucket < LoopSizes::bucket_count; ++bucket) {
        const uint64_t size = LoopSizes::size_of(bucket);
        EXPECT_EQ(LoopSizes::bucket_of(size), bucket);
        EXPECT_EQ(LoopSizes::bucket_of(size - 1), bucket - 1);
    }
}

TEST(loop_size, a_bucket_is_no_wider_than_a_quarter) {
    for (uint64_t size = 16; size < 1u << 17; ++size) {
        const uint64_t smallest = LoopSizes::size_of(LoopSizes::bucket_of(size));
        ASSERT_LE(smallest, size);
        ASSERT_LT(size - smallest, (smallest + 3) / 4);
    }
}

TEST(loop_size, the_last_bucket_takes_what_is_larger) {
    for (const uint64_t size : {uint64_t{1} << 17, uint64_t{1} << 40, ~uint64_t{0}})
        EXPECT_EQ(LoopSizes::bucket_of(size), LoopSizes::bucket_count - 1);
}

TEST(loop_size, without_loops_there_is_no_quantile) {
    const LoopSizes sizes{};
    EXPECT_EQ(sizes.quantile(0), 0u);
    EXPECT_EQ(sizes.quantile(0.5), 0u);
}

TEST(loop_size, a_loop_that_grows_is_still_one) {
    LoopSizes sizes{};
    sizes.move(0, 5);
    sizes.move(5, 6);
    sizes.move(6, 14);
    for (const double q : {0.0, 0.5, 1.0})
        EXPECT_EQ(sizes.quantile(q), 14u);
    sizes.move(0, 6);
    EXPECT_EQ(sizes.quantile(0), 6u);
    EXPECT_EQ(sizes.quantile(1), 14u);
}

TEST(loop_size, a_size_that_was_never_entered_takes_nothing_away) {
    LoopSizes sizes{};
    sizes.move(9, 10);
    EXPECT_EQ(sizes.counts[9], 0u);
    EXPECT_EQ(sizes.quantile(0.5), 10u);
}

TEST(loop_size, quantiles_are_those_of_the_sorted_sizes) {
    std::mt19937_64 random(11);
    for (size_t count = 1; count <= 60; ++count) {
        LoopSizes sizes{};
        std::vector<uint64_t> sorted;
        for (size_t i = 0; i < count; ++i) {
            sorted.push_back(1 + random() % (1u << random() % 18));
            sizes.move(0, sorted.back());
        }
        std::sort(sorted.begin(), sorted.end());
        for (size_t tenths = 0; tenths <= 10; ++tenths) {
            // Nearest rank: the smallest size that so many are not above.
            const size_t rank = std::max<size_t>(1, (count * tenths + 9) / 10);
            EXPECT_EQ(sizes.quantile(static_cast<double>(tenths) / 10),
                      LoopSizes::size_of(LoopSizes::bucket_of(sorted[rank - 1])))
                << count << " loops, " << tenths << " tenths";
        }
    }
}

} // namespace
} // namespace dbperf::n_plus_one
