// The unit of work that this session's statements belong to now: a named scope, a trace id, an explicit transaction,
// else a burst of activity. Backend-local.
#pragma once

#include "core/compat.h"
#include "core/settings.h"
#include "n_plus_one/repeated_lookup.h"
#include "statements/execution.h"

namespace dbperf::n_plus_one::unit_of_work {

struct Unit {
    UnitKind kind;
    uint32 serial; // of this backend; never 0 once a unit was entered
    uint32 since;  // serial of the burst whose rows this one goes on with after pauses; without any its own
    uint64 tag;    // hash of the name, or trace id; 0 if none
    uint64 id;
    bool named;
    bool is_loose;  // a transaction with a pause in it: its statements are not of one request for sure
    uint64 began;   // when its first statement did
    uint64 group;   // sessions whose values may meet: all with this tag, none, or all of this client
    uint64 pattern; // hash of the name without its digits
    char name[64];
};
extern Unit current;
extern uint64 last_ended; // of the last statement
extern uint64 saved_in;   // the transaction with the last savepoint

// A test framework puts a test into a transaction, in which each request may begin a savepoint, and rolls it back:
// until it commits, such a transaction ties nothing together, however long its pauses are.
inline bool may_be_a_test(const Unit &unit) {
    return unit.kind == UnitKind::transaction && unit.id == saved_in;
}

// Enters the unit of work of this execution; true when it is another one than before.
bool enter(const statements::Execution &execution);

// A burst, for what is in no transaction block.
inline bool burst_goes_on(const statements::Execution &execution) {
    const core::settings::Derived &derived = core::settings::derived_values; // derived when the execution was counted
    return likely(current.kind == UnitKind::burst) && (derived.scope | execution.trace) == 0 &&
           execution.began <= last_ended + derived.gap;
}

inline bool goes_on(const statements::Execution &execution) {
    return burst_goes_on(execution) && !execution.state.in_block;
}

// The unit is over; the next statement begins another.
void leave();
// Something of the session was set anew: who it is to others may have changed.
void session_changed();

} // namespace dbperf::n_plus_one::unit_of_work
