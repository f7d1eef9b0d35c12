// Extended statistics as a document has them, written into pg_statistic_ext_data. No hook of the planner gives them.
#pragma once

#include "core/pg.h"

namespace dbperf::statistics {

// Columns are found by their names, since numbers are others here. Raises an error for what does not fit.
void write_extended_statistics(Oid object, bool inherited, JsonbContainer *data);

} // namespace dbperf::statistics
