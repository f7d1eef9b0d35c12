// Bytes as the shared table has them: they are of one server and of one version of dbperf, which `format` tells.
#include "core/pg.h"

#include "deadlock_prediction/lock_trace_store.h"

#include <algorithm>

#include "core/row_builder.h"
#include "deadlock_prediction/cycle_description.h"
#include "statements/stored_text.h"

using namespace dbperf::core;
using namespace dbperf::statements;

namespace dbperf::deadlock_prediction::lock_trace_store {

namespace {

constexpr int format = 1;
constexpr int enough_of_a_pattern = 2;
constexpr size_t max_traces = 2000; // of one run

std::string_view bytes_of(const StoredTrace &trace) {
    return {reinterpret_cast<const char *>(trace.parts.steps.data()) - sizeof(TraceHeader), trace.header.size};
}

Datum bytea_of(std::string_view bytes) {
    auto *made = static_cast<bytea *>(palloc(VARHDRSZ + bytes.size()));
    SET_VARSIZE(made, VARHDRSZ + bytes.size());
    memcpy(VARDATA(made), bytes.data(), bytes.size());
    return PointerGetDatum(made);
}

bool is_sound(const TraceParts &parts) {
    for (const LockStep &step : parts.steps)
        if (step.kind > LockKind::advisory || step.mode >= max_lock_modes ||
            step.statement >= parts.statements.size() || (step.kind == LockKind::advisory && step.mode > 1))
            return false;
    return true;
}

} // namespace

void store(const runs::Run &run) {
    StoredTrace *traces;
    const auto count = static_cast<size_t>(lock_trace_table::copy(run.id, &traces));
    std::sort(traces, traces + count, [](const StoredTrace &a, const StoredTrace &b) {
        return a.header.database != b.header.database ? a.header.database < b.header.database
               : a.header.pattern != b.header.pattern ? a.header.pattern < b.header.pattern
                                                      : a.header.first_at < b.header.first_at;
    });
    int number = 0, same = 0;
    for (size_t i = 0; i < count && static_cast<size_t>(number) < max_traces; ++i) {
        const bool again = i > 0 && traces[i].header.pattern == traces[i - 1].header.pattern &&
                           traces[i].header.database == traces[i - 1].header.database;
        same = again ? same + 1 : 1;
        if (same > enough_of_a_pattern)
            continue;
        RowBuilder row;
        row.project();
        row.uuid(run.uuid);
        row.text(database_name(traces[i].header.database));
        row.integer(++number);
        row.integer(format);
        row.add(BYTEAOID, bytea_of(bytes_of(traces[i])));
        row.execute("INSERT INTO dbperf.lock_trace (project, run_id, database, number, format, trace) "
                    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING");
    }
}

bool read(std::string_view bytes, StoredTrace *to) {
    if (bytes.size() < sizeof(TraceHeader))
        return false;
    memcpy(&to->header, bytes.data(), sizeof(TraceHeader));
    const TraceHeader &header = to->header;
    const size_t whole = sizeof(TraceHeader) + header.step_count * sizeof(LockStep) +
                         header.statement_count * sizeof(TraceStatement) + header.object_count * sizeof(TraceObject) +
                         static_cast<size_t>(header.text_bytes) + header.script_bytes;
    if (MAXALIGN(whole) != bytes.size() || header.size != bytes.size() || !PG_VALID_ENCODING(header.encoding))
        return false;
    to->parts = lock_trace_table::parts_of(bytes.data());
    return is_sound(to->parts);
}

} // namespace dbperf::deadlock_prediction::lock_trace_store

namespace {

using namespace dbperf::deadlock_prediction;

// Those of one run, of one database, without one of all.
std::span<StoredTrace> load(Datum run, const char *database) {
    Oid types[] = {UUIDOID, TEXTOID, INT4OID};
    Datum values[] = {run, database ? CStringGetTextDatum(database) : Datum{0}, Int32GetDatum(1)};
    const char nulls[] = {' ', database ? ' ' : 'n', ' ', '\0'};
    SPI_execute_with_args("SELECT trace FROM dbperf.lock_trace WHERE run_id = $1 AND ($2 IS NULL OR database = $2) AND "
                          "format = $3 ORDER BY number",
                          3, types, values, nulls, true, 0);
    const uint64 rows = SPI_processed;
    SPITupleTable *table = SPI_tuptable;
    auto *traces = static_cast<StoredTrace *>(palloc(sizeof(StoredTrace) * (rows + 1)));
    size_t count = 0;
    for (uint64 i = 0; i < rows; ++i) {
        CHECK_FOR_INTERRUPTS();
        bool is_null;
        const Datum value = SPI_getbinval(table->vals[i], table->tupdesc, 1, &is_null);
        const bytea *bytes = is_null ? nullptr : PG_DETOAST_DATUM(value);
        if (!bytes)
            continue;
        // Aligned as numbers in it have to be.
        const size_t length = VARSIZE_ANY_EXHDR(bytes);
        auto *copy = static_cast<char *>(palloc(length + 1));
        memcpy(copy, VARDATA_ANY(bytes), length);
        if (lock_trace_store::read({copy, length}, &traces[count]))
            ++count;
    }
    return {traces, count};
}

struct Target {
    const pg_uuid_t *run;
    const char *database;
    int64 found;
};

} // namespace

// match_locks(run uuid, migration uuid, database text) returns bigint: how many deadlocks transactions of one run could
// have with those of the other; stored with the latter.
DBPERF_FUNCTION(dbperf_match_locks) {
    Target target{PG_GETARG_UUID_P(1), text_to_cstring(PG_GETARG_TEXT_PP(2)), 0};
    SPI_connect();
    const std::span<StoredTrace> application = load(PG_GETARG_DATUM(0), target.database);
    const std::span<StoredTrace> migration = load(PG_GETARG_DATUM(1), nullptr);
    cycle_description::search_between(
        application, migration,
        [](const cycle_description::Description &cycle, void *argument) {
            auto *to = static_cast<Target *>(argument);
            cycle_description::store(cycle, *to->run, to->database);
            ++to->found;
        },
        &target);
    SPI_finish();
    PG_RETURN_INT64(target.found);
}
