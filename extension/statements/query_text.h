// Query texts and names by their hash, in one bounded arena of shared memory.
//
// Locking: Lock::texts, shared to read, exclusive to add. Texts are never changed; they go by compaction or reset. A
// text for which there is no room is turned away under the shared lock.
#pragma once

#include "core/pg.h"

namespace dbperf::statements::query_text {

void install();

bool known(uint64 key);
// ... or there may be no room for it.
bool known_or_crowded(uint64 key);
// True when it is there, too; false when there is no room.
bool put(uint64 key, std::string_view text);
void count_dropped();
// palloc'd, in the encoding of this database, or null. Needs a transaction.
char *get(uint64 key);
// Text from a database of another encoding, in that of this one, palloc'd. Never fails for what it is given: when it
// cannot be converted, a question mark stands for every byte that is not ASCII. Needs a transaction.
char *to_this_encoding(const char *text, size_t length, int encoding);
// The same for a text of this database; when that is gone, its encoding is unknown.
char *of_database(const char *text, Oid database);

// Whether compaction may help. `freed` counts the owners of texts that have gone: since the last compaction so many
// must have gone, or texts have come, that it is worth looking at all of them.
bool worth_compacting(uint32 freed);
// Keeps only the texts that visit_live calls its argument for; for when the arena is full. `freed` as above. It is
// called with the lock held.
void compact(uint32 freed, void (*visit_live)(void (*mark)(uint64 key)));
void reset();

struct State {
    uint64 bytes_used;
    uint64 bytes_total;
    uint64 texts;
    uint64 dropped;
    uint64 compactions;
};
State state();

} // namespace dbperf::statements::query_text
