// One execution of a statement while it is under way, and the stack of those that are open in this backend.
//
// Everything here is on the path of every statement: what runs once per execution is inline and stores only what it
// must.
#pragma once

#include "server/pg.h"

#include <array>

#include "observe/statement_identity.h"

namespace dbperf {

struct Execution {
    QueryDesc *query; // identifies the execution; null for utility statements and when it is gone
    StatementIdentity *statement;
    uint32 run;
    int transaction_level;     // the (sub)transaction it was opened in
    int run_transaction_level; // and the one its last run began in
    int level;                 // nesting its last run began at
    struct alignas(8) {
        bool is_utility;
        bool running;
        bool recorded;  // a cursor may run on after it was counted
        bool top_level; // what the client sent
        bool captured;  // its rows of this run are remembered
        bool trailed;   // has an entry in the trail that is not complete: the next two say which
    } state;
    uint32 root;        // batch of rows it returned, 0 without
    uint32 step;        // of its transaction
    uint32 step_at;     // number of its first entry
    const char *source; // only of a utility statement
    int location;
    int length;
    uint64 trace;
    LookupValues values; // of its keys
    uint64 began;        // ns, monotonic clock; 0 before the first run
    uint64 ended;        // ns
    Usage before;        // the server's counters at the start of the current run
    Observation observed;
};

namespace execution {

constexpr int most_open = 64;

// What has to be done when the transaction ends, as bits.
enum Awaited : uint32 {
    awaited_by_unit = 1,
    awaited_by_loops = 2,
    awaited_by_subtransaction = 4,
    awaited_by_locks = 8
};

struct Stack {
    Execution *top; // behind the last one that is open
    uint32 awaited;
    int transaction_level; // as GetCurrentTransactionNestLevel() says
    uint64 overflows;
    Execution executions[most_open]; // clang calls no member function of what it initialises at compile time
};
extern Stack stack;

inline bool any_open() {
    return unlikely(stack.top != stack.executions);
}

inline uint64 clock() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64>(time.tv_sec) * 1000000000u + static_cast<uint64>(time.tv_nsec);
}

inline Usage usage_now() {
    Usage usage;
    // Four neighbours in the server's structure as in ours.
    static_assert(offsetof(BufferUsage, shared_blks_written) - offsetof(BufferUsage, shared_blks_hit) ==
                  offsetof(Usage, shared_blks_written) - offsetof(Usage, shared_blks_hit));
    memcpy(static_cast<void *>(&usage), &pgBufferUsage.shared_blks_hit, 4 * sizeof(int64));
    usage.temp_blks_read = pgBufferUsage.temp_blks_read;
    usage.temp_blks_written = pgBufferUsage.temp_blks_written;
    usage.wal_bytes = pgWalUsage.wal_bytes;
    return usage;
}

inline Usage difference(const Usage &a, const Usage &b) {
    return {a.shared_blks_hit - b.shared_blks_hit,
            a.shared_blks_read - b.shared_blks_read,
            a.shared_blks_dirtied - b.shared_blks_dirtied,
            a.shared_blks_written - b.shared_blks_written,
            a.temp_blks_read - b.temp_blks_read,
            a.temp_blks_written - b.temp_blks_written,
            a.wal_bytes - b.wal_bytes};
}

inline uint64 start(Execution *execution) {
    execution->state.running = true;
    execution->before = usage_now();
    const uint64 time = clock();
    if (execution->began == 0)
        execution->began = time;
    return time;
}

inline void stop(Execution *execution, uint64 started) {
    execution->ended = clock();
    // The first run assigns, so that opening need not clear.
    if (likely(started == execution->began)) {
        execution->observed.elapsed = execution->ended - started;
        execution->observed.usage = difference(usage_now(), execution->before);
    } else {
        execution->observed.elapsed += execution->ended - started;
        add(&execution->observed.usage, difference(usage_now(), execution->before));
    }
    execution->state.running = false;
}

inline Execution *find(const QueryDesc *query) {
    for (Execution *execution = stack.top; execution != stack.executions;)
        if ((--execution)->query == query)
            return execution;
    return nullptr;
}

inline void close(Execution *execution) {
    execution->query = nullptr;
    // Out of order a hole is left, which goes with the last one above it.
    if (likely(execution + 1 == stack.top))
        do
            --stack.top;
        while (unlikely(stack.top != stack.executions && stack.top[-1].query == nullptr));
}

// Takes over what is known of the statement.
void identify(Execution *execution, statement_identity::Occurrence *occurrence);
// Deferred triggers run at the lowest level, too, but outside any portal: in the commit.
inline bool is_top_level(int level) {
    return level == 0 && ActivePortal != nullptr;
}
// A new open execution of this query; null when it cannot be identified or too many are open.
Execution *open(QueryDesc *query, int level);

// Ends what a (sub)transaction left open: calls `abandoned` for each not yet recorded. Returns the lowest level of
// those that were cut off while running; INT_MAX without.
int close_all(int from_transaction_level, void (*abandoned)(Execution *));

} // namespace execution
} // namespace dbperf
