// The registry of test databases in shared memory: templates, their copies, who holds which.
//
// Locking: everything is read and changed under Lock::test_databases, but for a copy's `seen`, which sessions of that
// copy set without it. What has to be done outside the lock (copying, dropping, putting back) claims its entry first by
// a state that nobody else leaves. Whoever waits for a change sleeps on `changed`.
#pragma once

#include "core/pg.h"

#include <array>

#include "core/guard.h"
#include "core/shared_memory.h"
#include "database_pool/copy_state.h"
#include "database_pool/database_state.h"
#include "database_pool/pool_size.h"
#include "database_pool/reset_decision.h"

namespace dbperf::database_pool {

constexpr int max_templates = 32;
constexpr int max_copies = 256;
constexpr uint16 no_template = UINT16_MAX;

enum class TemplateState : uint8_t { free, wanted, preparing, ready, retired };

// What copies are made of: a database that nobody can connect to, and the one it was copied from (itself, when it was
// closed already).
struct Template {
    TemplateState state;
    bool is_made_here;          // to be dropped with its last copy
    bool in_place;              // whether the map is complete
    bool is_changed;            // somebody wrote to the source, or could
    DatabaseState source_state; // what copies are given of it
    uint32 serial;
    Oid source;
    Oid database;
    NameData source_name;
    NameData name;
    XLogRecPtr prepared_at; // its pages are not younger
    dsm_handle map;         // of MappedFile
    uint32 file_count;
    uint64 size;          // bytes
    double copy_times[2]; // s, by CopyStrategy
    DemandRate demand;
    uint32 waiting; // sessions
    TimestampTz used_at;
    uint32 failures;
    uint32 failed_drops;
    TimestampTz next_drop;
    int error_state; // SQLSTATE
    std::array<char, 512> error;
};

// What sessions of a copy did.
enum Seen : uint32 { seen_anything = 1, seen_schema = 2, seen_maintenance = 4, seen_cluster = 8 };

struct Copy {
    CopyState state;
    ResetReason reason;    // why it is to be dropped
    uint16 template_index; // no_template: kept, or of an earlier life of the server
    Oid database;
    NameData name;
    NameData source_name;
    uint64 size; // bytes, when it was made
    DatabaseState state_when_made;
    XLogRecPtr clean_since;
    int holder; // pid
    Oid holder_role;
    int recycler; // pid; in place, under the lease, too
    TimestampTz since;
    uint32 resets;
    uint32 failed_drops;
    TimestampTz next_drop;   // not before
    TimestampTz reported_at; // in the server's log, that it cannot be dropped
    pg_atomic_uint32 seen;
    NameData statement;          // the last one that changed the schema or the cluster: its command tag
    std::array<char, 256> error; // why it could not be dropped
};

struct Counts {
    uint64 acquired;
    uint64 made;
    uint64 clean;
    uint64 put_back;
    uint64 pages;
    uint64 verified;
    uint64 kept;
    std::array<uint64, static_cast<size_t>(ResetReason::count)> replaced; // by reason
};

struct Registry {
    Oid maintenance;             // where the worker connects
    bool collected;              // what an earlier life of the server left behind
    bool collect_all;            // somebody asked for everything that is unused to go
    bool collect_kept;           // ... with what is kept
    int worker;                  // pid
    TimestampTz no_slot_since;   // when the worker could not be started for want of a place; 0: it could
    pg_atomic_uint32 generation; // moves when another database is to be watched
    uint32 last_serial;
    TimestampTz active_at;
    ConditionVariable changed;
    Counts counts;
    std::array<Template, max_templates> templates;
    std::array<Copy, max_copies> copies;
};

extern Registry *registry;

void install();

inline LWLock *registry_lock() {
    return core::shared_memory::lock(core::shared_memory::Lock::test_databases);
}
template <typename Body>
auto locked(Body body) {
    return core::with_lock(registry_lock(), LW_EXCLUSIVE, body);
}

// With the lock held, all of these; null when there is none.
Copy *find_copy(Oid database);
Copy *find_copy(const char *name);
Template *find_template(Oid source); // to make new copies of
Copy *free_copy();
Copy *ready_copy(const Template &of);
uint32 count_copies(const Template &of);
uint32 count_all();
uint32 count_in_pool(); // without those that cannot be dropped
uint64 size_in_all();
// Of those that are neither kept nor left over.
inline Template &template_of(const Copy &copy) {
    return registry->templates[copy.template_index];
}
inline bool is_stuck(const Copy &copy) {
    return copy.state == CopyState::dropping && copy.failed_drops > 0;
}
inline bool is_of(const Copy &copy, const Template &each) {
    return copy.template_index == &each - registry->templates.data();
}
// Takes a ready copy for this session.
void lease(Copy *copy);
// Whoever waited for a change looks again. Without the lock, too.
void notify_waiters();
// Copies that wait are not handed out any more.
void give_up_ready(const Template &of);
// For new copies the source is looked at again; what is left of the old ones goes.
void retire(Template *old);

// Ends the leases of this process when it ends.
void watch_own_exit();

// --- what sessions do, for the hooks ---

// The copy or template that this session is connected to, as of this generation of the registry.
struct Watched {
    uint32 generation;
    bool is_any;
};
extern Watched watched;
void look_up_watched();
void note(uint32 seen, const char *tag);

inline bool is_watched() {
    if (unlikely(watched.generation != pg_atomic_read_u32(&registry->generation)))
        look_up_watched();
    return unlikely(watched.is_any);
}

void mark_copy(uint32 seen);

// A statement is planned. Some of those that only read call functions that write (nextval), which no other hook sees;
// a copy that waits in the pool is not handed out after that.
inline void note_plan() {
    if (is_watched())
        mark_copy(seen_anything);
}
// A statement that writes rows is about to end.
inline void note_write() {
    if (is_watched())
        note(seen_anything, nullptr);
}
// A transaction that wrote something is about to commit, whatever it wrote it with: no hook sees the changes of a
// subscription, nor calls by the fast path.
void note_commit();
// A utility statement is about to be executed.
void note_utility(Node *statement);

} // namespace dbperf::database_pool
