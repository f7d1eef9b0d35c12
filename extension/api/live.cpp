// What shared memory holds now, as rows: dbperf.live_runs(), live_statements(), live_n_plus_one().
#include "core/pg.h"

#include <array>

#include "core/runs.h"
#include "core/shared_memory.h"
#include "n_plus_one/finding_table.h"
#include "statements/histogram.h"
#include "statements/query_text.h"
#include "statements/statement_table.h"

using namespace dbperf::core;
using namespace dbperf::statements;
using namespace dbperf::n_plus_one;

namespace {

// One result row, filled from left to right.
class Row {
public:
    void add(Datum value, bool is_null = false) {
        values_[count_] = value;
        nulls_[count_] = is_null;
        ++count_;
    }
    void text(const char *value) { add(value ? CStringGetTextDatum(value) : Datum{0}, value == nullptr); }
    void bigint(uint64 value) { add(Int64GetDatum(static_cast<int64>(value))); }
    void milliseconds(uint64 nanoseconds) { add(Float8GetDatum(static_cast<double>(nanoseconds) / 1e6)); }
    void timestamp(TimestampTz value) { add(TimestampTzGetDatum(value), value == 0); }
    void boolean(bool value) { add(BoolGetDatum(value)); }
    void oid(Oid value) { add(ObjectIdGetDatum(value)); }

    void put(ReturnSetInfo *result) {
        tuplestore_putvalues(result->setResult, result->setDesc, values_.data(), nulls_.data());
    }

private:
    std::array<Datum, 40> values_;
    std::array<bool, 40> nulls_;
    int count_ = 0;
};

struct Context {
    ReturnSetInfo *result;
    runs::Run *runs;
    int run_count;
    bool sees_all;
    Oid user;
};

void open_result(FunctionCallInfo fcinfo, Context *context) {
    shared_memory::require_available();
    InitMaterializedSRF(fcinfo, 0);
    context->result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    context->runs = static_cast<runs::Run *>(palloc(sizeof(runs::Run) * runs::most_runs));
    context->run_count = runs::list(context->runs);
    context->user = GetUserId();
    context->sees_all = has_privs_of_role(context->user, ROLE_PG_READ_ALL_STATS);
}

// Of a run that was perhaps started in a database of another encoding.
char *label_of(const runs::Run &run) {
    return query_text::to_this_encoding(run.label, strlen(run.label), run.encoding);
}

void add_run(Row *row, const Context &context, uint32 id) {
    for (int i = 0; i < context.run_count; ++i) {
        if (context.runs[i].id == id) {
            row->add(UUIDPGetDatum(&context.runs[i].uuid));
            row->text(label_of(context.runs[i]));
            return;
        }
    }
    row->add(0, true);
    row->add(0, true);
}

bool may_see(const Context &context, Oid role) {
    return context.sees_all || role == context.user;
}

void add_text(Row *row, const Context &context, Oid role, uint64 key) {
    if (!may_see(context, role))
        row->text("<insufficient privilege>");
    else
        row->text(key == 0 ? nullptr : query_text::get(key));
}

Datum sparse_histogram(const StatementCounters &counters) {
    std::array<Datum, histogram::bucket_count * 2> elements;
    int used = 0;
    for (int bucket = 0; bucket < histogram::bucket_count; ++bucket) {
        if (counters.histogram[bucket] == 0)
            continue;
        elements[static_cast<size_t>(used++)] = Int64GetDatum(bucket);
        elements[static_cast<size_t>(used++)] = Int64GetDatum(counters.histogram[bucket]);
    }
    return PointerGetDatum(construct_array(elements.data(), used, INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
}

Datum key_hashes(const Finding &finding) {
    std::array<Datum, most_key_hashes> elements;
    for (uint32 i = 0; i < finding.key_count; ++i)
        elements[i] = Int64GetDatum(static_cast<int64>(finding.key_hashes[i]));
    return PointerGetDatum(construct_array(elements.data(), static_cast<int>(finding.key_count), INT8OID, sizeof(int64),
                                           true, TYPALIGN_DOUBLE));
}

} // namespace

// live_runs(): run_id, label, server_wide, started_at, finished_at, attributes, dropped.
DBPERF_FUNCTION(dbperf_live_runs) {
    Context context;
    open_result(fcinfo, &context);
    for (int i = 0; i < context.run_count; ++i) {
        const runs::Run &run = context.runs[i];
        Row row;
        row.add(UUIDPGetDatum(&run.uuid));
        row.text(label_of(run));
        row.boolean(run.server_wide);
        row.timestamp(run.started_at);
        row.timestamp(run.finished_at);
        const char *attributes = query_text::to_this_encoding(run.attributes, strlen(run.attributes), run.encoding);
        row.add(DirectFunctionCall1(jsonb_in, CStringGetDatum(attributes)));
        row.add(DirectFunctionCall1(jsonb_in, CStringGetDatum(runs::lost_as_json(run))));
        row.put(context.result);
    }
    return Datum{0};
}

// live_statements(): one row a statement entry; columns as in sql/statement.sql.
DBPERF_FUNCTION(dbperf_live_statements) {
    Context context;
    open_result(fcinfo, &context);
    statement_table::visit(
        [](const StatementKey &key, const StatementCounters &counters, void *argument) {
            const Context &to = *static_cast<const Context *>(argument);
            const Usage &usage = counters.usage;
            Row row;
            add_run(&row, to, key.run);
            row.oid(key.database);
            row.oid(key.role);
            row.text(key.name == 0 || !may_see(to, key.role) ? nullptr : query_text::get(key.name));
            row.add(Int64GetDatum(static_cast<int64>(key.fingerprint)), !may_see(to, key.role));
            add_text(&row, to, key.role, key.fingerprint);
            row.boolean(key.top_level != 0);
            row.bigint(counters.calls);
            row.bigint(counters.rows);
            row.bigint(counters.aborted);
            row.bigint(counters.over_budget);
            row.milliseconds(counters.budget);
            row.bigint(counters.plans);
            row.milliseconds(counters.planning);
            row.milliseconds(counters.elapsed);
            row.milliseconds(counters.shortest);
            row.milliseconds(counters.longest);
            row.bigint(static_cast<uint64>(usage.shared_blks_hit));
            row.bigint(static_cast<uint64>(usage.shared_blks_read));
            row.bigint(static_cast<uint64>(usage.shared_blks_dirtied));
            row.bigint(static_cast<uint64>(usage.shared_blks_written));
            row.bigint(static_cast<uint64>(usage.temp_blks_read));
            row.bigint(static_cast<uint64>(usage.temp_blks_written));
            row.bigint(usage.wal_bytes);
            row.add(sparse_histogram(counters));
            row.put(to.result);
        },
        &context);
    return Datum{0};
}

// live_n_plus_one(): findings as they stand now, stored or not.
DBPERF_FUNCTION(dbperf_live_n_plus_one) {
    Context context;
    open_result(fcinfo, &context);
    finding_table::visit(
        false,
        [](const Finding &finding, void *argument) {
            const Context &to = *static_cast<const Context *>(argument);
            const bool visible = may_see(to, finding.key.role);
            const auto shown = [&finding, visible](const char *value) -> const char * {
                return visible && value[0] ? query_text::of_database(value, finding.key.database) : nullptr;
            };
            Row row;
            add_run(&row, to, finding.key.run);
            row.oid(finding.key.database);
            row.oid(finding.key.role);
            row.text(visible ? query_text::of_database(finding.text.scope, finding.key.database) : nullptr);
            row.text(name_of(finding.key.kind));
            row.add(Int64GetDatum(static_cast<int64>(finding.key.child)), !visible);
            row.text(name_of(finding.confidence));
            add_text(&row, to, finding.key.role, finding.key.child);
            row.text(shown(finding.text.key_column));
            row.add(Int64GetDatum(static_cast<int64>(finding.key.parent)), !visible);
            row.add(Int64GetDatum(static_cast<int64>(finding.parent)), !visible || finding.parent == 0);
            add_text(&row, to, finding.key.role, finding.parent);
            row.text(shown(finding.text.parent_relation));
            row.text(shown(finding.text.parent_column));
            row.bigint(finding.calls);
            row.bigint(finding.distinct_keys);
            row.bigint(finding.loops);
            row.bigint(finding.loop_sizes.quantile(0));
            row.bigint(finding.loop_sizes.quantile(0.5));
            row.bigint(finding.largest_loop);
            row.add(Int32GetDatum(static_cast<int32>(finding.backend_count)));
            row.milliseconds(finding.exec_time);
            row.milliseconds(finding.wait_time);
            row.text(shown(finding.text.call_site));
            row.text(shown(finding.text.application_name));
            row.add(key_hashes(finding), !visible);
            row.timestamp(finding.first_at);
            row.put(to.result);
        },
        &context);
    return Datum{0};
}
