#include "core/shared_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace {

struct Key {
    uint64_t number;
};
uint64_t hash(const Key &key) {
    return key.number % 5; // many meet
}
struct Entry {
    Key key;
    uint32_t generation;
    uint32_t count;
    static uint64_t hash_of(const Key &key) { return hash(key); }
};
struct Sized {
    Key key;
    uint32_t generation;
    uint32_t counts[1];
    static size_t size() { return 44; }
    static uint64_t hash_of(const Key &key) { return hash(key); }
};
struct Head {
    uint64_t dropped;
};

using Table = dbperf::core::SharedTable<Head, Entry>;

struct Memory {
    std::vector<uint64_t> words;
    explicit Memory(size_t bytes) : words((bytes + 7) / 8, 0xdead'beef'dead'beef) {}
};

} // namespace

TEST(SharedTable, FindsWhatWasAdded) {
    Memory memory(Table::size(8));
    Table table, other;
    table.attach(memory.words.data(), 8, true);
    other.attach(memory.words.data(), 8, false);
    EXPECT_EQ(table.find({1}), Table::none);
    const uint32_t one = table.add({1});
    const uint32_t six = table.add({6});
    table->dropped = 3;
    EXPECT_EQ(other.find({1}), one);
    EXPECT_EQ(other.find({6}), six);
    EXPECT_EQ(other.used(), 2u);
    EXPECT_EQ(other->dropped, 3u);
    EXPECT_NE(other[one].generation, other[six].generation);
}

TEST(SharedTable, IsBounded) {
    Memory memory(Table::size(4));
    Table table;
    table.attach(memory.words.data(), 4, true);
    for (uint64_t i = 0; i < 4; ++i)
        EXPECT_EQ(table.add({i}), i);
    EXPECT_TRUE(table.is_full());
    EXPECT_EQ(table.add({9}), Table::none);
    const uint32_t generation = table[1].generation;
    table.release(1);
    EXPECT_EQ(table.find({1}), Table::none);
    EXPECT_EQ(table.add({9}), 1u);
    EXPECT_NE(table[1].generation, generation);
}

TEST(SharedTable, ReleasesWhileItVisits) {
    Memory memory(Table::size(16));
    Table table;
    table.attach(memory.words.data(), 16, true);
    for (uint64_t i = 0; i < 16; ++i)
        table.add({i});
    table.release_if([](const Entry &entry) { return entry.key.number % 2 == 0; });
    std::map<uint64_t, uint32_t> left;
    table.for_each([&](uint32_t number, const Entry &entry) { left[entry.key.number] = number; });
    EXPECT_EQ(left.size(), 8u);
    for (const auto &[key, number] : left)
        EXPECT_EQ(table.find({key}), number);
}

TEST(SharedTable, HasEntriesOfAnySize) {
    using Wide = dbperf::core::SharedTable<Head, Sized>;
    Memory memory(Wide::size(3));
    Wide table;
    table.attach(memory.words.data(), 3, true);
    const uint32_t first = table.add({1}), second = table.add({2});
    EXPECT_EQ(reinterpret_cast<char *>(&table[second]) - reinterpret_cast<char *>(&table[first]), 48);
    std::fill_n(reinterpret_cast<char *>(&table[first]) + sizeof(Key) + sizeof(uint32_t), 32, '\xff');
    EXPECT_EQ(table.find({2}), second);
}
