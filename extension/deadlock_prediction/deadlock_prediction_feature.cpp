// Transactions stay in shared memory until their run is closed; what is stored are the cycles among them.
#include "core/pg.h"

#include "deadlock_prediction/deadlock_prediction_feature.h"

#include "deadlock_prediction/cycle_description.h"
#include "deadlock_prediction/lock_trace_store.h"
#include "deadlock_prediction/lock_trace_table.h"
#include "statements/stored_text.h"

namespace dbperf::deadlock_prediction {
using namespace core;
using namespace statements;

namespace {

void status(const StatusRows &rows) {
    const lock_trace_table::State locks = lock_trace_table::state();
    rows.put("lock_traces", locks.traces, "transactions of runs whose locks are known (dbperf.track_locks)");
    rows.put("lock_trace_bytes", locks.bytes_used, nullptr);
    rows.put("lock_memory", locks.bytes_total, "dbperf.lock_memory");
    rows.put("dropped_lock_traces", locks.dropped, "found no room: deadlocks with them are not predicted");
}

struct Closing {
    StoreBatch *batch;
    const runs::Run *run;
};

void store(StoreBatch *batch) {
    for (const uint32 id : batch->closing) {
        Closing closing{batch, batch->find(id)};
        if (!closing.run)
            continue;
        const bool complete = cycle_description::search(
            closing.run->id,
            [](const cycle_description::Description &cycle, void *argument) {
                const auto *to = static_cast<const Closing *>(argument);
                to->batch->write_for_good(
                    [&cycle, to] { cycle_description::store(cycle, to->run->uuid, database_name(cycle.database)); });
            },
            &closing);
        batch->write_for_good([&closing] { lock_trace_store::store(*closing.run); });
        if (!complete)
            ereport(LOG, errmsg("dbperf recorder did not look at all ways in which transactions of run \"%s\" can meet",
                                closing.run->label));
    }
}

} // namespace

const Feature feature{
    .name = "deadlock_prediction",
    .install = lock_trace_table::install,
    .reset = lock_trace_table::reset,
    .status = status,
    .store = store,
    .free_run = lock_trace_table::free_run,
};

} // namespace dbperf::deadlock_prediction
