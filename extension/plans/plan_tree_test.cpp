// What each node did itself, from plans of real servers and from plans made to be difficult.
#include "plans/plan_tree.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "plans/plan_samples.h"

using namespace dbperf::plans;

namespace {

struct Plan {
    std::string text; // what the nodes are slices of
    std::vector<PlanNode> memory = std::vector<PlanNode>(max_plan_nodes);
    PlanTree tree;

    explicit Plan(std::string_view json) : text(json), tree(read_plan(text, memory)) {}
    Plan(const Plan &) = delete;

    const PlanNode &at(std::string_view alias) const {
        for (const PlanNode &node : tree.nodes)
            if (node.alias == alias && node.role == PlanRole::scan)
                return node;
        static const PlanNode none;
        ADD_FAILURE() << "no scan of " << alias;
        return none;
    }

    const PlanNode &of(std::string_view type) const {
        for (const PlanNode &node : tree.nodes)
            if (node.type == type)
                return node;
        static const PlanNode none;
        ADD_FAILURE() << "no " << type;
        return none;
    }
};

// Whether parents, sizes and order fit together.
void expect_sound(const PlanTree &tree) {
    for (size_t i = 0; i < tree.nodes.size(); ++i) {
        const PlanNode &node = tree.nodes[i];
        EXPECT_EQ(node.parent < 0, i == 0);
        EXPECT_LE(i + static_cast<size_t>(node.size), tree.nodes.size());
        if (node.parent >= 0) {
            const PlanNode &above = tree.nodes[static_cast<size_t>(node.parent)];
            EXPECT_LT(static_cast<size_t>(node.parent), i);
            EXPECT_LE(i + static_cast<size_t>(node.size), static_cast<size_t>(node.parent + above.size));
        }
    }
}

} // namespace

TEST(plan_tree, numbers_without_end) {
    const std::string digits(400, '7');
    for (const std::string &rows : {digits, "0." + digits, digits + "." + digits}) {
        std::array<PlanNode, 2> memory;
        const PlanTree tree =
            read_plan(R"({"Plan": {"Node Type": "Sort", "Actual Loops": 1, "Actual Rows": )" + rows + "}}", memory);
        ASSERT_EQ(tree.nodes.size(), 1u);
        EXPECT_TRUE(std::isfinite(tree.nodes[0].rows)) << rows;
        EXPECT_GT(tree.nodes[0].rows, 0.7) << rows;
    }
}

TEST(plan_tree, trees_of_all_versions_are_alike) {
    for (size_t i = 0; i < samples::plans_15.size(); ++i) {
        const Plan oldest(samples::plans_15[i].before), changed(samples::plans_15[i].after);
        for (const auto &version : samples::all_versions)
            for (const bool before : {true, false}) {
                const Plan plan(before ? version[i].before : version[i].after);
                const Plan &expected = before ? oldest : changed;
                expect_sound(plan.tree);
                EXPECT_TRUE(plan.tree.executed);
                EXPECT_TRUE(plan.tree.complete);
                EXPECT_GT(plan.tree.cost, 0);
                ASSERT_EQ(plan.tree.nodes.size(), expected.tree.nodes.size()) << version[i].name;
                for (size_t k = 0; k < plan.tree.nodes.size(); ++k) {
                    const PlanNode &node = plan.tree.nodes[k], &other = expected.tree.nodes[k];
                    EXPECT_EQ(node.type, other.type);
                    EXPECT_EQ(node.alias, other.alias);
                    EXPECT_EQ(node.relation, other.relation);
                    EXPECT_EQ(node.index, other.index);
                    EXPECT_EQ(node.keys, other.keys);
                    EXPECT_EQ(node.subplan, other.subplan);
                    EXPECT_EQ(node.sources, other.sources);
                    EXPECT_EQ(node.members, other.members);
                    EXPECT_EQ(node.loops, other.loops);
                    EXPECT_EQ(node.removed_by_filter, other.removed_by_filter) << version[i].name << " " << k;
                }
            }
    }
}

// Nothing is counted twice: what the nodes did themselves is what the statement did.
TEST(plan_tree, own_figures_sum_up_to_the_whole) {
    for (const auto &version : samples::all_versions)
        for (const PlanSample &sample : version)
            for (const std::string_view text : {sample.before, sample.after}) {
                const Plan plan(text);
                double blocks = 0, milliseconds = 0, temp_blocks = 0;
                for (const PlanNode &node : plan.tree.nodes) {
                    blocks += node.own.blocks;
                    milliseconds += node.own.milliseconds;
                    temp_blocks += node.own.temp_blocks;
                }
                const PlanFigures &whole = plan.tree.nodes[0].total;
                EXPECT_EQ(blocks, whole.blocks) << sample.name;
                EXPECT_EQ(temp_blocks, whole.temp_blocks) << sample.name;
                // Averages per loop are rounded to microseconds.
                EXPECT_NEAR(milliseconds, whole.milliseconds, 0.02 * whole.milliseconds + 0.05) << sample.name;
            }
}

TEST(plan_tree, rows_and_times_are_totals_of_all_loops) {
    for (const auto &version : samples::all_versions) {
        const Plan plan(samples::named(version, "common_table").before);
        const PlanNode &scan = plan.at("o2");
        EXPECT_EQ(scan.loops, 19);
        EXPECT_EQ(scan.rows, 950);
        EXPECT_EQ(scan.total.blocks, 988);
        EXPECT_EQ(scan.own.blocks, 950); // without the index
        EXPECT_GT(scan.total.milliseconds, 0.5);
        EXPECT_LT(scan.total.milliseconds, 2);
    }
}

// EXPLAIN prints the CTE and the InitPlan below the join, but the join waited for neither.
TEST(plan_tree, who_waits_for_a_subplan_is_charged) {
    for (const auto &version : samples::all_versions) {
        const Plan plan(samples::named(version, "common_table").before);
        EXPECT_EQ(plan.at("x_1").own.blocks, 0); // the first to read the CTE, inside of the InitPlan
        EXPECT_EQ(plan.at("x").own.blocks, 0);   // its filter waits for the InitPlan
        EXPECT_LT(plan.at("x").own.milliseconds, plan.at("x").total.milliseconds / 5);
        EXPECT_LT(plan.at("x_1").own.milliseconds, plan.at("x_1").total.milliseconds / 5);
        EXPECT_EQ(plan.at("orders").own.blocks, 89);
        EXPECT_EQ(plan.tree.nodes[0].own.blocks, 0);
    }
}

TEST(plan_tree, partitions_are_one_node) {
    for (const auto &version : samples::all_versions) {
        const Plan plan(samples::named(version, "partitions").after);
        ASSERT_EQ(plan.tree.nodes.size(), 3u);
        const PlanNode &scan = plan.at("m");
        EXPECT_EQ(scan.members, 3);
        EXPECT_EQ(scan.own.blocks, 164);
        EXPECT_EQ(scan.removed_by_filter, 29994);
        EXPECT_EQ(plan.tree.nodes[0].size, 3);
        const Plan bitmap(samples::named(version, "partitions").before);
        EXPECT_EQ(bitmap.tree.nodes.size(), 4u);
        EXPECT_EQ(bitmap.tree.nodes[3].members, 3);
        EXPECT_EQ(index_of(bitmap.tree, 2), "m_2020_id_idx");
    }
}

TEST(plan_tree, times_below_a_gather_pass_at_once) {
    for (const auto &version : samples::all_versions) {
        const Plan plan(samples::named(version, "parallel").after);
        const PlanNode &gather = plan.of("Gather Merge"), &scan = plan.at("orders");
        EXPECT_EQ(gather.workers, 2);
        EXPECT_EQ(scan.loops, 3);
        EXPECT_NEAR(scan.rows, 50000, 2);
        EXPECT_LT(scan.total.milliseconds, gather.total.milliseconds);
        EXPECT_GT(gather.own.milliseconds, 0);
    }
}

TEST(plan_tree, a_sort_on_disk_says_how_much) {
    for (const auto &version : samples::all_versions) {
        const Plan plan(samples::named(version, "memory_taken").after);
        EXPECT_NEAR(plan.of("Sort").spilled_kilobytes, 1700, 100);
        EXPECT_GT(plan.of("Sort").own.temp_blocks, 1000);
        EXPECT_EQ(plan.of("Hash Join").own.temp_blocks, 0);
        EXPECT_EQ(Plan(samples::named(version, "memory_taken").before).of("Sort").spilled_kilobytes, 0);
    }
}

// Two branches of a UNION ALL that read one table are no partitions; nor are different tables.
TEST(plan_tree, branches_of_a_union_stay_apart) {
    const auto branch = [](const std::string &relation, const std::string &alias) {
        return R"({"Node Type": "Seq Scan", "Parent Relationship": "Member", "Relation Name": ")" + relation +
               R"(", "Alias": ")" + alias + "\"}";
    };
    const auto append = [](const std::string &plans) {
        return R"([{"Plan": {"Node Type": "Append", "Plans": [)" + plans + "]}}]";
    };
    EXPECT_EQ(Plan(append(branch("t", "t") + "," + branch("t", "t_1"))).tree.nodes.size(), 3u);
    EXPECT_EQ(Plan(append(branch("a", "a") + "," + branch("b", "b"))).tree.nodes.size(), 3u);
    EXPECT_EQ(Plan(append(branch("p1", "p_1") + "," + branch("p2", "p_2"))).tree.nodes.size(), 2u);
    // Not neighbours: p_1 and p_3 are read alike, p_2 with an index.
    const std::string index =
        R"({"Node Type": "Index Scan", "Relation Name": "p2", "Alias": "p_2", "Index Name": "i"})";
    const Plan mixed(append(branch("p1", "p_1") + "," + index + "," + branch("p3", "p_3")));
    expect_sound(mixed.tree);
    ASSERT_EQ(mixed.tree.nodes.size(), 3u);
    EXPECT_EQ(mixed.tree.nodes[1].members, 2);
    EXPECT_EQ(mixed.tree.nodes[2].type, "Index Scan");
}

TEST(plan_tree, what_follows_joined_partitions_keeps_its_parent) {
    const auto partition = [](const std::string &number) {
        return R"({"Node Type": "Bitmap Heap Scan", "Relation Name": "p)" + number + R"(", "Alias": "p_)" + number +
               R"(", "Plans": [{"Node Type": "Bitmap Index Scan", "Index Name": "i)" + number + "\"}]}";
    };
    const Plan plan(R"([{"Plan": {"Node Type": "Hash Join", "Total Cost": 9, "Plans": [
                        {"Node Type": "Append", "Total Cost": 5, "Plans": [)" +
                    partition("1") + "," + partition("2") + "," + partition("3") + R"(]},
                        {"Node Type": "Hash", "Plans": [{"Node Type": "Seq Scan", "Alias": "u"}]}]}}])");
    expect_sound(plan.tree);
    ASSERT_EQ(plan.tree.nodes.size(), 6u);
    EXPECT_EQ(plan.tree.nodes[4].type, "Hash");
    EXPECT_EQ(plan.tree.nodes[4].parent, 0);
    EXPECT_EQ(plan.tree.nodes[5].parent, 4);
    EXPECT_EQ(plan.tree.cost, 9);
}

TEST(plan_tree, each_common_table_is_paid_by_its_own_scan) {
    const Plan plan(R"([{"Plan": {"Node Type": "Hash Join", "Shared Hit Blocks": 100, "Plans": [
        {"Node Type": "Seq Scan", "Alias": "t", "Parent Relationship": "InitPlan", "Subplan Name": "CTE x",
         "Shared Hit Blocks": 30},
        {"Node Type": "Seq Scan", "Alias": "u", "Parent Relationship": "InitPlan", "Subplan Name": "CTE y",
         "Shared Hit Blocks": 60},
        {"Node Type": "CTE Scan", "Alias": "x", "CTE Name": "x", "Parent Relationship": "Outer",
         "Shared Hit Blocks": 32},
        {"Node Type": "CTE Scan", "Alias": "y", "CTE Name": "y", "Parent Relationship": "Inner",
         "Shared Hit Blocks": 65}]}}])");
    EXPECT_EQ(plan.at("x").own.blocks, 2);
    EXPECT_EQ(plan.at("y").own.blocks, 5);
    EXPECT_EQ(plan.tree.nodes[0].own.blocks, 3);
}

// A step is the same whether or not its output has a subquery.
TEST(plan_tree, subplans_are_no_sources) {
    const auto sources = [](const std::string &relationship) {
        return Plan(R"([{"Plan": {"Node Type": "Limit", "Plans": [
            {"Node Type": "Seq Scan", "Alias": "t", "Parent Relationship": "Outer"},
            {"Node Type": "Seq Scan", "Alias": "u", "Parent Relationship": ")" +
                    relationship + R"("}]}}])")
            .tree.nodes[0]
            .sources;
    };
    const uint64_t alone = Plan(R"([{"Plan": {"Node Type": "Seq Scan", "Alias": "t"}}])").tree.nodes[0].sources;
    EXPECT_EQ(sources("SubPlan"), alone);
    EXPECT_EQ(sources("InitPlan"), alone);
    EXPECT_NE(sources("Inner"), alone);
}

TEST(plan_tree, a_parameter_is_not_its_neighbour) {
    const auto plan = [](const std::string &filter) {
        return R"json([{"Plan": {"Node Type": "Seq Scan", "Alias": "t", "Filter": ")json" + filter +
               R"json(", "Shared Hit Blocks": 30, "Plans": [
                 {"Node Type": "Seq Scan", "Alias": "u", "Parent Relationship": "InitPlan",
                  "Subplan Name": "InitPlan 1 (returns $1)", "Shared Hit Blocks": 10},
                 {"Node Type": "Seq Scan", "Alias": "v", "Filter": "(a = $1)", "Parent Relationship": "Outer",
                  "Shared Hit Blocks": 15}]}}])json";
    };
    const Plan other(plan("(a = $12)")); // only v waits for $1
    EXPECT_EQ(other.at("t").own.blocks, 15);
    EXPECT_EQ(other.at("v").own.blocks, 5);
    EXPECT_EQ(other.at("u").subplan, "InitPlan 1");
    const Plan both(plan("(a = $1)")); // either may have waited: together they pay once
    EXPECT_EQ(both.at("t").own.blocks + both.at("v").own.blocks, 20);
}

TEST(plan_tree, a_plan_larger_than_memory_is_not_complete) {
    std::vector<PlanNode> memory(3);
    const std::string_view text = samples::plans_15[0].before;
    const PlanTree tree = read_plan(text, memory);
    EXPECT_EQ(tree.nodes.size(), 3u);
    EXPECT_FALSE(tree.complete);
    expect_sound(tree);
    EXPECT_TRUE(read_plan(text, {}).nodes.empty());
}

TEST(plan_tree, without_execution_there_are_no_figures) {
    const Plan plan(R"([{"Plan": {"Node Type": "Seq Scan", "Alias": "t", "Total Cost": 12.50}}])");
    EXPECT_FALSE(plan.tree.executed);
    EXPECT_EQ(plan.tree.cost, 12.5);
    EXPECT_EQ(plan.at("t").rows, 0);
}

TEST(plan_tree, no_plan_is_empty_wherever_it_breaks_off) {
    for (const char *text : {"", "[]", "{}", "null", "[{\"Query\": \"x\"}]", "[{\"Plan\": 7}]"})
        EXPECT_TRUE(Plan(text).tree.nodes.empty()) << text;
    const std::string_view whole = samples::plans_18[4].before;
    for (size_t end = 0; end + 120 < whole.size(); ++end)
        ASSERT_TRUE(Plan(whole.substr(0, end)).tree.nodes.empty()) << end;
}
