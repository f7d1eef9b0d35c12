#include "queries/sql_scanner.h"

#include <gtest/gtest.h>

namespace dbperf::client::queries {
namespace {

std::vector<std::string> texts_of(std::string_view sql, TokenKind kind) {
    std::vector<std::string> texts;
    for (const Token &token : scan_sql(sql))
        if (token.kind == kind)
            texts.emplace_back(token.text);
    return texts;
}

using Texts = std::vector<std::string>;

TEST(SqlScanner, TokensCoverTheWholeText) {
    const std::string sql =
        "SELECT a, 'it''s', $tag$ ; $$ $tag$ FROM \"T;\" /* /* ; */ */ WHERE x = :x::int -- :no\n AND y=$1;";
    std::string joined;
    for (const Token &token : scan_sql(sql)) {
        EXPECT_EQ(token.offset, joined.size());
        joined += token.text;
    }
    EXPECT_EQ(joined, sql);
}

TEST(SqlScanner, FindsPlaceholdersButNoCastsSlicesOrAssignments) {
    EXPECT_EQ(texts_of("SELECT :a, b::text, :c::date", TokenKind::placeholder), (Texts{":a", ":c"}));
    EXPECT_EQ(texts_of("SELECT a[1:n], a[m:n], a[f(1):n], ARRAY[:x, :y]", TokenKind::placeholder), (Texts{":x", ":y"}));
    EXPECT_EQ(texts_of("SELECT f(a := 1, b := :b)", TokenKind::placeholder), (Texts{":b"}));
}

TEST(SqlScanner, LooksIntoNoQuoteOrComment) {
    for (const char *sql : {"':a'", "\":a\"", "$$ :a $$", "$q$ :a $$ :b $q$", "-- :a", "/* :a /* :b */ :c */",
                            "E'\\' :a'", "U&':a'", "e'it''s :a'"})
        EXPECT_EQ(texts_of(sql, TokenKind::placeholder), Texts{}) << sql;
}

TEST(SqlScanner, ABackslashEndsNoStandardString) {
    EXPECT_EQ(texts_of("'\\' :a", TokenKind::placeholder), Texts{":a"});
}

TEST(SqlScanner, DollarsInsideNamesAndNumbersOfParameters) {
    EXPECT_EQ(texts_of("SELECT a$1, $12, $x", TokenKind::parameter), Texts{"$12"});
}

TEST(SqlScanner, SaysWhatNeverEnds) {
    for (const char *sql : {"'abc", "\"abc", "$$ abc", "/* /* */", "E'abc\\'"}) {
        const auto tokens = scan_sql(sql);
        ASSERT_FALSE(tokens.empty()) << sql;
        EXPECT_EQ(tokens.back().kind, TokenKind::unfinished) << sql;
    }
}

TEST(SplitStatements, AtSemicolonsOfTheTopLevelOnly) {
    const auto statements = split_statements("SELECT ';'; -- one;\n\n  INSERT INTO t VALUES ($$;$$);;\nCREATE RULE r "
                                             "AS ON INSERT TO t DO (SELECT 1; SELECT 2)");
    ASSERT_EQ(statements.size(), 3u);
    EXPECT_EQ(statements[0].text, "SELECT ';'");
    EXPECT_EQ(statements[1].text, "INSERT INTO t VALUES ($$;$$)");
    EXPECT_EQ(statements[1].first_words, (std::vector<std::string>{"INSERT", "INTO", "T", "VALUES"}));
    EXPECT_EQ(statements[2].text, "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)");
}

TEST(SplitStatements, KeepsTheBodyOfASqlFunctionTogether) {
    const auto statements = split_statements(
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3");
    ASSERT_EQ(statements.size(), 2u);
    EXPECT_EQ(statements[1].text, "SELECT 3");
}

TEST(SplitStatements, ATransactionIsNoBody) {
    EXPECT_EQ(split_statements("BEGIN; SELECT 1; END;").size(), 3u);
}

TEST(SplitStatements, CommentsAloneAreNothing) {
    EXPECT_TRUE(split_statements(" -- a\n /* b */ ; ;").empty());
}

} // namespace
} // namespace dbperf::client::queries
