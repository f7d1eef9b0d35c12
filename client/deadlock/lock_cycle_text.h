// Owns how predicted deadlocks and what came of trying them are shown.
#pragma once

#include "deadlock/lock_cycle.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbperf::client::deadlock {

std::string render_lock_cycles(const std::string &run, const std::vector<PredictedCycle> &cycles,
                               const terminal::Style &style);
nlohmann::ordered_json lock_cycles_json(const std::vector<PredictedCycle> &cycles);

// How many have this status.
long long count_status(const std::vector<PredictedCycle> &cycles, std::string_view status);

} // namespace dbperf::client::deadlock
