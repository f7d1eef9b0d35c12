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
// palloc'd, or null.
char *get(uint64 key);

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
