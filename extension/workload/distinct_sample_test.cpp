#include "workload/distinct_sample.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "core/hash.h"

namespace dbperf::workload {
using namespace core;

namespace {

struct Item {
    uint64_t hash;
    int calls;
};

struct Sample {
    std::array<Item, 8> room{};
    uint32_t count = 0;

    DistinctSample<Item> view() { return {room, &count}; }
    void see(uint64_t hash) {
        if (const uint32_t at = view().find(hash); at != DistinctSample<Item>::none)
            ++room[at].calls;
        else if (view().admits(hash))
            view().insert({hash, 1});
    }
    std::vector<uint64_t> hashes() const {
        std::vector<uint64_t> all;
        for (uint32_t i = 0; i < count; ++i)
            all.push_back(room[i].hash);
        return all;
    }
};

TEST(DistinctSample, keeps_all_while_there_is_room) {
    Sample sample;
    for (const uint64_t hash : {5, 3, 9, 3, 3, 5})
        sample.see(hash);
    EXPECT_EQ(sample.hashes(), (std::vector<uint64_t>{3, 5, 9}));
    EXPECT_EQ(sample.room[0].calls, 3);
    EXPECT_EQ(sample.room[1].calls, 2);
    EXPECT_EQ(sample.room[2].calls, 1);
}

TEST(DistinctSample, keeps_the_smallest_in_any_order) {
    std::vector<uint64_t> numbers(1000);
    for (size_t i = 0; i < numbers.size(); ++i)
        numbers[i] = i + 10;
    std::mt19937 random(7);
    for (int turn = 0; turn < 20; ++turn) {
        std::shuffle(numbers.begin(), numbers.end(), random);
        Sample sample;
        for (const uint64_t number : numbers)
            sample.see(number);
        EXPECT_EQ(sample.hashes(), (std::vector<uint64_t>{10, 11, 12, 13, 14, 15, 16, 17}));
    }
}

TEST(DistinctSample, full_admits_only_what_is_smaller) {
    Sample sample;
    for (uint64_t hash = 10; hash < 18; ++hash)
        sample.see(hash);
    EXPECT_FALSE(sample.view().admits(18));
    EXPECT_TRUE(sample.view().admits(3));
    sample.see(3);
    EXPECT_EQ(sample.hashes(), (std::vector<uint64_t>{3, 10, 11, 12, 13, 14, 15, 16}));
}

TEST(DistinctSample, erased_makes_room) {
    Sample sample;
    for (uint64_t hash = 10; hash < 18; ++hash)
        sample.see(hash);
    sample.view().erase(10);
    sample.view().erase(17);
    sample.view().erase(99);
    EXPECT_EQ(sample.hashes(), (std::vector<uint64_t>{11, 12, 13, 14, 15, 16}));
    sample.see(99);
    EXPECT_EQ(sample.hashes().back(), 99U);
}

// What comes late is kept as often as what comes first.
TEST(DistinctSample, favours_no_position) {
    constexpr int turns = 4000;
    constexpr int things = 80;
    int first_half = 0;
    for (int turn = 0; turn < turns; ++turn) {
        Sample sample;
        for (int thing = 0; thing < things; ++thing)
            sample.see(mix_bits(static_cast<uint64_t>(turn * things + thing + 1)));
        for (int thing = 0; thing < things / 2; ++thing)
            first_half += sample.view().find(mix_bits(static_cast<uint64_t>(turn * things + thing + 1))) !=
                          DistinctSample<Item>::none;
    }
    EXPECT_NEAR(static_cast<double>(first_half) / turns, 4.0, 0.1);
}

} // namespace
} // namespace dbperf::workload
