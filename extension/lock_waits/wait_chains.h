// Who stands behind whom, from a picture of the locks that somebody waits for.
#pragma once

#include "deadlocks/wait_queue.h"

#include <cstdint>
#include <span>

namespace dbperf::lock_waits {

constexpr int32_t nobody = -1;

// Process ids; that of a prepared transaction is 0.
struct Chain {
    int32_t pid;
    int32_t blocker; // in its way, nobody: it has just gone. Of several one that holds the lock, best one that does not
                     // wait.
    int32_t head;    // at the other end: it waits for no lock
    uint32_t length; // sessions that stand behind each other, both ends included
    uint32_t waits;  // number of the lock it waits for
};

// Fills one for each process that waits, the shortest first; returns their number. Of those that wait for each other
// the length is that of a way through some of them.
size_t find_chains(std::span<const deadlocks::LockInstance> locks, std::span<Chain> chains);

} // namespace dbperf::lock_waits
