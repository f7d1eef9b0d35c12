// Owns the repetition of deadlock scenarios: every permutation at every deadlock_timeout, each beside its control.
#pragma once

#include "deadlock/deadlock_options.h"
#include "deadlock/deadlock_simulation.h"
#include "terminal/progress.h"

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::deadlock {

// All passes of one permutation at one deadlock_timeout.
struct DeadlockMeasurement {
    std::string spec;
    int permutation_line = 0; // 0: the order was not written in the file
    std::string deadlock_timeout;
    std::vector<SimulationPass> passes;
    std::vector<SimulationPass> control;
    std::optional<bool> expects_deadlock;
    bool labelled = false;        // one of a list: has no control
    std::vector<double> lost_wal; // bytes written by victims, as dbperf.deadlocks has them; empty without dbperf
};

// In a database of its own that is dropped in every case. The server needs no dbperf for this; with it more is
// reported.
std::vector<DeadlockMeasurement> measure_deadlocks(const postgres::ConnectionTarget &target,
                                                   const std::vector<DeadlockSpec> &specs,
                                                   const DeadlockOptions &options, terminal::Progress &progress);

} // namespace dbperf::client::deadlock
