// A clean copy of a database for this session: from the pool, or as soon as it is made.
#pragma once

#include "core/pg.h"

namespace dbperf::database_pool::lease_copy {

// A database to be copied.
struct Source {
    Oid database;
    Oid owner;
    bool is_template;
    bool is_closed;
    const char *name;
};

// Raises when there is none.
Source look_up(const char *name);

// The name of a copy that is this session's from now on; waits for it up to dbperf.acquire_timeout.
const char *lease(const Source &source);

} // namespace dbperf::database_pool::lease_copy
