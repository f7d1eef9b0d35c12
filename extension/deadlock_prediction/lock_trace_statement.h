// What a statement adds to the trace of its transaction: the locks of its tables, and where rows and advisory locks are
// to be watched.
#pragma once

#include "deadlock_prediction/lock_acquisitions.h"
#include "deadlock_prediction/lock_trace.h"
#include "statements/execution.h"

namespace dbperf::deadlock_prediction::lock_trace {

// A query is about to run for the first time; `execution` may be null.
// `level`: nesting of statements, 0: the client's.
[[gnu::cold]] void query_begins(QueryDesc *query, const statements::Execution *execution, int level);
// It ran, perhaps not to its end.
[[gnu::cold]] void query_paused(QueryDesc *query, const statements::Execution *execution);

// A command under way: afterwards its statement may be gone.
struct Command {
    bool watched = false;
    bool sent = false;    // by the client
    bool follows = false; // its locks, as it takes them
    acquisitions::Watch around;
};
// `source`: the text it is in, if the client sent it.
void command_begins(const PlannedStmt *statement, const char *source, ParamListInfo parameters, uint64 fingerprint,
                    Command *command);
void command_ended(const Command &command, uint64 fingerprint);
void command_failed(const Command &command);

} // namespace dbperf::deadlock_prediction::lock_trace
