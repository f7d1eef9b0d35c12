// Owns trying the predicted deadlocks of a run, each in a copy of its database that is dropped afterwards, and storing
// what came of it.
#pragma once

#include "deadlock/deadlock_options.h"
#include "deadlock/lock_cycle.h"
#include "postgres/connection.h"
#include "terminal/progress.h"

#include <string>
#include <vector>

namespace dbperf::client::deadlock {

struct Confirmation {
    std::string run;
    std::vector<PredictedCycle> cycles; // with status and outcome as they are now
};

Confirmation confirm_cycles(const postgres::ConnectionTarget &target, const DeadlockOptions &options,
                            terminal::Progress &progress);

} // namespace dbperf::client::deadlock
