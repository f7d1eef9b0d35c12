// N+1 findings that are still growing, in shared memory until the recorder has stored their last state.
//
// Locking: Lock::findings exclusive to add or free, shared to look up and to read; the finding's spinlock for what
// grows. A backend that keeps a finding's handle grows it without an LWLock; the generation, checked under the
// spinlock, shows whether the handle still is of that finding. A full table gives up what is stored and belongs to no
// run, a twentieth at once; when nothing can go, that is remembered until something changes.
#pragma once

#include "core/pg.h"

#include <span>

#include "n_plus_one/loop_size.h"
#include "n_plus_one/repeated_lookup.h"
#include "statements/traceparent.h"

namespace dbperf::n_plus_one {

enum class FindingKind : uint32 { n_plus_one = 1, n_plus_one_write, server_loop, redundant };

const char *name_of(FindingKind kind);
const char *name_of(Confidence confidence);

constexpr size_t max_key_hashes = 256;

struct FindingKey {
    uint64 scope;  // hash of the scope's pattern, 0 if it has none
    uint64 child;  // fingerprint
    uint64 parent; // hash of the edge, 0 if none
    Oid database;
    Oid role;
    uint32 run;
    FindingKind kind;
};
static_assert(std::has_unique_object_representations_v<FindingKey>);

// Names and texts, looked up once.
struct FindingText {
    char scope[64];
    char key_column[NAMEDATALEN * 2];      // table.column
    char parent_relation[NAMEDATALEN * 2]; // schema-qualified and quoted
    char parent_column[NAMEDATALEN];
    char call_site[256];                                  // sqlcommenter keys
    char traceparent[statements::traceparent_length + 1]; // of the loop that was first seen
    char application_name[NAMEDATALEN];
};

struct Finding {
    slock_t mutex;
    uint32 generation; // 0: free
    uint32 last_grown; // `clock` of the table then
    FindingKey key;
    Confidence confidence;
    uint64 parent; // fingerprint
    FindingText text;
    uint64 calls;
    uint64 distinct_keys; // of the largest loop
    uint64 loops;
    uint64 largest_loop;
    LoopSizes loop_sizes;
    uint64 exec_time; // ns
    uint64 wait_time; // ns; of connections that waited side by side not more than passed
    uint64 began;     // `clock` of the machine when the first loop did
    TimestampTz first_at;
    TimestampTz grown_at; // by the named unit of work below
    uint64 unit;          // that grew it last, 0: none that is named
    uint64 unit_name;     // hash of the name as it was set
    uint64 unit_calls;
    uint64 unit_keys;
    Confidence unit_confidence;
    int last_backend;
    int backends[16]; // the first ones
    uint32 backend_count;
    uint32 key_count;
    uint64 key_hashes[max_key_hashes]; // of the loop with the most
    bool dirty;                        // changed since the recorder stored it

    static uint64 hash_of(const FindingKey &key);
};

// A named unit of work: one time that its name was set.
struct NamedUnit {
    uint64 id; // 0: none
    uint64 name;
    const char *call_site; // of what is repeated in it
};

// What one execution adds.
struct FindingGrowth {
    Confidence confidence;
    Work work;
    uint64 loop; // executions of the loop so far
    uint64 distinct_keys;
    bool new_loop;
    std::span<const uint64> keys;  // distinct ones, with zeros between
    std::span<const int> backends; // processes that took part
    NamedUnit unit;
};

namespace finding_table {

struct Handle {
    uint32 finding;
    uint32 generation; // 0: none
};

void install();
// Grows the finding of this handle; false when that is none or another's.
bool grow(const FindingKey &key, Handle *handle, const FindingGrowth &growth);
// Finds or adds the finding and gives its handle; none, and counted, when there is no room.
void add(const FindingKey &key, uint64 parent, const FindingText &text, Handle *handle);
// Calls visit for the hashes of all texts that findings need; it must neither raise nor ask this table.
void visit_texts(void (*visit)(uint64 key));
// Calls visit for a copy of every finding (only changed ones if asked, which then count as stored).
void visit(bool only_dirty, void (*visit)(const Finding &finding, void *argument), void *argument);
// The store failed: everything counts as changed again.
void mark_all_dirty();
bool any_dirty();
void free_run(uint32 run);
void reset();
// When findings were last reset, 0: never. What was stored outside runs before then counts as forgotten.
TimestampTz reset_at();
// Whether the stored ones still are there; until the recorder says that they are gone.
bool reset_pending();
void reset_stored(TimestampTz up_to);
uint64 dropped();

} // namespace finding_table
} // namespace dbperf::n_plus_one
