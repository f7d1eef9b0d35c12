// Indexes for operators that no btree of the type knows: parts of values, patterns, ranges.
#pragma once

#include "core/pg.h"

#include "index_advice/index_shape.h"
#include "index_advice/table_use.h"

namespace dbperf::index_advice::special_index {

// Access method and operator classes for that comparison, as shapes of one key.
List *of(Oid relation, const Comparison &comparison);

// The operator class under which a btree finds texts by how they begin; 0: the operator is no such pattern, and *plain
// says whether the default class does.
Oid pattern_class(const Comparison &comparison, bool *plain);

} // namespace dbperf::index_advice::special_index
