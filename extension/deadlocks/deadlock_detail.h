// Reads who waited for whom out of the detail of the server's error "deadlock detected", in whatever language it is
// written: from the numbers, the shape of what is locked, and the names of lock modes, which are never translated.
#pragma once

#include "core/lock_mode.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace dbperf::deadlocks {

struct WaitEdge {
    int32_t pid;
    int32_t blocked_by;
    core::LockTag lock; // no_lock if unknown
    int mode;           // 0 if unknown
};

// One edge a line, in order; the last member waits for the first. 0 when this is no such detail or the members are more
// than there is room for. The database separates a relation from what looks like one.
size_t read_wait_edges(std::string_view detail, uint32_t database, std::span<WaitEdge> edges);

} // namespace dbperf::deadlocks
