#include "findings/places.h"

#include <gtest/gtest.h>

namespace dbperf::client::findings {
namespace {

TEST(Places, AStatementIsFoundWhateverItsSpaceAndCase) {
    EXPECT_EQ(line_of_statement("-- a\nDROP  INDEX\n  Orders_idx;\n", "drop index orders_idx"), 2);
    EXPECT_EQ(line_of_statement("DROP INDEX orders_idx", "DROP INDEX orders_idx;"), 1);
    EXPECT_EQ(line_of_statement("DROP INDEX orders", "DROP INDEX orders_idx"), 0);
    EXPECT_EQ(line_of_statement("DROP INDEX orders_idx2;\nDROP INDEX orders_idx;", "DROP INDEX orders_idx"), 2);
    EXPECT_EQ(line_of_statement("", "x"), 0);
    EXPECT_EQ(line_of_statement("x", " ; "), 0);
}

TEST(Places, EveryJudgementHasAFile) {
    std::vector<Judgement> judgements(3);
    judgements[0].call_site = "file='app%2Flist.py',line='42'";
    judgements[1].call_site = "controller='a'";
    judgements[2].call_site = "file='%2Fusr%2Flib%2Form.py',line='7'";
    find_places(judgements, {{}, "", "/repo/ci/dbperf.toml", "/repo"});
    EXPECT_EQ(shown_place(judgements[0]), "app/list.py:42");
    EXPECT_EQ(shown_place(judgements[1]), "controller='a'");
    EXPECT_EQ(shown_place(judgements[2]), "/usr/lib/orm.py:7");
    for (const Judgement &each : judgements)
        EXPECT_EQ(each.fallback_file, "ci/dbperf.toml");
    find_places(judgements, {{}, "", "/elsewhere/dbperf.toml", "/repo"});
    EXPECT_EQ(judgements[0].fallback_file, "dbperf.toml");
}

} // namespace
} // namespace dbperf::client::findings
