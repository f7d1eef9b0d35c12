// EXPLAIN's JSON, made of choices: plans that no planner would make, in the form in which one would print them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::plans::model {

struct PlanTextNode {
    std::string type, members; // members: "\"Key\": value, ..." without the type and the children
    std::vector<PlanTextNode> children;
};

struct PlanTextStyle {
    std::string_view space; // between any two parts
    bool reversed = false;  // members that follow the type
};

inline void print(const PlanTextNode &node, const PlanTextStyle &style, std::string &out) {
    out += "{" + std::string(style.space) + "\"Node Type\":" + std::string(style.space) + "\"" + node.type + "\"";
    const auto children = [&] {
        if (node.children.empty())
            return;
        out += "," + std::string(style.space) + "\"Plans\":" + std::string(style.space) + "[";
        for (size_t i = 0; i < node.children.size(); ++i) {
            out += (i ? "," : "") + std::string(style.space);
            print(node.children[i], style, out);
        }
        out += std::string(style.space) + "]";
    };
    if (style.reversed)
        children();
    if (!node.members.empty())
        out += "," + std::string(style.space) + node.members;
    if (!style.reversed)
        children();
    out += std::string(style.space) + "}";
}

inline std::string print_plan(const PlanTextNode &top, const PlanTextStyle &style) {
    std::string out = "[" + std::string(style.space) + "{\"Plan\":";
    print(top, style, out);
    return out + "}]";
}

// `Choices` gives below(n), flag() and left(), as fuzz::Input does.
template <typename Choices>
PlanTextNode plan_of(Choices &choices, int depth, int &room) {
    static constexpr std::string_view types[] = {"Seq Scan",
                                                 "Index Scan",
                                                 "Index Only Scan",
                                                 "Bitmap Heap Scan",
                                                 "Bitmap Index Scan",
                                                 "BitmapOr",
                                                 "Nested Loop",
                                                 "Hash Join",
                                                 "Hash",
                                                 "Merge Join",
                                                 "Sort",
                                                 "Incremental Sort",
                                                 "Aggregate",
                                                 "Gather",
                                                 "Gather Merge",
                                                 "ModifyTable",
                                                 "Materialize",
                                                 "Append",
                                                 "Merge Append",
                                                 "CTE Scan",
                                                 "Result",
                                                 "WindowAgg",
                                                 "SetOp",
                                                 "",
                                                 "\\\"\\u00e9"};
    static constexpr std::string_view texts[] = {"\"Alias\": \"o\"",
                                                 "\"Alias\": \"o_1\"",
                                                 "\"Alias\": \"p_12\"",
                                                 "\"Relation Name\": \"orders\"",
                                                 "\"Relation Name\": \"orders_1\"",
                                                 "\"Index Name\": \"i\"",
                                                 "\"Index Name\": \"j\\\\\\\"\"",
                                                 "\"Strategy\": \"Hashed\"",
                                                 "\"Strategy\": \"Sorted\"",
                                                 "\"Partial Mode\": \"Partial\"",
                                                 "\"Partial Mode\": \"Finalize\"",
                                                 "\"Parent Relationship\": \"InitPlan\"",
                                                 "\"Parent Relationship\": \"SubPlan\"",
                                                 "\"Subplan Name\": \"InitPlan 1 (returns $0)\"",
                                                 "\"Subplan Name\": \"CTE c\"",
                                                 "\"CTE Name\": \"c\"",
                                                 "\"Sort Key\": [\"a\", \"b DESC\"]",
                                                 "\"Group Key\": [\"x'\\\\\"]",
                                                 "\"Filter\": \"(a = $0)\"",
                                                 "\"Filter\": \"(a = (InitPlan 1).col1)\"",
                                                 "\"Sort Space Type\": \"Disk\"",
                                                 "\"Sort Key\": \"\\ud83d\\ude00\"",
                                                 "\"Hash Cond\": \"(a.id = 17)\"",
                                                 "\"Join Type\": \"Left\"",
                                                 "\"Operation\": \"Update\"",
                                                 "\"Alias\": \"\xc3\xa9\xc3\xa9\""};
    static constexpr std::string_view numbers[] = {"Actual Loops",
                                                   "Actual Rows",
                                                   "Actual Total Time",
                                                   "Rows Removed by Filter",
                                                   "Rows Removed by Index Recheck",
                                                   "Shared Hit Blocks",
                                                   "Temp Written Blocks",
                                                   "Workers Launched",
                                                   "Sort Space Used",
                                                   "Disk Usage",
                                                   "Total Cost"};
    static const std::string digits(330, '7');
    static const std::string values[] = {"0", "1", "2", "17", "1000", "-3", "0.001", digits, "0." + digits, "1e5"};
    PlanTextNode node;
    node.type = types[choices.below(std::size(types))];
    for (uint32_t count = choices.below(6), i = 0; i < count; ++i) {
        node.members += i ? ", " : "";
        if (choices.flag())
            node.members += texts[choices.below(std::size(texts))];
        else
            node.members += "\"" + std::string(numbers[choices.below(std::size(numbers))]) +
                            "\": " + values[choices.below(std::size(values))];
    }
    for (uint32_t count = choices.below(4); count > 0 && depth < 40 && choices.left() > 0 && room > 0; --count, --room)
        node.children.push_back(plan_of(choices, depth + 1, room));
    return node;
}

} // namespace dbperf::plans::model
