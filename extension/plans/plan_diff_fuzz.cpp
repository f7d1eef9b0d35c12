// Trees that plans are read into, what differs between two of them, and the sentences about it.
#include "plans/plan_diff.h"

#include <fuzz/target.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "plans/plan_sentence.h"
#include "plans/plan_text_model.h"

using namespace dbperf::plans;

namespace {

struct Plan {
    std::string text;
    std::vector<PlanNode> memory;
    PlanTree tree;

    Plan(std::string plan, size_t nodes) : text(std::move(plan)), memory(nodes) { tree = read_plan(text, memory); }
};

void check_figures(const PlanFigures &figures) {
    for (const double figure : {figures.milliseconds, figures.blocks, figures.temp_blocks})
        FUZZ_CHECK(!std::isnan(figure));
}

void check_tree(const Plan &plan) {
    const std::span<PlanNode> nodes = plan.tree.nodes;
    FUZZ_CHECK(nodes.size() <= plan.memory.size() && nodes.size() <= max_plan_nodes);
    for (size_t i = 0; i < nodes.size(); ++i) {
        const PlanNode &node = nodes[i];
        FUZZ_CHECK(node.size >= 1 && i + static_cast<size_t>(node.size) <= nodes.size());
        FUZZ_CHECK(node.parent < static_cast<int>(i) && node.members >= 1);
        int below = 1;
        for (size_t child = i + 1; child < i + static_cast<size_t>(node.size);
             child += static_cast<size_t>(nodes[child].size)) {
            FUZZ_CHECK_SHOWN(nodes[child].parent == static_cast<int>(i), plan.text);
            below += nodes[child].size;
        }
        FUZZ_CHECK(below == node.size);
        check_figures(node.total);
        check_figures(node.own);
        FUZZ_CHECK_SHOWN(!std::isnan(node.rows) && !std::isnan(node.loops) && !std::isnan(node.spilled_kilobytes),
                         plan.text);
        for (const std::string_view part : {node.type, node.relation, node.alias, node.index, node.keys, node.cte})
            FUZZ_CHECK(part.empty() || (part.data() >= plan.text.data() &&
                                        part.data() + part.size() <= plan.text.data() + plan.text.size()));
    }
}

bool is_utf8(std::string_view text) {
    for (size_t at = 0; at < text.size(); ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        const int more = c < 0x80 ? 0 : c < 0xC0 ? -1 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
        if (more < 0)
            return false;
        for (int i = 0; i < more; ++i)
            if (++at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80)
                return false;
    }
    return true;
}

void compare(Plan &before, Plan &after, size_t most, size_t room, bool utf8) {
    std::vector<PlanChange> changes(most);
    const size_t count = diff_plans(before.tree, after.tree, {}, changes);
    FUZZ_CHECK(count <= most);
    for (size_t i = 0; i < count; ++i) {
        const PlanChange &change = changes[i];
        FUZZ_CHECK(change.before < static_cast<int>(before.tree.nodes.size()) &&
                   change.after < static_cast<int>(after.tree.nodes.size()));
        std::vector<char> memory(room);
        const std::string_view sentence = describe(change, before.tree, after.tree, memory);
        FUZZ_CHECK(sentence.size() <= room && (!utf8 || is_utf8(sentence)));
        std::array<char, 4000> enough{};
        const std::string_view whole = describe(change, before.tree, after.tree, enough);
        FUZZ_CHECK(whole.starts_with(sentence) && !whole.empty());
        FUZZ_CHECK(i == 0 || changes[i - 1].direction <= change.direction);
    }
}

} // namespace

FUZZ_PART(plan_diff) {
    const size_t nodes = input.flag() ? max_plan_nodes : 1 + input.below(20);
    const size_t most = input.below(40), room = input.below(300);
    int left = 300;
    const std::string first = model::print_plan(model::plan_of(input, 0, left), {" "});
    const std::string second = model::print_plan(model::plan_of(input, 0, left), {" "});
    Plan before(first, nodes), after(second, nodes), same(first, nodes);
    FUZZ_CHECK_SHOWN(!before.tree.nodes.empty() && !after.tree.nodes.empty(), first);
    check_tree(before);
    check_tree(after);
    std::array<PlanChange, 10> changes;
    FUZZ_CHECK_SHOWN(diff_plans(before.tree, same.tree, {}, changes) == 0, first);
    compare(before, after, most, room, true);
    for (size_t i = 0; i < before.tree.nodes.size(); ++i)
        (void)index_of(before.tree, i);
}

// Bytes instead of plans, divided by a zero.
FUZZ_PART(plan_diff_bytes) {
    const std::string first(input.word()), second(input.rest());
    Plan before(first, max_plan_nodes), after(second, max_plan_nodes);
    check_tree(before);
    check_tree(after);
    compare(before, after, 20, 200, false);
}
