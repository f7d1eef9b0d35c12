// Rows and keys that a query locks, in order: what its ModifyTable and LockRows nodes are handed by the nodes below
// them, just before they lock it.
#pragma once

#include "core/pg.h"

#include "deadlock_prediction/lock_trace.h"

namespace dbperf::deadlock_prediction::row_locks {

// Before the query's first run. `reads_locks`: advisory locks are read after each row it returns.
void watch(QueryDesc *query, const lock_trace::Source &source, bool reads_locks);

// Queries of which rows went unobserved because too many were open.
uint64 unwatched();

} // namespace dbperf::deadlock_prediction::row_locks
