// Which deadlocks transactions could run into if they met, though they never did: cycles in which every member holds
// what the next one requests.
//
// A cycle counts when every request waits and conflicts with what the next member holds at that point, and when all
// that the members hold before their requests can be held at once: a common lock in conflicting modes (a gate) would
// have let them pass one by one. Two members may be instances of one transaction, if it was seen as often.
//
// Works in memory passed in. With too little of it, or when more combinations than `max_work` had to be looked at, the
// result says that it is not complete.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "deadlock_prediction/lock_order.h"

namespace dbperf::deadlock_prediction {

constexpr uint32_t max_cycle_members = 4;

// Numbers of steps of one trace.
struct CycleMember {
    uint32_t trace;
    uint16_t held;
    uint16_t requested;
};

struct LockCycle {
    uint64_t shape; // of statements, objects and modes: the same whichever rows were met
    uint32_t length;
    std::array<CycleMember, max_cycle_members> members; // each holds what the one before it requests
};

struct CycleSearch {
    uint32_t count;
    bool complete;
};

// One cycle of each shape, the short ones first; a longer one only when no shorter one is made of its parts.
// `sides`: of each trace, where only cycles with members of two sides are of interest.
CycleSearch find_lock_cycles(std::span<const LockTrace> traces, std::span<std::byte> memory, std::span<LockCycle> into,
                             uint64_t max_work, std::span<const uint8_t> sides = {});

// Memory that is enough for traces of so many steps in all, unless very many of them are entangled.
size_t memory_for_cycles(size_t traces, size_t steps);

} // namespace dbperf::deadlock_prediction
