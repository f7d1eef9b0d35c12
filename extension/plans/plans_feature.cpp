// A plan is queued when it was captured; how often its shape was executed is stored when the run is closed.
#include "core/pg.h"

#include "plans/plans_feature.h"

#include "core/row_builder.h"
#include "plans/plan_capture.h"
#include "plans/plan_table.h"
#include "statements/query_text.h"
#include "statements/stored_text.h"

namespace dbperf::plans {
using namespace core;
using namespace statements;

namespace {

void status(const StatusRows &rows) {
    rows.put("dropped_plans", plan_table::dropped(), "shapes beyond dbperf.max_plans");
    rows.put("failed_plans", plan_capture::failures(), "of this session: plans that could not be formatted");
}

const char *reason_text(PlanReason reason) {
    switch (reason) {
    case PlanReason::new_shape:
        return "new shape";
    case PlanReason::slowest:
        return "slowest";
    case PlanReason::slow:
        return "slow";
    case PlanReason::all:
        return "all";
    }
    return "unknown";
}

void store_plan(const event_queue::Event &event, const runs::Run *run) {
    if (event.header.length < sizeof(PlanRecord))
        return;
    PlanRecord record;
    memcpy(&record, event.payload, sizeof(record));
    store_query_text(record.fingerprint);
    RowBuilder row;
    row.project();
    row.run(run);
    row.text(database_name(event.header.database));
    row.text(role_name(event.header.role));
    row.text(query_name(record.name));
    row.bigint(record.fingerprint);
    row.bigint(record.shape);
    row.text(reason_text(record.reason));
    row.boolean(record.aborted != 0);
    row.boolean(record.top_level != 0);
    row.boolean(record.timed != 0);
    row.timestamp(event.header.at);
    row.milliseconds(record.elapsed);
    row.bigint(record.rows);
    row.text(query_text::to_this_encoding(event.payload + sizeof(PlanRecord), event.header.length - sizeof(PlanRecord),
                                          event.header.encoding));
    add_usage(&row, record.usage);
    row.text(record.traceparent[0] ? record.traceparent : nullptr);
    row.execute(
        "WITH captured AS (INSERT INTO dbperf.plan (project, run_id, database, role, query_name, fingerprint, shape, "
        "reason, aborted, top_level, timed, captured_at, exec_ms, rows, plan, shared_blks_hit, shared_blks_read, "
        "shared_blks_dirtied, shared_blks_written, temp_blks_read, temp_blks_written, wal_bytes, traceparent) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::jsonb, $16, $17, $18, $19, $20, "
        "$21, $22, $23) RETURNING project, run_id, plan_id, plan) "
        "INSERT INTO dbperf.plan_node SELECT c.project, c.run_id, c.plan_id, n.* "
        "FROM captured c, dbperf.nodes_of_plan(c.plan) n");
}

bool store_event(const event_queue::Event &event, const runs::Run *run) {
    if (event.header.type != event_queue::EventType::plan)
        return false;
    store_plan(event, run);
    return true;
}

// Its plans are stored already.
void store_executions(const PlanKey &key, uint64 executions, const runs::Run &run) {
    RowBuilder row;
    row.project();
    row.uuid(run.uuid);
    row.text(database_name(key.database));
    row.bigint(key.fingerprint);
    row.bigint(key.shape);
    row.bigint(executions);
    row.execute("UPDATE dbperf.plan SET executions = $6 WHERE project = $1 AND run_id = $2 AND database = $3 AND "
                "fingerprint = $4 AND shape = $5");
}

void store(StoreBatch *batch) {
    for (const uint32 id : batch->closing)
        plan_table::visit(
            id,
            [](const PlanKey &key, uint64 executions, void *argument) {
                auto *to = static_cast<StoreBatch *>(argument);
                // One execution is what the row says already.
                if (const runs::Run *run = to->find(key.run); run && executions > 1)
                    to->write([&key, executions, run] { store_executions(key, executions, *run); });
            },
            batch);
}

} // namespace

const Feature feature{
    .name = "plans",
    .install = plan_table::install,
    .reset = plan_table::reset,
    .status = status,
    .store_event = store_event,
    .store = store,
    .free_run = plan_table::free_run,
};

} // namespace dbperf::plans
