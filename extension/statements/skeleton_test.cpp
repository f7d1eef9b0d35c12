// Which texts may share a cached fingerprint and which must not.
#include "statements/skeleton.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

using namespace dbperf::statements;

namespace {
bool same_skeleton(std::string_view a, std::string_view b) {
    return skeleton_of(a).hash == skeleton_of(b).hash;
}
} // namespace

TEST(skeleton, literals_do_not_count) {
    EXPECT_TRUE(same_skeleton("select * from t where a = 1", "select * from t where a = 42"));
    EXPECT_TRUE(same_skeleton("select 'it''s'", "select 'x'"));
    EXPECT_TRUE(same_skeleton("select E'a\\'b' from t", "select E'c' from t"));
    EXPECT_TRUE(same_skeleton("select $$ a 'b $$, 1.5e3", "select $tag$ c $tag$, 7"));
}

TEST(skeleton, comments_do_not_count) {
    EXPECT_TRUE(same_skeleton("select 1 /*a*/", "select 1 /*b /* nested */ c*/"));
    EXPECT_TRUE(same_skeleton("select 1 -- one\n from t", "select 1 -- two\n from t"));
    EXPECT_EQ(skeleton_of("select 1 /*traceparent='x'*/").comment, "/*traceparent='x'*/");
}

TEST(skeleton, exponents_belong_to_numbers) {
    EXPECT_FALSE(same_skeleton("select 1e+5", "select 1+5"));
    EXPECT_TRUE(same_skeleton("select 1e+5", "select 2.5E-7"));
    EXPECT_FALSE(same_skeleton("select 0x1e+5", "select 0x1"));
}

TEST(skeleton, a_carriage_return_ends_a_comment) {
    EXPECT_FALSE(same_skeleton("select 1 -- c\r, a from t", "select 1 -- c\r, b from t"));
}

TEST(skeleton, a_literal_is_no_operator) {
    EXPECT_FALSE(same_skeleton("select a ?- 1", "select a 1- 1"));
}

TEST(skeleton, a_comment_separates) {
    EXPECT_FALSE(same_skeleton("select a/**/b", "select ab"));
}

TEST(skeleton, backslashes_where_the_server_knows_them) {
    EXPECT_NE(skeleton_of("select 'a\\', x, 'b'", true).hash, skeleton_of("select 'a\\', y, 'b'", false).hash);
    EXPECT_EQ(skeleton_of("select 'a\\' x '", true).hash, skeleton_of("select 'a'", true).hash);
}

// A sign belongs to a number and not to a string, so the two have different fingerprints.
TEST(skeleton, numbers_are_no_strings) {
    EXPECT_FALSE(same_skeleton("select a = - 1", "select a = - '1'"));
}

TEST(skeleton, a_string_goes_on_in_the_next_line) {
    EXPECT_FALSE(same_skeleton("select E'a'\n'\\'', x, '\\''", "select E'a'\n'\\'', y, '\\''"));
    EXPECT_FALSE(same_skeleton("select E'a' -- c'\n'\\'', x, '\\''", "select E'a' -- c'\n'\\'', y, '\\''"));
    EXPECT_FALSE(same_skeleton("select E'a',\n'\\', x, '\\'", "select E'a',\n'\\', y, '\\'"));
}

TEST(skeleton, identifiers_do_count) {
    EXPECT_FALSE(same_skeleton("select * from t1", "select * from t2"));
    EXPECT_FALSE(same_skeleton("select * from \"t 1\"", "select * from \"t 2\""));
    EXPECT_FALSE(same_skeleton("select a from s1.t", "select a from s2.t"));
    EXPECT_FALSE(same_skeleton("select é1", "select é2"));
}

TEST(skeleton, list_lengths_count) {
    EXPECT_FALSE(same_skeleton("select * from t where id in (1)", "select * from t where id in (1, 2)"));
}

TEST(skeleton, who_does_not_know_the_key_cannot_compute_the_hash) {
    const dbperf::statements::SkeletonKey one = dbperf::statements::skeleton_key(1),
                                          other = dbperf::statements::skeleton_key(2);
    const auto hash = [](std::string_view text, const dbperf::statements::SkeletonKey &key) {
        return skeleton_of(text, false, key).hash;
    };
    EXPECT_NE(hash("select a from t", one), hash("select a from t", other));
    EXPECT_EQ(hash("select a from t where b = 1", one), hash("select a from t where b = 2", one));
    // The difference of two hashes does not carry over from key to key.
    EXPECT_NE(hash("select a from t", one) - hash("select b from t", one),
              hash("select a from t", other) - hash("select b from t", other));
    EXPECT_NE(hash("a", one) ^ hash("b", one), hash("a", other) ^ hash("b", other));
}

TEST(skeleton, unterminated_input_ends) {
    for (const char *text : {"'", "\"", "$$", "$a", "/*", "--", "E'\\", "$", "1."})
        skeleton_of(text);
}

// Made of what is easily misread: another end, or another middle.
TEST(skeleton, reading_goes_on_where_texts_begin_to_differ) {
    constexpr std::array<std::string_view, 40> pieces = {
        "'", "''", "\"",  "\\",  "E'",    "e'", "$", "$$", "$a$", "$1",      "/*",          "*/",   "--", "\n",
        " ", "  ", "/",   "*",   "-",     "+",  "a", "B",  "e",   "E",       "_",           "\x80", "0",  "12",
        ".", "1e", "1e+", "0x1", "1.5e3", "(",  ",", ";",  "=",   "select ", "where id = ", "'x'"};
    std::mt19937 random(20240229);
    const auto append = [&](std::string *text, unsigned most) {
        for (unsigned i = random() % most; i > 0; --i)
            *text += pieces[random() % pieces.size()];
    };
    int resumed = 0;
    for (int round = 0; round < 50000; ++round) {
        std::string seen;
        append(&seen, 14);
        std::string text = seen.substr(0, random() % (seen.size() + 1));
        const size_t from = text.size() + 1;
        append(&text, 5);
        if (round % 2 == 0 && from < seen.size())
            text += seen.substr(from);
        const bool backslashes = round % 3 == 0;
        SkeletonStates states;
        const Skeleton noted = skeleton_of(seen, backslashes, plain_skeleton_key, &states);
        ASSERT_EQ(noted.hash, skeleton_of(seen, backslashes).hash);
        const SkeletonState *state = common_state(states, seen, text);
        if (!state)
            continue;
        ++resumed;
        const Skeleton whole = skeleton_of(text, backslashes);
        const Skeleton rest = skeleton_of(text, backslashes, plain_skeleton_key, nullptr, state);
        ASSERT_EQ(rest.hash, whole.hash) << seen << "\n--- and ---\n" << text;
        ASSERT_EQ(rest.literals, whole.literals) << seen << "\n--- and ---\n" << text;
        ASSERT_EQ(rest.comment, whole.comment) << seen << "\n--- and ---\n" << text;
    }
    EXPECT_GT(resumed, 10000);
}

TEST(skeleton, the_key_of_a_long_text_is_all_that_is_read_again) {
    std::string columns = "select ";
    for (int i = 0; i < 30; ++i)
        columns += "\"orders\".\"column_" + std::to_string(i) + "\" as \"orders_column_" + std::to_string(i) + "\", ";
    const std::string seen = columns + "x from orders where id = 5 limit 21",
                      text = columns + "x from orders where id = 12345 limit 21";
    SkeletonStates states;
    skeleton_of(seen, false, plain_skeleton_key, &states);
    const SkeletonState *state = common_state(states, seen, text);
    ASSERT_NE(state, nullptr);
    EXPECT_EQ(state->at, seen.find("5 limit"));
}
