// Units of work by name, of runs under way, in shared memory until their run is stored. What finds no room is counted
// together, in one unit of its run that has no name.
//
// Locking: Lock::unit_names exclusive to add or free, shared to look up and to read; a unit's spinlock for its totals
// and roles. A backend keeps a unit's handle; the generation, checked under the spinlock, shows whether it still is
// that unit. Who holds the spinlock of an occurrence may take a unit's, never the other way round.
#pragma once

#include "core/pg.h"

#include "units/unit_totals.h"

namespace dbperf::units {

struct UnitKey {
    uint64 name; // hash of the whole name; 0: all that found no room
    uint32 run;
    uint32 unused;
};
static_assert(std::has_unique_object_representations_v<UnitKey>);

struct Unit {
    static constexpr size_t max_roles = 4;

    slock_t mutex;
    uint32 generation; // 0: free
    UnitKey key;
    int32 encoding;       // of the name
    Oid roles[max_roles]; // the first ones that did it, and so know its name
    TimestampTz first_at;
    char name[128];
    UnitTotals totals;

    bool has_name() const { return key.name != 0; }
    static uint64 hash_of(const UnitKey &key);
};

namespace unit_table {

struct Handle {
    uint32 unit;
    uint32 generation; // 0: none
};

void install();
// Finds or adds the unit of this name; without room that of the rest, counted as lost; none when the run is over.
Handle enter(uint32 run, uint64 name, const char *text, Oid role);
// Whether it still is that unit, as far as can be said without a lock.
bool is_current(const Handle &handle);
// ... or that of all without a name.
bool is_rest(const Handle &handle);
// Adds one occurrence; nothing when the unit has gone.
void add(const Handle &handle, const Measures &occurrence);
// Calls visit for a copy of every unit.
void visit(void (*visit)(const Handle &handle, Unit *copy, void *argument), void *argument);
void free_run(uint32 run);
void reset();

struct State {
    uint32 units;
    uint32 most;
    uint64 overflowed; // occurrences counted without a name
};
State state();

} // namespace unit_table
} // namespace dbperf::units
