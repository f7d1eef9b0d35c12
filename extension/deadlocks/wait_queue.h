// Who waits behind whom, from a picture of the server's lock table.
#pragma once

#include "core/lock_mode.h"

#include <cstdint>
#include <span>

namespace dbperf::deadlocks {

// One process and one lock.
struct LockInstance {
    core::LockTag lock;
    int32_t pid;
    uint16_t held;   // bit m: mode m
    uint8_t awaited; // 0: does not wait for it
    uint8_t unused;
    int64_t wait_start; // of any clock; earlier is smaller
};

// Whether what one holds conflicts with a mode.
bool holds_against(const LockInstance &holder, int mode);

// Whether `one` keeps the waiter from its lock: holds it in a conflicting mode, or waits for one and came earlier.
bool blocks(const LockInstance &one, const LockInstance &waiter);

struct Bystander {
    int32_t pid;
    int32_t blocked_by; // a member, or another bystander
    core::LockTag lock;
    uint8_t mode;
    uint8_t unused[7];
    int64_t wait_start;
};

// Fills those who wait, directly or behind others, for one of the members without being one; returns their number.
// Whoever holds a conflicting mode blocks, and so does whoever waits for one and came earlier.
size_t find_bystanders(std::span<const LockInstance> locks, std::span<const int32_t> members,
                       std::span<Bystander> bystanders);

} // namespace dbperf::deadlocks
