// The keys that an INSERT locks.
//
// What BEFORE triggers make of a row, and whether ON CONFLICT met another one, is known only when the next row is asked
// for: the server shows nobody whether it met one, but its statistics count the rows that were inserted.
#pragma once

#include "deadlock_prediction/row_lock_keys.h"

namespace dbperf::deadlock_prediction::row_locks {

struct Insert {
    const ResultRelInfo *target;
    const lock_trace::RelationFacts *facts;
    const EState *state;
    OnConflictAction on_conflict;
    bool changes_key; // what it does on conflict
    // The last row, when BEFORE triggers see it first and may change it.
    TupleTableSlot *deferred;
    // The keys taken for the last row, when it may meet another one.
    int pending;
    uint64 pending_resources[lock_trace::RelationFacts::max_keys];
    bool pending_arbiter[lock_trace::RelationFacts::max_keys];
    size_t pending_checks; // of foreign keys, that come later
    // Before the last row.
    const PgStat_TableXactStatus *counts;
    int64 inserted;
    uint64 processed;
};

void begin_insert(Insert *insert, ModifyTableState *modify, const lock_trace::RelationFacts *facts);
// A row is handed to the node that inserts it.
void hand_row(Insert *insert, lock_trace::Source *source, TupleTableSlot *slot);
// A row may be inserted, which is in this slot then.
void await_row(Insert *insert, TupleTableSlot *slot);
// The row that was handed out last is not finished.
inline bool is_unfinished(const Insert &insert) {
    return insert.deferred || insert.pending > 0 || insert.pending_checks > 0;
}
void finish_row(Insert *insert, lock_trace::Source *source);

} // namespace dbperf::deadlock_prediction::row_locks
