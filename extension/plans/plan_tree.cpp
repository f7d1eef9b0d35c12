// Reads nodes in one pass; what needs the neighbours of a node follows in passes over the array.
#include "plans/plan_tree.h"

#include <algorithm>
#include <array>

#include "core/hash.h"
#include "core/json_reader.h"
#include "core/slice.h"
#include "plans/plan_json.h"

namespace dbperf::plans {
using namespace core;

namespace {

// Of bounded size, so that products and sums of a plan's numbers stay numbers.
double number(std::string_view raw) {
    constexpr double largest = 1e18;
    double value = 0;
    bool fraction = false, negative = false;
    double scale = 1;
    for (const char c : raw) {
        if (c == '-')
            negative = true;
        else if (c == '.')
            fraction = true;
        else if (c >= '0' && c <= '9') {
            if (value >= largest)
                continue;
            value = value * 10 + (c - '0');
            scale *= fraction ? 10 : 1;
        } else {
            break;
        }
    }
    return (negative ? -value : value) / scale;
}

PlanRole role_of(std::string_view type) {
    struct Known {
        std::string_view type;
        PlanRole role;
    };
    static constexpr std::array known{
        Known{"Bitmap Index Scan", PlanRole::bitmap},
        Known{"BitmapAnd", PlanRole::bitmap},
        Known{"BitmapOr", PlanRole::bitmap},
        Known{"Nested Loop", PlanRole::join},
        Known{"Hash Join", PlanRole::join},
        Known{"Merge Join", PlanRole::join},
        Known{"Sort", PlanRole::sort},
        Known{"Incremental Sort", PlanRole::sort},
        Known{"Aggregate", PlanRole::aggregate},
        Known{"Group", PlanRole::aggregate},
        Known{"Gather", PlanRole::gather},
        Known{"Gather Merge", PlanRole::gather},
        Known{"ModifyTable", PlanRole::modify},
        Known{"Hash", PlanRole::auxiliary},
        Known{"Materialize", PlanRole::auxiliary},
        Known{"Memoize", PlanRole::auxiliary},
        Known{"Append", PlanRole::auxiliary},
        Known{"Merge Append", PlanRole::auxiliary},
        Known{"Result", PlanRole::auxiliary},
        Known{"Subquery Scan", PlanRole::auxiliary},
    };
    for (const Known &entry : known)
        if (entry.type == type)
            return entry.role;
    return type.ends_with("Scan") ? PlanRole::scan : PlanRole::step;
}

// What EXPLAIN prints as an average per loop, and what is only known when all keys are read.
struct Averages {
    double milliseconds = 0, rows = 0, filter = 0, recheck = 0;
    bool on_disk = false;
    double sort_kilobytes = 0;
};

struct Reading {
    std::span<PlanNode> memory;
    size_t count = 0;
    double cost = 0;
    bool executed = false, complete = true;
};

void take_text(PlanNode &node, std::string_view key, std::string_view raw) {
    struct Known {
        std::string_view key;
        std::string_view PlanNode::*field;
    };
    static constexpr std::array known{
        Known{"Node Type", &PlanNode::type},       Known{"Relation Name", &PlanNode::relation},
        Known{"Alias", &PlanNode::alias},          Known{"Index Name", &PlanNode::index},
        Known{"Strategy", &PlanNode::strategy},    Known{"Partial Mode", &PlanNode::partial_mode},
        Known{"Operation", &PlanNode::operation},  Known{"Parent Relationship", &PlanNode::relationship},
        Known{"Subplan Name", &PlanNode::subplan}, Known{"CTE Name", &PlanNode::cte},
    };
    for (const Known &entry : known)
        if (entry.key == key)
            node.*entry.field = unquoted(raw);
    if (key == "Sort Key" || key == "Group Key")
        node.keys = raw;
    // An expression with the result of an InitPlan; which key it stands under says nothing here.
    if (key != "Subplan Name" &&
        (raw.find('$') != std::string_view::npos || raw.find("(InitPlan ") != std::string_view::npos))
        node.parameters = raw;
}

void take_number(PlanNode &node, Averages &averages, std::string_view key, std::string_view raw) {
    const double value = number(raw);
    if (key == "Actual Loops")
        node.loops = value;
    else if (key == "Actual Rows")
        averages.rows = value;
    else if (key == "Actual Total Time")
        averages.milliseconds = value;
    else if (key == "Rows Removed by Filter" || key == "Rows Removed by Join Filter")
        averages.filter += value;
    else if (key == "Rows Removed by Index Recheck")
        averages.recheck = value;
    else if (key == "Shared Hit Blocks" || key == "Shared Read Blocks" || key == "Local Hit Blocks" ||
             key == "Local Read Blocks")
        node.total.blocks += value;
    else if (key == "Temp Read Blocks" || key == "Temp Written Blocks")
        node.total.temp_blocks += value;
    else if (key == "Workers Launched")
        node.workers = value;
    else if (key == "Sort Space Used")
        averages.sort_kilobytes = value;
    else if (key == "Sort Space Type")
        averages.on_disk = unquoted(raw) == "Disk";
    else if (key == "Disk Usage")
        node.spilled_kilobytes = value;
}

void read_node(JsonReader &reader, Reading &reading, int16_t parent, int depth) {
    if (reading.count == reading.memory.size() || depth > deepest_plan) {
        reading.complete = false;
        reader.skip_value();
        return;
    }
    if (!reader.enter('{'))
        return;
    const size_t self = reading.count++;
    PlanNode &node = reading.memory[self];
    node = PlanNode{};
    node.parent = parent;
    Averages averages;
    std::string_view key, raw;
    while (reader.next_key(&key)) {
        if (key == "Plans") {
            if (!reader.enter('['))
                return;
            while (!reader.failed() && reader.next_element())
                read_node(reader, reading, static_cast<int16_t>(self), depth + 1);
            continue;
        }
        if (!reader.skip_value(&raw))
            return;
        take_text(node, key, raw);
        take_number(node, averages, key, raw);
        if (key == "Actual Loops")
            reading.executed = true;
        if (key == "Total Cost" && self == 0)
            reading.cost = number(raw);
    }
    node.role = role_of(node.type);
    node.size = static_cast<int16_t>(reading.count - self);
    node.rows = averages.rows * node.loops;
    node.removed_by_filter = averages.filter * node.loops;
    node.removed_by_recheck = averages.recheck * node.loops;
    node.total.milliseconds = averages.milliseconds * node.loops;
    if (averages.on_disk)
        node.spilled_kilobytes = averages.sort_kilobytes;
}

// Servers before 17 name the parameters of a subplan: "InitPlan 3 (returns $2)".
std::string_view without_parameters(std::string_view subplan) {
    const size_t bracket = subplan.find(" (returns");
    return bracket == std::string_view::npos ? subplan : slice(subplan, 0, bracket);
}

bool appends(const PlanNode &node) {
    return node.type == "Append" || node.type == "Merge Append";
}

// What depends on the nodes above, which come first.
void look_up(std::span<PlanNode> nodes) {
    std::array<double, max_plan_nodes> processes{};
    for (size_t i = 0; i < nodes.size(); ++i) {
        PlanNode &node = nodes[i];
        processes[i] = 1;
        if (node.parent >= 0) {
            const auto above = static_cast<size_t>(node.parent);
            const PlanNode &parent = nodes[above];
            processes[i] = processes[above];
            if (parent.role == PlanRole::gather && parent.loops > 0)
                processes[i] = std::max(1.0, node.loops / parent.loops);
            node.below_append = parent.below_append || appends(parent);
            if (node.relationship == "SubPlan" || node.relationship == "InitPlan")
                node.below_append = false;
        }
        if (node.below_append && !node.relation.empty())
            node.alias = without_number(node.alias);
        node.total.milliseconds /= processes[i];
        node.own = node.total;
    }
}

// How expressions name an InitPlan: "$2" before 17, which its own name has, "(InitPlan 3).col1" since.
bool mentions(std::string_view expression, std::string_view subplan) {
    const size_t dollar = subplan.find('$');
    std::string_view mark = dollar == std::string_view::npos ? subplan : slice(subplan, dollar);
    mark = slice(mark, 0, mark.find_first_of(",)"));
    for (size_t at = expression.find(mark); at != std::string_view::npos; at = expression.find(mark, at + 1)) {
        const size_t end = at + mark.size();
        if (end == expression.size() || expression[end] < '0' || expression[end] > '9')
            return true;
    }
    return false;
}

// Takes an amount from the nodes that are wanted, from the largest first, and what they do not have from `rest`.
template <typename Wanted>
void take(std::span<PlanNode> nodes, double PlanFigures::*figure, double amount, PlanNode &rest, Wanted wanted) {
    while (amount > 0) {
        PlanNode *payer = nullptr;
        for (PlanNode &node : nodes)
            if (node.own.*figure > 0 && wanted(node) && (!payer || node.own.*figure > payer->own.*figure))
                payer = &node;
        if (!payer)
            break;
        const double share = std::min(amount, payer->own.*figure);
        payer->own.*figure -= share;
        amount -= share;
    }
    rest.own.*figure = std::max(0.0, rest.own.*figure - amount);
}

void charge(std::span<PlanNode> nodes, double PlanFigures::*figure) {
    for (const PlanNode &node : nodes)
        if (node.parent >= 0 && node.relationship != "InitPlan") {
            double &above = nodes[static_cast<size_t>(node.parent)].own.*figure;
            above = std::max(0.0, above - node.total.*figure);
        }
    // InitPlans first: one of them may be the first to read a CTE.
    for (const bool cte : {false, true})
        for (const PlanNode &node : nodes) {
            if (node.parent < 0 || node.relationship != "InitPlan" || node.subplan.starts_with("CTE ") != cte)
                continue;
            PlanNode &above = nodes[static_cast<size_t>(node.parent)];
            const auto reads = [&](const PlanNode &other) {
                return cte ? other.type == "CTE Scan" && other.cte == slice(node.subplan, 4)
                           : mentions(other.parameters, node.subplan);
            };
            take(nodes, figure, node.total.*figure, above, reads);
        }
}

// Whether two children of an Append read different partitions of one table in the same way.
bool alike(std::span<const PlanNode> nodes, size_t a, size_t b) {
    if (nodes[a].size != nodes[b].size)
        return false;
    bool partitions = false;
    for (size_t k = 0; k < static_cast<size_t>(nodes[a].size); ++k) {
        const PlanNode &x = nodes[a + k], &y = nodes[b + k];
        if (x.type != y.type || x.alias != y.alias || x.size != y.size || x.relation.empty() != y.relation.empty())
            return false;
        if (!x.relation.empty() && x.relation == y.relation)
            return false;
        partitions = partitions || !x.relation.empty();
    }
    return partitions;
}

void add(PlanFigures &sum, const PlanFigures &more) {
    sum.milliseconds += more.milliseconds;
    sum.blocks += more.blocks;
    sum.temp_blocks += more.temp_blocks;
}

void add(PlanNode &sum, const PlanNode &more) {
    ++sum.members;
    sum.loops = std::max(sum.loops, more.loops);
    sum.rows += more.rows;
    sum.removed_by_filter += more.removed_by_filter;
    sum.removed_by_recheck += more.removed_by_recheck;
    sum.spilled_kilobytes += more.spilled_kilobytes;
    add(sum.total, more.total);
    add(sum.own, more.own);
}

// Removes count nodes; positions and sizes of the others follow.
size_t remove(std::span<PlanNode> nodes, size_t at, size_t count) {
    for (int16_t above = nodes[at].parent; above >= 0; above = nodes[static_cast<size_t>(above)].parent)
        nodes[static_cast<size_t>(above)].size = static_cast<int16_t>(nodes[static_cast<size_t>(above)].size - count);
    for (size_t i = at; i + count < nodes.size(); ++i) {
        nodes[i] = nodes[i + count];
        if (nodes[i].parent >= static_cast<int>(at + count))
            nodes[i].parent = static_cast<int16_t>(nodes[i].parent - static_cast<int>(count));
    }
    return nodes.size() - count;
}

size_t join_partitions(std::span<PlanNode> nodes) {
    size_t count = nodes.size();
    for (size_t i = 0; i < count; ++i)
        for (size_t child = i + 1; appends(nodes[i]) && child < i + static_cast<size_t>(nodes[i].size);) {
            const auto size = static_cast<size_t>(nodes[child].size);
            size_t first = i + 1;
            while (first < child && !alike(nodes, first, child))
                first += static_cast<size_t>(nodes[first].size);
            if (first == child) {
                child += size;
                continue;
            }
            for (size_t k = 0; k < size; ++k)
                add(nodes[first + k], nodes[child + k]);
            count = remove(nodes.first(count), child, size);
        }
    return count;
}

void collect_sources(std::span<PlanNode> nodes) {
    for (size_t i = nodes.size(); i-- > 0;) {
        PlanNode &node = nodes[i];
        node.subplan = without_parameters(node.subplan);
        if (node.role == PlanRole::scan)
            node.sources += hash_text(node.alias.empty() ? node.type : node.alias);
        if (node.parent >= 0 && node.relationship != "InitPlan" && node.relationship != "SubPlan")
            nodes[static_cast<size_t>(node.parent)].sources += node.sources;
    }
}

} // namespace

PlanTree read_plan(std::string_view explain_json, std::span<PlanNode> memory, void (*pause)()) {
    PlanTree tree;
    JsonReader reader(explain_json, pause);
    if (reader.peek() == '[' && (!reader.enter('[') || !reader.next_element()))
        return tree;
    if (!reader.enter('{'))
        return tree;
    Reading reading{.memory = memory.first(std::min(memory.size(), max_plan_nodes))};
    std::string_view key;
    while (reader.next_key(&key))
        if (key == "Plan")
            read_node(reader, reading, -1, 0);
        else if (!reader.skip_value())
            break;
    if (reader.failed() || reading.count == 0)
        return tree;
    const std::span<PlanNode> nodes = reading.memory.first(reading.count);
    look_up(nodes);
    for (const auto figure : {&PlanFigures::milliseconds, &PlanFigures::blocks, &PlanFigures::temp_blocks})
        charge(nodes, figure);
    tree.nodes = nodes.first(join_partitions(nodes));
    collect_sources(tree.nodes);
    tree.cost = reading.cost;
    tree.executed = reading.executed;
    tree.complete = reading.complete;
    return tree;
}

std::string_view index_of(const PlanTree &tree, size_t node) {
    const auto end = node + static_cast<size_t>(tree.nodes[node].size);
    if (tree.nodes[node].type != "Bitmap Heap Scan")
        return tree.nodes[node].index;
    for (size_t i = node + 1; i < end; ++i)
        if (tree.nodes[i].role == PlanRole::bitmap && !tree.nodes[i].index.empty())
            return tree.nodes[i].index;
    return {};
}

} // namespace dbperf::plans
