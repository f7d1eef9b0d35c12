// Which row or key a lock is on, and the step for it.
#pragma once

#include "core/pg.h"

#include <span>

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
// The steps for a row that is there, by all its keys: it can be met by each. Without a row to read: by its ctid.
constexpr size_t max_steps_of_row = lock_trace::RelationFacts::max_keys + 1;
size_t steps_of_row(const lock_trace::RelationFacts &facts, const Values &values, ItemPointer ctid, RowAction mode,
                    bool waits, std::span<LockStep, max_steps_of_row> steps);
void take_row(lock_trace::Source *source, const lock_trace::RelationFacts &facts, const Values &values,
              ItemPointer ctid, RowAction mode, bool waits);

} // namespace dbperf::deadlock_prediction::row_locks
