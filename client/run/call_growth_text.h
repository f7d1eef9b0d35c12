// Owns how calls at several sizes look: counts, growth and verdict of every statement.
#pragma once

#include "run/call_growth.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbperf::client::run {

// A table, then a sentence for each statement that grows, and their number. Of the constant ones only the most called
// are shown, unless all of them are wanted.
std::string render_growth(const std::string &label, const Sizes &sizes, const std::vector<SizedStatement> &statements,
                          const terminal::Style &style, bool all);
nlohmann::ordered_json growth_json(const Sizes &sizes, const std::vector<SizedStatement> &statements);

} // namespace dbperf::client::run
