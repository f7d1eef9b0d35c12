// Loops below one statement of the client: in functions, procedures, triggers and DO blocks. Backend-local.
#pragma once

#include "statements/execution.h"

namespace dbperf::n_plus_one::server_loops {

void observe(const statements::Execution &execution, const QueryDesc *query);
void report_all(uint64 top_level);

// The client's statement is over: what was repeated below it is reported.
inline void top_level_ended(uint64 fingerprint) {
    if (unlikely((statements::execution::stack.awaited & statements::execution::awaited_by_loops) != 0))
        report_all(fingerprint);
}

} // namespace dbperf::n_plus_one::server_loops
