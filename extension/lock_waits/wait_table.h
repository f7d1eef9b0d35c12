// Waits that are alike, of runs under way, added up in shared memory until their run is stored.
//
// Locking: Lock::lock_waits exclusive to add, to add to and to free, shared to read. The observer alone adds.
#pragma once

#include "core/pg.h"

#include "core/lock_mode.h"
#include "deadlocks/deadlock_story.h"

namespace dbperf::lock_waits {

struct WaitKey {
    uint64 statement;   // fingerprints: what the client sent, 0: not known
    uint64 inner;       // what that executes just then, 0: nothing else
    uint64 blocker;     // took the lock, or what its session executes; 0: not known
    uint64 row;         // hash of row_key, 0: none
    core::LockTag lock; // type tuple: a row of the relation in field2, 0: it is not known of which
    uint32 run;
    Oid database;
    Oid role;
    Oid blocker_role; // invalid: not known, or a prepared transaction
    uint8 table_mode; // that it waits for; of a row 0 if row_mode is known
    core::RowLockMode row_mode;
    uint8 unused[6];
};
static_assert(std::has_unique_object_representations_v<WaitKey>);

// Of the database's encoding.
struct WaitNames {
    char relation[80]; // "": not known
    char row_key[56];  // "": not known
    char application[NAMEDATALEN];
    char blocker_application[NAMEDATALEN];
};

struct LockWait {
    uint32 generation; // 0: free
    uint32 longest_chain;
    WaitKey key;
    WaitNames names;
    uint64 head; // fingerprint, as the blocker's: of the session at the other end of the longest chain
    uint64 waits;
    uint64 waited; // us, as all here
    uint64 longest;
    uint64 estimated;
    uint64 transactions;   // time of those in which it was waited
    uint64 in_transaction; // part of that in which it was
    uint64 head_idle;      // while the head was idle in its transaction
    TimestampTz first_at;
    TimestampTz last_at;
    deadlocks::Evidence evidence; // that the blocker's statement is the one
    uint8 unused[7];

    static uint64 hash_of(const WaitKey &key);
};

namespace wait_table {

struct Handle {
    uint32 wait;
    uint32 generation; // 0: none
};

// What one look adds.
struct Addition {
    bool begins; // the wait is new
    uint64 waited;
    uint64 longest; // this wait so far
    uint64 estimated;
    uint64 in_transaction; // of the time since the last look
    uint64 head_idle;
    uint64 head;
    uint32 chain;
    TimestampTz at;
};

void install();
// Without room none, which is counted as lost.
Handle find_or_add(const WaitKey &key, const WaitNames &names, deadlocks::Evidence evidence);
// Nothing if it has gone.
void add(const Handle &handle, const Addition &addition);
void add_transaction_time(const Handle &handle, uint64 time);
// Calls visit for a copy of each.
void visit(void (*visit)(const LockWait &copy, void *argument), void *argument);
void visit_texts(void (*mark)(uint64 key));
void free_run(uint32 run);
void reset();

struct State {
    uint32 waits;
    uint32 most;
    uint64 overflowed;
};
State state();

} // namespace wait_table
} // namespace dbperf::lock_waits
