// What the last statement of this session in a run took, as the setting dbperf.last_execution: a setting can be read in
// every database, also where the extension is not installed.
//
// Only top-level statements that ran to their end; utility statements and dbperf's own do not count. dbperf.session_wal
// counts the bytes of WAL of everything that this session did.
#pragma once

#include "core/pg.h"

#include "statements/statement_table.h"

namespace dbperf::statements::last_execution {

void install();
void remember(const Observation &observation);

} // namespace dbperf::statements::last_execution
