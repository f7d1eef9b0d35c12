// The places of all sessions; see the header for who changes what.
#include "core/pg.h"

#include "n_plus_one/pending_loops.h"

#include "core/compat.h"
#include "core/guard.h"
#include "core/shared_memory.h"
#include "n_plus_one/shared_units.h"

namespace dbperf::n_plus_one::pending_loops {
using namespace core;

namespace {

constexpr uint32 places_each = 8;

PendingLoop *places = nullptr;

uint32 sessions() {
    return static_cast<uint32>(MaxBackends);
}

Size size() {
    return mul_size(mul_size(sessions(), places_each), sizeof(PendingLoop));
}

void attach(void *memory, bool fresh) {
    places = static_cast<PendingLoop *>(memory);
    if (fresh)
        memset(memory, 0, size());
}

LWLock *lock_of(uint32 session) {
    return shared_memory::lock(shared_memory::Lock::loops, session % shared_memory::loop_parts);
}

uint32 own_session() {
    return static_cast<uint32>(compat::number_of_process());
}

// A copy to report without the lock. One per process: reporting does not nest.
PendingLoop copy;
FindingGrowth growth;

// With the lock held. True when there is something to report.
bool take_growth(PendingLoop *place) {
    if (!place->used)
        return false;
    const Work work = place->now - place->reported;
    if (work.calls == 0)
        return false;
    growth = {place->confidence, work, place->loop_reported + work.calls, place->distinct, place->is_first, {}, {}, {}};
    place->reported = place->now;
    place->loop_reported += work.calls;
    place->is_first = false;
    copy = *place;
    return true;
}

} // namespace

void install() {
    shared_memory::register_area({"dbperf pending loops", size, attach});
}

PendingLoop *take() {
    const uint32 session = own_session();
    if (session >= sessions())
        return nullptr;
    for (uint32 i = 0; i < places_each; ++i) {
        PendingLoop *place = &places[session * places_each + i];
        if (place->used)
            continue;
        memset(static_cast<void *>(place), 0, sizeof(PendingLoop));
        return place;
    }
    return nullptr;
}

LWLock *own_lock() {
    return lock_of(own_session());
}

void give_back(PendingLoop *place) {
    with_lock(own_lock(), LW_EXCLUSIVE, [place] { place->used = false; });
}

void report_all() {
    for (uint32 i = 0; i < sessions() * places_each; ++i) {
        PendingLoop *place = &places[i];
        if (!place->used)
            continue;
        LWLock *lock = lock_of(i / places_each);
        if (!with_lock(lock, LW_EXCLUSIVE, [place] { return take_growth(place); }))
            continue;
        // With others in it the shared unit reports it.
        if (copy.group != 0 && !shared_units::claim(copy.group, copy.statement))
            continue;
        growth.backends = {&copy.backend, 1};
        if (!finding_table::grow(copy.described.key, &copy.handle, growth)) {
            finding_table::add(copy.described.key, copy.parent, copy.described.text, &copy.handle);
            finding_table::grow(copy.described.key, &copy.handle, growth);
        }
        with_lock(lock, LW_EXCLUSIVE, [place] {
            if (place->used && memcmp(&place->described.key, &copy.described.key, sizeof(FindingKey)) == 0)
                place->handle = copy.handle;
        });
    }
}

void reset() {
    for (uint32 i = 0; i < sessions() * places_each; ++i)
        with_lock(lock_of(i / places_each), LW_EXCLUSIVE, [i] { places[i].used = false; });
}

} // namespace dbperf::n_plus_one::pending_loops
