// Which plan shapes of which statements a run has captured, how often each was executed, and how slow the slowest
// captured one was. Shared.
//
// Locking: Lock::plans exclusive to add or free, shared to find, also that there is no room for another one; `slowest`
// and `executions` are atomic. Entries of a
// run live until the run is stored, so a backend may remember an entry's number together with its generation.
#pragma once

#include "core/pg.h"

namespace dbperf::plans {

struct PlanKey {
    uint64 fingerprint;
    uint64 shape;
    Oid database;
    uint32 run;
};
static_assert(std::has_unique_object_representations_v<PlanKey>);

namespace plan_table {

struct Handle {
    uint32 entry;
    uint32 generation; // 0: none
};

enum class Claim : uint8_t { first, slower, known, full };

void install();
// Counts an execution of this plan, decides whether it is to be captured, and remembers it if so.
Claim claim(const PlanKey &key, uint64 elapsed, Handle *handle);
// The same for a plan whose place is known already; `known` unless it is a new slowest.
Claim claim_again(const Handle &handle, uint64 elapsed, bool *place_valid);
// Calls visit for each plan of the run; it may allocate and raise.
void visit(uint32 run, void (*visit)(const PlanKey &key, uint64 executions, void *argument), void *argument);
void free_run(uint32 run);
void reset();
uint64 dropped();

} // namespace plan_table
} // namespace dbperf::plans
