// Loops that more than one backend may take part in: those of tagged units of work, and those of one client's
// connections without a tag.
//
// Locking: Lock::units, in parts by loop, exclusive for everything: sessions wait for each other only where they take
// part in one loop, or nearly. Only tagged statements and those whose key was found on the board come here. What a
// report needs of the catalogs is looked up without the lock.
#pragma once

#include "core/pg.h"

#include "n_plus_one/finding_table.h"
#include "n_plus_one/loop_finding.h"
#include "n_plus_one/repeated_lookup.h"

namespace dbperf::n_plus_one::shared_units {

// What one execution adds to a loop.
struct Addition {
    uint64 key;            // hash of its lookup values, 0 if none
    uint32 all_parameters; // hash, for a key met before
    bool may_be_redundant;
    uint64 exec; // ns
    uint64 wait;
    uint64 began;
    uint64 ended;
    uint64 gap; // longest pause of an untagged loop
    const LookupOrigin *origins;
    size_t origin_count;
    std::span<const uint64> values; // of each of its keys
    uint32 serial;                  // of this backend's unit of work
    bool is_named;                  // by dbperf.scope
    const char *comment;            // null: as that of the loop's first execution
};

struct Outcome {
    bool several_backends;
};

void install();
Outcome observe(uint64 group, uint64 statement, const LoopSubject &subject, const Addition &addition);
// What a backend has reported itself of a loop that so far only it takes part in.
bool claim(uint64 group, uint64 statement);
// What this loop reads may have changed.
void forget_repeats(uint64 group, uint64 statement);
// Tells the findings the rest and forgets the loops of a group.
void end(uint64 group);
// The rest, but the loops go on.
void report_all();
// Likewise, of the units of work of this database with this name alone: a loop that is judged before it is over may be
// judged wrongly, and those of others go on.
void report_unit(uint64 name);
void reset();

} // namespace dbperf::n_plus_one::shared_units
