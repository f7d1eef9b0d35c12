// What a GIN index costs while rows wait in its pending list: every search reads all of that list, and the planner
// reads its length in the index that is here.
#pragma once

#include "core/pg.h"

namespace dbperf::statistics::gin_cost {

void set(IndexOptInfo *index);

} // namespace dbperf::statistics::gin_cost
