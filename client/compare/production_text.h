// Owns how the judgement with production's statistics looks, as text and as JSON.
#pragma once

#include "compare/comparison.h"
#include "compare/production_copy.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbperf::client::compare {

// Of one query: the parameter set that the verdict is about, and with all_sets each of them.
nlohmann::ordered_json production_json(const ProductionQuery &query, bool all_sets);

// A table of what is not unchanged, with reasons, and what the statements would cost there.
std::string render_production(const std::vector<ComparedQuery> &queries, const ProductionOutcome &outcome,
                              const terminal::Style &style, bool all);

// Queries that get worse there.
int count_worse_in_production(const ProductionOutcome &outcome);

} // namespace dbperf::client::compare
