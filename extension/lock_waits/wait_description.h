// What a wait is: who executes what, which row or table it is about, and who took the lock by which statement.
#pragma once

#include "core/pg.h"

#include "deadlocks/wait_queue.h"
#include "lock_waits/wait_table.h"

namespace dbperf::lock_waits {

struct WaitDescription {
    WaitKey key;
    WaitNames names;
    deadlocks::Evidence evidence;
    TimestampTz transaction_at; // of who waits; 0: not known
};

// `blocker`: null if it is not known or a prepared transaction. The caller frees what is palloc'd.
WaitDescription describe_wait(const deadlocks::LockInstance &wait, PGPROC *waiter, PGPROC *blocker, uint32 run);

} // namespace dbperf::lock_waits
