// What a type's equality calls equal meets, and nothing else.
#include "lookups/key_hash.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <set>
#include <string>

using namespace dbperf::lookups;
using key_hash::Family;

namespace {

// A numeric as the server stores it: the short header.
std::string numeric(bool negative, int weight, int scale, std::initializer_list<int> digits) {
    std::string bytes;
    const auto add = [&bytes](uint16_t word) { bytes.append(reinterpret_cast<const char *>(&word), sizeof(word)); };
    add(static_cast<uint16_t>(0x8000 | (negative ? 0x2000 : 0) | scale << 7 | (weight < 0 ? 0x40 : 0) |
                              (weight & 0x3f)));
    for (const int digit : digits)
        add(static_cast<uint16_t>(digit));
    return bytes;
}

// The same with the long one.
std::string long_numeric(bool negative, int weight, int scale, std::initializer_list<int> digits) {
    std::string bytes;
    const auto add = [&bytes](uint16_t word) { bytes.append(reinterpret_cast<const char *>(&word), sizeof(word)); };
    add(static_cast<uint16_t>((negative ? 0x4000 : 0) | scale));
    add(static_cast<uint16_t>(weight));
    for (const int digit : digits)
        add(static_cast<uint16_t>(digit));
    return bytes;
}

} // namespace

TEST(key_hash, whole_numbers_of_every_type_meet) {
    EXPECT_EQ(key_hash::of_numeric(numeric(false, 0, 0, {7})), key_hash::of_integer(7));
    EXPECT_EQ(key_hash::of_numeric(numeric(false, 0, 2, {7})), key_hash::of_integer(7)); // 7.00
    EXPECT_EQ(key_hash::of_numeric(long_numeric(false, 0, 0, {7})), key_hash::of_integer(7));
    EXPECT_EQ(key_hash::of_numeric(numeric(true, 1, 0, {1, 2345})), key_hash::of_integer(-12345));
    EXPECT_EQ(key_hash::of_numeric(numeric(false, 2, 0, {3})), key_hash::of_integer(300000000));
    EXPECT_EQ(key_hash::of_numeric(numeric(false, 0, 0, {})), key_hash::of_integer(0));
    EXPECT_EQ(key_hash::of_numeric(numeric(false, 4, 0, {922, 3372, 368, 5477, 5807})),
              key_hash::of_integer(INT64_MAX));
    EXPECT_EQ(key_hash::of_numeric(numeric(true, 4, 0, {922, 3372, 368, 5477, 5808})), key_hash::of_integer(INT64_MIN));
    EXPECT_EQ(key_hash::of_double(7), key_hash::of_integer(7));
    EXPECT_EQ(key_hash::of_double(-0.0), key_hash::of_integer(0));
}

TEST(key_hash, scale_is_no_difference_and_value_is_one) {
    const uint64_t half = key_hash::of_numeric(numeric(false, -1, 1, {5000}));
    EXPECT_EQ(half, key_hash::of_numeric(numeric(false, -1, 4, {5000})));
    EXPECT_EQ(half, key_hash::of_numeric(long_numeric(false, -1, 1, {5000})));
    EXPECT_EQ(half, key_hash::of_numeric(long_numeric(false, 0, 1, {0, 5000}))); // zeros around it
    EXPECT_EQ(half, key_hash::of_numeric(long_numeric(false, -1, 1, {5000, 0})));
    std::set<uint64_t> different{half, key_hash::of_numeric(numeric(true, -1, 1, {5000})),
                                 key_hash::of_numeric(numeric(false, -2, 5, {5000})),
                                 key_hash::of_numeric(numeric(false, 5, 0, {5000})),
                                 key_hash::of_numeric(numeric(false, 4, 0, {922, 3372, 368, 5477, 5808}))};
    EXPECT_EQ(different.size(), 5u);
    for (const uint64_t hash : different)
        EXPECT_NE(hash, 0u);
}

TEST(key_hash, what_is_no_numeric_is_not_read) {
    EXPECT_EQ(key_hash::of_numeric(""), 0u);
    EXPECT_EQ(key_hash::of_numeric("x"), 0u);
    EXPECT_EQ(key_hash::of_numeric(std::string(2, '\0')), 0u); // the long header is cut
    EXPECT_EQ(key_hash::of_numeric(std::string(66, 'x')), 0u);
    EXPECT_NE(key_hash::of_numeric(std::string("\x00\xc0", 2)), 0u); // not a number
}

TEST(key_hash, texts_stand_for_numbers) {
    EXPECT_EQ(key_hash::of_number_text("7"), key_hash::of_integer(7));
    EXPECT_EQ(key_hash::of_number_text("007.00"), key_hash::of_integer(7));
    EXPECT_EQ(key_hash::of_number_text("-12345"), key_hash::of_integer(-12345));
    EXPECT_EQ(key_hash::of_number_text("0.5"), key_hash::of_numeric(numeric(false, -1, 1, {5000})));
    EXPECT_EQ(key_hash::of_number_text(".50"), key_hash::of_numeric(numeric(false, -1, 2, {5000})));
    EXPECT_EQ(key_hash::of_number_text("12345.675"), key_hash::of_numeric(numeric(false, 1, 3, {1, 2345, 6750})));
    for (const char *none : {"", "-", ".", "1e3", "x", "1.2.3", " 7"})
        EXPECT_EQ(key_hash::of_number_text(none), 0u) << none;
    EXPECT_EQ(key_hash::of_number_text(std::string(65, '1')), 0u);
    int64_t number = 0;
    EXPECT_TRUE(key_hash::parse_integer("-42", &number) && number == -42);
    EXPECT_FALSE(key_hash::parse_integer("4x", &number));
}

TEST(key_hash, floats_are_one_by_value) {
    EXPECT_EQ(key_hash::of_double(static_cast<double>(0.25f)), key_hash::of_double(0.25));
    EXPECT_NE(key_hash::of_double(0.25), key_hash::of_double(0.5));
    EXPECT_EQ(key_hash::of_double(std::nan("1")), key_hash::of_double(-std::nan("2")));
    EXPECT_NE(key_hash::of_double(std::numeric_limits<double>::infinity()), 0u);
    EXPECT_NE(key_hash::of_double(1e300), key_hash::of_double(-1e300));
}

TEST(key_hash, case_is_folded_where_it_is_known) {
    uint64_t one = 0;
    uint64_t other = 0;
    EXPECT_TRUE(key_hash::of_folded_text("Ann@Example.ORG", &one));
    EXPECT_TRUE(key_hash::of_folded_text("ann@example.org", &other));
    EXPECT_EQ(one, other);
    EXPECT_EQ(one, key_hash::of_text("ann@example.org"));
    EXPECT_FALSE(key_hash::of_folded_text("\xc3\x84", &one));
    EXPECT_FALSE(key_hash::of_folded_text(std::string(65, 'a'), &one));
}

TEST(key_hash, intervals_are_compared_as_spans) {
    EXPECT_EQ(key_hash::of_interval(0, 0, 1), key_hash::of_interval(0, 30, 0));
    EXPECT_EQ(key_hash::of_interval(0, 1, 0), key_hash::of_interval(86400000000, 0, 0));
    EXPECT_NE(key_hash::of_interval(0, 31, 0), key_hash::of_interval(0, 0, 1));
    EXPECT_NE(key_hash::of_interval(-1, 0, 0), key_hash::of_interval(1, 0, 0));
}

TEST(key_hash, families_do_not_meet) {
    std::set<uint64_t> hashes{key_hash::of_integer(5)};
    for (int family = 1; family <= static_cast<int>(Family::opaque); ++family) {
        hashes.insert(key_hash::of_word(static_cast<Family>(family), 5));
        hashes.insert(key_hash::of_bytes(static_cast<Family>(family), 0, "5"));
    }
    hashes.insert(key_hash::of_bytes(Family::opaque, 7, "5"));
    hashes.insert(key_hash::of_text("05"));
    EXPECT_EQ(hashes.size(), 3u + 2u * static_cast<size_t>(Family::opaque));
}

TEST(key_hash, long_values_are_told_apart_by_both_ends) {
    const std::string text(1000, 'x');
    EXPECT_NE(key_hash::of_long(text + "1"), key_hash::of_long(text + "2"));
    EXPECT_NE(key_hash::of_long("1" + text), key_hash::of_long("2" + text));
    EXPECT_NE(key_hash::of_long(text), key_hash::of_long(text + "x"));
    EXPECT_EQ(key_hash::of_long(text), key_hash::of_long(std::string(1000, 'x')));
    EXPECT_NE(key_hash::of_long("short"), 0u);
}

TEST(key_hash, texts_meet_what_they_say) {
    for (const int64_t number : {int64_t{0}, int64_t{7}, int64_t{-12}, int64_t{999999999999999999}})
        EXPECT_EQ(key_hash::of_text(std::to_string(number)), key_hash::of_integer(number)) << number;
    std::set<uint64_t> hashes{key_hash::of_integer(5), key_hash::of_integer(0)};
    for (const char *text : {"05", "+5", "5 ", "-0", "5.0", "", "-", "1000000000000000000"})
        hashes.insert(key_hash::of_text(text));
    EXPECT_EQ(hashes.size(), 10u);
    unsigned char bytes[16] = {};
    ASSERT_TRUE(key_hash::parse_uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", bytes));
    const std::string_view uuid(reinterpret_cast<const char *>(bytes), sizeof(bytes));
    EXPECT_EQ(key_hash::of_text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), key_hash::of_uuid(uuid));
    EXPECT_NE(key_hash::of_text("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), key_hash::of_uuid(uuid));
    EXPECT_NE(key_hash::of_text("a0eebc999c0b4ef8bb6d6bb9bd380a11"), key_hash::of_uuid(uuid));
}

TEST(key_hash, uuids_are_read_from_texts) {
    unsigned char one[16] = {};
    unsigned char other[16] = {};
    EXPECT_TRUE(key_hash::parse_uuid("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", one));
    EXPECT_TRUE(key_hash::parse_uuid("a0eebc999c0b4ef8bb6d6bb9bd380a11", other));
    EXPECT_EQ(std::memcmp(one, other, sizeof(one)), 0);
    EXPECT_FALSE(key_hash::parse_uuid("a0eebc99", one));
    EXPECT_FALSE(key_hash::parse_uuid("a0eebc999c0b4ef8bb6d6bb9bd380a1100", one));
}
