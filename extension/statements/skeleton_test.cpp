// Which texts may share a cached fingerprint and which must not.
#include "statements/skeleton.h"

#include <gtest/gtest.h>

using dbperf::statements::skeleton_of;

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
