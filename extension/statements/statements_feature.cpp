// Statistics of a run are stored when it is closed, and are in shared memory until then.
#include "core/pg.h"

#include "statements/statements_feature.h"

#include <array>

#include "core/row_builder.h"
#include "statements/execution.h"
#include "statements/histogram.h"
#include "statements/known_names.h"
#include "statements/known_shapes.h"
#include "statements/last_execution.h"
#include "statements/live_rows.h"
#include "statements/query_text.h"
#include "statements/statement_table.h"
#include "statements/stored_text.h"

namespace dbperf::statements {
using namespace core;

namespace {

void install() {
    query_text::install();
    known_names::install();
    known_shapes::install();
    statement_table::install();
    last_execution::install();
}

void reset() {
    statement_table::reset();
    query_text::reset();
}

void status(const StatusRows &rows) {
    const statement_table::State statements = statement_table::state();
    const query_text::State texts = query_text::state();
    rows.put("statements", statements.entries, "entries of live statistics");
    rows.put("max_statements", statements.most, "dbperf.max_statements");
    rows.put("evicted_statements", statements.evicted, "entries outside runs that made room");
    rows.put("dropped_executions", statements.dropped, "not counted: the table was full of statements of runs");
    rows.put("unobserved_executions", execution::stack.overflows,
             "of this session: more than 64 statements were open at once");
    rows.put("text_bytes", texts.bytes_used, "query texts");
    rows.put("text_memory", texts.bytes_total, "dbperf.text_memory");
    rows.put("text_compactions", texts.compactions, "how often texts that are not needed made room");
    rows.put("dropped_texts", texts.dropped, "texts that found no room");
}

// Pairs of bucket and count, of buckets that are not empty.
void add_histogram(RowBuilder *row, const StatementCounters &counters) {
    std::array<uint64, histogram::bucket_count * 2> pairs;
    size_t used = 0;
    for (size_t bucket = 0; bucket < histogram::bucket_count; ++bucket) {
        if (counters.histogram[bucket] == 0)
            continue;
        pairs[used++] = bucket;
        pairs[used++] = counters.histogram[bucket];
    }
    row->bigints(std::span<const uint64>(pairs).first(used));
}

// From calls to the histogram: the same columns, live and stored.
void add_counters(RowBuilder *row, const StatementCounters &counters) {
    row->bigint(counters.calls);
    row->bigint(counters.rows);
    row->bigint(counters.aborted);
    row->bigint(counters.over_budget);
    row->milliseconds(counters.budget);
    row->bigint(counters.plans);
    row->milliseconds(counters.planning);
    row->milliseconds(counters.elapsed);
    row->milliseconds(counters.shortest);
    row->milliseconds(counters.longest);
    add_usage(row, counters.usage);
    add_histogram(row, counters);
}

void store_statement(const StatementKey &key, const StatementCounters &counters, const runs::Run &run) {
    store_query_text(key.fingerprint);
    const char *name = query_name(key.name);
    RowBuilder row;
    row.project();
    row.uuid(run.uuid);
    row.text(database_name(key.database));
    row.text(role_name(key.role));
    row.text(name ? name : "");
    row.bigint(key.fingerprint);
    row.boolean(key.top_level != 0);
    add_counters(&row, counters);
    row.execute(
        "INSERT INTO dbperf.statement (project, run_id, database, role, query_name, fingerprint, top_level, calls, "
        "rows, aborted, over_budget, budget_ms, plans, planning_ms, total_ms, min_ms, max_ms, shared_blks_hit, "
        "shared_blks_read, shared_blks_dirtied, shared_blks_written, temp_blks_read, temp_blks_written, wal_bytes, "
        "histogram) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, "
        "$23, $24, $25) ON CONFLICT DO NOTHING");
}

void store(StoreBatch *batch) {
    if (batch->closing.empty())
        return;
    for (const uint32 run : batch->closing)
        statement_table::close_run(run);
    statement_table::visit(
        [](const StatementKey &key, const StatementCounters &counters, void *argument) {
            auto *to = static_cast<StoreBatch *>(argument);
            const runs::Run *run = to->find(key.run);
            if (run && to->closes(run->id))
                to->write_for_good([&key, &counters, run] { store_statement(key, counters, *run); });
        },
        batch);
}

} // namespace

const Feature feature{
    .name = "statements",
    .install = install,
    .reset = reset,
    .status = status,
    .store = store,
    .free_run = statement_table::free_run,
};

} // namespace dbperf::statements

using namespace dbperf::core;
using namespace dbperf::statements;

// live_statements(): one row for each entry; columns as in sql/statement.sql.
DBPERF_FUNCTION(dbperf_live_statements) {
    LiveRows rows = open_live_rows(fcinfo);
    statement_table::visit(
        [](const StatementKey &key, const StatementCounters &counters, void *argument) {
            const LiveRows &to = *static_cast<const LiveRows *>(argument);
            const bool visible = to.may_see(key.role);
            RowBuilder row;
            add_run(&row, to, key.run);
            row.oid(key.database);
            row.oid(key.role);
            row.text(key.name == 0 || !visible ? nullptr : query_text::get(key.name));
            row.bigint(key.fingerprint, !visible);
            add_text(&row, to, key.role, key.fingerprint);
            row.boolean(key.top_level != 0);
            add_counters(&row, counters);
            row.put(to.result);
        },
        &rows);
    return Datum{0};
}
