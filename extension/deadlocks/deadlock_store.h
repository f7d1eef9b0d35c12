// Inserts what a victim queued: the deadlock, its members, their steps and who waited behind them.
#pragma once

#include "core/event_queue.h"
#include "core/runs.h"

namespace dbperf::deadlocks {

// In a transaction of the recorder.
void store_deadlock(const core::event_queue::Event &event, const core::runs::Run *run);

} // namespace dbperf::deadlocks
