// What a feature gives to those who serve all of them. The list of features stands in dbperf.cpp; nothing on the way of
// a statement goes through it. A null member: nothing to do.
#pragma once

#include "core/pg.h"

#include <span>

#include "core/event_queue.h"
#include "core/runs.h"

namespace dbperf::core {

// One transaction of the recorder.
struct StoreBatch {
    std::span<const runs::Run> runs; // those known when the batch began
    // Of these, the ones to be stored for good now: nothing of them is in the queue any more.
    std::span<const uint32> closing;
    uint64 written;
    uint64 failed;
    bool incomplete; // something of a run that is being closed could not be stored
    bool (*guarded)(StoreBatch *batch, void (*body)(const void *argument), const void *argument);

    // Null if it is no run, or younger than the batch.
    const runs::Run *find(uint32 id) const;
    bool closes(uint32 id) const;
    // Runs body in a subtransaction. False, and logged, if the data of its row are at fault.
    template <typename Body>
    bool write(const Body &body) {
        return guarded(
            this, [](const void *argument) { (*static_cast<const Body *>(argument))(); }, &body);
    }
    // Of a run that is not closed while something of it could not be stored.
    template <typename Body>
    void write_for_good(const Body &body) {
        if (!write(body))
            incomplete = true;
    }
};

// The rows of dbperf.status().
struct StatusRows {
    ReturnSetInfo *result;

    // The note says what the item is; either may be null.
    void put(const char *item, const char *value, const char *note) const;
    void put(const char *item, uint64 value, const char *note) const;
};

struct Feature {
    const char *name;
    // While the server loads the library: areas of shared memory, settings, hooks of its own.
    void (*install)() = nullptr;
    // Forgets what is live; runs are gone already.
    void (*reset)() = nullptr;
    void (*status)(const StatusRows &rows) = nullptr;
    // What this session alone knows becomes visible to others: before a flush.
    void (*publish)() = nullptr;

    // The rest is called by launcher and recorder.
    // Whether something waits to be stored that is in no queue.
    bool (*has_work)() = nullptr;
    // A run is being closed; what is queued now still belongs to it.
    void (*close_run)(uint32 run) = nullptr;
    // Stores a record of the queue; false if it is another feature's.
    bool (*store_event)(const event_queue::Event &event, const runs::Run *run) = nullptr;
    // Whether it was queued though nobody asked for it: where there is no extension it may be dropped.
    bool (*is_unasked)(const event_queue::Event &event) = nullptr;
    // Once a batch, after its records.
    void (*store)(StoreBatch *batch) = nullptr;
    // The batch was committed, or the recorder ended before it was.
    void (*stored)() = nullptr;
    void (*not_stored)() = nullptr;
    // The run is stored, or given up.
    void (*free_run)(uint32 run) = nullptr;
    // Calls mark for the hash of every text that is still needed; it must neither raise nor ask the feature.
    void (*visit_texts)(void (*mark)(uint64 key)) = nullptr;
};

namespace feature {

// Called once, before anything else of them.
void enlist(std::span<const Feature *const> features);
std::span<const Feature *const> all();

// Calls that member of each feature that has it, in the order of the list.
template <typename... Parameters, typename... Arguments>
void call_each(void (*Feature::*member)(Parameters...), Arguments &&...arguments) {
    for (const Feature *each : all())
        if (each->*member)
            (each->*member)(arguments...);
}

} // namespace feature
} // namespace dbperf::core
