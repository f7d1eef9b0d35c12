// Predicted deadlocks of a run that is being closed, as JSON: one object a cycle.
#pragma once

#include "core/pg.h"

#include <span>

#include "deadlock_prediction/lock_trace_table.h"

namespace dbperf::deadlock_prediction::cycle_description {

struct Description {
    Oid database;
    uint64 identity; // of statements, tables and modes
    int members;
    bool possible;            // with other rows than those seen
    char *text;               // a sentence
    char *rows;               // JSON array of what they meet at
    char *steps;              // JSON array of the members' locks
    char *replay;             // JSON array of what each member's client sent
    uint64 fingerprints[128]; // of the statements in it
    int fingerprint_count;
};

// Searches the run's traces and reports each cycle; false when the search had to stop early. Needs a transaction.
bool search(uint32 run, void (*report)(const Description &cycle, void *argument), void *argument);
// The same of deadlocks that transactions of these two could have with each other: of one database, or of copies of it.
void search_between(std::span<const StoredTrace> application, std::span<const StoredTrace> migration,
                    void (*report)(const Description &cycle, void *argument), void *argument);

// With a run. Within SPI.
void store(const Description &cycle, const pg_uuid_t &run, const char *database);

} // namespace dbperf::deadlock_prediction::cycle_description
