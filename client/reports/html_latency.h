// Owns how long queries took in the HTML report: the distribution of each, with its limits as lines.
#pragma once

#include "reports/latency.h"

#include <optional>
#include <string>

namespace dbperf::client::reports {

// The distribution alone, for a finding.
std::string html_distribution(const QueryLatency &latency, std::optional<double> slow_ms);

// One entry of the list of queries.
std::string html_latency(const QueryLatency &latency, std::optional<double> slow_ms);

} // namespace dbperf::client::reports
