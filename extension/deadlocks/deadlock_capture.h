// Catches the server's error "deadlock detected" where it is raised and reports to the recorder what every member did.
//
// An error context callback at the bottom of the stack sees every such error, those included that a PL/pgSQL handler
// swallows or that are not logged; emit_log_hook is there for the case that the callback is not in place. While the
// error is being raised the other members still wait, so what they did and hold stands still.
#pragma once

#include "statements/execution.h"

namespace dbperf::deadlocks::deadlock_capture {

void install();

extern ErrorContextCallback bottom;

// The server's main loop empties the stack of callbacks after every error, which has gone through ours then: it asks
// for this at the next end of a transaction.
inline void watch() {
    statements::execution::stack.awaited &= ~statements::execution::awaited_by_error_context;
    if (error_context_stack == nullptr)
        error_context_stack = &bottom;
}

// Deadlocks of this server that could not be reported in full, or at all.
struct State {
    uint64 captured;
    uint64 dropped;
};
State state();
void reset();

} // namespace dbperf::deadlocks::deadlock_capture
