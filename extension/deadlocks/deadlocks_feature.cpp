// A deadlock is queued by its victim; trails are never stored by themselves.
#include "core/pg.h"

#include "deadlocks/deadlocks_feature.h"

#include "deadlocks/deadlock_capture.h"
#include "deadlocks/deadlock_store.h"
#include "deadlocks/trail.h"

namespace dbperf::deadlocks {
using namespace core;

namespace {

void status(const StatusRows &rows) {
    const deadlock_capture::State state = deadlock_capture::state();
    rows.put("deadlocks", state.captured, "explained in dbperf.deadlocks, or on their way there");
    rows.put("dropped_deadlocks", state.dropped, "the queue was full, or one had too many members");
}

bool store_event(const event_queue::Event &event, const runs::Run *run) {
    if (event.header.type != event_queue::EventType::deadlock)
        return false;
    store_deadlock(event, run);
    return true;
}

} // namespace

const Feature feature{
    .name = "deadlocks",
    .install = trail::install,
    .reset = deadlock_capture::reset,
    .status = status,
    .store_event = store_event,
};

} // namespace dbperf::deadlocks
