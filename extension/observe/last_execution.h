// What the last statement of this session in a run took: for whoever measures statement by statement.
//
// Only top-level statements with rows to give or change, which ran to their end; dbperf's own do not count.
#pragma once

#include "server/pg.h"

#include "observe/statement_table.h"

namespace dbperf::last_execution {

void remember(const Observation &observation);
// Null: there was none.
const Observation *get();

} // namespace dbperf::last_execution
