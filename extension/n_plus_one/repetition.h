// N+1 and related patterns: every statement with lookup keys is followed within its unit of work; what amounts to
// something grows a finding. Backend-local state here, that of several backends in shared_units.
#pragma once

#include "statements/execution.h"

namespace dbperf::n_plus_one::repetition {

void observe(statements::Execution *execution, const QueryDesc *query);
// The same of one that is usual (Execution::is_usual).
void observe_usual(statements::Execution *execution, const QueryDesc *query);
// A run of a cursor that goes on: its rows count, the statement not yet.
void paused(statements::Execution *execution, const QueryDesc *query);
// Ends the unit of work that an explicit transaction was.
void transaction_ended(bool commits);
// The client began one: its transaction may be a test around requests.
void savepoint_begins();
// Something of the session was set anew.
void session_changed();
// Something of dbperf's own was: the name of the scope, perhaps.
void scope_changed();
// After dbperf.reset(): what was seen so far is of no unit of work and no loop.
void forget();
// Reports to the findings what is unreported yet, so that a flush has all of this session.
void report_all();

} // namespace dbperf::n_plus_one::repetition
