// Owns how two plans look side by side.
#pragma once

#include "compare/plan_lines.h"
#include "terminal/style.h"

#include <string>
#include <vector>

namespace dbperf::client::compare {

// Two columns; "-" marks what is gone, "+" what is new. "" when nothing is.
std::string render_plan_diff(const std::vector<AlignedLine> &lines, const terminal::Style &style, int indent);

} // namespace dbperf::client::compare
