// Which nodes are partners, and which way a change points. What is said of it: plan_sentence_test.cpp.
#include "plans/plan_diff.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

using namespace dbperf::plans;

namespace {

std::string scan(const std::string &alias, const std::string &relation, const std::string &more = "") {
    return R"({"Node Type": "Seq Scan", "Relation Name": ")" + relation + R"(", "Alias": ")" + alias + "\"" + more +
           "}";
}

std::string over(const std::string &type, const std::string &plans, const std::string &more = "") {
    return R"({"Node Type": ")" + type + "\"" + more + R"(, "Plans": [)" + plans + "]}";
}

struct Difference {
    std::string from, to; // what the nodes are slices of
    std::vector<PlanNode> first = std::vector<PlanNode>(max_plan_nodes), second = first;
    std::array<PlanChange, 32> memory;
    PlanTree before, after;
    size_t count;

    Difference(const std::string &earlier, const std::string &later, const PlanDiffRules &rules = {}, size_t most = 32)
        : from("[{\"Plan\": " + earlier + "}]"), to("[{\"Plan\": " + later + "}]"), before(read_plan(from, first)),
          after(read_plan(to, second)), count(diff_plans(before, after, rules, std::span(memory).first(most))) {}
    Difference(const Difference &) = delete;

    Direction of_access() const {
        for (size_t i = 0; i < count; ++i)
            if (memory[i].kind == PlanChangeKind::access)
                return memory[i].direction;
        ADD_FAILURE() << "no change of access";
        return Direction::neutral;
    }

    std::vector<int> partners() const {
        std::vector<int> result;
        for (const PlanNode &node : before.nodes)
            result.push_back(node.partner);
        return result;
    }
};

} // namespace

TEST(plan_diff, self_joins_differ_by_alias) {
    const std::string e = scan("e", "emp"), b = scan("b", "emp"), c = scan("c", "emp");
    EXPECT_EQ(Difference(over("Hash Join", e + "," + b + "," + c), over("Hash Join", c + "," + e + "," + b)).partners(),
              (std::vector<int>{0, 2, 3, 1}));
}

// A view was rewritten: the alias is another, the relation the same.
TEST(plan_diff, relation_matches_where_no_alias_does) {
    EXPECT_EQ(Difference(over("Hash Join", scan("t_1", "t") + "," + scan("u", "u")),
                         over("Hash Join", scan("u", "u") + "," + scan("t_2", "t")))
                  .partners(),
              (std::vector<int>{-1, 2, 1}));
}

// Of a partitioned table another partition is read: the planner prints the parent's alias.
TEST(plan_diff, alias_matches_where_no_relation_does) {
    EXPECT_EQ(Difference(over("Limit", scan("m", "m_2020")), over("Limit", scan("m", "m_2021"))).partners(),
              (std::vector<int>{0, 1}));
    EXPECT_EQ(Difference(over("Limit", scan("m", "m_2020")), over("Limit", scan("m", "m_2021"))).count, 0u);
}

TEST(plan_diff, steps_match_by_what_they_read) {
    const std::string a = scan("a", "a"), b = scan("b", "b");
    const std::string sort = R"(, "Sort Key": ["k"])";
    // Sorts of a and of b change places; nothing else separates them.
    EXPECT_EQ(Difference(over("Merge Join", over("Sort", a, sort) + "," + over("Sort", b, sort)),
                         over("Merge Join", over("Sort", b, sort) + "," + over("Sort", a, sort)))
                  .partners(),
              (std::vector<int>{0, 3, 4, 1, 2}));
    // Two sorts of the same rows: the keys differ.
    const auto keyed = [](const std::string &key) { return R"(, "Sort Key": [")" + key + "\"]"; };
    EXPECT_EQ(Difference(over("Sort", over("Sort", a, keyed("x")), keyed("y")),
                         over("Sort", over("Sort", a, keyed("y")), keyed("x")))
                  .partners(),
              (std::vector<int>{1, 0, 2}));
}

// A join was removed: the sort above reads one relation less and is still the sort.
TEST(plan_diff, steps_above_a_relation_that_went_keep_their_partners) {
    const std::string a = scan("a", "a"), b = scan("b", "b"), sort = R"(, "Sort Key": ["k"])";
    const Difference difference(over("Sort", over("Hash Join", a + "," + b), sort), over("Sort", a, sort));
    EXPECT_EQ(difference.partners(), (std::vector<int>{0, -1, 1, -1}));
    ASSERT_EQ(difference.count, 1u);
    EXPECT_EQ(difference.memory[0].kind, PlanChangeKind::gone);
    EXPECT_EQ(difference.memory[0].before, 3);
}

TEST(plan_diff, a_whole_aggregate_is_finalised_in_parallel) {
    const std::string a = scan("a", "a"), keys = R"(, "Group Key": ["k"], "Partial Mode": )";
    const Difference difference(
        over("Aggregate", a, keys + "\"Simple\""),
        over("Aggregate", over("Gather", over("Aggregate", a, keys + "\"Partial\""), R"(, "Workers Launched": 2)"),
             keys + "\"Finalize\""));
    EXPECT_EQ(difference.partners(), (std::vector<int>{0, 3}));
    ASSERT_EQ(difference.count, 1u);
    EXPECT_EQ(difference.memory[0].kind, PlanChangeKind::appeared);
    EXPECT_EQ(difference.memory[0].after, 1);
}

TEST(plan_diff, workers_are_no_executions) {
    const auto loops = [](int count) { return R"(, "Actual Loops": )" + std::to_string(count); };
    const Difference difference(
        over("Aggregate", scan("a", "a", loops(1)), loops(1)),
        over("Aggregate", over("Gather", scan("a", "a", loops(300)), loops(1) + R"(, "Workers Launched": 299)"),
             loops(1)));
    ASSERT_EQ(difference.count, 1u);
    EXPECT_EQ(difference.memory[0].kind, PlanChangeKind::appeared);
}

// Below the limit of rows an index that went is no loss.
TEST(plan_diff, a_sequential_scan_of_a_small_table_is_neutral) {
    const auto index = [](int rows) {
        return R"({"Node Type": "Index Scan", "Relation Name": "t", "Alias": "t", "Index Name": "i", "Actual Loops": 1, "Actual Rows": )" +
               std::to_string(rows) + "}";
    };
    const auto whole = [](int removed) {
        return scan("t", "t",
                    R"(, "Actual Loops": 1, "Actual Rows": 1, "Rows Removed by Filter": )" + std::to_string(removed));
    };
    EXPECT_EQ(Difference(index(1), whole(900)).of_access(), Direction::neutral);
    EXPECT_EQ(Difference(index(1), whole(5000)).of_access(), Direction::worse);
    EXPECT_EQ(Difference(whole(5000), index(1)).of_access(), Direction::better);
    EXPECT_EQ(Difference(index(5000), whole(900)).of_access(), Direction::neutral);
    EXPECT_EQ(Difference(index(5000), whole(5500)).of_access(), Direction::neutral);
    EXPECT_EQ(Difference(whole(5500), index(5000)).of_access(), Direction::neutral);
    EXPECT_EQ(Difference(whole(900), index(1)).of_access(), Direction::neutral);
    EXPECT_EQ(Difference(index(1), whole(900), {.rows = 500}).of_access(), Direction::worse);
}

TEST(plan_diff, the_worst_comes_first) {
    const Difference difference(
        over("Hash Join",
             scan("a", "a", R"(, "Shared Hit Blocks": 1000)") + "," + scan("b", "b") + "," + scan("c", "c")),
        over("Nested Loop", scan("a", "a") + "," + scan("b", "b", R"(, "Shared Hit Blocks": 400)") + "," +
                                scan("c", "c", R"(, "Shared Hit Blocks": 900)")));
    ASSERT_EQ(difference.count, 4u);
    EXPECT_EQ(difference.memory[0].after, 3);
    EXPECT_EQ(difference.memory[1].after, 2);
    EXPECT_EQ(difference.memory[2].direction, Direction::better);
    EXPECT_EQ(difference.memory[3].kind, PlanChangeKind::join_method);
}

TEST(plan_diff, changes_beyond_memory_are_dropped) {
    const std::string many = over("Hash Join", scan("a", "a") + "," + scan("b", "b"));
    const std::string other = over("Hash Join", scan("c", "c") + "," + scan("d", "d"));
    EXPECT_EQ(Difference(many, other).count, 4u);
    EXPECT_EQ(Difference(many, other, {}, 2).count, 2u);
    EXPECT_EQ(Difference(many, other, {}, 0).count, 0u);
}

TEST(plan_diff, no_plan_has_no_changes) {
    EXPECT_EQ(Difference("7", scan("a", "a")).count, 0u);
    EXPECT_EQ(Difference(scan("a", "a"), "null").count, 0u);
}
