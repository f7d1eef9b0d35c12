// Looks who waits for locks, and adds what it sees to the table of waits.
#pragma once

#include "core/pg.h"

namespace dbperf::lock_waits::lock_observer {

// Memory for what it remembers from look to look; once in the worker's life.
void prepare();
// Must not be called within a transaction.
void look();

} // namespace dbperf::lock_waits::lock_observer
