// Parameters are queued when they are first seen; which of them stay is known when the run is closed.
#include "core/pg.h"

#include "workload/workload_feature.h"

#include "core/row_builder.h"
#include "statements/query_text.h"
#include "statements/stored_text.h"
#include "workload/captured_execution.h"
#include "workload/parameter_capture.h"
#include "workload/parameter_table.h"

namespace dbperf::workload {
using namespace core;
using namespace statements;

namespace {

void install() {
    parameter_table::install();
    captured_execution::install();
}

void status(const StatusRows &rows) {
    const parameter_table::State parameters = parameter_table::state();
    rows.put("dropped_parameters", parameters.dropped,
             "executions of statements beyond dbperf.max_statements while dbperf.keep_parameters was on");
    rows.put("left_out_parameters", parameters.left_out, "parameter sets longer than 16 kB, or that have no text");
}

const char *reason_text(ParametersLeftOut reason) {
    switch (reason) {
    case ParametersLeftOut::kept:
        return nullptr;
    case ParametersLeftOut::too_long:
        return "longer than 16 kB";
    case ParametersLeftOut::unreadable:
        return "a value has no text";
    }
    return "unknown";
}

// Both arrays of a parameters event; see ParametersRecord.
void types_and_values(const char *at, uint32 count, int encoding, Datum *types, Datum *values) {
    ArrayBuildState *all_types = initArrayResult(TEXTOID, CurrentMemoryContext, false);
    ArrayBuildState *all_values = initArrayResult(TEXTOID, CurrentMemoryContext, false);
    for (uint32 i = 0; i < count; ++i) {
        const char *type = query_text::to_this_encoding(at, strlen(at), encoding);
        at += strlen(at) + 1;
        const bool is_null = *at++ == 'n';
        const char *value = query_text::to_this_encoding(at, strlen(at), encoding);
        at += strlen(at) + 1;
        accumArrayResult(all_types, CStringGetTextDatum(type), false, TEXTOID, CurrentMemoryContext);
        accumArrayResult(all_values, CStringGetTextDatum(value), is_null, TEXTOID, CurrentMemoryContext);
    }
    *types = makeArrayResult(all_types, CurrentMemoryContext);
    *values = makeArrayResult(all_values, CurrentMemoryContext);
}

// As a JSON object; null when there are none.
const char *settings_object(const char *at, size_t length, int encoding) {
    if (length == 0)
        return nullptr;
    StringInfoData json;
    initStringInfo(&json);
    for (const char *end = at + length; at < end;) {
        appendStringInfoString(&json, json.len == 0 ? "{" : ", ");
        escape_json(&json, query_text::to_this_encoding(at, strlen(at), encoding));
        at += strlen(at) + 1;
        appendStringInfoString(&json, ": ");
        escape_json(&json, query_text::to_this_encoding(at, strlen(at), encoding));
        at += strlen(at) + 1;
    }
    appendStringInfoChar(&json, '}');
    return json.data;
}

void store_parameters(const event_queue::Event &event, const runs::Run *run) {
    ParametersRecord record;
    if (!run || event.header.length < sizeof(record))
        return;
    memcpy(&record, event.payload, sizeof(record));
    store_query_text(record.fingerprint);
    const char *path = event.payload + sizeof(record);
    const char *settings = path + record.path_length;
    const char *statement = settings + record.settings_length;
    const int encoding = event.header.encoding;
    const bool kept = record.left_out == ParametersLeftOut::kept;
    Datum types = 0;
    Datum values = 0;
    if (kept)
        types_and_values(statement + record.statement_length, record.parameters, encoding, &types, &values);
    const char *name = query_name(record.name);
    RowBuilder row;
    row.project();
    row.run(run);
    row.text(database_name(event.header.database));
    row.text(role_name(event.header.role));
    row.text(name ? name : "");
    row.bigint(record.fingerprint);
    row.bigint(record.hash);
    row.text(reason_text(record.left_out));
    row.text(kept ? query_text::to_this_encoding(path, record.path_length, encoding) : nullptr);
    row.text(kept ? query_text::to_this_encoding(statement, record.statement_length, encoding) : nullptr);
    row.add(TEXTARRAYOID, types, !kept);
    row.add(TEXTARRAYOID, values, !kept);
    row.text(kept ? settings_object(settings, record.settings_length, encoding) : nullptr);
    row.execute(
        "INSERT INTO dbperf.parameter_set (project, run_id, database, role, query_name, fingerprint, "
        "parameters_hash, left_out, search_path, statement, parameter_types, parameter_values, settings) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::pg_catalog.jsonb) ON CONFLICT DO NOTHING");
}

// Which sets of a statement stay for good, and how often each was executed.
void store_chosen_sets(const ParameterKey &key, std::span<const ParameterSet> sets, const runs::Run &run) {
    auto *hashes = static_cast<uint64 *>(palloc(2 * sizeof(uint64) * sets.size() + 1));
    uint64 *calls = hashes + sets.size();
    for (size_t i = 0; i < sets.size(); ++i) {
        hashes[i] = sets[i].hash;
        calls[i] = static_cast<uint64>(sets[i].calls.value);
    }
    const char *name = query_name(key.name);
    RowBuilder row;
    row.project();
    row.uuid(run.uuid);
    row.text(database_name(key.database));
    row.text(role_name(key.role));
    row.text(name ? name : "");
    row.bigint(key.fingerprint);
    row.bigints({hashes, sets.size()});
    row.bigints({calls, sets.size()});
    row.execute("SELECT dbperf.trim_parameter_sets($1, $2, $3, $4, $5, $6, $7, $8)");
}

bool store_event(const event_queue::Event &event, const runs::Run *run) {
    if (event.header.type != event_queue::EventType::parameters)
        return false;
    store_parameters(event, run);
    return true;
}

void store(StoreBatch *batch) {
    for (const uint32 id : batch->closing)
        parameter_table::visit(
            id,
            [](const ParameterKey &key, std::span<const ParameterSet> sets, void *argument) {
                auto *to = static_cast<StoreBatch *>(argument);
                if (const runs::Run *run = to->find(key.run))
                    to->write([&key, sets, run] { store_chosen_sets(key, sets, *run); });
            },
            batch);
}

} // namespace

const Feature feature{
    .name = "workload",
    .install = install,
    .reset = parameter_table::reset,
    .status = status,
    .store_event = store_event,
    .store = store,
    .free_run = parameter_table::free_run,
};

} // namespace dbperf::workload
