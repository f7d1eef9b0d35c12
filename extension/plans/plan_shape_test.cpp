// Plans that are one shape and plans that are not.
#include "plans/plan_shape.h"

#include <gtest/gtest.h>

#include <string>

using dbperf::plans::plan_shape;

namespace {

std::string shape_plan(const std::string &node) {
    return "[{\"Plan\": {" + node + "}, \"Triggers\": []}]";
}

std::string shape_scan(const std::string &relation, const std::string &alias, const std::string &more = "") {
    return R"("Node Type": "Seq Scan", "Relation Name": ")" + relation + R"(", "Alias": ")" + alias + "\"" + more;
}

std::string shape_append(const std::string &children) {
    return R"("Node Type": "Append", "Plans": [)" + children + "]";
}

} // namespace

TEST(plan_shape, costs_and_rows_do_not_count) {
    EXPECT_EQ(
        plan_shape(shape_plan(shape_scan("t", "t", R"(, "Total Cost": 1.5, "Actual Rows": 3))"))),
        plan_shape(shape_plan(shape_scan("t", "t", R"(, "Total Cost": 99, "Actual Rows": 7.00, "Disabled": false)"))));
}

TEST(plan_shape, order_of_keys_does_not_count) {
    EXPECT_EQ(plan_shape(shape_plan(R"("Node Type": "Seq Scan", "Alias": "a")")),
              plan_shape(shape_plan(R"("Alias": "a", "Node Type": "Seq Scan")")));
}

TEST(plan_shape, names_count) {
    const uint64_t base = plan_shape(shape_plan(shape_scan("t", "t")));
    EXPECT_NE(base, 0u);
    EXPECT_NE(base, plan_shape(shape_plan(shape_scan("u", "t"))));
    EXPECT_NE(base, plan_shape(shape_plan(shape_scan("t", "x"))));
    EXPECT_NE(base, plan_shape(shape_plan(
                        R"("Node Type": "Index Scan", "Relation Name": "t", "Alias": "t", "Index Name": "i")")));
}

TEST(plan_shape, literals_in_keys_do_not_count) {
    const auto sort = [](const std::string &key) {
        return plan_shape(shape_plan(R"("Node Type": "Sort", "Sort Key": [")" + key + "\"]"));
    };
    EXPECT_EQ(sort("(a + 1)"), sort("(a + 25)"));
    EXPECT_EQ(sort("COALESCE(a, 'x'::text)"), sort("COALESCE(a, 'longer'::text)"));
    EXPECT_NE(sort("a1"), sort("a2"));
    EXPECT_NE(sort("a"), sort("a DESC"));
}

TEST(plan_shape, only_a_backward_direction_counts) {
    EXPECT_EQ(plan_shape(shape_plan(shape_scan("t", "t"))),
              plan_shape(shape_plan(shape_scan("t", "t", R"(, "Scan Direction": "Forward")"))));
    EXPECT_NE(plan_shape(shape_plan(shape_scan("t", "t"))),
              plan_shape(shape_plan(shape_scan("t", "t", R"(, "Scan Direction": "Backward")"))));
}

TEST(plan_shape, partitions_collapse) {
    const std::string one = "{" + shape_scan("m_2020", "m_1") + "}", two = "{" + shape_scan("m_2021", "m_2") + "}",
                      three = "{" + shape_scan("m_2022", "m_3") + "}";
    EXPECT_EQ(plan_shape(shape_plan(shape_append(one + "," + two))),
              plan_shape(shape_plan(shape_append(one + "," + two + "," + three))));
    const std::string other =
        R"({"Node Type": "Index Scan", "Relation Name": "m_2021", "Alias": "m_2", "Index Name": "m_2021_i"})";
    EXPECT_NE(plan_shape(shape_plan(shape_append(one + "," + two))),
              plan_shape(shape_plan(shape_append(one + "," + other))));
    // A union of different tables is no partitioning.
    EXPECT_NE(plan_shape(shape_plan(shape_append("{" + shape_scan("a", "a") + "},{" + shape_scan("b", "b") + "}"))),
              plan_shape(shape_plan(shape_append("{" + shape_scan("a", "a") + "}"))));
}

TEST(plan_shape, structure_counts) {
    const std::string a = "{" + shape_scan("a", "a") + "}", b = "{" + shape_scan("b", "b") + "}";
    const auto join = [](const std::string &children) {
        return plan_shape(shape_plan(R"("Node Type": "Hash Join", "Join Type": "Inner", "Plans": [)" + children + "]"));
    };
    EXPECT_NE(join(a + "," + b), join(b + "," + a));
    EXPECT_NE(join(a + "," + b), join(a));
}

TEST(plan_shape, no_plan_has_no_shape) {
    for (const char *text : {"", "[]", "{}", "[{\"Plan\": {\"Node Type\": ", "null", "[{\"Query\": \"x\"}]"})
        EXPECT_EQ(plan_shape(text), 0u) << text;
}

// A union of hundreds of terms is as deep. It is read to its end, and what is too deep does not hide what is above.
TEST(plan_shape, very_deep_plans_end) {
    const auto chain = [](int depth, const std::string &top) {
        std::string text = R"([{"Plan": {"Node Type": ")" + top + "\"";
        for (int i = 0; i < depth; ++i)
            text += R"(, "Plans": [{"Node Type": "Append")";
        for (int i = 0; i < depth; ++i)
            text += "}]";
        return text + "}}]";
    };
    for (const int depth : {499, 500, 501, 600, 100000})
        EXPECT_NE(plan_shape(chain(depth, "Sort")), plan_shape(chain(depth, "Hash"))) << depth;
    EXPECT_NE(plan_shape(chain(600, "Sort")), 0u);
    EXPECT_EQ(plan_shape(chain(600, "Sort")), plan_shape(chain(700, "Sort")));
}

TEST(plan_shape, children_that_are_no_nodes_end) {
    EXPECT_EQ(plan_shape(R"({"Plan": {"Node Type": "Append", "Plans": [1, 2]}})"), 0u);
    EXPECT_EQ(plan_shape(R"({"Plan": {"Plans": {"Plans": [[[[)"), 0u);
}
