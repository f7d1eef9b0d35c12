// Owns trying the predicted deadlocks of a run, each in a copy of its database that is dropped afterwards, and storing
// what came of it.
#pragma once

#include "deadlock/deadlock_options.h"
#include "deadlock/lock_cycle.h"
#include "postgres/connection.h"
#include "terminal/progress.h"

#include <functional>
#include <string>
#include <vector>

namespace dbperf::client::deadlock {

struct Confirmation {
    std::string run;
    std::vector<PredictedCycle> cycles; // with status and outcome as they are now
};

// What a copy needs before a deadlock is tried in it.
using Prepare = std::function<void(postgres::Connection &)>;

// Tries one and stores what came of it. Nobody may be connected to its database.
void confirm_cycle(const postgres::ConnectionTarget &target, const std::string &run, PredictedCycle *cycle,
                   int timeout_s, const Prepare &prepare);

Confirmation confirm_cycles(const postgres::ConnectionTarget &target, const DeadlockOptions &options,
                            terminal::Progress &progress);

} // namespace dbperf::client::deadlock
