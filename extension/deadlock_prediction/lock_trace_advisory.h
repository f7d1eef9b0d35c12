// Which advisory locks a query asks for by itself, in which order, and whether it waits for them.
#pragma once

#include "core/pg.h"

namespace dbperf::deadlock_prediction::lock_trace::advisory {

struct Call {
    bool tries; // does not wait
    bool known; // its key
    uint32 high, low;
    uint16 kind; // 1: one bigint, 2: two integers
};

struct Calls {
    static constexpr int most = 32;
    bool read;
    int count;
    Call calls[most];
};

uint64 resource_of(uint32 high, uint32 low, uint16 kind);
void read_calls(const QueryDesc *query, Calls *calls);
// Place of the call that took this lock; INT_MAX when it is not known. Tells whether it waited.
int rank_of(const Calls &calls, uint32 high, uint32 low, uint16 kind, bool *waits);

} // namespace dbperf::deadlock_prediction::lock_trace::advisory
