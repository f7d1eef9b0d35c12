// Owns how units of work look: a table, and what JSON says of them.
#pragma once

#include "run/run_report.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace dbperf::client::run {

// "GET /orders", or what stands for those without a name.
std::string unit_name(const UnitFigures &unit);

// "12", or "3 to 14".
std::string range_text(const Spread &counts);

// At most so many, and how many more there are; "" without any.
std::string render_units(const std::vector<UnitFigures> &units, const terminal::Style &style, std::size_t most);

nlohmann::ordered_json units_json(const std::vector<UnitFigures> &units);

} // namespace dbperf::client::run
