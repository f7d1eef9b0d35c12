#include "queries/result_digest.h"

#include <gtest/gtest.h>

namespace dbperf::client::queries {
namespace {

using Row = std::vector<std::optional<std::string>>;

ResultDigest digest(const std::vector<Row> &rows, bool floating = false) {
    ResultDigester digester(rows.empty() ? 1 : static_cast<int>(rows[0].size()));
    for (const Row &row : rows) {
        for (const auto &value : row)
            digester.add_value(value, floating);
        digester.end_row();
    }
    return digester.digest();
}

TEST(ResultDigest, TheOrderOfRowsDoesNotMatter) {
    EXPECT_EQ(digest({{"1", "a"}, {"2", "b"}, {"1", "a"}}), digest({{"1", "a"}, {"1", "a"}, {"2", "b"}}));
}

TEST(ResultDigest, EverythingElseDoes) {
    const ResultDigest base = digest({{"1", "a"}, {"2", "b"}});
    for (const auto &other : std::vector<std::vector<Row>>{{{"1", "b"}, {"2", "a"}},
                                                           {{"1", "a"}, {"2", "b"}, {"2", "b"}},
                                                           {{"1", "a"}, {"2", std::nullopt}},
                                                           {{"a", "1"}, {"2", "b"}},
                                                           {{"1a", ""}, {"2", "b"}}})
        EXPECT_NE(digest(other), base);
    EXPECT_NE(digest({{"1"}, {"1"}, {"2"}, {"2"}}), digest({{"1"}, {"1"}, {"1"}, {"2"}}));
    EXPECT_NE(digest({{""}}), digest({{std::nullopt}}));
    EXPECT_NE(digest({{"1"}, {"1"}, {"2"}, {"2"}}), digest({{"3"}, {"3"}, {"4"}, {"4"}}));
}

TEST(ResultDigest, OfFloatingNumbersNineDigitsCount) {
    EXPECT_EQ(digest({{"0.30000000000000004"}}, true), digest({{"0.3"}}, true));
    EXPECT_NE(digest({{"0.30000000000000004"}}), digest({{"0.3"}}));
    EXPECT_NE(digest({{"0.3000001"}}, true), digest({{"0.3"}}, true));
    EXPECT_NE(digest({{"NaN"}}, true), digest({{"Infinity"}}, true));
}

TEST(ResultDigest, TheDifferenceInWords) {
    EXPECT_EQ(difference_in_words(digest({{"1"}}), digest({{"1"}, {"2"}})), "2 rows instead of 1");
    EXPECT_EQ(difference_in_words(digest({{"1", "2"}}), digest({{"1"}})), "1 column instead of 2");
    EXPECT_EQ(difference_in_words(digest({{"1"}}), digest({{"2"}})), "1 row with other values");
}

TEST(ResultDigest, ALimitNeedsAnOrder) {
    EXPECT_TRUE(leaves_rows_open("SELECT a FROM t LIMIT 5"));
    EXPECT_TRUE(leaves_rows_open("SELECT a, row_number() OVER (ORDER BY a) FROM t FETCH FIRST 5 ROWS ONLY"));
    for (const char *sql : {"SELECT a FROM t ORDER BY a LIMIT 5", "SELECT a FROM t", "SELECT 'LIMIT', \"limit\" FROM t",
                            "SELECT (SELECT a FROM t LIMIT 1)"})
        EXPECT_FALSE(leaves_rows_open(sql)) << sql;
}

} // namespace
} // namespace dbperf::client::queries
