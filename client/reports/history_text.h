// Owns how queries over runs look: what changed, and each query from its first run to its last.
#pragma once

#include "reports/history.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbperf::client::reports {

// With every_run one line a run, else one a query.
std::string render_history(const std::vector<HistoryEntry> &history, bool every_run, const terminal::Style &style);
nlohmann::ordered_json history_json(const std::vector<HistoryEntry> &history);

} // namespace dbperf::client::reports
