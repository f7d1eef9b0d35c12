// Query texts and names by their hash, in one bounded arena of shared memory.
//
// Locking: Lock::texts, shared to read, exclusive to add. Texts are never changed; they go by compaction or reset.
#pragma once

#include "server/pg.h"

namespace dbperf::query_text {

void install();

bool known(uint64 key);
// False, and counted, when there is no room.
bool put(uint64 key, std::string_view text);
// palloc'd, in the encoding of this database, or null. Needs a transaction.
char *get(uint64 key);
// Text from a database of another encoding, in that of this one, palloc'd. Never fails for what it is given: when it
// cannot be converted, a question mark stands for every byte that is not ASCII. Needs a transaction.
char *to_this_encoding(const char *text, size_t length, int encoding);
// The same for a text of this database; when that is gone, its encoding is unknown.
char *of_database(const char *text, Oid database);

// Keeps only texts for which is_live says so; for when the arena is full.
void compact(bool (*is_live)(uint64 key));
void reset();
// Moves whenever texts were removed, so that who stored one knows to look again.
uint32 generation();

struct State {
    uint64 bytes_used;
    uint64 bytes_total;
    uint64 texts;
    uint64 dropped;
};
State state();

} // namespace dbperf::query_text
