// Where the worker of test databases connects, over a restart: a small file in the data directory, there as long as
// copies exist. Whatever state a crash left them in, nobody holds a lease on them any more: they are dropped as soon as
// the server is up, and not only when somebody asks for the next one.
#pragma once

#include "core/pg.h"

namespace dbperf::database_pool::maintenance_database {

void note(Oid database);
void forget();
// What was noted, if that database is still there; InvalidOid: nothing.
Oid recall();

} // namespace dbperf::database_pool::maintenance_database
