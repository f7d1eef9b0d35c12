// Which texts are known by their literals alone, and that the long way says the same of them.
#include "statements/literal_places.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "statements/skeleton.h"

using namespace dbperf::statements;

namespace {

LiteralPlaces places_of(std::string_view text, bool backslashes = false) {
    LiteralPlaces places;
    skeleton_of(text, backslashes, plain_skeleton_key, nullptr, nullptr, &places);
    return places;
}

// Found, and with the same hashes as when it is read from its beginning.
bool differs(std::string_view seen, std::string_view text, bool backslashes = false) {
    LiteralPlaces places = places_of(seen, backslashes);
    uint64_t literals = 0;
    if (!differs_in_literals(&places, seen, text, &literals)) {
        EXPECT_EQ(places.count, LiteralPlaces::unknown);
        return false;
    }
    EXPECT_EQ(skeleton_of(seen, backslashes).hash, skeleton_of(text, backslashes).hash) << text;
    EXPECT_EQ(literals, skeleton_of(text, backslashes).literals) << text;
    const LiteralPlaces whole = places_of(text, backslashes);
    EXPECT_EQ(places.count, whole.count);
    for (uint32_t i = 0; i < places.count; ++i) {
        EXPECT_EQ(places.before[i], whole.before[i]) << text;
        EXPECT_EQ(places.length[i], whole.length[i]) << text;
    }
    return true;
}

} // namespace

TEST(literal_places, a_loop_over_keys) {
    EXPECT_TRUE(differs("select a from t where id = 1", "select a from t where id = 23456"));
    EXPECT_TRUE(differs("select a from t where id = 1 limit 21", "select a from t where id = 987 limit 1"));
    EXPECT_TRUE(differs("select a from t where name = 'x';", "select a from t where name = '';"));
    EXPECT_TRUE(differs("select 1", "select 1"));
    EXPECT_TRUE(differs("select a from t /* 1 */ where b=1", "select a from t /* 1 */ where b=2"));
    EXPECT_TRUE(differs("select \"it's\" from t where b = 'x'", "select \"it's\" from t where b = 'yy'"));
}

TEST(literal_places, what_else_differs_is_read) {
    EXPECT_FALSE(differs("select a from t where id = 1", "select b from t where id = 1"));
    EXPECT_FALSE(differs("select a from t where id = 1", "select a from t where id = 1 "));
    EXPECT_FALSE(differs("select a from t where id = 1", "select a from t where id = "));
    EXPECT_FALSE(differs("select a from t where id = 1", "select a from t where id = 'x'"));
    EXPECT_FALSE(differs("select a from t where id = '1'", "select a from t where id = 1"));
    EXPECT_FALSE(differs("select a from t where id = 1", "select a from t where id = 1.5"));
    EXPECT_FALSE(differs("select a from t where id = 1", "select a from t where id = 1e5"));
    EXPECT_FALSE(differs("select a from t where id = 1", "select a from t where id = 0x1"));
    EXPECT_FALSE(differs("select a from t where id = 1", "select a from t where id = -1"));
    EXPECT_FALSE(differs("select /* 1 */ 1", "select /* 2 */ 1"));
    EXPECT_FALSE(differs("select 'a'", "select 'it''s'"));
    EXPECT_FALSE(differs("select 'a', b", "select '\\', b"));
    EXPECT_FALSE(differs("select 'a', b", "select 'a, b"));
}

// Forms that are read with more rules than these have to stay as they are.
TEST(literal_places, other_literals_stay) {
    EXPECT_TRUE(differs("select 1.5, 1", "select 1.5, 2"));
    EXPECT_FALSE(differs("select 1.5, 1", "select 1.6, 1"));
    EXPECT_TRUE(differs("select E'\\'', 1", "select E'\\'', 2"));
    EXPECT_FALSE(differs("select E'a'", "select E'b'"));
    EXPECT_FALSE(differs("select 'a'", "select 'b'", true));
    EXPECT_TRUE(differs("select $$a$$, 'b'", "select $$a$$, 'c'"));
    EXPECT_FALSE(differs("select $$a$$", "select $$b$$"));
}

TEST(literal_places, more_than_there_is_room_for) {
    std::string seen = "select 1", text = "select 2";
    for (int i = 0; i < 7; ++i)
        seen += ", 1", text += ", 2";
    EXPECT_TRUE(differs(seen, text));
    EXPECT_EQ(places_of(seen + ", 1").count, LiteralPlaces::unknown);
    EXPECT_FALSE(differs(seen + ", 1", text + ", 2"));
}

TEST(literal_places, a_text_that_is_read_from_its_middle_has_none) {
    const std::string text = "select 1, 2";
    SkeletonStates states;
    skeleton_of(text, false, plain_skeleton_key, &states);
    LiteralPlaces places;
    skeleton_of(text, false, plain_skeleton_key, nullptr, &states.states[1], &places);
    EXPECT_EQ(places.count, LiteralPlaces::unknown);
}

// One text after another, each from the places of the one before; made of what is easily misread.
TEST(literal_places, the_long_way_says_the_same) {
    constexpr std::array<std::string_view, 36> pieces = {
        "'",   "''", "\"", "\\", "E'", "$",   "$$",  "$1",     "/*", "*/", "--",      "\n",
        " ",   "-",  "+",  "a",  "e",  "E",   "_",   "0",      "12", ".",  "1e",      "0x1",
        "1.5", "(",  ",",  ";",  "=",  "'x'", "'y'", "'a\nb'", "7",  "8",  "select ", "where id = "};
    std::mt19937 random(20260229);
    int found = 0;
    for (int round = 0; round < 100000; ++round) {
        std::array<std::string, 12> parts;
        for (std::string &part : parts)
            part = pieces[random() % pieces.size()];
        const auto joined = [&parts] {
            std::string text;
            for (const std::string &part : parts)
                text += part;
            return text;
        };
        const std::string seen = joined();
        parts[random() % parts.size()] = pieces[random() % pieces.size()];
        found += differs(seen, joined(), round % 3 == 0);
    }
    EXPECT_GT(found, 3000);
}
