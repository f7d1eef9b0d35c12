// Hears of the checks of foreign keys that the server makes without a statement (see lookups/foreign_key.h).
#pragma once

#include "core/pg.h"

namespace dbperf::hooks::foreign_key_checks {

// Before a query's AFTER triggers are fired. Those that are deferred are fired elsewhere. `level`: nesting of
// statements at any moment.
void watch(EState *query, const int *level);

} // namespace dbperf::hooks::foreign_key_checks
