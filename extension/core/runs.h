// The registry of runs that are under way: which run an observation belongs to.
//
// Locking: the registry is read and changed under Lock::runs. Backends cache the id of their run and look again when
// `generation` has moved or the session's dbperf.run was set anew. Ids are never used twice within a server start. What
// a run lost is counted beside the registry, atomically.
#pragma once

#include "core/pg.h"

#include <array>

#include "core/settings.h"

namespace dbperf::core::runs {

constexpr size_t label_size = 128;
constexpr size_t attributes_size = 2048;
constexpr int max_runs = 32;
constexpr uint32 no_run = 0;

// What a run could not keep.
enum class Loss : uint8_t {
    executions,
    texts,
    plans,
    findings,
    parameters,
    lock_traces,
    records,
    units,
    lock_waits,
    count
};
constexpr size_t loss_count = static_cast<size_t>(Loss::count);
const char *name_of(Loss loss);

struct Run {
    uint32 id;
    bool server_wide;
    bool closing; // finish_run() was called: takes no observation any more, waits for the recorder
    pg_uuid_t uuid;
    TimestampTz started_at;
    TimestampTz finished_at;
    int32 encoding; // of the texts
    char label[label_size];
    char attributes[attributes_size];    // JSON text
    std::array<uint64, loss_count> lost; // as of when it was copied
};

enum class Outcome : uint8_t { done, exists, full, unknown };

void install();

struct Cache {
    uint32 id;
    uint32 resets; // how often everything was forgotten, as far as this session knows
};
extern Cache cache;
extern pg_atomic_uint32 *generation; // never 0
// The run of this session now. A label in dbperf.run begins its run by being observed, if who set it may.
uint32 look_up_current();

inline bool current_is_known() {
    return likely(pg_atomic_read_u32(generation) == settings::known_run_generation);
}

// For functions: the next statement that is observed looks it up itself, and sees what changed.
uint32 current_id();

// Outcome::exists leaves in `started` the run that is in the way.
Outcome start(const char *label, const char *attributes, bool server_wide, Run *started);
// Begins to close the run with this label; null: the session's own run.
Outcome begin_closing(const char *label, Run *closing);
void remove(uint32 id);
// Forgets every run.
void reset();
// Copies the registry to at most max_runs elements; returns their number.
int list(Run *into);
bool find(uint32 id, Run *into);
// Whether one takes observations.
bool any_open();
// The run of another process as it said last, when it began its last statement under these runs. One that did not say
// belongs to the server's, unless it has a label of its own.
uint32 of_process(int number, int pid);
// Whether observations may still be added to it; no run at all always is.
bool is_open(uint32 id);
// One more was lost of this run; nothing when it is no run, or over.
void count_lost(uint32 id, Loss what);
// What a run lost as JSON text, palloc'd: counts by name, those that are not 0.
char *lost_as_json(const Run &run);

} // namespace dbperf::core::runs
