// Locks of tables beyond those that every statement takes, and advisory locks: read from the server's own lock table.
#pragma once

#include "server/pg.h"

#include <span>

#include "observe/lock_trace.h"

namespace dbperf::lock_trace {

// Takes what the backend holds and the trace does not know: tables in this order as far as they are in it. `query` is
// what called for it, or null. `waits`: unless it is known better.
void read_own_locks(Source *source, std::span<const Oid> order, const QueryDesc *query, bool waits = true);

// Changes whenever the backend has taken a lock that the server's lock table shows. 0: it has none.
inline uint64 own_locks_now() {
    uint64 sum = 0;
    for (int i = 0; i < NUM_LOCK_PARTITIONS; ++i)
        sum += reinterpret_cast<uintptr_t>(compat::newest_own_lock(i));
    return sum;
}

// The same, if there may be anything new.
inline void read_new_own_locks(Source *source, const QueryDesc *query) {
    if (unlikely(own_locks_now() != trace.own_locks))
        read_own_locks(source, {}, query);
}

} // namespace dbperf::lock_trace
