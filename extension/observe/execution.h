// One execution of a statement while it is under way, and the stack of those that are open in this backend.
#pragma once

#include "server/pg.h"

#include "observe/statement_identity.h"

namespace dbperf {

struct Execution {
    QueryDesc *query; // identifies the execution; null for utility statements
    const char *source; // null when it is gone
    int location;
    int length;
    statement_identity::Occurrence occurrence;
    uint32 identity_generation;
    uint32 run;
    bool top_level;
    bool running;
    bool aborted;
    bool recorded; // a cursor may run on after it was counted
    int transaction_level; // the (sub)transaction it was opened in
    uint64 began;          // ns, monotonic clock; first run
    uint64 ended;          // ns, last run
    uint64 elapsed;        // ns
    uint64 rows;
    Usage usage;
};

// Clock and counters at one moment.
struct Moment {
    uint64 time; // ns
    Usage usage;
};

namespace execution {

Moment now();
// Adds what happened since the moment to the execution.
void add_since(const Moment &start, Execution *execution);

// The open execution of this query, or a new one; null when too many are open.
Execution *open(QueryDesc *query, bool top_level);
Execution *find(const QueryDesc *query);
void close(Execution *execution);

// Ends what a (sub)transaction abort left open: calls `abandoned` for each not yet recorded.
void close_all(int from_transaction_level, void (*abandoned)(Execution *));
uint64 overflows();

} // namespace execution
} // namespace dbperf
