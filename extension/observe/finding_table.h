// N+1 findings that are still growing, in shared memory until the recorder has stored their last state.
//
// Locking: Lock::findings exclusive to add, grow or free; shared to read. Growing is rare: only repeated executions
// beyond the threshold come here.
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
    TimestampTz last_at;
    int backends[8];
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

void install();
void grow(const FindingKey &key, std::string_view scope, Oid relation, AttrNumber column, const FindingGrowth &growth);
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
