// N+1 findings that are still growing, in shared memory until the recorder has stored their last state.
//
// Locking: Lock::findings exclusive to add or free, shared to look up and to read; the finding's spinlock for what
// grows. A backend that keeps a finding's place grows it without an LWLock; the generation, checked under the spinlock,
// tells whether the place still is that finding.
#pragma once

#include "server/pg.h"

namespace dbperf {

enum class FindingKind : uint32 { n_plus_one = 1, n_plus_one_write };
enum class Confidence : uint32 { possible = 1, likely, proven };

struct FindingKey {
    uint64 scope; // hash of the scope's pattern, 0 without a name
    uint64 child; // fingerprint
    Oid database;
    Oid role;
    uint32 run;
    FindingKind kind;
};
static_assert(std::has_unique_object_representations_v<FindingKey>);

struct Finding {
    slock_t mutex;
    uint32 generation; // 0: free
    FindingKey key;
    Confidence confidence;
    Oid relation; // of the first lookup key
    AttrNumber column;
    char scope[64];
    char relation_column[NAMEDATALEN * 2];
    uint64 calls;
    uint64 distinct_keys; // of the largest scope
    uint64 scopes;
    uint64 exec_time; // ns
    uint64 wait_time; // ns
    TimestampTz first_at;
    int last_backend;
    int backends[8]; // the first ones
    uint32 backend_count;
    bool dirty; // changed since the recorder stored it
};

// What one execution adds.
struct FindingGrowth {
    Confidence confidence;
    uint64 calls;
    uint64 distinct_keys;
    uint64 exec_time;
    uint64 wait_time;
    bool new_scope;
};

namespace finding_table {

struct Place {
    uint32 finding;
    uint32 generation; // 0: none
};

void install();
// Grows the finding at this place; false when the place is none or another's.
bool grow(const FindingKey &key, Place *place, const FindingGrowth &growth);
// Finds or adds the finding and tells its place; none, and counted, when there is no room.
void add(const FindingKey &key, std::string_view scope, Oid relation, AttrNumber column, Place *place);
// Calls visit for a copy of every finding (only changed ones if asked, which then count as stored).
void visit(bool only_dirty, void (*visit)(const Finding &finding, void *argument), void *argument);
// The store failed: everything counts as changed again.
void mark_all_dirty();
bool any_dirty();
void free_run(uint32 run);
void reset();
uint64 dropped();

} // namespace finding_table
} // namespace dbperf
