// Random inserts and erases against a std::map.
#include "core/open_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

using dbperf::core::OpenIndex;

TEST(open_index, behaves_like_a_map) {
    constexpr uint32_t entries = 100;
    std::vector<uint32_t> slots(OpenIndex::slots_for(entries));
    OpenIndex index(slots);
    std::vector<uint64_t> hash_of_entry(entries);
    std::map<uint64_t, uint32_t> model;
    std::vector<uint32_t> free_entries;
    for (uint32_t i = 0; i < entries; ++i)
        free_entries.push_back(i);
    std::mt19937_64 random(7);
    const auto hash_of = [&](uint32_t entry) { return hash_of_entry[entry]; };
    for (int step = 0; step < 200000; ++step) {
        const uint64_t hash = (random() % 150) * 0x10001; // few homes: long, wrapping clusters
        const auto equal = [&](uint32_t entry) { return hash_of_entry[entry] == hash; };
        const auto known = model.find(hash);
        const uint32_t found = index.find(hash, equal);
        ASSERT_EQ(found, known == model.end() ? OpenIndex::none : known->second);
        if (known != model.end()) {
            ASSERT_TRUE(index.erase(hash, found, hash_of));
            free_entries.push_back(found);
            model.erase(known);
        } else if (!free_entries.empty()) {
            const uint32_t entry = free_entries.back();
            free_entries.pop_back();
            hash_of_entry[entry] = hash;
            index.insert(hash, entry);
            model[hash] = entry;
        }
    }
}

TEST(open_index, erasing_the_unknown_is_refused) {
    std::vector<uint32_t> slots(OpenIndex::slots_for(4));
    OpenIndex index(slots);
    index.insert(5, 0);
    EXPECT_FALSE(index.erase(6, 1, [](uint32_t) { return uint64_t{5}; }));
    index.clear();
    EXPECT_EQ(index.find(5, [](uint32_t) { return true; }), OpenIndex::none);
}
