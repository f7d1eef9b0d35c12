// Statement statistics in shared memory, one entry per (run, database, role, statement, name, level).
//
// Locking: the hash is in parts, each with its Lock::statements: exclusive to create or free an entry, shared to look
// one up; nobody holds two. The entry's spinlock is for its counters and its key. A backend keeps (entry, generation)
// and checks the generation under the spinlock: an entry that was freed or reused meanwhile is noticed there, so the
// usual update takes no LWLock at all. Who needs a place in a full table makes one itself, an entry at a time, and
// waits for nobody.
#pragma once

#include "core/pg.h"

#include "statements/histogram.h"

namespace dbperf::statements {

struct StatementKey {
    uint64 fingerprint;
    uint64 name; // hash of dbperf.query_name, 0 if none
    Oid database;
    Oid role;
    uint32 run;
    uint32 top_level;
};
static_assert(std::has_unique_object_representations_v<StatementKey>);

// Work done, as differences of the server's counters.
struct Usage {
    int64 shared_blks_hit = 0;
    int64 shared_blks_read = 0;
    int64 shared_blks_dirtied = 0;
    int64 shared_blks_written = 0;
    int64 temp_blks_read = 0;
    int64 temp_blks_written = 0;
    uint64 wal_bytes = 0;
};

// Two neighbouring counters at once: this runs for every statement.
using CounterPair [[gnu::vector_size(16), gnu::aligned(8), gnu::may_alias]] = int64;
inline CounterPair &pair_at(int64 &first) {
    return reinterpret_cast<CounterPair &>(first);
}
inline const CounterPair &pair_at(const int64 &first) {
    return reinterpret_cast<const CounterPair &>(first);
}

inline void add(Usage *usage, const Usage &more) {
    pair_at(usage->shared_blks_hit) += pair_at(more.shared_blks_hit);
    pair_at(usage->shared_blks_dirtied) += pair_at(more.shared_blks_dirtied);
    pair_at(usage->temp_blks_read) += pair_at(more.temp_blks_read);
    usage->wal_bytes += more.wal_bytes;
}

// What one execution adds.
struct Observation {
    uint64 elapsed = 0;  // ns
    uint64 planning = 0; // ns
    uint64 rows = 0;
    Usage usage;
    bool aborted = false;
};

struct StatementTotals {
    uint64 calls;
    uint64 rows;
    uint64 aborted;
    uint64 over_budget;
    uint64 plans;
    uint64 planning; // ns, as all times here
    uint64 elapsed;
    uint64 shortest;
    uint64 longest;
    uint64 budget; // the limit that over_budget counts against
    Usage usage;
};

struct StatementCounters : StatementTotals {
    uint32 histogram[histogram::bucket_count];
};

// A backend's memory of where a statement's last entry was: for one fingerprint, in this backend's database.
struct StatementEntryCache {
    static constexpr uint32 none = UINT32_MAX; // as its run: nothing cached
    StatementKey key;
    uint32 entry;
    uint32 generation;
};

namespace statement_table {

void install();

// Counts one execution in the cached entry, if it still is that of this run, role, name and level.
bool record_again(const StatementEntryCache &cache, uint32 run, Oid role, uint64 name, bool top_level,
                  const Observation &observation, uint64 budget);
// Counts one execution; creates the entry if need be. Full table: evicts what no run owns and nobody counted lately,
// else drops and counts, also for the run.
// needs_text is called when an entry was created, to store the statement's text. Counts in the session's next run when
// the key's is closed.
void record(StatementKey key, StatementEntryCache *cache, const Observation &observation, uint64 budget,
            void (*needs_text)(void *), void *argument);

// Calls visit for a copy of every entry; visit may allocate and raise.
void visit(void (*visit)(const StatementKey &key, const StatementCounters &counters, void *argument), void *argument);
// A closed run takes nothing more: whoever remembers one of its entries has to look again.
void close_run(uint32 run);
// Calls visit for the hashes of all texts that entries need; it must neither raise nor ask this table.
void visit_texts(void (*visit)(uint64 key));
// How many entries have gone so far; wraps around.
uint32 freed();
// Makes room for what belongs to a run: a twentieth of the entries outside runs goes. False when there is none.
bool evict_outside_runs();
void free_run(uint32 run);
void reset();

struct State {
    uint32 entries;
    uint32 most;
    uint64 dropped;
    uint64 evicted;
};
State state();

} // namespace statement_table
} // namespace dbperf::statements
