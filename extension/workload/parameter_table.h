// Which parameter sets of which statements a run keeps, and how often each was executed. Shared; knows hashes, not
// values.
//
// Locking: Lock::parameters exclusive to add or free, shared to find, also that there is no room; counts of calls are
// atomic.
#pragma once

#include "core/pg.h"

#include <span>

namespace dbperf::workload {

struct ParameterKey {
    uint64 fingerprint;
    uint64 name; // 0 if none
    Oid database;
    Oid role;
    uint32 run;
    uint32 unused;
};
static_assert(std::has_unique_object_representations_v<ParameterKey>);

struct ParameterSet {
    uint64 hash;
    pg_atomic_uint64 calls;
};

namespace parameter_table {

void install();
// Counts an execution with these parameters; true when they are to be kept and nobody did so yet.
bool claim(const ParameterKey &key, uint64 hash);
// Undoes a claim: they could not be kept after all, perhaps the next time.
void forget(const ParameterKey &key, uint64 hash);
// Calls visit for each statement of a run that takes no more observations; it may allocate and raise.
void visit(uint32 run, void (*visit)(const ParameterKey &key, std::span<const ParameterSet> sets, void *argument),
           void *argument);
void free_run(uint32 run);
void reset();

void count_left_out();
struct State {
    uint64 dropped;  // executions of statements beyond the table's size
    uint64 left_out; // sets with values that are too long or cannot be read
};
State state();

} // namespace parameter_table
} // namespace dbperf::workload
