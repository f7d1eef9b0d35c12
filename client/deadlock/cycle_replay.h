// Owns making a predicted deadlock happen in a copy of its database: every member is brought to where it holds what the
// next one requests, then all make their requests. Nothing is committed, and nobody waits by the clock.
#pragma once

#include "deadlock/lock_cycle.h"
#include "postgres/connection.h"

#include <string>

namespace dbperf::client::deadlock {

struct ReplayOutcome {
    std::string status;  // confirmed, not_reproduced, not_replayable
    std::string outcome; // what happened, without a period
};

// In the database of the target, which nobody else uses. After `timeout_s` seconds without any event it is given up.
ReplayOutcome replay_cycle(const postgres::ConnectionTarget &target, const PredictedCycle &cycle, int timeout_s);

} // namespace dbperf::client::deadlock
