// One execution of a statement while it is under way, and the stack of those that are open in this backend.
//
// Everything here is on the path of every statement: what runs once per execution is inline and stores only what it must.
#pragma once

#include "server/pg.h"

#include <array>

#include "observe/statement_identity.h"

namespace dbperf {

struct Execution {
    QueryDesc *query; // identifies the execution; null for utility statements and when it is gone
    StatementIdentity *statement;
    uint32 identity_generation;
    uint32 run;
    int transaction_level; // the (sub)transaction it was opened in
    bool top_level;
    bool is_utility;
    bool running;
    bool recorded; // a cursor may run on after it was counted
    const char *source; // of a utility statement; null otherwise
    int location;
    int length;
    uint64 trace;
    LookupValues constants;
    uint64 began; // ns, monotonic clock; 0 before the first run
    uint64 ended; // ns
    Observation observed;
};

namespace execution {

constexpr int most_open = 64;

struct Stack {
    std::array<Execution, most_open> executions;
    int count;
    uint64 overflows;
};
extern Stack stack;

inline uint64 clock() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64>(time.tv_sec) * 1000000000u + static_cast<uint64>(time.tv_nsec);
}

inline void add_usage(Usage *usage, int64 sign) {
    usage->shared_blks_hit += sign * pgBufferUsage.shared_blks_hit;
    usage->shared_blks_read += sign * pgBufferUsage.shared_blks_read;
    usage->shared_blks_dirtied += sign * pgBufferUsage.shared_blks_dirtied;
    usage->shared_blks_written += sign * pgBufferUsage.shared_blks_written;
    usage->temp_blks_read += sign * pgBufferUsage.temp_blks_read;
    usage->temp_blks_written += sign * pgBufferUsage.temp_blks_written;
    usage->wal_bytes += static_cast<uint64>(sign) * pgWalUsage.wal_bytes;
}

// Between start and stop the counters hold the difference to what they will be: nothing to remember on the side.
inline uint64 start(Execution *execution) {
    execution->running = true;
    add_usage(&execution->observed.usage, -1);
    const uint64 time = clock();
    if (execution->began == 0)
        execution->began = time;
    return time;
}

inline void stop(Execution *execution, uint64 started) {
    execution->ended = clock();
    execution->observed.elapsed += execution->ended - started;
    add_usage(&execution->observed.usage, 1);
    execution->running = false;
}

inline Execution *find(const QueryDesc *query) {
    for (int i = stack.count - 1; i >= 0; --i)
        if (stack.executions[static_cast<size_t>(i)].query == query)
            return &stack.executions[static_cast<size_t>(i)];
    return nullptr;
}

inline void close(Execution *execution) {
    execution->query = nullptr;
    execution->recorded = true;
    while (stack.count > 0 && stack.executions[static_cast<size_t>(stack.count - 1)].query == nullptr)
        --stack.count;
}

// Takes over what is known of the statement.
void identify(Execution *execution, statement_identity::Occurrence *occurrence);
// A new open execution of this query; null when it cannot be identified or too many are open.
Execution *open(QueryDesc *query, bool top_level);

// Ends what a (sub)transaction abort left open: calls `abandoned` for each not yet recorded.
void close_all(int from_transaction_level, void (*abandoned)(Execution *));

} // namespace execution
} // namespace dbperf
