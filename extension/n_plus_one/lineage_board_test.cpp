#include "n_plus_one/lineage_board.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <map>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "core/hash.h"

namespace dbperf::n_plus_one {
using namespace core;

namespace {

struct Board {
    explicit Board(size_t count) : buckets(count), board(buckets.data(), count) {}
    std::vector<BoardBucket> buckets;
    LineageBoard board;
};

std::vector<uint32_t> serials_of(const LineageBoard &board, uint64_t key) {
    std::array<ValueReference, LineageBoard::max_found> found;
    std::vector<uint32_t> serials;
    for (size_t i = 0, count = board.find(key, &found); i < count; ++i)
        serials.push_back(found[i].serial);
    return serials;
}

TEST(lineage_board, a_value_is_found_with_its_place) {
    Board it(16);
    EXPECT_TRUE(it.board.put(board_key(42, 7), {5, 300, 15}));
    std::array<ValueReference, LineageBoard::max_found> found;
    ASSERT_EQ(it.board.find(board_key(42, 7), &found), 1u);
    EXPECT_EQ(found[0].serial, 5u);
    EXPECT_EQ(found[0].row, 300);
    EXPECT_EQ(found[0].column, 15);
    EXPECT_TRUE(it.board.knows(board_key(42, 7)));
}

TEST(lineage_board, values_of_other_groups_do_not_meet) {
    Board it(16);
    it.board.put(board_key(42, 7), {5, 0, 0});
    EXPECT_FALSE(it.board.knows(board_key(42, 8)));
    EXPECT_FALSE(it.board.knows(board_key(43, 7)));
}

TEST(lineage_board, the_first_row_of_a_value_counts) {
    Board it(16);
    EXPECT_TRUE(it.board.put(board_key(1, 1), {9, 3, 2}));
    EXPECT_FALSE(it.board.put(board_key(1, 1), {9, 4, 2}));
    EXPECT_TRUE(it.board.put(board_key(1, 1), {9, 4, 1})) << "another column is another value";
    std::array<ValueReference, LineageBoard::max_found> found;
    ASSERT_EQ(it.board.find(board_key(1, 1), &found), 2u);
    EXPECT_EQ(found[0].column, 1);
    EXPECT_EQ(found[0].row, 4);
    EXPECT_EQ(found[1].column, 2);
    EXPECT_EQ(found[1].row, 3);
}

TEST(lineage_board, a_full_bucket_forgets_the_oldest) {
    Board it(16);
    for (uint32_t serial = 1; serial <= 10; ++serial)
        it.board.put(board_key(1, 1), {serial, 0, 0, static_cast<uint8_t>(serial)});
    std::vector<uint32_t> left = serials_of(it.board, board_key(1, 1));
    std::sort(left.begin(), left.end());
    EXPECT_EQ(left, (std::vector<uint32_t>{3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST(lineage_board, age_survives_the_wrap_of_serials) {
    Board it(16);
    for (const uint32_t serial : {0xfffffffbu, 0xfffffffcu, 0xfffffffdu, 0xfffffffeu, 0xffffffffu, 1u, 2u, 3u, 4u})
        it.board.put(board_key(1, 1), {serial, 0, 0, static_cast<uint8_t>(serial)});
    std::vector<uint32_t> left = serials_of(it.board, board_key(1, 1));
    std::sort(left.begin(), left.end());
    EXPECT_EQ(left, (std::vector<uint32_t>{1, 2, 3, 4, 0xfffffffc, 0xfffffffd, 0xfffffffe, 0xffffffff}));
}

TEST(lineage_board, a_repeated_statement_does_not_push_out_others) {
    Board it(16);
    it.board.put(board_key(1, 1), {1, 7, 0, 100});
    for (uint32_t serial = 2; serial <= 20; ++serial)
        for (uint8_t column = 0; column < 5; ++column)
            it.board.put(board_key(1, 1), {serial, 0, column, 200});
    const std::vector<uint32_t> left = serials_of(it.board, board_key(1, 1));
    EXPECT_EQ(std::count(left.begin(), left.end(), 1u), 1);
    EXPECT_EQ(std::count(left.begin(), left.end(), 20u), 5);
}

TEST(lineage_board, one_result_takes_few_slots_from_others) {
    Board it(16);
    for (uint32_t serial = 1; serial <= LineageBoard::ways; ++serial)
        it.board.put(board_key(1, 1), {serial, 0, 0, static_cast<uint8_t>(serial)});
    for (uint8_t column = 0; column < 5; ++column)
        it.board.put(board_key(1, 1), {9, 0, column, 9});
    std::vector<uint32_t> left = serials_of(it.board, board_key(1, 1));
    std::sort(left.begin(), left.end());
    EXPECT_EQ(left, (std::vector<uint32_t>{3, 4, 5, 6, 7, 8, 9, 9}));
}

TEST(lineage_board, a_key_that_is_equal_in_one_half_is_another) {
    Board it(16);
    const uint64_t key = board_key(7, 1);
    it.board.put(key, {1, 0, 0});
    EXPECT_TRUE(it.board.knows(key));
    for (int bit = 0; bit < 32; ++bit) // of the lower half: the bucket stays the same
        EXPECT_FALSE(it.board.knows(key ^ (uint64_t{1} << bit))) << bit;
    EXPECT_FALSE(it.board.knows(key ^ (uint64_t{1} << 40)));
    for (uint8_t i = 1; i < LineageBoard::ways; ++i)
        it.board.put(key ^ (uint64_t{1} << i), {static_cast<uint32_t>(1 + i), 0, 0, i});
    for (uint8_t i = 1; i < LineageBoard::ways; ++i)
        EXPECT_TRUE(it.board.knows(key ^ (uint64_t{1} << i))) << int{i};
}

TEST(lineage_board, half_full_it_remembers_nearly_all) {
    Board it(1024);
    const uint64_t count = 1024 * LineageBoard::ways / 2;
    for (uint64_t i = 0; i < count; ++i)
        it.board.put(board_key(i, 3), {static_cast<uint32_t>(1 + i / 100), static_cast<uint16_t>(i % 100), 0});
    uint64_t known = 0;
    for (uint64_t i = 0; i < count; ++i)
        known += it.board.knows(board_key(i, 3));
    EXPECT_GT(known, count * 94 / 100);
}

TEST(lineage_board, its_size_is_a_power_of_two_that_fits) {
    EXPECT_EQ(LineageBoard::buckets_in(0), 16u);
    EXPECT_EQ(LineageBoard::buckets_in(64 * 1024), 512u);
    EXPECT_EQ(LineageBoard::buckets_in(64 * 1024 + 63), 512u);
    EXPECT_EQ(LineageBoard::buckets_in(128 * 1024 - 1), 512u);
}

TEST(lineage_board, a_late_writer_pushes_out_the_oldest_too) {
    Board it(16);
    for (const uint32_t serial : {11u, 5u, 12u, 13u, 14u, 15u, 16u, 17u, 10u})
        it.board.put(board_key(1, 1), {serial, 0, 0, static_cast<uint8_t>(serial)});
    std::vector<uint32_t> left = serials_of(it.board, board_key(1, 1));
    std::sort(left.begin(), left.end());
    EXPECT_EQ(left, (std::vector<uint32_t>{10, 11, 12, 13, 14, 15, 16, 17}));
}

TEST(lineage_board, a_late_writer_takes_a_free_place_first) {
    Board it(16);
    for (const uint32_t serial : {11u, 10u})
        it.board.put(board_key(1, 1), {serial, 0, 0, static_cast<uint8_t>(serial)});
    EXPECT_EQ(serials_of(it.board, board_key(1, 1)).size(), 2u);
}

struct Entry {
    uint64_t key;
    uint32_t serial;
    uint16_t row;
    uint8_t column;
    uint8_t statement;
    bool operator==(const Entry &) const = default;
};

// What the header says, by looking at one thing after the other.
struct ModelBucket {
    std::array<std::optional<Entry>, LineageBoard::ways> slots;

    bool put(const Entry &entry) {
        std::vector<size_t> free, earlier, taken;
        int own = 0;
        for (size_t i = 0; i < slots.size(); ++i) {
            if (!slots[i]) {
                free.push_back(i);
                continue;
            }
            taken.push_back(i);
            if (slots[i]->key != entry.key || slots[i]->statement != entry.statement)
                continue;
            if (slots[i]->serial == entry.serial && slots[i]->column == entry.column)
                return false;
            ++own;
            if (slots[i]->serial != entry.serial)
                earlier.push_back(i);
        }
        if (!earlier.empty())
            slots[earlier.back()] = entry;
        else if (!free.empty())
            slots[free.back()] = entry;
        else if (own < 2)
            slots[*std::max_element(taken.begin(), taken.end(), [this, &entry](size_t a, size_t b) {
                // Late writers are up to a million serials behind.
                const uint32_t age_of_a = entry.serial + 1000000 - slots[a]->serial;
                const uint32_t age_of_b = entry.serial + 1000000 - slots[b]->serial;
                return age_of_a != age_of_b ? age_of_a < age_of_b : slots[a]->column < slots[b]->column;
            })] = entry;
        return true;
    }
};

// Writers come a little late now and then, and return values once more.
void fuzz(uint64_t seed, int steps) {
    constexpr size_t buckets = 32;
    Board it(buckets);
    std::map<uint64_t, ModelBucket> model;
    std::vector<Entry> history;
    std::mt19937_64 random(seed);
    uint32_t serial = seed % 2 == 0 ? 100 : 0xfffff000u;
    for (int step = 0; step < steps; ++step) {
        serial += 10 * static_cast<uint32_t>(random() % 2);
        Entry entry{board_key(random() % 300, random() % 2), serial, static_cast<uint16_t>(random()),
                    static_cast<uint8_t>(random() % 3), static_cast<uint8_t>(random() % 6)};
        if (random() % 8 == 0)
            entry.serial -= static_cast<uint32_t>(10 * (random() % 16) + 5);
        if (random() % 8 == 0 && !history.empty())
            entry = history[history.size() - 1 - random() % std::min<size_t>(history.size(), 16)];
        if (random() % 8 == 0 && !history.empty())
            entry.key = history.back().key;
        history.push_back(entry);

        const auto bucket_of = [](uint64_t key) { return key >> (64 - std::countr_zero(buckets)); };
        const bool fresh = model[bucket_of(entry.key)].put(entry);
        ASSERT_EQ(it.board.put(entry.key, {entry.serial, entry.row, entry.column, entry.statement}), fresh);

        const uint64_t asked = random() % 2 == 0 ? entry.key : board_key(random() % 400, random() % 2);
        std::vector<Entry> should;
        for (const std::optional<Entry> &one : model[bucket_of(asked)].slots)
            if (one && one->key == asked)
                should.push_back(*one);
        std::array<ValueReference, LineageBoard::max_found> found;
        const size_t count = it.board.find(asked, &found);
        ASSERT_EQ(count, should.size());
        ASSERT_EQ(it.board.knows(asked), count > 0);
        for (size_t i = 0; i < count; ++i) {
            const Entry is{asked, found[i].serial, found[i].row, found[i].column, found[i].statement};
            ASSERT_NE(std::find(should.begin(), should.end(), is), should.end());
        }
    }
}

TEST(lineage_board, what_it_finds_is_true_and_what_it_forgets_is_old) {
    for (uint64_t seed = 1; seed <= 6; ++seed)
        ASSERT_NO_FATAL_FAILURE(fuzz(seed, 20000)) << seed;
}

// The row of a reference says which execution it is of, so that one made of two would show.
ValueReference reference_of(uint32_t serial, uint64_t value) {
    return {serial, static_cast<uint16_t>(mix_bits(serial) ^ value), static_cast<uint8_t>(value % 4),
            static_cast<uint8_t>(serial)};
}

TEST(lineage_board, many_at_once_find_only_what_somebody_put) {
    constexpr size_t buckets = 16;
    constexpr uint64_t values = 64;
    Board it(buckets);
    std::atomic<uint32_t> last_serial{0};
    std::atomic<uint64_t> found_any{0}, of_another_key{0}, invented{0};
    const auto work = [&](uint64_t seed) {
        LineageBoard board(it.buckets.data(), buckets); // every process has its own
        std::mt19937_64 random(seed);
        for (int step = 0; step < 100000; ++step) {
            const uint64_t put = random() % values;
            board.put(board_key(put, 1), reference_of(++last_serial, put));
            const uint64_t asked = random() % values;
            std::array<ValueReference, LineageBoard::max_found> found;
            const size_t count = board.find(board_key(asked, 1), &found);
            for (size_t i = 0; i < count; ++i) {
                ++found_any;
                const auto is_of = [&one = found[i]](uint64_t value) {
                    const ValueReference should = reference_of(one.serial, value);
                    return one.row == should.row && one.column == should.column;
                };
                if (is_of(asked))
                    continue;
                ++of_another_key;
                bool known = false;
                for (uint64_t value = 0; value < values && !known; ++value)
                    known = is_of(value);
                invented += !known || found[i].serial > last_serial;
            }
        }
    };
    std::vector<std::thread> threads;
    for (uint64_t seed = 1; seed <= 4; ++seed)
        threads.emplace_back(work, seed);
    for (std::thread &thread : threads)
        thread.join();
    EXPECT_EQ(invented, 0u);
    EXPECT_GT(found_any, 10000u);
    EXPECT_LT(of_another_key * 100, found_any) << "the race that the header describes is rare";
}

} // namespace
} // namespace dbperf::n_plus_one
