// A deadlock as the victim reports it to the recorder: what every member's transaction did, and who waited for whom.
//
// In the queue: a header, then for each member its head, its trail and its text, then the bystanders. No pointers.
#pragma once

#include "core/lock_mode.h"
#include "deadlocks/wait_queue.h"

#include <type_traits>

namespace dbperf::deadlocks {

// A statement of a transaction and one lock it took. A statement that took several has an entry for each.
struct TrailEntry {
    uint64_t fingerprint;
    uint64_t began;   // ns, monotonic clock
    uint64_t elapsed; // ns
    uint64_t rows;
    core::LockTag lock; // of the relation; no_lock when the statement locked nothing that is known
    uint32_t step;      // 1: the first statement of the transaction
    uint32_t nesting;   // subtransactions around it
    uint8_t table_mode;
    core::RowLockMode row_mode;
    uint8_t level; // 0: what the client sent
    bool running;
    bool released;     // its subtransaction was rolled back
    bool first;        // of its step; carries its times
    bool several;      // may lock more than one row
    bool never_waits;  // SKIP LOCKED or NOWAIT
    char relation[80]; // "" when unknown
    char key[56];      // column=value, ... of the only row; "" when unknown or several
};
static_assert(std::is_trivially_copyable_v<TrailEntry> && sizeof(TrailEntry) % 8 == 0);

struct DeadlockHead {
    int32_t victim;
    uint32_t members;
    uint32_t bystanders;
    uint32_t bystanders_beyond; // there was no room for
    uint64_t lost_time;         // ns, of the victim since its transaction began
    uint64_t lost_rows;
    uint64_t lost_wal;  // bytes
    uint64_t detection; // ns, from the closing of the cycle until now
    uint32_t closed_by; // number of the member whose wait closed the cycle
    uint32_t unused;
};

struct DeadlockMember {
    int32_t pid;
    int32_t blocked_by;
    core::LockTag waits_for;
    core::LockTag row; // the tuple it waits at, no_lock when unknown
    uint8_t mode;
    bool has_trail;
    bool kept_by_prepared; // by a prepared transaction as well
    uint8_t unused;
    uint32_t role;
    uint32_t steps;   // of the transaction, remembered or not
    uint32_t dropped; // entries that were dropped because the trail was full
    uint32_t entries; // that follow
    uint32_t text;    // bytes that follow them: what the session executes, for a statement that left no entry
    uint64_t waited;  // ns
    uint64_t lasted;  // ns since the transaction's first statement
    uint64_t rows;
    char application[64];
};
static_assert(std::is_trivially_copyable_v<DeadlockMember> && sizeof(DeadlockMember) % 8 == 0 &&
              sizeof(DeadlockHead) % 8 == 0 && sizeof(Bystander) % 8 == 0);

} // namespace dbperf::deadlocks
