// Gives the planner the other server's sizes of a table and its indexes. An index that is not there gets the size that
// it would have.
#pragma once

#include "statistics/session_statistics.h"

namespace dbperf::statistics::planned_size {

void set(PlannerInfo *root, Oid relation, const ImportedRelation &imported, RelOptInfo *planned);

} // namespace dbperf::statistics::planned_size
