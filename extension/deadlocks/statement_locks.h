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

// Names a relation of this database; false when it is gone, or an index or the like. Needs a transaction.
bool name_relation(Oid relation, std::span<char> name);

} // namespace dbperf::deadlocks::statement_locks
