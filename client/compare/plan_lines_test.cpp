#include "compare/plan_lines.h"

#include <gtest/gtest.h>

namespace dbperf::client::compare {
namespace {

constexpr const char *scan =
    R"json([{"Plan": {"Node Type": "Sort", "Sort Key": ["a", "b DESC"], "Actual Rows": 5, "Actual Loops": 1,
    "Shared Hit Blocks": 30, "Shared Read Blocks": 9, "Actual Total Time": 0.5, "Plans": [
    {"Node Type": "Seq Scan", "Relation Name": "orders", "Alias": "o", "Filter": "(user_id = 7)"
}]
}
}])json";
constexpr const char *bitmap = R"json([{"Plan": {"Node Type": "Sort", "Sort Key": ["a", "b DESC"], "Plans": [
    {"Node Type": "Bitmap Heap Scan", "Relation Name": "orders", "Alias": "o", "Recheck Cond": "(user_id = 7)", "Plans": [
    {"Node Type": "Bitmap Index Scan", "Index Name": "i", "Actual Rows": 0, "Actual Loops": 0}]
}]
}
}])json";

TEST(PlanLines, NodesAndConditions) {
    const auto lines = plan_lines(scan);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0].text, "Sort");
    EXPECT_EQ(lines[0].figures, "5 rows, 39 blocks, 0.50 ms");
    EXPECT_EQ(lines[1].text, "Sort Key: a, b DESC");
    EXPECT_EQ(lines[2].text, "Seq Scan on orders o");
    EXPECT_EQ(lines[2].depth, 1);
    EXPECT_EQ(lines[2].figures, "");
    EXPECT_EQ(lines[3].text, "Filter: (user_id = 7)");
    EXPECT_EQ(plan_lines(bitmap)[4].text, "Bitmap Index Scan on i");
    EXPECT_EQ(plan_lines(bitmap)[4].figures, "never executed");
}

TEST(PlanLines, FiguresOfANodeAlone) {
    const auto lines = plan_lines(
        R"({"Plan": {"Node Type": "Sort", "Actual Rows": 5, "Actual Loops": 1, "Shared Hit Blocks": 30, "Shared Read Blocks": 9,
        "Actual Total Time": 3.5, "Plans": [{"Node Type": "Seq Scan", "Actual Rows": 5, "Actual Loops": 2,
        "Shared Hit Blocks": 20, "Shared Read Blocks": 9, "Actual Total Time": 1.0}]}})");
    EXPECT_EQ(lines[0].exclusive_blocks, 10);
    EXPECT_EQ(lines[0].exclusive_ms, 1.5); // without both loops of its child
    EXPECT_EQ(lines[1].exclusive_ms, 2.0);
    EXPECT_FALSE(plan_lines(R"({"Plan": {"Node Type": "Sort"}})")[0].exclusive_blocks);
}

TEST(PlanLines, JoinsAsExplainPrintsThem) {
    EXPECT_EQ(plan_lines(R"({"Plan": {"Node Type": "Hash Join", "Join Type": "Left"}})")[0].text, "Hash Left Join");
    EXPECT_EQ(plan_lines(R"({"Plan": {"Node Type": "Hash Join", "Join Type": "Inner"}})")[0].text, "Hash Join");
    EXPECT_EQ(plan_lines(R"({"Plan": {"Node Type": "Nested Loop", "Join Type": "Anti"}})")[0].text,
              "Nested Loop Anti Join");
    EXPECT_EQ(
        plan_lines(R"({"Plan": {"Node Type": "Index Scan", "Index Name": "i", "Relation Name": "t", "Alias": "t"}})")[0]
            .text,
        "Index Scan using i on t");
}

TEST(PlanLines, WhatIsNoPlanHasNone) {
    for (const char *json : {"", "[]", "{}", "7", "{\"Plan\": 7}", "not JSON"})
        EXPECT_TRUE(plan_lines(json).empty()) << json;
}

TEST(PlanLines, AlignedByWhatStays) {
    const auto aligned = align_plans(plan_lines(scan), plan_lines(bitmap));
    ASSERT_EQ(aligned.size(), 5u);
    EXPECT_TRUE(aligned[0].same);
    EXPECT_TRUE(aligned[1].same);
    EXPECT_FALSE(aligned[2].same);
    EXPECT_EQ(aligned[2].before->text, "Seq Scan on orders o");
    EXPECT_EQ(aligned[2].after->text, "Bitmap Heap Scan on orders o");
    EXPECT_FALSE(aligned[4].before);
    EXPECT_EQ(aligned[4].after->text, "Bitmap Index Scan on i");
    EXPECT_TRUE(align_plans({}, {}).empty());
}

} // namespace
} // namespace dbperf::client::compare
