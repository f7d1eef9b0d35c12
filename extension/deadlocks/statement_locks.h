// Which locks an executing statement asks for, as far as its plan shows: tables with their modes, and the one row it is
// about, by key. Knows nothing of who keeps them.
#pragma once

#include "core/pg.h"

#include <span>

#include "deadlocks/deadlock_record.h"

namespace dbperf::deadlocks::statement_locks {

// Fills lock, modes, relation and key of the entries; the rows it locks come first. Returns their number. Never raises.
size_t of_query(const QueryDesc *query, std::span<TrailEntry> entries);

// The same for tables that a utility statement names.
size_t of_utility(const Node *statement, std::span<TrailEntry> entries);

} // namespace dbperf::deadlocks::statement_locks
