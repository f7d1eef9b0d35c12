#include "n_plus_one/loop_size.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace dbperf::n_plus_one {
namespace {

TEST(loop_size, small_loops_have_buckets_of_their_own) {
    for (uint64_t size = 0; size < 16; ++size)
        EXPECT_EQ(LoopSizes::bucket_of(size), static_cast<int>(size));
    for (uint64_t size = 16; size < 20; ++size)
        EXPECT_EQ(LoopSizes::bucket_of(size), 16);
}

TEST(loop_size, buckets_follow_each_other_and_are_no_wider_than_a_quarter) {
    uint64_t smallest = 0;
    for (uint64_t size = 1; size < 1u << 17; ++size) {
        const int bucket = LoopSizes::bucket_of(size), before = LoopSizes::bucket_of(size - 1);
        if (bucket != before) {
            ASSERT_EQ(bucket, before + 1);
            smallest = size;
        }
        ASSERT_LT(size - smallest, (smallest + 3) / 4);
    }
    EXPECT_EQ(LoopSizes::bucket_of((1u << 17) - 1), LoopSizes::bucket_count - 1);
}

TEST(loop_size, the_size_of_one_loop_is_exact) {
    for (const uint64_t size : {53, 17, 100, 300, 5, 131071, 1000000}) {
        LoopSizes sizes{};
        sizes.move(0, size);
        for (const double q : {0.0, 0.5, 1.0})
            EXPECT_EQ(sizes.quantile(q), size);
        // It has grown, within its bucket and out of it.
        sizes.move(size, size + 1);
        sizes.move(size + 1, 3 * size);
        for (const double q : {0.0, 0.5, 1.0})
            EXPECT_EQ(sizes.quantile(q), 3 * size);
    }
}

TEST(loop_size, loops_of_one_size_are_exact) {
    LoopSizes sizes{};
    for (int i = 0; i < 200; ++i)
        sizes.move(0, 37);
    for (const double q : {0.0, 0.5, 0.9, 1.0})
        EXPECT_EQ(sizes.quantile(q), 37u);
}

TEST(loop_size, different_sizes_are_exact_when_each_has_its_bucket) {
    LoopSizes sizes{};
    for (const uint64_t size : {53, 17, 100, 300})
        sizes.move(0, size);
    EXPECT_EQ(sizes.quantile(0), 17u);
    EXPECT_EQ(sizes.quantile(0.25), 17u);
    EXPECT_EQ(sizes.quantile(0.5), 53u);
    EXPECT_EQ(sizes.quantile(0.75), 100u);
    EXPECT_EQ(sizes.quantile(1), 300u);
}

TEST(loop_size, loops_of_one_bucket_have_their_mean_and_their_smallest) {
    LoopSizes sizes{};
    for (const uint64_t size : {36, 33, 39})
        sizes.move(0, size);
    EXPECT_EQ(sizes.quantile(0), 33u);
    EXPECT_EQ(sizes.quantile(0.5), 36u);
    EXPECT_EQ(sizes.quantile(1), 36u);
    sizes.move(33, 80); // the smallest of several: that is not known any more
    EXPECT_GE(sizes.quantile(0), 33u);
    EXPECT_LE(sizes.quantile(0), 36u);
    EXPECT_EQ(sizes.quantile(0.5), 37u);
    sizes.move(36, 80);
    EXPECT_EQ(sizes.quantile(0), 39u) << "of one it is";
    EXPECT_EQ(sizes.quantile(1), 80u);
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
    EXPECT_EQ(sizes.sums[9], 0u);
    EXPECT_EQ(sizes.quantile(0.5), 10u);
    sizes.move(100, 200);
    EXPECT_EQ(sizes.quantile(0), 10u);
    EXPECT_EQ(sizes.quantile(1), 200u);
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
            const int bucket = LoopSizes::bucket_of(sorted[rank - 1]);
            uint64_t sum = 0, loops = 0;
            for (const uint64_t size : sorted)
                if (LoopSizes::bucket_of(size) == bucket)
                    sum += size, ++loops;
            EXPECT_EQ(sizes.quantile(static_cast<double>(tenths) / 10), tenths == 0 ? sorted[0] : sum / loops)
                << count << " loops, " << tenths << " tenths";
        }
    }
}

} // namespace
} // namespace dbperf::n_plus_one
