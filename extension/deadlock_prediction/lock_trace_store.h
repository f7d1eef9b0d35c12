// Transactions of a finished run, kept with it: a migration that is tried later is matched with them.
#pragma once

#include "core/pg.h"

#include <string_view>

#include "core/runs.h"
#include "deadlock_prediction/lock_trace_table.h"

namespace dbperf::deadlock_prediction::lock_trace_store {

// What the run's transactions are when it is closed, of each pattern a few. Within SPI.
void store(const core::runs::Run &run);

// One trace out of its bytes; false when these are none. They have to outlive it.
bool read(std::string_view bytes, StoredTrace *to);

} // namespace dbperf::deadlock_prediction::lock_trace_store
