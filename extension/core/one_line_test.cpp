#include "core/one_line.h"

#include <gtest/gtest.h>

#include <string>

namespace dbperf::core {
namespace {

std::string one_line(std::string text) {
    text.resize(put_on_one_line(text));
    return text;
}

TEST(OneLine, BlanksBecomeOne) {
    EXPECT_EQ(one_line(" SELECT id,\n    total\n   FROM purchase\n"), "SELECT id, total FROM purchase");
    EXPECT_EQ(one_line("a\t\r\n b"), "a b");
    EXPECT_EQ(one_line(""), "");
    EXPECT_EQ(one_line(" \n"), "");
}

TEST(OneLine, NoneAtTheEdgesOfBrackets) {
    EXPECT_EQ(one_line("LATERAL ( SELECT count(*) AS count\n   FROM t ) q"),
              "LATERAL (SELECT count(*) AS count FROM t) q");
    EXPECT_EQ(one_line("= ANY ($1)"), "= ANY ($1)");
}

TEST(OneLine, QuotesAreKept) {
    EXPECT_EQ(one_line("'a\n  b'   ||  \"c  d\""), "'a\n  b' || \"c  d\"");
    EXPECT_EQ(one_line("'it''s  ( x'  ,  '\"  '"), "'it''s  ( x' , '\"  '");
    EXPECT_EQ(one_line("\"a'  b\"  c"), "\"a'  b\" c");
    EXPECT_EQ(one_line("E'a\\\\  b'  c"), "E'a\\\\  b' c");
}

} // namespace
} // namespace dbperf::core
