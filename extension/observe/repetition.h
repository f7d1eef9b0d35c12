// N+1 by repetition: one statement again and again with other lookup keys inside one scope. Backend-local state;
// what passes the threshold grows a finding.
#pragma once

#include "observe/execution.h"

namespace dbperf::repetition {

void observe(const Execution &execution, const QueryDesc *query);
// Ends the scope that an explicit transaction was.
void transaction_ended();
// Tells the findings what they were not told yet, so that a flush has all of this session.
void tell_all();

} // namespace dbperf::repetition
