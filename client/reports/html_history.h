// Owns the runs of a query over time in the HTML report: a drawing, the runs as a table, and what changed in words.
#pragma once

#include "reports/history.h"

#include <string>
#include <vector>

namespace dbperf::client::reports {

// The section of all queries; "" without any.
std::string html_history(const std::vector<HistoryEntry> &history);

} // namespace dbperf::client::reports
