// Transactions stay in shared memory until their run is closed; what is stored are the cycles among them.
#include "core/pg.h"

#include "deadlock_prediction/deadlock_prediction_feature.h"

#include "core/row_builder.h"
#include "deadlock_prediction/cycle_description.h"
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

void store_cycle(const cycle_description::Description &cycle, const runs::Run &run) {
    for (int i = 0; i < cycle.fingerprint_count; ++i)
        store_query_text(cycle.fingerprints[i]);
    RowBuilder row;
    row.project();
    row.uuid(run.uuid);
    row.text(database_name(cycle.database));
    row.bigint(cycle.identity);
    row.text(cycle.possible ? "possible" : "proven");
    row.integer(cycle.members);
    row.text(cycle.text);
    row.text(cycle.rows);
    row.text(cycle.steps);
    row.text(cycle.replay);
    row.execute("INSERT INTO dbperf.lock_cycle (project, run_id, database, cycle_id, confidence, members, description, "
                "rows_in_common, steps, replay) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb, $10::jsonb) ON CONFLICT DO NOTHING");
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
                to->batch->write_for_good([&cycle, to] { store_cycle(cycle, *to->run); });
            },
            &closing);
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
