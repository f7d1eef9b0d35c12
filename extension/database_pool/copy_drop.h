// Drops copies and templates in a worker; those that cannot be dropped are put off, each by itself.
#pragma once

#include "core/pg.h"

#include "database_pool/registry.h"

namespace dbperf::database_pool::copy_drop {

void drop(Copy *dropping);
void drop(Template *old);

} // namespace dbperf::database_pool::copy_drop
