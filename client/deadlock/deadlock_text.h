// Owns how simulated deadlocks look: percentiles over the passes, beside the control.
#pragma once

#include "deadlock/deadlock_measurement.h"
#include "deadlock/deadlock_throughput.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbperf::client::deadlock {

std::string render_deadlocks(const std::vector<DeadlockMeasurement> &measurements, const terminal::Style &style,
                             int indent);
nlohmann::ordered_json deadlocks_json(const std::vector<DeadlockMeasurement> &measurements);

std::string render_throughput(const std::vector<DeadlockThroughput> &measured, const terminal::Style &style,
                              int indent);
nlohmann::ordered_json throughput_json(const std::vector<DeadlockThroughput> &measured);

// Scenarios that did not end as they say they must, every time.
int unexpected_outcomes(const std::vector<DeadlockMeasurement> &measurements);

// Passes of the control that ended in a deadlock: locks taken in one order must not.
int control_deadlocks(const std::vector<DeadlockMeasurement> &measurements);

} // namespace dbperf::client::deadlock
