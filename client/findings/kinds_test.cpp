#include "findings/kinds.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dbperf::client::findings {
namespace {

TEST(Kinds, AreDifferentAndComplete) {
    for (const Kind &each : all_kinds()) {
        EXPECT_EQ(std::count_if(all_kinds().begin(), all_kinds().end(),
                                [&](const Kind &other) { return other.kind == each.kind || other.rule == each.rule; }),
                  1)
            << each.kind;
        EXPECT_FALSE(each.title.empty() || each.rule.empty() || each.rule_text.empty()) << each.kind;
        EXPECT_EQ(kind_of(each.kind).title, each.title);
    }
}

TEST(Kinds, OfANewerServerComeLast) {
    const Kind kind = kind_of("something_new");
    EXPECT_EQ(kind.title, "something_new");
    EXPECT_TRUE(kind.rule.empty());
    for (const Kind &each : all_kinds())
        EXPECT_LE(each.rank, kind.rank) << each.kind;
}

TEST(Kinds, ThatTheProjectMayTurnIntoWarnings) {
    const std::vector<std::string_view> names = kinds_that_may_only_warn();
    EXPECT_NE(std::find(names.begin(), names.end(), "n_plus_one"), names.end());
    EXPECT_EQ(std::find(names.begin(), names.end(), "command"), names.end());
}

} // namespace
} // namespace dbperf::client::findings
