// An index that is not there as the planner knows those that are.
#pragma once

#include "core/pg.h"

#include "index_advice/index_shape.h"

namespace dbperf::index_advice::hypothetical_index {

// Of a table, or of one partition of the shape's table; null: it is not one of its tables.
IndexOptInfo *of(const IndexShape &shape, RelOptInfo *relation, Oid table);

} // namespace dbperf::index_advice::hypothetical_index
