// Matching and comparing.
#include "plans/plan_diff.h"

#include <algorithm>

namespace dbperf::plans {
namespace {

void pair_up(PlanTree &before, PlanTree &after, size_t b, size_t a) {
    before.nodes[b].partner = static_cast<int16_t>(a);
    after.nodes[a].partner = static_cast<int16_t>(b);
}

// Pairs each unpaired node of the first plan with the first unpaired one of the second that fits.
template <typename Fits>
void match(PlanTree &before, PlanTree &after, Fits fits) {
    for (size_t b = 0; b < before.nodes.size(); ++b)
        for (size_t a = 0; a < after.nodes.size() && before.nodes[b].partner < 0; ++a)
            if (after.nodes[a].partner < 0 && before.nodes[b].role == after.nodes[a].role &&
                fits(before.nodes[b], after.nodes[a]))
                pair_up(before, after, b, a);
}

bool is_scan(const PlanNode &node) {
    return node.role == PlanRole::scan;
}

void match_all(PlanTree &before, PlanTree &after) {
    for (const PlanTree *tree : {&before, &after})
        for (PlanNode &node : tree->nodes)
            node.partner = -1;
    match(before, after, [](const PlanNode &b, const PlanNode &a) {
        return is_scan(b) && b.alias == a.alias && b.relation == a.relation && b.cte == a.cte;
    });
    // Of a partitioned table other partitions may be read, or only one of them.
    match(before, after, [](const PlanNode &b, const PlanNode &a) {
        return is_scan(b) && !b.alias.empty() && b.alias == a.alias && b.relation.empty() == a.relation.empty();
    });
    // Numbers in aliases move when a relation is no longer read.
    match(before, after, [](const PlanNode &b, const PlanNode &a) {
        return is_scan(b) && !b.relation.empty() && b.relation == a.relation;
    });
    const auto same = [](const PlanNode &b, const PlanNode &a) { return !is_scan(b) && b.sources == a.sources; };
    match(before, after, [=](const PlanNode &b, const PlanNode &a) {
        return same(b, a) && b.type == a.type && b.keys == a.keys && b.index == a.index &&
               b.partial_mode == a.partial_mode;
    });
    match(before, after,
          [=](const PlanNode &b, const PlanNode &a) { return same(b, a) && b.type == a.type && b.keys == a.keys; });
    // Also in another way. A partial step comes last: it has no partner in a plan that does the whole at once.
    match(before, after, [=](const PlanNode &b, const PlanNode &a) {
        return same(b, a) && a.role != PlanRole::step && a.role != PlanRole::bitmap && a.role != PlanRole::auxiliary;
    });
    // Above a relation that came or went.
    match(before, after, [](const PlanNode &b, const PlanNode &a) {
        return !is_scan(b) && b.role != PlanRole::join && b.role != PlanRole::bitmap && b.type == a.type &&
               b.keys == a.keys && b.partial_mode == a.partial_mode;
    });
}

// The blocks of a bitmap scan are those of the heap and of its indexes.
double blocks_of(const PlanTree &tree, size_t node) {
    double blocks = tree.nodes[node].own.blocks;
    const auto end = node + static_cast<size_t>(tree.nodes[node].size);
    for (size_t i = node + 1; i < end; ++i)
        if (tree.nodes[i].role == PlanRole::bitmap)
            blocks += tree.nodes[i].own.blocks;
    return blocks;
}

// A sort or hash table says how much; of others only blocks of temporary files are known.
double spilled(const PlanNode &node) {
    return node.spilled_kilobytes > 0 ? node.spilled_kilobytes : node.own.temp_blocks * 8;
}

class Differ {
public:
    Differ(const PlanTree &before, const PlanTree &after, const PlanDiffRules &rules, std::span<PlanChange> changes)
        : before_(before), after_(after), rules_(rules), changes_(changes) {}

    size_t run() {
        bool order = false, same_relations = true;
        for (size_t a = 0; a < after_.nodes.size(); ++a) {
            const PlanNode &node = after_.nodes[a];
            if (node.partner >= 0) {
                compare(static_cast<size_t>(node.partner), a);
                continue;
            }
            order = order || node.role == PlanRole::join;
            same_relations = same_relations && !is_scan(node);
            alone(PlanChangeKind::appeared, -1, static_cast<int16_t>(a));
        }
        for (size_t b = 0; b < before_.nodes.size(); ++b)
            if (const PlanNode &node = before_.nodes[b]; node.partner < 0) {
                same_relations = same_relations && !is_scan(node);
                alone(PlanChangeKind::gone, static_cast<int16_t>(b), -1);
            }
        if (order && same_relations)
            add({.kind = PlanChangeKind::join_order});
        return count_;
    }

private:
    void add(const PlanChange &change) {
        if (count_ < changes_.size())
            changes_[count_++] = change;
    }

    Direction direction(double before, double after, double difference) const {
        if (after - before > difference && after > rules_.ratio * before)
            return Direction::worse;
        if (before - after > difference && before > rules_.ratio * after)
            return Direction::better;
        return Direction::neutral;
    }

    // Steps that only serve another one are not worth a sentence, and joins have one for all of them.
    void alone(PlanChangeKind kind, int16_t before, int16_t after) {
        const PlanNode &node =
            before >= 0 ? before_.nodes[static_cast<size_t>(before)] : after_.nodes[static_cast<size_t>(after)];
        if (node.role == PlanRole::join || node.role == PlanRole::bitmap || node.role == PlanRole::auxiliary ||
            node.partial_mode == "Partial")
            return;
        const double kilobytes = spilled(node);
        const Direction spill = before >= 0 ? Direction::better : Direction::worse;
        add({.kind = kind,
             .direction = kilobytes > 0 ? spill : Direction::neutral,
             .before = before,
             .after = after,
             .figure_before = before >= 0 ? kilobytes : 0,
             .figure_after = after >= 0 ? kilobytes : 0});
    }

    void compare(size_t b, size_t a) {
        const PlanNode &before = before_.nodes[b], &after = after_.nodes[a];
        const auto changed = [=, this](PlanChangeKind kind, Direction direction, double from, double to) {
            add({kind, direction, static_cast<int16_t>(b), static_cast<int16_t>(a), from, to});
        };
        const double blocks_before = blocks_of(before_, b), blocks_after = blocks_of(after_, a);
        const Direction blocks = direction(blocks_before, blocks_after, rules_.blocks);
        bool named = true;
        if (is_scan(after) && other_access(b, a))
            changed(PlanChangeKind::access, access_direction(before, after, blocks), blocks_before, blocks_after);
        else if (after.role == PlanRole::join && before.type != after.type)
            changed(PlanChangeKind::join_method, blocks, blocks_before, blocks_after);
        else if ((after.role == PlanRole::sort && before.type != after.type) ||
                 (after.role == PlanRole::aggregate && before.strategy != after.strategy &&
                  before.partial_mode == after.partial_mode))
            changed(PlanChangeKind::strategy, blocks, blocks_before, blocks_after);
        else
            named = false;
        if (!named && blocks != Direction::neutral && after.role != PlanRole::bitmap)
            changed(PlanChangeKind::blocks, blocks, blocks_before, blocks_after);

        const double disk_before = spilled(before), disk_after = spilled(after);
        if (disk_before == 0 && disk_after > 0)
            changed(PlanChangeKind::spill_started, Direction::worse, disk_before, disk_after);
        else if (disk_before > 0 && disk_after == 0)
            changed(PlanChangeKind::spill_ended, Direction::better, disk_before, disk_after);

        const auto counted = [&](PlanChangeKind kind, double from, double to, double difference) {
            if (const Direction way = direction(from, to, difference); way != Direction::neutral)
                changed(kind, way, from, to);
        };
        counted(PlanChangeKind::removed_rows, before.removed_by_filter, after.removed_by_filter, rules_.rows);
        counted(PlanChangeKind::rechecked_rows, before.removed_by_recheck, after.removed_by_recheck, rules_.rows);
        if (is_scan(after)) // parallel processes are no executions
            counted(PlanChangeKind::executions, executions(before_, b), executions(after_, a), rules_.executions);
    }

    static double executions(const PlanTree &tree, size_t node) {
        for (int16_t above = tree.nodes[node].parent; above >= 0; above = tree.nodes[static_cast<size_t>(above)].parent)
            if (tree.nodes[static_cast<size_t>(above)].role == PlanRole::gather)
                return tree.nodes[node].loops / (tree.nodes[static_cast<size_t>(above)].workers + 1);
        return tree.nodes[node].loops;
    }

    bool other_access(size_t b, size_t a) const {
        if (before_.nodes[b].type != after_.nodes[a].type)
            return true;
        // Each partition has an index of its own; which of them is printed first says nothing.
        return index_of(before_, b) != index_of(after_, a) && before_.nodes[b].relation == after_.nodes[a].relation;
    }

    Direction access_direction(const PlanNode &before, const PlanNode &after, Direction blocks) const {
        const double rows_before = before.rows + before.removed_by_filter;
        const double rows_after = after.rows + after.removed_by_filter;
        Direction rows = Direction::neutral;
        if (after.type == "Seq Scan" && rows_after > rules_.rows && rows_after > rules_.ratio * rows_before)
            rows = Direction::worse;
        if (before.type == "Seq Scan" && rows_before > rules_.rows && rows_before > rules_.ratio * rows_after)
            rows = Direction::better;
        // One scan in place of many lookups may read more rows and fewer blocks: that is neither.
        if (rows != Direction::neutral && blocks != Direction::neutral && rows != blocks)
            return Direction::neutral;
        return rows != Direction::neutral ? rows : blocks;
    }

    const PlanTree &before_, &after_;
    const PlanDiffRules &rules_;
    std::span<PlanChange> changes_;
    size_t count_ = 0;
};

double weight(const PlanChange &change) {
    return std::max(change.figure_before, change.figure_after);
}

// Before which other change a change is named.
bool precedes(const PlanChange &x, const PlanChange &y) {
    if (x.direction != y.direction)
        return x.direction < y.direction;
    return x.kind != y.kind ? x.kind < y.kind : weight(x) > weight(y);
}

} // namespace

size_t diff_plans(PlanTree &before, PlanTree &after, const PlanDiffRules &rules, std::span<PlanChange> changes) {
    if (before.nodes.empty() || after.nodes.empty())
        return 0;
    match_all(before, after);
    const size_t count = Differ(before, after, rules, changes).run();
    // Insertion keeps the order of the plan among equals.
    for (size_t i = 1; i < count; ++i)
        for (size_t j = i; j > 0 && precedes(changes[j], changes[j - 1]); --j)
            std::swap(changes[j], changes[j - 1]);
    return count;
}

} // namespace dbperf::plans
