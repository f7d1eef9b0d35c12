// Owns how a comparison looks, as text and as JSON.
#pragma once

#include "model_comparison.h"
#include "model_workload.h"
#include "output_style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbperf::client {

// A table, and below it one paragraph for each query that did not stay as it was; with verbose for every one.
std::string render_comparison(const std::vector<ComparedQuery> &queries, const Style &style, int indent, bool verbose);

nlohmann::ordered_json comparison_json(const std::vector<ComparedQuery> &queries);

// The queries of a workload that were not executed, and why.
std::string render_left_out(const std::vector<LeftOutQuery> &queries, const Style &style);
nlohmann::ordered_json left_out_json(const std::vector<LeftOutQuery> &queries);

} // namespace dbperf::client
