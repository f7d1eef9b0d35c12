// DDL is queued when its transaction commits, a schema when its run is finished.
#include "core/pg.h"

#include "schema_changes/schema_changes_feature.h"

#include "core/recording.h"
#include "core/row_builder.h"
#include "core/shared_memory.h"
#include "schema_changes/ddl_log.h"
#include "schema_changes/schema_snapshot.h"
#include "statements/query_text.h"
#include "statements/stored_text.h"

namespace dbperf::schema_changes {
using namespace core;
using namespace statements;

namespace {

// Names that each end with a NUL.
Datum name_array(const char *names, size_t length, int encoding) {
    ArrayBuildState *built = initArrayResult(TEXTOID, CurrentMemoryContext, false);
    for (size_t at = 0; at < length; at += strlen(names + at) + 1)
        built = accumArrayResult(
            built, CStringGetTextDatum(query_text::to_this_encoding(names + at, strlen(names + at), encoding)), false,
            TEXTOID, CurrentMemoryContext);
    return makeArrayResult(built, CurrentMemoryContext);
}

void store_ddl(const event_queue::Event &event, const runs::Run *run) {
    DdlRecord record;
    if (event.header.length < sizeof(record))
        return;
    memcpy(&record, event.payload, sizeof(record));
    const char *tag = event.payload + sizeof(record);
    const char *names = tag + record.tag_length;
    const char *text = names + record.names_length;
    RowBuilder row;
    row.project();
    row.run(run);
    row.text(database_name(event.header.database));
    row.oid(event.header.database);
    row.text(role_name(event.header.role));
    row.timestamp(record.happened_at);
    row.text(pnstrdup(tag, record.tag_length));
    row.text(query_text::to_this_encoding(text, record.text_length, event.header.encoding));
    row.boolean(record.is_cut != 0);
    row.add(TEXTARRAYOID, name_array(names, record.names_length, event.header.encoding));
    row.execute("SELECT dbperf.add_ddl($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
}

// Of a run that is forgotten nothing is stored.
void store_schema(const event_queue::Event &event, const runs::Run *run) {
    if (!run)
        return;
    RowBuilder row;
    row.project();
    row.run(run);
    row.text(database_name(event.header.database));
    row.oid(event.header.database);
    row.timestamp(event.header.at);
    row.text(query_text::to_this_encoding(event.payload, event.header.length, event.header.encoding));
    row.execute("INSERT INTO dbperf.schema_snapshot (project, run_id, database, database_id, taken_at, schema) "
                "VALUES ($1, $2, $3, $4, $5, $6::jsonb) ON CONFLICT (project, run_id, database) DO UPDATE SET "
                "database_id = excluded.database_id, taken_at = excluded.taken_at, schema = excluded.schema");
}

bool store_event(const event_queue::Event &event, const runs::Run *run) {
    switch (event.header.type) {
    case event_queue::EventType::ddl:
        store_ddl(event, run);
        return true;
    case event_queue::EventType::schema:
        store_schema(event, run);
        return true;
    default:
        return false;
    }
}

// DDL is logged whether somebody asked for it or not.
bool is_unasked(const event_queue::Event &event) {
    return event.header.run == runs::no_run && event.header.type == event_queue::EventType::ddl;
}

} // namespace

const Feature feature{
    .name = "schema_changes",
    .close_run = schema_snapshot::take_all,
    .store_event = store_event,
    .is_unasked = is_unasked,
};

} // namespace dbperf::schema_changes

using namespace dbperf::core;
using namespace dbperf::schema_changes;

// take_snapshot() returns void: of the database and run of this session; finish_run() replaces it by its own.
DBPERF_FUNCTION(dbperf_take_snapshot) {
    shared_memory::require_available();
    recording::prevent_if_read_only("dbperf.take_snapshot()");
    const uint32 run = runs::current_id();
    if (run == runs::no_run)
        ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("no run is under way"),
                errhint("Begin one with dbperf.start_run('label')."));
    schema_snapshot::take(run);
    recording::flush();
    PG_RETURN_VOID();
}
