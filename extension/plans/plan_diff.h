// What differs between two plans of one statement, as changes a person would name, the worst first.
//
// Nodes are matched by what they read: scans by alias and relation, others by their role and the aliases below them.
// Aliases are unique within a plan, for EXPLAIN numbers those that are not. Figures count what a node did itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "plans/plan_tree.h"

namespace dbperf::plans {

enum class PlanChangeKind : uint8_t {
    access,        // a relation is read in another way
    join_method,   // the same relations are joined in another way
    join_order,    // no node: other relations meet first
    strategy,      // a sort or an aggregate works in another way
    appeared,      // a step that only the later plan has
    gone,          // a step that only the earlier plan has
    spill_started, // a sort or hash table went to disk
    spill_ended,
    removed_rows,   // rows read and thrown away by a filter
    rechecked_rows, // rows thrown away because a bitmap became inexact
    blocks,
    executions,
};

enum class Direction : uint8_t { worse, better, neutral };

struct PlanChange {
    PlanChangeKind kind = PlanChangeKind::access;
    Direction direction = Direction::neutral;
    int16_t before = -1, after = -1; // nodes; -1: that plan has none
    // The figure of the kind: blocks for access, join_method, strategy and blocks; kilobytes for a spill; rows;
    // executions.
    double figure_before = 0, figure_after = 0;
};

// A figure changed when both the ratio and the difference are exceeded.
struct PlanDiffRules {
    double ratio = 1.2;
    double blocks = 64;
    double rows = 1000; // also the limit above which a sequential scan in place of an index scan is worse
    double executions = 100;
};

// Sets `partner` in the nodes of both trees and writes changes, the worst first; returns their number. When there are
// more than memory, those found first are kept (top of the plan first).
size_t diff_plans(PlanTree &before, PlanTree &after, const PlanDiffRules &rules, std::span<PlanChange> changes);

} // namespace dbperf::plans
