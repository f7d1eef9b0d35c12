// Owns how a comparison looks, as text and as JSON.
#pragma once

#include "compare/comparison.h"
#include "queries/workload.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <string>
#include <vector>

namespace dbperf::client::compare {

// Both plans of a query, side by side; "" when they are alike.
using ShowPlans = std::function<std::string(const ComparedQuery &query)>;

// A table of the queries that did not stay as they were and how many did; below it one paragraph for each. With
// show_plans, of every one.
std::string render_comparison(const std::vector<ComparedQuery> &queries, const terminal::Style &style, int indent,
                              const ShowPlans &show_plans = nullptr);

// "2 queries regressed, 1 query fails", or that none did.
std::string summarize_comparison(const std::vector<ComparedQuery> &queries, const terminal::Style &style);

nlohmann::ordered_json comparison_json(const std::vector<ComparedQuery> &queries);

// The queries of a workload that were not executed, and why.
std::string render_left_out(const std::vector<queries::LeftOutQuery> &queries, const terminal::Style &style);
nlohmann::ordered_json left_out_json(const std::vector<queries::LeftOutQuery> &queries);

} // namespace dbperf::client::compare
