// Drops copies and templates in a worker; those that cannot be dropped are put off, each by itself.
#pragma once

#include "server/pg.h"

#include "observe/test_databases.h"

namespace dbperf::copy_drop {

void drop(test_databases::Copy *doomed);
void drop(test_databases::Template *old);

} // namespace dbperf::copy_drop
