// Owns plans as lines for people, and which lines of two plans belong together. The server says what a change means.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::compare {

struct PlanLine {
    int depth = 0;
    std::string text;    // a node, or one of its conditions
    std::string figures; // of a node that was executed: "20 rows, 39 blocks, 0.53 ms", its children included
    std::optional<double> exclusive_ms, exclusive_blocks; // of a node alone, in all loops; ms only if it was timed
};

// EXPLAIN's JSON; nothing for what is no plan.
std::vector<PlanLine> plan_lines(const std::string &json);

// A line of the table: the same on both sides, or on one side only; what went stands beside what came.
struct AlignedLine {
    std::optional<PlanLine> before, after;
    bool same = false;
};

std::vector<AlignedLine> align_plans(const std::vector<PlanLine> &before, const std::vector<PlanLine> &after);

} // namespace dbperf::client::compare
