// Texts that are one statement and texts that are not. A small lexer stands in for the server's scanner.
#include "statements/normalize.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>
#include <vector>

using namespace dbperf::statements;

namespace {

struct Normalised {
    uint64_t fingerprint;
    std::string text;
    bool mentions_dbperf;
};

Normalised normalise(const std::string &source) {
    static const std::set<std::string> keywords = {
        "select", "from", "where", "in",    "array", "values", "insert",    "into",         "null", "true", "false",
        "is",     "not",  "and",   "limit", "set",   "update", "returning", "current_date", "end",  "user"};
    std::vector<char> out(1000);
    Normalizer normalizer(source, out, first_free_number(source));
    size_t at = 0;
    while (at < source.size()) {
        const auto c = static_cast<unsigned char>(source[at]);
        size_t end = at + 1;
        std::string identity;
        TokenKind kind = TokenKind::symbol;
        if (std::isspace(c)) {
            at = end;
            continue;
        }
        if (source.compare(at, 2, "/*") == 0) {
            at = source.find("*/", at) + 2;
            continue;
        }
        if (std::isalpha(c) || c == '_') {
            while (end < source.size() && (std::isalnum(static_cast<unsigned char>(source[end])) || source[end] == '_'))
                ++end;
            identity = source.substr(at, end - at);
            for (char &letter : identity)
                letter = static_cast<char>(std::tolower(letter));
            kind = keywords.contains(identity) ? TokenKind::keyword : TokenKind::identifier;
        } else if (std::isdigit(c)) {
            while (end < source.size() && (std::isdigit(static_cast<unsigned char>(source[end])) || source[end] == '.'))
                ++end;
            kind = TokenKind::number;
        } else if (c == '\'') {
            end = source.find('\'', at + 1) + 1;
            kind = TokenKind::string;
        } else if (c == '"') {
            end = source.find('"', at + 1) + 1;
            identity = source.substr(at + 1, end - at - 2);
            kind = TokenKind::identifier;
        } else if (c == '$') {
            while (end < source.size() && std::isdigit(static_cast<unsigned char>(source[end])))
                ++end;
            kind = TokenKind::parameter;
        } else {
            if (source.compare(at, 2, "::") == 0)
                end = at + 2;
            identity = source.substr(at, end - at);
        }
        normalizer.push({kind, static_cast<uint32_t>(at), static_cast<uint32_t>(end), identity});
        at = end;
    }
    normalizer.finish();
    return {normalizer.fingerprint(), std::string(normalizer.text()), normalizer.mentions_dbperf()};
}

bool same(const std::string &a, const std::string &b) {
    return normalise(a).fingerprint == normalise(b).fingerprint;
}

} // namespace

TEST(normalize, constants_and_parameters_are_one) {
    EXPECT_TRUE(same("select * from t where a = 1", "SELECT * FROM T WHERE a = $1"));
    EXPECT_TRUE(same("select * from t where a = 'x'", "select * from t where a=  7 /* c */"));
    EXPECT_EQ(normalise("select *  from t where a = 1 and b = $1").text, "select * from t where a = $2 and b = $1");
}

TEST(normalize, identifiers_and_operators_count) {
    EXPECT_FALSE(same("select a from t", "select b from t"));
    EXPECT_FALSE(same("select a from s1.t", "select a from s2.t"));
    EXPECT_FALSE(same("select 1 < 2", "select 1 > 2"));
}

TEST(normalize, a_sign_belongs_to_its_number) {
    EXPECT_TRUE(same("select * from t where a = -5", "select * from t where a = 5"));
    EXPECT_TRUE(same("insert into t values (-1, +2)", "insert into t values (1, 2)"));
    EXPECT_FALSE(same("select a - 5", "select a"));
    EXPECT_FALSE(same("select -a", "select a"));
    EXPECT_FALSE(same("select a - 5", "select a + 5"));
}

TEST(normalize, an_operator_follows_a_word_that_is_a_value) {
    EXPECT_FALSE(same("select current_date - 7", "select current_date + 7"));
    EXPECT_FALSE(same("select end - 1", "select end + 1"));
    EXPECT_EQ(normalise("select current_date - 7").text, "select current_date - $1");
}

TEST(normalize, a_reserved_word_is_no_quoted_identifier) {
    const std::string source = "user";
    char out[16];
    Normalizer word(source, out, 1), name(source, out, 1);
    word.push({TokenKind::keyword, 0, 4, "user"});
    name.push({TokenKind::identifier, 0, 4, "user"});
    EXPECT_NE(word.fingerprint(), name.fingerprint());
}

TEST(normalize, null_and_booleans_as_values) {
    EXPECT_TRUE(same("insert into t values (1, null, true)", "insert into t values ($1, $2, $3)"));
    EXPECT_TRUE(same("update t set a = null", "update t set a = 1"));
    EXPECT_FALSE(same("select * from t where a is null", "select * from t where a is not null"));
    EXPECT_FALSE(same("select * from t where a is null", "select * from t where a is true"));
}

TEST(normalize, lists_collapse) {
    EXPECT_TRUE(same("select * from t where a in (1)", "select * from t where a in (1, 2, 3)"));
    EXPECT_TRUE(same("select * from t where a in ($1, $2)", "select * from t where a in ('a','b','c','d')"));
    EXPECT_TRUE(same("select * from t where a in ('1'::date, '2'::date)", "select * from t where a in ($1::date)"));
    EXPECT_TRUE(same("select array[1,2,3]", "select array[1]"));
    EXPECT_TRUE(same("select * from t where (a, b) in ((1,2),(3,4))", "select * from t where (a, b) in ((5,6))"));
    EXPECT_EQ(normalise("select * from t where a in (1, 2, 3) and b = 4").text,
              "select * from t where a in ($1 /*, ... */) and b = $2");
}

TEST(normalize, rows_collapse) {
    EXPECT_TRUE(same("insert into t values (1, 'a'), (2, 'b'), (3, 'c')", "insert into t values ($1, $2)"));
    EXPECT_TRUE(same("insert into t values (1, now()), (2, now()) returning id",
                     "insert into t values (1, now()) returning id"));
    EXPECT_FALSE(same("insert into t values (1), (2)", "insert into t values (1, 2)"));
    EXPECT_FALSE(same("insert into t values (1, a)", "insert into t values (1, b)"));
    EXPECT_EQ(normalise("insert into t values (1, 2), (3, 4) returning id").text,
              "insert into t values ($1, $2) /*, ... */ returning id");
}

TEST(normalize, arguments_are_not_a_list) {
    EXPECT_FALSE(same("select f(1, 2)", "select f(1)"));
    EXPECT_FALSE(same("select * from t limit 1", "select * from t"));
}

TEST(normalize, nested_lists) {
    EXPECT_TRUE(same("select * from t where a in (1, 2) and b in (select c from u where d in (1, 2, 3))",
                     "select * from t where a in (1) and b in (select c from u where d in (1))"));
    std::string deep = "select 1";
    for (int i = 0; i < 50; ++i)
        deep += " in (1, (select 2";
    for (int i = 0; i < 50; ++i)
        deep += "))";
    EXPECT_EQ(normalise(deep).fingerprint, normalise(deep).fingerprint);
}

// What a list inside of an element repeats does not separate the element from others.
TEST(normalize, elements_with_lists_of_different_lengths) {
    EXPECT_TRUE(
        same("insert into t values (1, array[1, 2]), (2, array[1, 2, 3])", "insert into t values (1, array[1])"));
    EXPECT_FALSE(same("insert into t values (1, array[a, 2]), (2, array[1])", "insert into t values (1, array[a, 2])"));
    EXPECT_FALSE(same("select a in (user, \"user\")", "select a in (user)"));
}

TEST(normalize, a_column_may_be_called_as_a_value) {
    EXPECT_FALSE(same("select t.null from t", "select t.true from t"));
    EXPECT_EQ(normalise("select t.null, null from t").text, "select t.null, $1 from t");
}

TEST(normalize, the_text_has_the_same_tokens) {
    EXPECT_EQ(normalise("select 'x'as y, date'2026-01-31', f(1)").text, "select $1 as y, date $2, f($3)");
}

TEST(normalize, notices_its_own_schema) {
    EXPECT_TRUE(normalise("select dbperf.start_run('x')").mentions_dbperf);
    EXPECT_TRUE(normalise("SET dbperf.scope = 'x'").mentions_dbperf);
    EXPECT_FALSE(normalise("select dbperf from dbperformance.t").mentions_dbperf);
}

TEST(normalize, a_full_buffer_cuts_the_text_only) {
    std::string source = "select a, b, c from a_long_table_name where x = 1";
    char small[16];
    Normalizer normalizer(source, small, 1);
    normalizer.push({TokenKind::keyword, 0, 6, "select"});
    normalizer.push({TokenKind::identifier, 7, 30, "abcdefghijklmnopqrstuvw"});
    normalizer.finish();
    EXPECT_EQ(normalizer.text().size(), 16u);
}

TEST(normalize, unbalanced_brackets_are_survived) {
    normalise(")))) in ( values (");
    normalise("values ((((1),(2)");
    normalise("] array [ ) in");
}
