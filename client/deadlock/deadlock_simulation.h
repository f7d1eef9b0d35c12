// Owns making deadlocks happen and timing them: steps advance by what the server says a session waits for, never by
// sleeping.
#pragma once

#include "deadlock/scenario.h"
#include "postgres/connection.h"

#include <string>
#include <vector>

namespace dbperf::client::deadlock {

// One pass through a permutation. Times in milliseconds, by this program's clock.
struct SimulationPass {
    bool deadlock = false;
    std::string victim;   // its session's name
    double closure = 0;   // from the first step until the step that closed the cycle was sent
    double detection = 0; // from there until the victim got its error
    double lost_work = 0; // from the victim's first step until its error
    double recovery = 0;  // from the error until the victim's transaction, tried again, was done
    int retries = 0;
    double total = 0;           // from the first step until every session was done
    long long lost_rows = 0;    // changed or read by the victim before its error
    double stall = 0;           // the longest wait of a member that survived, from its step until that was done
    int bystanders = 0;         // sessions that waited behind the cycle
    double bystander_stall = 0; // the longest wait of one of them
    std::string failure;        // of a transaction that could not commit even then: "session b: ..."
};

struct SimulationSettings {
    std::string deadlock_timeout; // "": the server's
    int step_timeout_s = 60;
};

// Runs setup, the permutation with fresh connections, and teardown, in the database of the target.
// A step that fails for another reason than a deadlock, or never ends, is an environment error.
SimulationPass simulate(const postgres::ConnectionTarget &target, const DeadlockSpec &spec,
                        const Permutation &permutation, const SimulationSettings &settings);

} // namespace dbperf::client::deadlock
