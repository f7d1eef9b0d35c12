// Table locks of a command in the order in which it takes them, also inside one statement: ADD FOREIGN KEY, DROP of a
// list, CASCADE, partitions.
//
// The server tells nobody when it takes a lock on a relation. But each time it has one, it reads the messages about
// changed catalogs, and calls who registered for them. So while a command is watched, one message about a relation that
// does not exist is always under way: its arrival is the moment after a lock. Only what this process holds is compared
// then; what catalogs say of it is looked up later. Backend-local.
#pragma once

#include "deadlock_prediction/lock_trace.h"

namespace dbperf::deadlock_prediction::lock_trace::acquisitions {

// What was watched before, of a command around this one.
struct Watch {
    Source source;
    bool waits;
    bool on;
};

// From now on locks are the source's. Returns what to put back.
Watch begin(const Source &source, bool waits);
// Adds what was taken since to the trace, in order. Before anything else is added to it.
void settle();
void end(const Watch &before);
// An error ended it: what is not settled is gone.
void abandon(const Watch &before);

} // namespace dbperf::deadlock_prediction::lock_trace::acquisitions
