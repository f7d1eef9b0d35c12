// What the transaction of each backend did so far and which locks it took: read by the victim of a deadlock.
//
// Locking: each slot belongs to one process number and is written by that process alone. A counter goes up before and
// after every change, so it is odd while one is under way; readers copy and look at it again. A slot has the process
// and transaction it is about, so nothing has to be done when one of them ends.
#pragma once

#include "statements/execution.h"

#include <span>

#include "core/settings.h"
#include "deadlocks/deadlock_record.h"

namespace dbperf::deadlocks::trail {

void install();

// Whether a statement that begins to run leaves an entry. One that only reads, outside a transaction block or below the
// client's statement, takes no lock but the weakest on tables, and leaves none.
inline bool wanted(const statements::Execution &execution) {
    if (likely(execution.state.reads && execution.query->plannedstmt->rowMarks == NIL && !execution.state.in_block))
        return false;
    return core::settings::track_deadlocks;
}

void begin(statements::Execution *execution);
void begin_utility(statements::Execution *execution, const Node *statement);
void begin_lock(statements::Execution *execution, const TrailEntry &lock);
void end(statements::Execution *execution);

// The subtransaction at this nesting level is over: what it did belongs to the one around it, or is
// with_rolled_back_subtransaction.
void subtransaction_ended(int level, bool aborted);

struct Head {
    int32 pid;          // a slot has had other owners, whose transactions may have had the same number
    uint32 transaction; // 0: none
    uint32 steps;
    uint32 appended; // entries, dropped ones included
    Oid role;
    uint64 began; // ns, monotonic clock
    uint64 rows;  // written by statements that ended
    char application[NAMEDATALEN];
};

// Copies the trail of a process, oldest entry first; false when it has none of its current transaction.
bool copy(const PGPROC *process, Head *head, std::span<TrailEntry> entries, uint32 *count);
// WAL bytes this process has written since its trail began.
uint64 own_wal();
int capacity();

} // namespace dbperf::deadlocks::trail
