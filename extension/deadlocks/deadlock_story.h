// Which statement of each member took the lock that another one waits for: what the server's own message never says.
#pragma once

#include "deadlocks/deadlock_record.h"

#include <cstdint>
#include <span>

namespace dbperf::deadlocks {

// How sure it is that a statement is the one.
enum class Evidence : uint8_t {
    none,   // no statement of the trail is
    likely, // it locked rows of that table, in a conflicting mode
    exact   // it locked that row, table or number
};

struct HoldingStep {
    int32_t entry; // of the trail; -1 when none
    Evidence evidence;
};

// The statement that waits: the innermost one that is running. -1 when what waits left no entry (a statement that is
// still being parsed).
int32_t waiting_entry(std::span<const TrailEntry> trail);

// The first statement of the blocker that keeps the waiter from its lock.
HoldingStep holding_step(const DeadlockMember &waiter, std::span<const TrailEntry> waiters_trail,
                         std::span<const TrailEntry> blockers_trail);

} // namespace dbperf::deadlocks
