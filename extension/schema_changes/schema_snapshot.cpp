// Taking descriptions; see the header for when and why.
#include "core/pg.h"

#include "schema_changes/schema_snapshot.h"

#include <algorithm>
#include <array>

#include "core/event_queue.h"
#include "core/guard.h"
#include "core/recording.h"
#include "core/runs.h"
#include "core/settings.h"
#include "core/worker.h"
#include "schema_changes/schema_query.h"
#include "statements/statement_table.h"

namespace dbperf::schema_changes::schema_snapshot {
using namespace core;
using namespace statements;

namespace {

constexpr int max_databases = 64; // of one run

struct Databases {
    uint32 run;
    int count;
    std::array<Oid, max_databases> oids;
};

// The one value of a query as text, or null; inside SPI.
char *value_of(const char *sql) {
    if (SPI_execute(sql, true, 1) != SPI_OK_SELECT)
        elog(ERROR, "could not describe the schema");
    return SPI_processed == 0 ? nullptr : SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

bool exists(Oid database) {
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    const bool found = SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database));
    CommitTransactionCommand();
    return found;
}

// Whoever waits for the run hears of it in time.
long patience() {
    return settings::flush_timeout - settings::flush_timeout / 4;
}

void run_worker(Oid database, uint32 run) {
    BackgroundWorker worker =
        worker::describe("dbperf schema snapshot", "dbperf_schema_snapshot_main", ObjectIdGetDatum(database));
    memcpy(worker.bgw_extra, &run, sizeof(run));
    const worker::End end = worker::run(&worker, patience());
    recording::made_a_step();
    if (end == worker::End::done)
        return;
    event_queue::count_dropped(run);
    recording::missed_snapshot(end == worker::End::no_slot);
    if (end == worker::End::no_slot)
        ereport(LOG, errmsg("dbperf could not take a schema snapshot: no worker was free"),
                errhint("Raise max_worker_processes."));
    else
        ereport(LOG, errmsg("dbperf gave up a schema snapshot of database %u after %ld ms", database, patience()),
                errhint("Raise dbperf.flush_timeout, or end what locks the database."));
}

} // namespace

void take(uint32 run) {
    SPI_connect();
    const char *schema = value_of(schema_sql);
    const char *more = value_of(schema_views_sql);
    if (schema) {
        // Two objects side by side make one: {a} and {b} are {a,b}.
        std::string_view first(schema);
        std::string_view second(more ? more : "");
        if (!second.empty()) {
            first.remove_suffix(1);
            second.remove_prefix(1);
        }
        const std::array parts{first, std::string_view(second.empty() ? "" : ","), second};
        event_queue::append(event_queue::EventType::schema, run, MyDatabaseId, GetUserId(), parts);
    }
    SPI_finish();
}

void take_all(uint32 run) {
    Databases databases{run, 0, {}};
    statement_table::visit(
        [](const StatementKey &key, const StatementCounters &, void *argument) {
            Databases *known = static_cast<Databases *>(argument);
            Oid *end = known->oids.data() + known->count;
            if (key.run == known->run && known->count < max_databases &&
                std::find(known->oids.data(), end, key.database) == end)
                known->oids[static_cast<size_t>(known->count++)] = key.database;
        },
        &databases);
    for (int i = 0; i < databases.count; ++i) {
        const Oid database = databases.oids[static_cast<size_t>(i)];
        if (exists(database))
            run_worker(database, run);
    }
}

} // namespace dbperf::schema_changes::schema_snapshot

extern "C" PGDLLEXPORT void dbperf_schema_snapshot_main(Datum database) {
    using namespace dbperf::core;
    using namespace dbperf::statements;
    using namespace dbperf::schema_changes;
    uint32 run;
    memcpy(&run, MyBgworkerEntry->bgw_extra, sizeof(run));
    settings::exclude_process();
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
    worker::prepare_session("dbperf schema snapshot");
    SetConfigOption("lock_timeout", "300ms", PGC_SUSET, PGC_S_OVERRIDE);
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    PushActiveSnapshot(GetTransactionSnapshot());
    pgstat_report_activity(STATE_RUNNING, "describing the schema");
    char *message = nullptr;
    // Definitions are printed under a lock on their table, which somebody may hold: half a description would lie.
    if (!attempt_in_subtransaction([run] { schema_snapshot::take(run); }, &message))
        ereport(LOG, errmsg("dbperf could not describe the schema of database \"%s\": %s",
                            get_database_name(MyDatabaseId), message));
    PopActiveSnapshot();
    CommitTransactionCommand();
    proc_exit(0);
}
