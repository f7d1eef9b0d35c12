// Shared memory: who needs how much, and the locks. Knows no content.
//
// Every subsystem registers one area from _PG_init; the postmaster sizes and creates all of them once, before any
// backend exists. After a crash the postmaster creates them anew, empty.
#pragma once

#include "core/pg.h"

namespace dbperf::core::shared_memory {

enum class Lock : int {
    runs,
    queue,
    texts,
    plans,
    findings,
    parameters,
    lock_traces,
    lock_waits,
    test_databases,
    unit_names,
    scopes,                  // the first of scope_parts
    units = scopes + 16,     // the first of unit_parts
    statements = units + 64, // the first of statement_parts
    loops = statements + 64, // the first of loop_parts
    count = loops + 16
};
// Tables that statements change each time are in parts, each with a lock of its own.
constexpr uint32 scope_parts = static_cast<uint32>(Lock::units) - static_cast<uint32>(Lock::scopes);
constexpr uint32 unit_parts = static_cast<uint32>(Lock::statements) - static_cast<uint32>(Lock::units);
constexpr uint32 statement_parts = static_cast<uint32>(Lock::loops) - static_cast<uint32>(Lock::statements);
constexpr uint32 loop_parts = static_cast<uint32>(Lock::count) - static_cast<uint32>(Lock::loops);

struct Area {
    const char *name;
    Size (*size)();
    // Called in every process that attaches; `fresh` when the memory was just created and must be initialised.
    void (*attach)(void *memory, bool fresh);
};

void register_area(const Area &area);
void install();

// Reads a byte of it, before something there is written. A session that has just begun has nothing of shared memory
// mapped: Linux maps sixteen pages at a first read, and one at a first write.
inline void touch(const void *at) {
    (void)*static_cast<const volatile char *>(at);
}

// Whether the module was preloaded and its memory is there.
bool available();
LWLock *lock(Lock which, uint32 part = 0);
Size total_size();

// Raises an error when the module was not preloaded.
void require_preloaded();
// The same, and when this database's SQL is of another version: what functions begin with that use the memory.
void require_available();

} // namespace dbperf::core::shared_memory
