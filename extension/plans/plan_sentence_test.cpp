// What is said of plans of real servers, and that all versions say the same.
#include "plans/plan_sentence.h"

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <string>
#include <vector>

#include "plans/plan_samples.h"

using namespace dbperf::plans;

namespace {

// The sentences of a change, each after "- " for worse, "+ " for better and "  " for neither.
std::vector<std::string> reported(std::string_view before, std::string_view after) {
    std::vector<PlanNode> first(max_plan_nodes), second(max_plan_nodes);
    PlanTree from = read_plan(before, first), to = read_plan(after, second);
    std::array<PlanChange, 64> changes;
    std::vector<std::string> sentences;
    const size_t count = diff_plans(from, to, {}, changes);
    for (size_t i = 0; i < count; ++i) {
        std::array<char, 200> memory;
        const char mark = changes[i].direction == Direction::worse    ? '-'
                          : changes[i].direction == Direction::better ? '+'
                                                                      : ' ';
        sentences.push_back(std::string{mark, ' '} + std::string(describe(changes[i], from, to, memory)));
    }
    return sentences;
}

std::vector<std::string> sentences_of(std::string_view name) {
    const PlanSample sample = samples::named(samples::plans_15, name);
    return reported(sample.before, sample.after);
}

// Figures replaced: servers differ by a few blocks and kilobytes.
std::string without_figures(const std::string &sentence) {
    std::string result;
    for (size_t i = 0; i < sentence.size(); ++i) {
        const bool figure = std::isdigit(static_cast<unsigned char>(sentence[i])) && i > 0 &&
                            (sentence[i - 1] == ' ' || sentence[i - 1] == '(');
        if (!figure) {
            result += sentence[i];
            continue;
        }
        result += '#';
        while (i + 1 < sentence.size() &&
               (std::isdigit(static_cast<unsigned char>(sentence[i + 1])) || sentence[i + 1] == ','))
            ++i;
    }
    return result;
}

using Sentences = std::vector<std::string>;

std::string whole_plan(const std::string &node) {
    return std::string("[{\"Plan\": {").append(node).append("}}]");
}

std::string scan_node(const std::string &alias, const std::string &more = "") {
    return R"({"Node Type": "Seq Scan", "Relation Name": ")" + alias + R"(", "Alias": ")" + alias + "\"" + more + "}";
}

} // namespace

TEST(plan_sentence, all_versions_say_the_same) {
    for (size_t i = 0; i < samples::plans_15.size(); ++i)
        for (const auto &version : samples::all_versions)
            for (const bool forth : {true, false}) {
                const PlanSample &oldest = samples::plans_15[i], &sample = version[i];
                const Sentences expected =
                    forth ? reported(oldest.before, oldest.after) : reported(oldest.after, oldest.before);
                const Sentences found =
                    forth ? reported(sample.before, sample.after) : reported(sample.after, sample.before);
                ASSERT_EQ(found.size(), expected.size()) << sample.name;
                for (size_t k = 0; k < found.size(); ++k)
                    EXPECT_EQ(without_figures(found[k]), without_figures(expected[k]));
            }
}

TEST(plan_sentence, a_plan_does_not_differ_from_itself) {
    for (const auto &version : samples::all_versions)
        for (const PlanSample &sample : version) {
            EXPECT_EQ(reported(sample.before, sample.before), Sentences{});
            EXPECT_EQ(reported(sample.after, sample.after), Sentences{});
        }
}

TEST(plan_sentence, index_dropped) {
    EXPECT_EQ(
        sentences_of("index_dropped"),
        (Sentences{"- orders: bitmap index scan using orders_user_id became a sequential scan: 55 -> 1,429 blocks",
                   "- orders: rows removed by filter grew from 0 to 99,950"}));
    const PlanSample sample = samples::named(samples::plans_15, "index_dropped");
    EXPECT_EQ(
        reported(sample.after, sample.before),
        (Sentences{"+ orders: sequential scan became a bitmap index scan using orders_user_id: 1,429 -> 55 blocks",
                   "+ orders: rows removed by filter fell from 99,950 to 0"}));
}

TEST(plan_sentence, memory_taken) {
    EXPECT_EQ(sentences_of("memory_taken"), (Sentences{"- sort by o.total, o.id spilled to disk (1,688 kB)"}));
    const PlanSample sample = samples::named(samples::plans_15, "memory_taken");
    EXPECT_EQ(reported(sample.after, sample.before),
              (Sentences{"+ sort by o.total, o.id no longer spills to disk (1,688 kB)"}));
}

// Fewer blocks with more rows is neither better nor worse.
TEST(plan_sentence, self_join) {
    EXPECT_EQ(sentences_of("self_join"),
              (Sentences{"- w: index scan using emp_pkey became a sequential scan: 3 -> 28 blocks",
                         "- w: rows removed by filter grew from 0 to 4,901",
                         "  b: index scan using emp_pkey became a sequential scan: 288 -> 28 blocks",
                         "  c: index scan using emp_pkey became a sequential scan: 180 -> 28 blocks",
                         "  join of c, w and b: nested loop became a hash join",
                         "  join of w and b: nested loop became a hash join"}));
}

TEST(plan_sentence, partitions) {
    EXPECT_EQ(sentences_of("partitions"),
              (Sentences{"- m: bitmap index scan using m_2020_id_idx became a sequential scan: 12 -> 164 blocks",
                         "- m: rows removed by filter grew from 0 to 29,994"}));
}

TEST(plan_sentence, common_table_and_subplans) {
    EXPECT_EQ(sentences_of("common_table"),
              (Sentences{"- o2: bitmap index scan using orders_user_id became a sequential scan: 988 -> 27,151 blocks",
                         "- orders: index-only scan using orders_user_id became a sequential scan: 89 -> 1,429 blocks",
                         "- u: index scan using users_pkey became a sequential scan: 5 -> 12 blocks",
                         "- o2: rows removed by filter grew from 0 to 1,899,050",
                         "- u: rows removed by filter grew from 0 to 1,981",
                         "  aggregate on orders.user_id: sorted became hashed"}));
}

TEST(plan_sentence, parallel) {
    EXPECT_EQ(sentences_of("parallel"), (Sentences{"  now runs in parallel, with 2 workers", "  new sort by status"}));
    const PlanSample sample = samples::named(samples::plans_15, "parallel");
    EXPECT_EQ(reported(sample.after, sample.before),
              (Sentences{"  no longer runs in parallel, with 2 workers", "  sort by status is gone"}));
}

TEST(plan_sentence, update) {
    EXPECT_EQ(sentences_of("update"),
              (Sentences{"- users: index scan using users_pkey became a sequential scan: 6 -> 12 blocks",
                         "- users: rows removed by filter grew from 0 to 1,999"}));
}

TEST(plan_sentence, new_steps_and_spills) {
    const std::string sort = R"("Node Type": "Sort", "Sort Key": ["a \"b\" DESC", "c"], "Sort Space Type": "Disk",
        "Sort Space Used": 1204, "Plans": [)" +
                             scan_node("t") + "]";
    const std::string plain = whole_plan(scan_node("t").substr(1, scan_node("t").size() - 2));
    EXPECT_EQ(reported(plain, whole_plan(sort)),
              (Sentences{R"(- new sort by a "b" DESC, c spilled to disk (1,204 kB))"}));
    EXPECT_EQ(reported(whole_plan(sort), plain),
              (Sentences{R"(+ sort by a "b" DESC, c is gone, which spilled to disk (1,204 kB))"}));
    // A hash join knows only its temporary blocks, of 8 kB.
    const auto join = [](const std::string &more) {
        return whole_plan(R"("Node Type": "Hash Join")" + more + R"(, "Plans": [)" + scan_node("t") + "," +
                          scan_node("u") + "]");
    };
    EXPECT_EQ(reported(join(""), join(R"(, "Temp Written Blocks": 200)")),
              (Sentences{"- join of t and u spilled to disk (1,600 kB)"}));
}

TEST(plan_sentence, counts_that_grew) {
    const auto t = [](const std::string &more) {
        const std::string node = scan_node("t", more);
        return whole_plan(node.substr(1, node.size() - 2));
    };
    EXPECT_EQ(reported(t(R"(, "Shared Hit Blocks": 100)"), t(R"(, "Shared Read Blocks": 300)")),
              (Sentences{"- t: blocks grew from 100 to 300"}));
    EXPECT_EQ(reported(t(R"(, "Shared Hit Blocks": 100)"), t(R"(, "Shared Hit Blocks": 164)")), Sentences{});
    EXPECT_EQ(reported(t(R"(, "Shared Hit Blocks": 1000)"), t(R"(, "Shared Hit Blocks": 1200)")), Sentences{});
    EXPECT_EQ(reported(t(R"(, "Actual Loops": 1)"), t(R"(, "Actual Loops": 20000)")),
              (Sentences{"- t: executions grew from 1 to 20,000"}));
    EXPECT_EQ(reported(t(R"(, "Actual Loops": 1, "Rows Removed by Index Recheck": 5000)"), t(R"(, "Actual Loops": 1)")),
              (Sentences{"+ t: rows removed by index recheck fell from 5,000 to 0"}));
}

TEST(plan_sentence, joins_have_filters_too) {
    const auto join = [](const std::string &removed) {
        const std::string figures = R"(, "Actual Loops": 2, "Rows Removed by Join Filter": )" + removed;
        return whole_plan(R"("Node Type": "Nested Loop")" + figures + R"(, "Plans": [)" + scan_node("t") + "," +
                          scan_node("u") + "]");
    };
    EXPECT_EQ(reported(join("0"), join("4000")),
              (Sentences{"- join of t and u: rows removed by join filter grew from 0 to 8,000"}));
}

TEST(plan_sentence, other_index_and_other_order) {
    const auto by = [](const std::string &index) {
        return whole_plan(R"("Node Type": "Index Scan", "Relation Name": "t", "Alias": "t", "Index Name": ")" + index +
                          "\"");
    };
    EXPECT_EQ(reported(by("a"), by("b")), (Sentences{"  t: index scan using a became an index scan using b"}));
    const auto node = [](const std::string &inside) { return std::string("{").append(inside).append("}"); };
    const auto join = [](const std::string &a, const std::string &b) {
        return std::string(R"("Node Type": "Hash Join", "Plans": [)").append(a).append(",").append(b).append("]");
    };
    EXPECT_EQ(reported(whole_plan(join(node(join(scan_node("a"), scan_node("b"))), scan_node("c"))),
                       whole_plan(join(node(join(scan_node("a"), scan_node("c"))), scan_node("b")))),
              (Sentences{"  relations are joined in another order"}));
    EXPECT_EQ(
        reported(whole_plan(join(scan_node("a"), scan_node("b"))), whole_plan(join(scan_node("a"), scan_node("d")))),
        (Sentences{"  new sequential scan of d", "  sequential scan of b is gone"}));
}

TEST(plan_sentence, is_cut_to_memory) {
    const PlanSample sample = samples::named(samples::plans_15, "index_dropped");
    std::vector<PlanNode> first(max_plan_nodes), second(max_plan_nodes);
    PlanTree from = read_plan(sample.before, first), to = read_plan(sample.after, second);
    std::array<PlanChange, 4> changes;
    ASSERT_EQ(diff_plans(from, to, {}, changes), 2u);
    std::array<char, 11> memory;
    EXPECT_EQ(describe(changes[0], from, to, memory), "orders: bit");
}
