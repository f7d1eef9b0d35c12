// The worker that makes, puts back and drops test databases. Connected to a database that is none of them, and only
// while there is work.
#pragma once

#include "core/pg.h"

namespace dbperf::database_pool::copy_worker {

// For the launcher: starts the worker when there is work for it and none is running. Returns how soon (ms) to ask
// again.
long start_if_needed();

// What an earlier life of the server left is collected without anybody asking; for the launcher, when it starts.
void recall();

// The launcher looks at once.
void wake();

// Raises where it could not work.
void require_primary();
// A database to which it may stay connected for a while.
Oid choose_maintenance_database();
// As wake(), also when nothing was acquired since the server started.
void start_here();

} // namespace dbperf::database_pool::copy_worker
