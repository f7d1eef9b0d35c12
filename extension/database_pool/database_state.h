// What shared catalogs and shared memory say of one database: no page of the database itself has it.
#pragma once

#include "core/pg.h"

namespace dbperf::database_pool {

struct DatabaseState {
    bool exists;
    uint64 properties;    // name, owner, limits, grants, settings, comment, labels
    uint64 subscriptions; // 0: none
    uint64 slots;         // logical replication slots; 0: none

    bool operator==(const DatabaseState &) const = default;
};

namespace database_state {

// As the latest commit left it; inside a transaction.
DatabaseState of(Oid database);

// Those that nobody uses.
void drop_idle_slots(Oid database);

} // namespace database_state
} // namespace dbperf::database_pool
