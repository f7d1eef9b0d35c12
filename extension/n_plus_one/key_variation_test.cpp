// The key is what varies.
#include "n_plus_one/key_variation.h"

#include <gtest/gtest.h>

#include <initializer_list>

using dbperf::n_plus_one::KeyVariation;

namespace {

void note(KeyVariation *variation, std::initializer_list<uint64_t> hashes) {
    variation->note({hashes.begin(), hashes.size()});
}

} // namespace

TEST(key_variation, a_constant_is_never_the_key) {
    KeyVariation variation{};
    for (uint64_t i = 1; i < 9; ++i)
        note(&variation, {7, 100 + i, 8});
    EXPECT_EQ(variation.key(), 1u);
    EXPECT_FALSE(variation.may_be_key(0));
    EXPECT_TRUE(variation.may_be_key(1));
    EXPECT_FALSE(variation.may_be_key(2));
}

TEST(key_variation, while_nothing_varies_it_may_be_any) {
    KeyVariation variation{};
    note(&variation, {7, 8});
    note(&variation, {7, 8});
    EXPECT_EQ(variation.key(), 0u);
    EXPECT_TRUE(variation.may_be_key(0));
    EXPECT_TRUE(variation.may_be_key(1));
}

TEST(key_variation, what_varies_more_than_others) {
    KeyVariation variation{};
    for (uint64_t i = 0; i < 20; ++i)
        note(&variation, {1 + i / 10, 100 + i % 10});
    EXPECT_EQ(variation.key(), 1u);
    EXPECT_TRUE(variation.may_be_key(0)); // both are parts of it
}

TEST(key_variation, what_is_not_known_says_nothing) {
    KeyVariation variation{};
    note(&variation, {5, 0});
    note(&variation, {5, 9});
    note(&variation, {5, 0});
    note(&variation, {5, 9});
    EXPECT_EQ(variation.changes[0], 0);
    EXPECT_EQ(variation.changes[1], 0);
    const std::array<uint64_t, KeyVariation::capacity + 3> many{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    variation.note(many); // more than fit
    EXPECT_EQ(variation.changes[0], 1);
}
