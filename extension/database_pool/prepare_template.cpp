// What it does, and why: the extension, for reset_database(); sequences forget the numbers that they
// logged in advance, or their next use would not show in the log; VACUUM FREEZE, so that nothing will ever be changed
// in the template's pages again; ANALYZE, so that copies need none.
#include "core/pg.h"

#include "database_pool/prepare_template.h"

#include "core/guard.h"
#include "core/settings.h"
#include "core/worker.h"
#include "database_pool/file_map.h"
#include "database_pool/registry.h"
#include "database_pool/write_ahead_log.h"

namespace dbperf::database_pool::prepare_template {
using namespace core;

namespace {

constexpr uint64 max_files = 100000;

// The extension's script makes its schema and refuses one that is there, so that the database's owner has no part in
// it.
constexpr const char *create_extension_sql = R"(
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'dbperf') THEN
        CREATE EXTENSION dbperf;
    END IF;
END $$)";

// By OID: names are the owner's, who might put something else in their place. Sequences that were never used have
// logged nothing in advance.
constexpr const char *settle_sequences_sql = R"(
SELECT pg_catalog.count(pg_catalog.setval(s.oid, s.last_value))
  FROM (SELECT c.oid, CASE WHEN c.relkind = 'S' AND c.relpersistence <> 't' THEN pg_catalog.pg_sequence_last_value(c.oid) END AS last_value
          FROM pg_catalog.pg_class c) s
 WHERE s.last_value IS NOT NULL)";

// Files that are not where the catalogs' numbers say, or that are not of the server's own kind of table, cannot be
// known apart by their pages.
constexpr const char *is_regular_sql = R"(
SELECT NOT EXISTS (
    SELECT FROM pg_catalog.pg_class
     WHERE oid < 16384 AND pg_catalog.pg_relation_filenode(oid) >= 16384
        OR oid >= 16384 AND relkind IN ('r', 't', 'm') AND relam <> 2),
    pg_catalog.pg_database_size(pg_catalog.current_database()))";

constexpr const char *files_sql = R"(
SELECT pg_catalog.pg_relation_filenode(c.oid), CASE c.reltablespace WHEN 0 THEN d.dattablespace ELSE c.reltablespace END,
       COALESCE(i.indrelid, c.oid), c.oid,
       CASE WHEN c.relkind = 'S' THEN 1 WHEN c.relkind <> 'i' THEN 0 WHEN c.relam = 403 THEN 2 ELSE 3 END,
       c.relpersistence = 'u'
  FROM pg_catalog.pg_class c CROSS JOIN pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
 WHERE c.oid >= 16384 AND c.relkind IN ('r', 't', 'm', 'i', 'S') AND c.relpersistence IN ('p', 'u')
   AND pg_catalog.pg_relation_filenode(c.oid) IS NOT NULL AND d.datname = pg_catalog.current_database())";

void execute(const char *sql, int expected) {
    if (SPI_execute(sql, false, 0) != expected)
        elog(ERROR, "could not prepare the template");
}

Datum value(uint64 row, int column) {
    bool is_null;
    return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);
}

void vacuum_all() {
    // VACUUM ends transactions on its way.
    MemoryContext lasting = AllocSetContextCreate(TopMemoryContext, "dbperf vacuum", ALLOCSET_DEFAULT_SIZES);
    PortalContext = lasting;
    VacuumStmt *statement = nullptr;
    ParseState *state = nullptr;
    with_memory_context(lasting, [&] {
        statement = makeNode(VacuumStmt);
        statement->options =
            list_make2(makeDefElem(pstrdup("freeze"), nullptr, -1), makeDefElem(pstrdup("analyze"), nullptr, -1));
        statement->is_vacuumcmd = true;
        state = make_parsestate(nullptr);
    });
    ExecVacuum(state, statement, true);
}

// A snapshot of a standby or a replication slot may have kept VACUUM from freezing what is newer. Such a page would
// still be written to, in the template or in its copies, whose idea of the oldest transaction moves on.
bool is_frozen(Oid relation) {
    Relation table = table_open(relation, AccessShareLock);
    BlockNumber visible;
    BlockNumber frozen;
    visibilitymap_count(table, &visible, &frozen);
    const bool all = frozen >= RelationGetNumberOfBlocks(table);
    table_close(table, AccessShareLock);
    return all;
}

void read_files(Template *prepared) {
    execute(files_sql, SPI_OK_SELECT);
    const uint64 count = SPI_processed;
    if (count == 0 || count > max_files) {
        prepared->in_place = false;
        return;
    }
    dsm_segment *segment = dsm_create(count * sizeof(MappedFile), 0);
    MappedFile *files = static_cast<MappedFile *>(dsm_segment_address(segment));
    for (uint64 row = 0; row < count; ++row)
        files[row] = {DatumGetObjectId(value(row, 1)),
                      DatumGetObjectId(value(row, 2)),
                      DatumGetObjectId(value(row, 3)),
                      DatumGetObjectId(value(row, 4)),
                      0,
                      static_cast<FileKind>(DatumGetInt32(value(row, 5))),
                      DatumGetBool(value(row, 6)),
                      0};
    for (uint64 row = 0; row < count && prepared->in_place; ++row)
        if (files[row].kind == FileKind::table)
            prepared->in_place = is_frozen(files[row].relation);
    if (!prepared->in_place) {
        dsm_detach(segment);
        return;
    }
    link_files({files, count});
    dsm_pin_mapping(segment); // until this process ends
    dsm_pin_segment(segment);
    prepared->map = dsm_segment_handle(segment);
    prepared->file_count = static_cast<uint32>(count);
}

void describe(Template *prepared) {
    SPI_connect();
    execute(is_regular_sql, SPI_OK_SELECT);
    prepared->in_place = DatumGetBool(value(0, 1));
    prepared->size = static_cast<uint64>(DatumGetInt64(value(0, 2)));
    if (prepared->in_place)
        read_files(prepared);
    SPI_finish();
}

bool prepare(Template *prepared, ErrorData **error) {
    return attempt_transaction(
               [] {
                   SPI_connect();
                   execute(create_extension_sql, SPI_OK_UTILITY);
                   execute(settle_sequences_sql, SPI_OK_SELECT);
                   SPI_finish();
               },
               error) &&
           attempt_transaction(
               [] {
                   // VACUUM leaves a page that holds rows of a commit that is not on disk yet (synchronous_commit =
                   // off).
                   write_ahead_log::flush();
                   vacuum_all();
               },
               error) &&
           attempt_transaction([prepared] { describe(prepared); }, error);
}

} // namespace

bool run(int template_index, ErrorData **error) {
    // Others wait behind it for copies of other databases, and functions of its indexes are executed.
    constexpr long patience = 10; // times what anybody waits for a copy
    const long limit = patience * settings::acquire_timeout;
    BackgroundWorker worker =
        worker::describe("dbperf template", "dbperf_seal_template_main", Int32GetDatum(template_index));
    Template *prepared = &registry->templates[static_cast<size_t>(template_index)];
    const worker::End end = worker::run(&worker, limit);
    if (end != worker::End::no_slot && locked([prepared] { return prepared->prepared_at != InvalidXLogRecPtr; }))
        return true;
    *error = static_cast<ErrorData *>(palloc0(sizeof(ErrorData)));
    switch (end) {
    case worker::End::no_slot:
        (*error)->sqlerrcode = ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
        (*error)->message = pstrdup("no worker was free: raise max_worker_processes");
        break;
    case worker::End::too_late:
        (*error)->sqlerrcode = ERRCODE_QUERY_CANCELED;
        (*error)->message = psprintf(
            "to prepare its template took longer than %ld ms, %ld times dbperf.acquire_timeout", limit, patience);
        break;
    case worker::End::done:
        (*error)->sqlerrcode = prepared->error_state == 0 ? ERRCODE_INTERNAL_ERROR : prepared->error_state;
        (*error)->message = pstrdup(prepared->error[0] != 0 ? prepared->error.data()
                                                            : "the worker that prepares its template was stopped");
        break;
    }
    return false;
}

} // namespace dbperf::database_pool::prepare_template

extern "C" PGDLLEXPORT void dbperf_seal_template_main(Datum index) {
    using namespace dbperf::core;
    using namespace dbperf::database_pool;
    Template *shared = &registry->templates[static_cast<size_t>(DatumGetInt32(index))];
    settings::exclude_process();
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(shared->database, InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
    worker::prepare_session("dbperf template");
    SetConfigOption("lock_timeout", "10s", PGC_SUSET, PGC_S_OVERRIDE);
    MemoryContextSwitchTo(TopMemoryContext);
    static Template prepared{};
    ErrorData *error = nullptr;
    if (prepare_template::prepare(&prepared, &error)) {
        const XLogRecPtr at = write_ahead_log::now();
        locked([shared, at] {
            shared->map = prepared.map;
            shared->file_count = prepared.file_count;
            shared->size = prepared.size;
            shared->in_place = prepared.in_place;
            shared->prepared_at = at;
        });
    } else {
        locked([shared, error] {
            shared->error_state = error->sqlerrcode;
            strlcpy(shared->error.data(), error->message, shared->error.size());
        });
    }
    proc_exit(0);
}
