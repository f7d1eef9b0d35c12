// What happens to an execution when it is over: which collector sees it, and how.
#pragma once

#include "core/runs.h"
#include "n_plus_one/unit_of_work.h"
#include "statements/execution.h"

namespace dbperf::hooks::collect {

// Whether the session is in a run, or has to find out: only then plans are captured.
inline bool may_capture() {
    return !core::runs::current_is_known() || core::runs::cache.id != core::runs::no_run;
}
void before_start(QueryDesc *query, int flags);
// Whether to remember the rows that this execution is about to send.
inline bool wants_rows(const statements::Execution &execution) {
    const statements::StatementIdentity &statement = *execution.statement;
    return unlikely(statement.uncaptured_unit != n_plus_one::unit_of_work::current.serial) &&
           execution.state.top_level && core::settings::n_plus_one;
}
// Sent some rows and may go on.
void paused(statements::Execution *execution);
// Ran to its end.
void completed(statements::Execution *execution);
// The same of one for which Execution::is_usual() holds.
void completed_as_usual(statements::Execution *execution);
// Raised an error; the query is still there.
void failed(statements::Execution *execution, int sqlstate);
// Was left open by an aborted transaction; the query is gone.
void abandoned(statements::Execution *execution);

// False for what is not to be counted; then execution->occurrence.statement separates the internal from the
// unidentifiable.
bool open_utility(const PlannedStmt *statement, const char *source, int level, statements::Execution *execution);
void completed_utility(statements::Execution *execution);
void failed_utility(statements::Execution *execution);

// The client's transaction is about to commit, with deferred triggers behind it, or is over.
void transaction_ends();
void transaction_ended();
void session_changed();
void savepoint_begins();
void scope_changed();

} // namespace dbperf::hooks::collect
