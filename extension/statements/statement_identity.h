// From an executing statement to its fingerprint, cheaply and again and again. Backend-local.
//
// Core's query id plays no part: computing it costs more than all of dbperf, it changes with every re-created table,
// and on 18 equal ids may be statements on different tables. Instead a skeleton of the text (literals and comments left
// out) finds the identity, and a small table by address of the source text spares even that on repeated execution. An
// address may come to hold another text, so the table keeps a copy and compares.
#pragma once

#include "core/pg.h"

#include "lookups/list_history.h"
#include "lookups/lookup_keys.h"
#include "statements/statement_table.h"

namespace dbperf::statements {

// In a burst, as long as there is no second one that would make it a loop.
struct FirstExecution {
    uint64 key;
    uint64 exec; // ns, as all times here
    uint64 wait;
    uint32 run;
    uint32 burst;   // in which it was, as repetition counts; 0: none
    uint32 at;      // number among those that were remembered
    uint32 changes; // of what is read, until then
};

struct StatementIdentity {
    uint64 skeleton; // key
    uint64 fingerprint;
    bool names_dbperf; // its text does: it may be
    bool is_internal;  // dbperf's own business, as of its last plan: never observed
    bool has_comment;
    bool names_advisory; // its text does: it may take advisory locks
    bool single_row;     // a lookup by a unique index:
    Oid unique_index;    // this one, as was found out
    StatementEntryCache entry;
    // Of repetition: its loop, if that still has this id; the batch of rows it returned last, and in which unit of
    // work; the unit in which its rows are not of interest.
    void *loop;
    uint32 loop_id;
    uint32 root;
    uint32 root_unit;
    uint32 uncaptured_unit;
    uint32 counted_in_unit; // the last occurrence of a unit of work that it was counted in
    FirstExecution first;
    lookups::ListHistory lists; // that stood beside its keys
    lookups::LookupKeys keys;   // of its last plan; at the end: few are used
};

namespace statement_identity {

// What one text adds to the identity.
struct Occurrence {
    StatementIdentity *statement;
    uint64 planning; // ns spent planning since the last execution
    uint64 trace;    // hash of the sqlcommenter trace id, 0 if none
    uint64 literals; // hash of the text's constants
    lookups::LookupKeys keys;
    lookups::LookupValues constants; // values of keys that are constants of this text
};

// Each time that a plan has been made, observed or not.
void plan_is_made();
// Before a query is planned: its keys.
void on_plan(const char *source, const Query *query);
// After it was: its cost, and what its plan shows.
void on_planned(const char *source, int location, int length, const PlannedStmt *plan, uint64 nanoseconds);
// Begins anew when there are very many; pointers to identities are dead then.
void forget_if_full();
// Null when the statement cannot be identified (out of memory, unscannable text).
Occurrence *of(const char *source, int location, int length, bool is_utility);
// Of a plan that is to be executed: without a look at the text where it was executed or made last.
Occurrence *of_plan(const char *source, const PlannedStmt *plan);
// The same for texts that differ in nothing but what comments say and how wide spaces are.
uint64 hash_of_text(const Occurrence &occurrence);
// The query as it can be executed by itself: without what carries it (PREPARE ... AS) and what stands around it. Empty
// when it is longer than that or cannot be scanned.
std::string_view executable_text(const QueryDesc *query, size_t longest);
// Copies the last comment of the statement's text; an empty string without.
void copy_comment(const StatementIdentity &statement, const QueryDesc *query, char *comment, size_t room);
// Stores the statement's text in shared memory if it is not there; false when there is no room.
bool store_text(const StatementIdentity &statement, const char *source, int location, int length, bool is_utility,
                bool in_run);

} // namespace statement_identity
} // namespace dbperf::statements
