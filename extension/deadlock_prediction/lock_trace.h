// The locks of this backend's transaction under way, in order, and who took them; published to the shared table at its
// end.
//
// Only in runs, and only transactions that were in one from their first statement on: of others it is not known what
// they hold already. When many in a row that begin with one statement were no news, only some of those that follow are
// looked at.
#pragma once

#include "core/pg.h"

#include <span>

#include "core/compat.h"
#include "core/settings.h"
#include "deadlock_prediction/lock_order.h"
#include "statements/execution.h"

namespace dbperf::deadlock_prediction::lock_trace {

// A statement that may take locks. It enters the trace with the first one.
struct Source {
    static constexpr uint16 none = UINT16_MAX;
    uint64 fingerprint;
    uint64 transaction; // in which it has its number
    uint16 number;
    bool is_check; // the server's own, of a foreign key
    bool followed; // its tables are seen as they are locked
};

struct Trace {
    uint64 transaction; // as the server numbers them within this backend; 0: none
    bool active;
    uint32 run;
    LockRecorder recorder;
    bool paused;       // once, as the session was asked to
    uint32 met;        // how often the row was asked for before which it is to pause
    bool together;     // the next row is noted with the one before it, which is not locked yet
    uint64 held_locks; // what the server's lock table had of this backend when it was read last
};
extern Trace trace;

void begin_transaction();

// Whether locks of this transaction are of interest.
inline bool active() {
    if (unlikely(trace.transaction != core::compat::local_transaction()))
        begin_transaction();
    return trace.active && !trace.recorder.is_full();
}

// The transaction's first statement: whether what begins so is of interest.
void choose(uint64 fingerprint);

// Whether anything is recorded that ends with a (sub)transaction.
inline bool any() {
    return unlikely(!trace.recorder.empty());
}

inline Source source(uint64 fingerprint, bool is_check) {
    return {fingerprint, 0, Source::none, is_check, false};
}

// Of a check of a foreign key: the statement's that wrote the row, or without one the COMMIT's.
Source source_of_check(const statements::Execution *below);

// One lock: resource, object, kind, mode, waits and details are given. False when it was held already.
bool take(Source *source, LockStep step);
// A text for a step's detail.
uint64 keep_text(std::string_view text);

uint64 resource_of_table(Oid relation);
void take_table(Source *source, Oid relation, int mode, bool waits);
// The same of whatever relation the server has locked. Who has an index exclusively keeps every plan of its table
// waiting; else indexes and TOAST tables are locked after their tables and in no stronger mode.
void take_relation(Source *source, Oid relation, int mode, bool waits);

// Stops here when dbperf.pause_before_lock says so; may raise, since it can be cancelled.
void pause();
inline void pause_if_due() {
    if (unlikely(core::settings::pause.on) && core::settings::pause.resource == 0 && !trace.paused &&
        trace.recorder.steps().size() >= core::settings::pause.steps)
        pause();
}

void subtransaction_ended(int level, bool aborted);
void transaction_ended();

} // namespace dbperf::deadlock_prediction::lock_trace
