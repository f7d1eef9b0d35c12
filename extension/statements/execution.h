// One execution of a statement while it is under way, and the stack of those that are open in this backend.
//
// Everything here is on the path of every statement: what runs once per execution is inline and stores only what it
// must.
#pragma once

#include "core/pg.h"

#include <array>
#include <bit>

#include "statements/statement_identity.h"

namespace dbperf::statements {

struct Execution {
    QueryDesc *query; // identifies the execution; null for utility statements and when it is gone
    StatementIdentity *statement;
    uint32 run;
    int transaction_level;     // the (sub)transaction it was opened in
    int run_transaction_level; // and the one its last run began in
    int level;                 // nesting its last run began at
    struct alignas(8) State {
        bool is_utility;
        bool running;
        bool recorded;  // a cursor may run on after it was counted
        bool top_level; // what the client sent
        bool captured;  // its rows of this run are remembered
        bool trailed;   // has an entry in the trail that is not complete: step and step_at say which
        bool reads;     // a SELECT without side effects
        bool in_block;  // at the lowest level, in a transaction block
    } state;
    uint32 root;        // batch of rows it returned, 0 if none
    uint32 step;        // of its transaction
    uint32 step_at;     // number of its first entry
    bool is_control;    // of a utility statement: no work of the application's
    const char *source; // only of a utility statement
    int location;
    int length;
    uint64 trace;
    lookups::LookupValues values; // of its keys
    uint64 began;                 // ns, monotonic clock; 0 before the first run
    uint64 ended;                 // ns
    Usage before;                 // the server's counters at the start of the current run
    Observation observed;

    // What the client sent, read and over, and nothing else is to be said of it. One comparison instead of many.
    bool is_usual() const {
        constexpr State usual{.is_utility = false,
                              .running = false,
                              .recorded = false,
                              .top_level = true,
                              .captured = false,
                              .trailed = false,
                              .reads = true,
                              .in_block = false};
        return likely(std::bit_cast<uint64>(state) == std::bit_cast<uint64>(usual));
    }
};
static_assert(sizeof(Execution::State) == sizeof(uint64));

namespace execution {

constexpr int max_open = 64;

// What has to be done when the transaction ends, as bits.
enum Awaited : uint32 {
    awaited_by_unit = 1,
    awaited_by_loops = 2,
    awaited_by_subtransaction = 4,
    awaited_by_locks = 8,
    awaited_by_error_context = 16,
    awaited_by_planning = 32
};

struct Stack {
    Execution *top; // behind the last one that is open
    uint32 height;  // of the stack, and what is awaited: looked at together at the end of a transaction
    uint32 awaited;
    int transaction_level; // as GetCurrentTransactionNestLevel() says
    uint64 overflows;
    Execution executions[max_open]; // clang calls no member function of what it initialises at compile time
};
extern Stack stack;

inline bool any_open() {
    return unlikely(stack.height != 0);
}

inline uint64 clock() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64>(time.tv_sec) * 1000000000u + static_cast<uint64>(time.tv_nsec);
}

// Neighbours in the server's structure as in ours.
static_assert(offsetof(BufferUsage, shared_blks_written) - offsetof(BufferUsage, shared_blks_hit) ==
              offsetof(Usage, shared_blks_written) - offsetof(Usage, shared_blks_hit));
static_assert(offsetof(BufferUsage, temp_blks_written) - offsetof(BufferUsage, temp_blks_read) ==
              offsetof(Usage, temp_blks_written) - offsetof(Usage, temp_blks_read));

inline void read_usage(Usage *usage) {
    pair_at(usage->shared_blks_hit) = pair_at(pgBufferUsage.shared_blks_hit);
    pair_at(usage->shared_blks_dirtied) = pair_at(pgBufferUsage.shared_blks_dirtied);
    pair_at(usage->temp_blks_read) = pair_at(pgBufferUsage.temp_blks_read);
    usage->wal_bytes = pgWalUsage.wal_bytes;
}

inline void read_usage_since(const Usage &before, Usage *usage) {
    pair_at(usage->shared_blks_hit) = pair_at(pgBufferUsage.shared_blks_hit) - pair_at(before.shared_blks_hit);
    pair_at(usage->shared_blks_dirtied) =
        pair_at(pgBufferUsage.shared_blks_dirtied) - pair_at(before.shared_blks_dirtied);
    pair_at(usage->temp_blks_read) = pair_at(pgBufferUsage.temp_blks_read) - pair_at(before.temp_blks_read);
    usage->wal_bytes = pgWalUsage.wal_bytes - before.wal_bytes;
}

inline uint64 start(Execution *execution) {
    execution->state.running = true;
    read_usage(&execution->before);
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
        read_usage_since(execution->before, &execution->observed.usage);
    } else {
        execution->observed.elapsed += execution->ended - started;
        Usage more;
        read_usage_since(execution->before, &more);
        add(&execution->observed.usage, more);
    }
    execution->state.running = false;
}

inline Execution *find(const QueryDesc *query) {
    if (likely(stack.height == 0))
        return nullptr;
    for (Execution *execution = stack.top; execution != stack.executions;)
        if ((--execution)->query == query)
            return execution;
    return nullptr;
}

inline void close(Execution *execution) {
    execution->query = nullptr;
    // Out of order a hole is left, which goes with the last one above it.
    if (likely(execution + 1 == stack.top))
        do {
            --stack.top;
            --stack.height;
        } while (unlikely(stack.height != 0 && stack.top[-1].query == nullptr));
}

// Takes over what is known of the statement.
void identify(Execution *execution, statement_identity::Occurrence *occurrence);
// Deferred triggers run at the lowest level, too, but outside any portal: in the commit.
inline bool is_top_level(int level) {
    return level == 0 && ActivePortal != nullptr;
}
// A SELECT without side effects: ExecutorFinish has nothing to do for it.
inline bool only_reads(const QueryDesc *query) {
    return likely(query->operation == CMD_SELECT && !query->plannedstmt->hasModifyingCTE);
}
// A new open execution of this query; null when it cannot be identified or too many are open.
Execution *open(QueryDesc *query, int level);

// Ends what a (sub)transaction left open: calls `abandoned` for each not yet recorded. Returns the lowest level of
// those that were cut off while running; INT_MAX without.
int close_all(int from_transaction_level, void (*abandoned)(Execution *));

} // namespace execution
} // namespace dbperf::statements
