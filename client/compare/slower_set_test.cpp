#include "compare/slower_set.h"

#include <gtest/gtest.h>

namespace dbperf::client::compare {
namespace {

InterleavedPass pass_of(std::size_t set, double blocks_before, double ms_before, double blocks_after, double ms_after) {
    return {set, {ms_before, blocks_before}, {ms_after, blocks_after}};
}

TEST(SlowerSet, OneOfMany) {
    std::vector<InterleavedPass> passes;
    for (std::size_t set = 0; set < 9; ++set)
        passes.push_back(pass_of(set, 2600, 17, 11, 0.1));
    passes.push_back(pass_of(9, 277, 4, 3388, 30));
    const auto found = find_slower_set(passes);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->set, 9u);
    EXPECT_EQ(found->slower, 1u);
    EXPECT_EQ(found->measured, 10u);
    EXPECT_EQ(found->blocks_after, 3388);
}

TEST(SlowerSet, NotWhatAllShare) {
    std::vector<InterleavedPass> passes;
    for (std::size_t set = 0; set < 4; ++set)
        passes.push_back(pass_of(set, 10, 1, 1000, 20));
    EXPECT_FALSE(find_slower_set(passes));
    EXPECT_FALSE(find_slower_set({pass_of(0, 10, 1, 1000, 20)}));
}

TEST(SlowerSet, BlocksThatCostNothingAndTimesThatOnlyVary) {
    EXPECT_FALSE(find_slower_set({pass_of(0, 10, 1, 10, 1), pass_of(1, 10, 1, 500, 1.1)}));
    EXPECT_FALSE(find_slower_set({pass_of(0, 10, 1, 10, 1), pass_of(1, 10, 1, 80, 3)}));
    EXPECT_FALSE(find_slower_set({pass_of(0, 10, 1, 10, 1), pass_of(1, 10, 2, 10, 9)}));
    EXPECT_FALSE(find_slower_set(
        {pass_of(0, 10, 1, 10, 1), pass_of(1, 10, 2, 10, 9), pass_of(1, 10, 6, 10, 9), pass_of(1, 10, 2, 10, 9)}));
    EXPECT_TRUE(find_slower_set(
        {pass_of(0, 10, 1, 10, 1), pass_of(1, 10, 2, 10, 9), pass_of(1, 10, 3, 10, 9), pass_of(1, 10, 2, 10, 9)}));
}

} // namespace
} // namespace dbperf::client::compare
