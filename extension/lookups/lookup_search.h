// Finds the lookup keys of a statement.
#pragma once

#include "core/pg.h"

#include "lookups/lookup_keys.h"

namespace dbperf::lookups::lookup_search {

// Reads the keys, and the values of constant ones, from a query tree.
void extract(const Query *query, LookupKeys *keys, LookupValues *constants);

} // namespace dbperf::lookups::lookup_search
