// Loops below one statement of the client: in functions, procedures, triggers and DO blocks. Backend-local.
#pragma once

#include "statements/execution.h"

namespace dbperf::server_loops {

void observe(const Execution &execution, const QueryDesc *query);
void report_all(uint64 top_level);

// The client's statement is over: what was repeated below it is reported.
inline void top_level_ended(uint64 fingerprint) {
    if (unlikely((execution::stack.awaited & execution::awaited_by_loops) != 0))
        report_all(fingerprint);
}

} // namespace dbperf::server_loops
