// The locks of checks of foreign keys that the server makes without a statement (see lookups/foreign_key.h): the
// parent's row FOR KEY SHARE.
//
// A check is heard of when it is made at the end of its statement. One that is deferred is not: rows are noted when
// they are written, and what was noted is taken when the check is due: before SET CONSTRAINTS or COMMIT. Backend-local.
#pragma once

#include "lookups/foreign_key.h"
#include "deadlock_prediction/row_lock_keys.h"

namespace dbperf::deadlock_prediction::foreign_keys {

// The server is about to check this row, none of whose columns is null. Raises only what it would raise itself.
void check_begins(const lookups::ForeignKey &key, TupleTableSlot *child);

// A row is about to be written, instead of `old` if that has one. Returns how many checks may come later.
size_t note_row(Relation child, const row_locks::Values &old, const row_locks::Values &now);
// The last ones do not come: the row was not written.
void drop_last(size_t count);
struct Notes {
    size_t count;
    uint64 transaction; // they are of
};
extern Notes notes;
inline bool any_noted() {
    return unlikely(notes.count > 0 && notes.transaction == lock_trace::trace.transaction);
}
// Takes the locks of what this command is going to check.
void command_begins(const Node *statement);
// The transaction has made its checks without a command to do so.
void transaction_ends();

void subtransaction_ended(int level, bool aborted);

} // namespace dbperf::deadlock_prediction::foreign_keys
