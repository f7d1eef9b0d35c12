// From an executing statement to its fingerprint, cheaply and again and again. Backend-local.
//
// Core's query id plays no part: computing it costs more than all of dbperf, it changes with every re-created table,
// and on 18 equal ids may be statements on different tables. Instead a skeleton of the text (literals and comments left
// out) finds the identity, and a small table by address of the source text spares even that on repeated execution. An
// address may come to hold another text, so the table keeps a copy and compares.
#pragma once

#include "server/pg.h"

#include "observe/lookup_keys.h"
#include "observe/statement_table.h"

namespace dbperf {

struct StatementIdentity {
    uint64 skeleton; // key
    uint64 fingerprint;
    bool is_own; // names schema dbperf: never observed
    LookupKeys keys;
    StatementEntryCache entry;
};

namespace statement_identity {

// What one analysis or execution adds to the identity.
struct Occurrence {
    StatementIdentity *statement;
    uint64 planning;        // ns spent planning since the last execution
    uint64 trace;           // hash of the sqlcommenter trace id, 0 without
    LookupValues constants; // values of keys that are constants of this text
};

// After parse analysis of a statement.
void on_parse(const char *source, const Query *query);
// Moves when all identities were forgotten: pointers to older ones are dead.
extern uint32 generation;
// Null when the statement cannot be identified (out of memory, unscannable text).
Occurrence *of(const char *source, int location, int length, bool is_utility);
void add_planning(const char *source, int location, int length, uint64 nanoseconds);
// Stores the statement's text in shared memory if it is not there.
void store_text(const StatementIdentity &statement, const char *source, int location, int length, bool is_utility);

} // namespace statement_identity
} // namespace dbperf
