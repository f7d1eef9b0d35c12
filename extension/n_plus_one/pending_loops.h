// What loops under way amount to so far, so that whoever ends a run can report it for their sessions, which may be
// idle. A loop is judged over all of its keys, when it is over; until then its session keeps the verdict of the moment
// here.
//
// Locking: Lock::loops, in parts by session, exclusive to change what a place says, and to report it. What the session
// has done since, it writes without the lock: who reports the loop of an idle session reads exactly that.
#pragma once

#include "core/pg.h"

#include "n_plus_one/loop_finding.h"
#include "n_plus_one/repeated_lookup.h"

namespace dbperf::n_plus_one {

struct PendingLoop {
    bool used;
    bool is_first; // nothing of this loop was reported yet
    Confidence confidence;
    int backend;
    loop_finding::Described described;
    uint64 parent; // fingerprint, or that of the statement around a loop in the server
    finding_table::Handle handle;
    Work reported; // what the statement had done when it was reported last, or the loop began
    Work now;
    uint64 distinct;
    uint64 loop_reported; // executions of the loop that were reported
    uint64 group;         // of a loop that other connections may have joined; 0: of none
    uint64 statement;
};

namespace pending_loops {

void install();

// A free place of this session; null when all are in use.
PendingLoop *take();
// To be held, exclusively, while it is changed.
LWLock *own_lock();
void give_back(PendingLoop *place);

// Reports what loops of all sessions have done since they were reported last.
void report_all();
void reset();

} // namespace pending_loops
} // namespace dbperf::n_plus_one
