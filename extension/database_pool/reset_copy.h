// Makes a used copy equal to its template again, page by page, or says why that cannot be done.
//
// Every page that the log names is taken from the template. So rows come back in their old places, sequences and all
// kinds of indexes with them, and triggers, keys and generated columns have no part in it.
#pragma once

#include "core/pg.h"

#include "database_pool/registry.h"

namespace dbperf::database_pool::reset_copy {

// What is to be known of a copy and its template, taken from the registry.
struct Subject {
    Oid database;
    DatabaseState state; // as it was made
    XLogRecPtr clean_since;
    uint32 seen;
    Oid original;
    XLogRecPtr prepared_at;
    dsm_handle map;
    uint32 file_count;
    bool in_place;
    bool original_changed;
    bool verify; // dbperf.verify
};
Subject subject_of(const Copy &copy); // with the lock held

struct Result {
    ResetDecision decision;
    uint32 pages;           // put back
    XLogRecPtr clean_since; // unless a new copy is needed
    bool verified;
};

// In the copy itself: under locks on the tables that were written to, held until the transaction ends. Raises when this
// session is in the middle of using one of them, and when a page cannot be read.
Result run_connected(const Subject &subject);
// From elsewhere, while nobody is connected to the copy and a lock keeps everybody out.
Result run_alone(const Subject &subject);

// Calls visit for each relation of which the log names pages; of unlogged ones it names none.
void visit_written(const Subject &subject, void (*visit)(Oid relation, uint32 pages, void *argument), void *argument);

} // namespace dbperf::database_pool::reset_copy
