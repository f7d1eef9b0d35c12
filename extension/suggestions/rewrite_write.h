// One INSERT, UPDATE or DELETE for the rows of many.
#pragma once

#include "core/pg.h"

#include "suggestions/rewrite_key.h"
#include "suggestions/rewrite_tree.h"

namespace dbperf::suggestions::rewrite {

// Null when there is no safe way. INSERT takes an array for every parameter, UPDATE for the key and what is written,
// and for conditions on columns that are written; these are in the order of the original's parameters. The others take
// $1 for the keys and keep their other parameters as they are.
Query *write_all(Query *query, const Key &key, const Parameters &parameters, const char **reason);

} // namespace dbperf::suggestions::rewrite
