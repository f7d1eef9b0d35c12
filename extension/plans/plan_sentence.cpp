#include "plans/plan_sentence.h"

#include <array>

#include "core/slice.h"
#include "core/text_writer.h"

namespace dbperf::plans {
using namespace core;

namespace {

constexpr int max_names = 4;

void add_lower(TextWriter &out, std::string_view text) {
    for (const char c : text) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        out.add({&lower, 1});
    }
}

// The node's type as a person says it: "sequential scan", "hash join", "sort".
void add_type(TextWriter &out, const PlanNode &node) {
    struct Known {
        std::string_view type, words;
    };
    static constexpr std::array known{
        Known{"Seq Scan", "sequential scan"},
        Known{"Bitmap Heap Scan", "bitmap index scan"},
        Known{"Index Only Scan", "index-only scan"},
        Known{"Tid Scan", "scan by row address"},
        Known{"CTE Scan", "scan of a common table"},
        Known{"WindowAgg", "window aggregate"},
        Known{"SetOp", "set operation"},
        Known{"LockRows", "row lock"},
        Known{"ModifyTable", "change of rows"},
    };
    for (const Known &entry : known)
        if (entry.type == node.type) {
            out.add(entry.words);
            return;
        }
    add_lower(out, node.type);
}

void add_access(TextWriter &out, const PlanTree &tree, size_t node) {
    add_type(out, tree.nodes[node]);
    if (const std::string_view index = index_of(tree, node); !index.empty())
        out.add(" using ").add_unescaped(index);
}

void add_article(TextWriter &out, const PlanNode &node) {
    const char first = node.type.empty() ? ' ' : node.type[0];
    out.add(first == 'I' || first == 'A' ? "an " : "a ");
}

// A JSON array of expressions: "total, id DESC".
void add_keys(TextWriter &out, std::string_view keys) {
    bool inside = false, more = false;
    size_t start = 0;
    for (size_t i = 0; i < keys.size(); ++i) {
        if (keys[i] == '\\') {
            ++i;
        } else if (keys[i] == '"') {
            if (inside) {
                out.add(more ? ", " : "").add_unescaped(slice(keys, start, i - start));
                more = true;
            }
            inside = !inside;
            start = i + 1;
        }
    }
}

void add_name(TextWriter &out, const PlanNode &scan) {
    out.add_unescaped(!scan.alias.empty() ? scan.alias : scan.relation);
}

// The aliases that meet in a join: "o and u".
void add_sources(TextWriter &out, const PlanTree &tree, size_t node) {
    const auto end = node + static_cast<size_t>(tree.nodes[node].size);
    int named = 0, all = 0;
    for (size_t i = node + 1; i < end; ++i)
        all += tree.nodes[i].role == PlanRole::scan;
    for (size_t i = node + 1; i < end && named < max_names; ++i)
        if (tree.nodes[i].role == PlanRole::scan) {
            ++named;
            out.add(named == 1 ? "" : named == all ? " and " : ", ");
            add_name(out, tree.nodes[i]);
        }
    if (all > named)
        out.add(" and others");
}

// The step as the subject of a sentence: "sort by total", "aggregate on status", "orders".
void add_subject(TextWriter &out, const PlanTree &tree, size_t node) {
    const PlanNode &subject = tree.nodes[node];
    if (subject.role == PlanRole::scan || subject.role == PlanRole::modify) {
        if (subject.role == PlanRole::modify)
            out.add("change of ");
        add_name(out, subject);
        if (subject.alias.empty() && subject.relation.empty())
            add_type(out, subject);
    } else if (subject.role == PlanRole::join || subject.role == PlanRole::auxiliary) {
        out.add(subject.role == PlanRole::join ? "join of " : subject.type == "Hash" ? "hash of " : "rows of ");
        add_sources(out, tree, node);
    } else {
        add_type(out, subject);
        if (!subject.keys.empty()) {
            out.add(subject.role == PlanRole::sort ? " by " : " on ");
            add_keys(out, subject.keys);
        }
    }
}

void add_figures(TextWriter &out, const PlanChange &change, std::string_view unit) {
    if (change.figure_before != change.figure_after)
        out.add(": ").add_count(change.figure_before).add(" -> ").add_count(change.figure_after).add(unit);
}

void add_growth(TextWriter &out, const PlanChange &change, std::string_view what) {
    out.add(": ").add(what).add(change.figure_after > change.figure_before ? " grew from " : " fell from ");
    out.add_count(change.figure_before).add(" to ").add_count(change.figure_after);
}

// A step that one of the plans does not have.
void add_alone(TextWriter &out, const PlanTree &tree, size_t node, bool appeared, double kilobytes) {
    const PlanNode &step = tree.nodes[node];
    if (step.role == PlanRole::gather) {
        out.add(appeared ? "now runs in parallel, with " : "no longer runs in parallel, with ");
        out.add_count(step.workers).add(step.workers == 1 ? " worker" : " workers");
        return;
    }
    if (appeared)
        out.add("new ");
    if (step.role == PlanRole::scan) {
        add_access(out, tree, node);
        out.add(" of ");
        add_name(out, step);
    } else {
        add_subject(out, tree, node);
    }
    if (!appeared)
        out.add(" is gone");
    if (kilobytes > 0)
        out.add(appeared ? " spilled to disk (" : ", which spilled to disk (").add_count(kilobytes).add(" kB)");
}

} // namespace

std::string_view describe(const PlanChange &change, const PlanTree &before, const PlanTree &after,
                          std::span<char> memory) {
    TextWriter out(memory);
    const auto b = static_cast<size_t>(change.before), a = static_cast<size_t>(change.after);
    switch (change.kind) {
    case PlanChangeKind::appeared:
        add_alone(out, after, a, true, change.figure_after);
        return out.text();
    case PlanChangeKind::gone:
        add_alone(out, before, b, false, change.figure_before);
        return out.text();
    case PlanChangeKind::join_order:
        return out.add("relations are joined in another order").text();
    default:
        add_subject(out, after, a);
    }
    switch (change.kind) {
    case PlanChangeKind::access:
        out.add(": ");
        add_access(out, before, b);
        out.add(" became ");
        add_article(out, after.nodes[a]);
        add_access(out, after, a);
        add_figures(out, change, " blocks");
        break;
    case PlanChangeKind::join_method:
    case PlanChangeKind::strategy:
        out.add(": ");
        if (before.nodes[b].type != after.nodes[a].type) {
            add_type(out, before.nodes[b]);
            out.add(" became ");
            add_article(out, after.nodes[a]);
            add_type(out, after.nodes[a]);
        } else {
            add_lower(out, before.nodes[b].strategy);
            out.add(" became ");
            add_lower(out, after.nodes[a].strategy);
        }
        break;
    case PlanChangeKind::spill_started:
        out.add(" spilled to disk (").add_count(change.figure_after).add(" kB)");
        break;
    case PlanChangeKind::spill_ended:
        out.add(" no longer spills to disk (").add_count(change.figure_before).add(" kB)");
        break;
    case PlanChangeKind::removed_rows:
        add_growth(out, change,
                   after.nodes[a].role == PlanRole::join ? "rows removed by join filter" : "rows removed by filter");
        break;
    case PlanChangeKind::rechecked_rows:
        add_growth(out, change, "rows removed by index recheck");
        break;
    case PlanChangeKind::blocks:
        add_growth(out, change, "blocks");
        break;
    case PlanChangeKind::executions:
        add_growth(out, change, "executions");
        break;
    default:
        break;
    }
    return out.text();
}

} // namespace dbperf::plans
