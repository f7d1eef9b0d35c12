// Executes one statement that a run kept, for the client: `SHOW dbperf.captured` does what dbperf.captured says, which
// works where the extension is not installed and depends on nobody's names. It counts as a statement of the session.
#pragma once

#include "core/pg.h"

namespace dbperf::workload::captured_execution {

void install();

// Whether this command of the client is that.
bool is_asked_for(const Node *statement, ProcessUtilityContext context);
// Rows are texts: of each column 'n' (null), or the length of its value in bytes, a colon, and the value. The last row
// has of each column 'f' (a floating point number) or '-', a space, and how many rows were returned or changed.
void run(DestReceiver *destination);

} // namespace dbperf::workload::captured_execution
