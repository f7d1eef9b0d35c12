// Inserts kept parameters.
#include "core/pg.h"

#include "recorder/write.h"
#include "statements/arguments.h"
#include "statements/query_text.h"
#include "workload/parameter_capture.h"

namespace dbperf::recorder::write {
using namespace core;
using namespace statements;
using namespace workload;

namespace {

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

} // namespace

void parameters(const event_queue::Event &event, const runs::Run *run) {
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
    Arguments arguments;
    arguments.project();
    arguments.run(run);
    arguments.text(database_name(event.header.database));
    arguments.text(role_name(event.header.role));
    arguments.text(name ? name : "");
    arguments.bigint(record.fingerprint);
    arguments.bigint(record.hash);
    arguments.text(reason_text(record.left_out));
    arguments.text(kept ? query_text::to_this_encoding(path, record.path_length, encoding) : nullptr);
    arguments.text(kept ? query_text::to_this_encoding(statement, record.statement_length, encoding) : nullptr);
    arguments.add(TEXTARRAYOID, types, !kept);
    arguments.add(TEXTARRAYOID, values, !kept);
    arguments.text(kept ? settings_object(settings, record.settings_length, encoding) : nullptr);
    arguments.execute(
        "INSERT INTO dbperf.parameter_set (project, run_id, database, role, query_name, fingerprint, "
        "parameters_hash, left_out, search_path, statement, parameter_types, parameter_values, settings) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::pg_catalog.jsonb) ON CONFLICT DO NOTHING");
}

void parameter_sets(const ParameterKey &key, std::span<const ParameterSet> sets, const runs::Run &run) {
    Datum *elements = static_cast<Datum *>(palloc(2 * sizeof(Datum) * sets.size() + 1));
    const auto array = [elements, &sets](bool counts) {
        for (size_t i = 0; i < sets.size(); ++i)
            elements[i] = Int64GetDatum(static_cast<int64>(counts ? sets[i].calls.value : sets[i].hash));
        return PointerGetDatum(
            construct_array(elements, static_cast<int>(sets.size()), INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
    };
    const char *name = query_name(key.name);
    Arguments arguments;
    arguments.project();
    arguments.uuid(run.uuid);
    arguments.text(database_name(key.database));
    arguments.text(role_name(key.role));
    arguments.text(name ? name : "");
    arguments.bigint(key.fingerprint);
    arguments.add(INT8ARRAYOID, array(false));
    arguments.add(INT8ARRAYOID, array(true));
    arguments.execute("SELECT dbperf.settle_parameter_sets($1, $2, $3, $4, $5, $6, $7, $8)");
}

} // namespace dbperf::recorder::write
