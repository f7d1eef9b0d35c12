// Advisory locks, and locks of tables that functions in C take: read from the server's own lock table.
#pragma once

#include "core/pg.h"

#include "deadlock_prediction/lock_trace.h"

namespace dbperf::deadlock_prediction::lock_trace {

// Takes what the backend holds and the trace does not know. `query` is what called for it, or null. `waits`: unless it
// is known better.
void read_held_locks(Source *source, const QueryDesc *query, bool waits = true);

// The same, if there may be anything new.
inline void read_new_held_locks(Source *source, const QueryDesc *query) {
    if (unlikely(core::compat::held_locks_mark() != trace.held_locks))
        read_held_locks(source, query);
}

} // namespace dbperf::deadlock_prediction::lock_trace
