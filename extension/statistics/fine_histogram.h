// Where a constant lies at the end of a column, the planner trusts a histogram no further than a hundredth of its last
// bin, unless it has read the end in an index. Here it cannot, though the end is known; so for that comparison the same
// histogram is given with so many bins that a hundredth of one is less than a row.
#pragma once

#include "core/pg.h"

namespace dbperf::statistics::fine_histogram {

// Whether a comparison of the relation's own conditions reaches an end of this column, of which an index begins with
// it. `tuple` is of pg_statistic. May raise.
bool is_needed(PlannerInfo *root, const RelOptInfo *table, AttrNumber number, HeapTuple tuple);

// palloc'd.
HeapTuple of(HeapTuple tuple, double rows);

} // namespace dbperf::statistics::fine_histogram
