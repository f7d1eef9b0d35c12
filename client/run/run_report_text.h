// Owns how a run looks: its summary and what was found in it.
#pragma once

#include "run/run_report.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace dbperf::client::run {

std::string render_run(const RunReport &report, const terminal::Style &style);
nlohmann::ordered_json run_json(const RunReport &report);
nlohmann::ordered_json n_plus_one_json(const NPlusOne &found);
nlohmann::ordered_json dropped_json(const Dropped &each);

// One N+1 as a paragraph of facts.
std::string render_measurement(const SuggestionMeasurement &measured, const terminal::Style &style, int indent);
// Its key, cost, unit of work, call site and what to do instead.
std::string render_evidence(const NPlusOne &found, const terminal::Style &style, int indent);
// Those that nothing but nearness ties together, in one line; "" without.
std::string possible_repetitions(const std::vector<NPlusOne> &all);
std::string render_n_plus_one(const NPlusOne &found, const terminal::Style &style, int indent);

} // namespace dbperf::client::run
