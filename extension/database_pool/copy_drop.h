// Drops copies and templates in a worker; those that cannot be dropped are put off, each by itself.
#pragma once

#include "core/pg.h"

#include "database_pool/registry.h"

namespace dbperf::copy_drop {

void drop(test_databases::Copy *doomed);
void drop(test_databases::Template *old);

} // namespace dbperf::copy_drop
