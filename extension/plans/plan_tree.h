// A plan with what it did, from EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) of any supported server version.
//
// Figures are totals over all loops. EXPLAIN prints averages per loop for rows and times, rounded to whole rows before
// 18, so a total of many loops is as exact as they are. Below a Gather, times are those of one process, for they pass
// at once. `own` is what a node did itself: its figures without those of its children. A CTE is charged to a scan of
// it, an InitPlan to the node that most likely waited for it: EXPLAIN prints both elsewhere. Partitions that are read
// in the same way are one node. Texts are slices of the JSON, escapes untouched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dbperf::plans {

enum class PlanRole : uint8_t { scan, bitmap, join, sort, aggregate, gather, modify, auxiliary, step };

struct PlanFigures {
    double milliseconds = 0; // 0 with TIMING OFF
    double blocks = 0;       // shared and local, hit and read
    double temp_blocks = 0;  // read and written
};

struct PlanNode {
    std::string_view type; // "Seq Scan"
    std::string_view relation, alias, index;
    std::string_view strategy, partial_mode, operation, relationship, subplan, cte;
    std::string_view keys;       // of a sort or of groups, a JSON array
    std::string_view parameters; // an expression with the result of an InitPlan
    PlanRole role = PlanRole::step;
    int16_t parent = -1;
    int16_t size = 1;          // nodes of the subtree, this one included; they follow it
    int16_t partner = -1;      // the node of the other plan, set by diff_plans
    uint16_t members = 1;      // partitions read in this way
    bool below_append = false; // alias without the number that the planner gave to a partition
    double loops = 0, rows = 0;
    double removed_by_filter = 0, removed_by_recheck = 0; // rows
    double workers = 0;                                   // launched by a Gather
    double spilled_kilobytes = 0;                         // of a sort or hash table on disk
    PlanFigures total, own;
    uint64_t sources = 0; // of the aliases it reads from, in any order; subplans not included
};

constexpr size_t max_plan_nodes = 256;

struct PlanTree {
    std::span<PlanNode> nodes; // in the order of EXPLAIN's text, the top first; empty: not a plan
    double cost = 0;           // estimated, of the whole
    bool executed = false;     // with ANALYZE
    bool complete = false;     // false: the plan has more nodes than memory, or the text broke off
};

// Reads into the caller's memory; more than max_plan_nodes nodes are not used. `pause` is called now and then.
PlanTree read_plan(std::string_view explain_json, std::span<PlanNode> memory, void (*pause)() = nullptr);

// The index that a scan uses, of a bitmap scan the first; empty if none.
std::string_view index_of(const PlanTree &tree, size_t node);

} // namespace dbperf::plans
