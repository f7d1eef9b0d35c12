// Which row or key a lock is on, and the step for it.
//
// Of an INSERT, what BEFORE triggers make of a row, and whether ON CONFLICT met another one, is known only when the
// next row is asked for: the server shows nobody whether it met one, but its statistics count the rows that were
// inserted.
#pragma once

#include "core/pg.h"

#include "deadlock_prediction/lock_trace.h"
#include "deadlock_prediction/lock_trace_relation.h"

namespace dbperf::deadlock_prediction::row_locks {

// Where a column's value comes from: a row, or what an UPDATE or INSERT puts there.
struct Values {
    TupleTableSlot *row;
    TupleTableSlot *set; // of the columns in `columns`, in that order
    const List *columns; // null: set is the row
    Datum get(AttrNumber number, bool *is_null) const {
        if (columns) {
            const int at = list_position(number);
            if (at >= 0)
                return slot_getattr(set, at + 1, is_null);
        }
        return slot_getattr(row, number, is_null);
    }

private:
    int list_position(AttrNumber number) const {
        const ListCell *cell;
        foreach (cell, columns)
            if (lfirst_int(cell) == number)
                return foreach_current_index(cell);
        return -1;
    }
};

// Fills resource and details of the step; false without a key: a column is null.
bool read_key(const lock_trace::UniqueKey &key, const Values &values, LockStep *step);
// Whether one of the columns that are set belongs to a key.
bool sets_key(const lock_trace::RelationFacts &facts, const List *columns);
bool same_key(const lock_trace::UniqueKey &key, const Values &a, const Values &b);

LockStep step_of(const lock_trace::RelationFacts &facts, RowAction mode, bool waits);
// A step that read_key() has filled, with a text for people. False when it was held already.
bool take_key(lock_trace::Source *source, const lock_trace::RelationFacts &facts, int number, const Values &values,
              LockStep *step);
// A row that is there, by all its keys: it can be met by each. Without a row to read: by its ctid.
void take_row(lock_trace::Source *source, const lock_trace::RelationFacts &facts, const Values &values,
              ItemPointer ctid, RowAction mode, bool waits);

// The keys that an INSERT locks.
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
    return insert.deferred || insert.pending > 0;
}
void finish_row(Insert *insert, lock_trace::Source *source);

} // namespace dbperf::deadlock_prediction::row_locks
