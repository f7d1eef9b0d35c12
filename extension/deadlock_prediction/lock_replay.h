// What it takes to make a predicted deadlock happen, as JSON: what each member's client sent, up to the lock that it
// requests, and where it has to stop before that.
#pragma once

#include "core/pg.h"

#include "deadlock_prediction/lock_cycles.h"
#include "deadlock_prediction/lock_trace_table.h"

namespace dbperf::deadlock_prediction::lock_replay {

// "name": "value", or null.
void add_text(StringInfo json, const char *name, const char *value);
// One object. `gate`: a statement that keeps others from what the member holds, or null. `possible`: the
// members did not lock the same rows. `migrates`: it is a migration's. Needs a transaction.
void add_member(StringInfo json, const StoredTrace &trace, uint32 number, const CycleMember &member, const char *gate,
                bool possible, bool migrates);

} // namespace dbperf::deadlock_prediction::lock_replay
