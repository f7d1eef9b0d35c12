// Owns dbperf.toml: where it is found, which keys it may have, what they mean.
#pragma once

#include "queries/budget.h"
#include "queries/unit_budget.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbperf::client::cli {

// What `dbperf check` does where its options say nothing.
struct CheckSection {
    std::string baseline;               // label of a run, or path of a file of findings
    bool only_new = false;              // what the baseline has fails nothing
    std::vector<std::string> warn_only; // kinds of findings that are reported and fail nothing
    std::vector<std::string> reports;   // FORMAT=PATH, the path made absolute from the file's folder
};

struct ProjectFile {
    std::string path; // empty: there is none
    std::optional<double> slow_query_threshold_ms;
    std::string database;
    bool is_far = false;                                         // found outside of this folder and of its repository
    std::string queries;                                         // made absolute from the file's folder
    std::string migrations;                                      // likewise
    std::map<std::string, std::vector<queries::Budget>> budgets; // by query name
    std::vector<queries::UnitBudget> unit_budgets;
    CheckSection check;
};

// Kinds of findings that `warn_only` may name.
using Kinds = std::vector<std::string_view>;

// Text is the content of the file called path. Throws a usage error that names file and line.
ProjectFile parse_project_file(const std::string &text, const std::string &path, const Kinds &kinds);

// The named file, else dbperf.toml in this folder or one above it, else an empty one. What was not named must belong to
// this user or to root: it decides what is executed, and where.
ProjectFile load_project_file(const std::string &path, const Kinds &kinds);

} // namespace dbperf::client::cli
