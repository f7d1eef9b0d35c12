// What becomes of a copy whose lease has ended: ready again, or to be dropped.
#pragma once

#include "core/pg.h"

#include "database_pool/reset_decision.h"

namespace dbperf::database_pool::recycle_copy {

enum class Outcome : uint8_t { clean, put_back, replaced, still_used };

struct Result {
    Outcome outcome;
    ResetReason reason; // of replaced
};

// Waits this long (ms) for connections that are about to close. Only for copies that are ending; any other one is
// still_used.
Result recycle(Oid database, int patience);

// With the registry's lock held: counts what a reset came to.
void count(const ResetDecision &decision, uint32 pages, bool verified);

} // namespace dbperf::database_pool::recycle_copy
