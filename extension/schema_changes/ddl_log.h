// DDL statements on their way to the queue: those of a transaction wait for its commit, what is rolled back leaves
// no record.
#pragma once

#include "core/pg.h"

namespace dbperf::schema_changes {

// Head of an event's payload; command tag, object names (each ended by a NUL) and text follow.
struct DdlRecord {
    TimestampTz happened_at;
    uint32 tag_length;
    uint32 names_length;
    uint32 text_length;
    uint32 is_cut; // the text was longer than dbperf.max_query_length
};

namespace ddl_log {

struct Note;

// Null for what is not to be logged. Remembers the statement before it is executed, since its text and what it drops
// may be gone afterwards. One of the other two ends the note.
Note *begin(Node *statement, const char *source, int location, int length);
void completed(Note *note);
void failed(Note *note);

} // namespace ddl_log
} // namespace dbperf::schema_changes
