// The size of an index that the other server does not have yet: what it would be built to there.
#pragma once

#include "core/pg.h"

namespace dbperf::statistics::new_index {

// `table` has the other server's size already; `rows_here` is what it has in this database. May raise.
void set_size(PlannerInfo *root, RelOptInfo *table, double rows_here, IndexOptInfo *index);

// Bytes of a key with its included columns, on average.
double key_width(const RelOptInfo &table, const IndexOptInfo &index);

} // namespace dbperf::statistics::new_index
