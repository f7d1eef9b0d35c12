// Deadlocks that nobody was close to, because no two transactions locked the same rows, but that other parameters could
// lead to. What is known of them is not proof: the parameters may never be like that.
#pragma once

#include <cstdint>
#include <span>

#include "deadlock_prediction/lock_cycles.h"

namespace dbperf::deadlock_prediction {

// Takes the rows of one table that one statement reaches for one row: what is a cycle then, could be one with other
// parameters. New rows stay what they are, since each has a key of its own.
void merge_rows(std::span<LockStep> steps, std::span<const uint64_t> statements);

// Statements that lock rows of one table one after the other, in the order of their (integer) keys in one transaction
// and against it in another, with nothing to keep the two apart. One cycle for each such statement and table; returns
// their number.
uint32_t find_unordered_rows(std::span<const LockTrace> traces, std::span<LockCycle> into);

} // namespace dbperf::deadlock_prediction
