// Equal parameters are recognised by a hash over their bytes, so only those that are kept are made into texts. Output
// functions run in a context of their own, with the settings under which any session reads their texts back.
#include "core/pg.h"

#include "workload/parameter_capture.h"

#include <array>

#include "core/captured_role.h"
#include "core/event_queue.h"
#include "core/guard.h"
#include "core/hash.h"
#include "core/settings.h"
#include "statements/parameter_text.h"
#include "statements/statement_identity.h"
#include "workload/parameter_table.h"

namespace dbperf::workload::parameter_capture {
using namespace core;
using namespace statements;

namespace {

MemoryContext scratch = nullptr;

struct Values {
    uint64 hash;
    bool too_long;
    bool readable; // not computed by whoever runs the statement
};

bool is_readable(ParamListInfo parameters) {
    return !parameters || !parameters->paramFetch;
}

void hash_bytes(Hash64 &hash, const void *bytes, size_t length) {
    hash.add(std::string_view(static_cast<const char *>(bytes), length));
}

// May raise.
void hash_value(const ParamExternData &parameter, Hash64 &hash, Values *values) {
    hash.add((static_cast<uint64>(parameter.ptype) << 1) | static_cast<uint64>(parameter.isnull));
    if (parameter.isnull || !OidIsValid(parameter.ptype))
        return;
    int16 length;
    bool by_value;
    get_typlenbyval(parameter.ptype, &length, &by_value);
    if (by_value) {
        hash.add(static_cast<uint64>(parameter.value));
    } else if (length > 0) {
        hash_bytes(hash, DatumGetPointer(parameter.value), static_cast<size_t>(length));
    } else if (length == -2) {
        hash.add(std::string_view(DatumGetCString(parameter.value)));
    } else if (toast_raw_datum_size(parameter.value) > max_bytes) {
        values->too_long = true;
        hash.add(static_cast<uint64>(toast_raw_datum_size(parameter.value)));
    } else {
        const varlena *bytes = PG_DETOAST_DATUM_PACKED(parameter.value);
        hash_bytes(hash, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
    }
}

// May raise.
Values hash_values(uint64 text, std::string_view settings, ParamListInfo parameters) {
    Hash64 hash;
    Values values{0, false, is_readable(parameters)};
    hash.add(text);
    // The same statement under another path or other settings is another one.
    hash.add(std::string_view(namespace_search_path ? namespace_search_path : ""));
    hash.add(settings);
    for (int i = 0; values.readable && parameters && i < parameters->numParams; ++i)
        hash_value(parameters->params[i], hash, &values);
    values.hash = hash.value();
    return values;
}

bool send(const Execution &execution, const ParametersRecord &record, std::string_view path, std::string_view settings,
          std::string_view statement, std::string_view values) {
    const std::array parts{std::string_view(reinterpret_cast<const char *>(&record), sizeof(record)), path, settings,
                           statement, values};
    return event_queue::append(event_queue::EventType::parameters, execution.run, MyDatabaseId, GetUserId(), parts);
}

// May raise. *queued: whether there was room for it.
ParametersLeftOut keep(const Execution &execution, ParametersRecord record, std::string_view settings, bool *queued) {
    const std::string_view text = statement_identity::executable_text(execution.query, max_bytes);
    if (text.empty())
        return ParametersLeftOut::too_long;
    ParamListInfo parameters = execution.query->params;
    StringInfoData values;
    initStringInfo(&values);
    record.parameters = parameters ? static_cast<uint32>(parameters->numParams) : 0;
    if (parameters)
        parameter_text::append(&values, parameters, max_bytes);
    const std::string_view path(namespace_search_path ? namespace_search_path : "");
    const auto length = static_cast<size_t>(values.len);
    if (path.size() + settings.size() + text.size() + length > max_bytes)
        return ParametersLeftOut::too_long;
    record.path_length = static_cast<uint32>(path.size());
    record.settings_length = static_cast<uint32>(settings.size());
    record.statement_length = static_cast<uint32>(text.size());
    *queued = send(execution, record, path, settings, text, {values.data, length});
    return ParametersLeftOut::kept;
}

// May raise.
void capture(const Execution &execution, uint64 name) {
    const PlannedStmt *plan = execution.query->plannedstmt;
    const statement_identity::Occurrence *occurrence =
        statement_identity::of(execution.query->sourceText, plan->stmt_location, plan->stmt_len, false);
    if (!occurrence)
        return;
    StringInfoData settings_text;
    initStringInfo(&settings_text);
    captured_role::append_settings(&settings_text);
    const std::string_view settings(settings_text.data, static_cast<size_t>(settings_text.len));
    const Values values = hash_values(statement_identity::hash_of_text(*occurrence), settings, execution.query->params);
    const ParameterKey key{occurrence->statement->fingerprint, name, MyDatabaseId, GetUserId(), execution.run, 0};
    if (!parameter_table::claim(key, values.hash))
        return;
    ParametersRecord record{};
    record.fingerprint = key.fingerprint;
    record.name = name;
    record.hash = values.hash;
    bool queued = false;
    if (!values.readable)
        record.left_out = ParametersLeftOut::unreadable;
    else if (values.too_long)
        record.left_out = ParametersLeftOut::too_long;
    else if (!catch_errors([&] { record.left_out = keep(execution, record, settings, &queued); }))
        record.left_out = ParametersLeftOut::unreadable;
    if (record.left_out != ParametersLeftOut::kept) {
        parameter_table::count_left_out();
        queued = send(execution, record, {}, {}, {}, {});
    }
    if (!queued)
        parameter_table::forget(key, values.hash);
}

} // namespace

[[gnu::noinline]] void consider(const Execution &execution, uint64 name) {
    if (!scratch)
        scratch = AllocSetContextCreate(TopMemoryContext, "dbperf parameters", ALLOCSET_DEFAULT_SIZES);
    // A cancel that arrives meanwhile is served after it, in the user's own statement.
    HOLD_INTERRUPTS();
    if (!catch_errors(
            [&execution, name] { with_memory_context(scratch, [&execution, name] { capture(execution, name); }); }))
        parameter_table::count_left_out();
    RESUME_INTERRUPTS();
    MemoryContextReset(scratch);
}

} // namespace dbperf::workload::parameter_capture
