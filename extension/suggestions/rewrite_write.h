// One INSERT, UPDATE or DELETE for the rows of many.
#pragma once

#include "core/pg.h"

#include "suggestions/rewrite_key.h"

namespace dbperf::suggestions::rewrite {

// Null when there is no safe way. INSERT and UPDATE take an array for every parameter, in the order of the parameters
// of the original; the others take $1 for the keys and keep their other parameters as `others`.
Query *write_all(Query *query, const Key &key, Node **others, const int *uses, const Oid *types, int count);

} // namespace dbperf::suggestions::rewrite
