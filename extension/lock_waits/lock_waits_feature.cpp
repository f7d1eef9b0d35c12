// Waits are stored when their run is; they stay in shared memory until then.
#include "core/pg.h"

#include "lock_waits/lock_waits_feature.h"

#include "core/row_builder.h"
#include "deadlocks/lock_words.h"
#include "lock_waits/observer_worker.h"
#include "lock_waits/wait_table.h"
#include "statements/live_rows.h"
#include "statements/query_text.h"
#include "statements/stored_text.h"

namespace dbperf::lock_waits {
using namespace core;
using namespace deadlocks;
using namespace statements;

namespace {

void install() {
    wait_table::install();
    observer_worker::install();
}

void status(const StatusRows &rows) {
    const wait_table::State waits = wait_table::state();
    const observer_worker::State worker = observer_worker::state();
    rows.put("lock_waits", waits.waits, "different waits for locks, of runs under way");
    rows.put("max_lock_waits", waits.most, "dbperf.max_lock_waits");
    rows.put("dropped_lock_waits", waits.overflowed, "waits for locks beyond that");
    rows.put("lock_observer",
             worker.pid != 0  ? "running"
             : worker.no_slot ? "no worker"
                              : "idle",
             worker.no_slot ? "raise max_worker_processes" : "looks who waits for locks, with dbperf.track_lock_waits");
    rows.put("lock_observer_looks", worker.looks, "since the server began");
    rows.put("lock_observer_us", worker.looks == 0 ? 0 : worker.time / worker.looks, "time of one look, us");
}

const char *kind_of(const LockTag &lock) {
    switch (lock.type) {
    case LockType::tuple:
        return "row";
    case LockType::relation:
        return "table";
    case LockType::advisory:
        return "advisory";
    case LockType::virtual_transaction:
        return "transaction";
    case LockType::object:
        return "object";
    case LockType::extension:
    case LockType::page:
        return "extension";
    default:
        return "other";
    }
}

const char *or_null(const char *text) {
    return text && text[0] != '\0' ? text : nullptr;
}

const char *of_its_database(const LockWait &wait, const char *text) {
    return or_null(text) ? query_text::of_database(text, wait.key.database) : nullptr;
}

// Null: a row of nobody knows which relation.
const char *locked_name(const LockWait &wait) {
    const LockTag &lock = wait.key.lock;
    const bool is_in_relation = lock.type == LockType::tuple || lock.type == LockType::relation ||
                                lock.type == LockType::extension || lock.type == LockType::page;
    if (!is_in_relation)
        return lock_words(lock, nullptr);
    if (wait.names.relation[0] != '\0')
        return of_its_database(wait, wait.names.relation);
    if (lock.field2 == 0)
        return nullptr;
    const bool is_readable = wait.key.database == MyDatabaseId || lock.field2 < FirstNormalObjectId;
    const char *name = is_readable ? get_rel_name(lock.field2) : nullptr;
    return name ? name : psprintf("relation %u", lock.field2);
}

const char *mode_of(const LockWait &wait) {
    return wait.key.row_mode != RowLockMode::none ? name_of_row_mode(wait.key.row_mode)
                                                  : or_null(name_of_table_mode(wait.key.table_mode));
}

const char *evidence_of(const LockWait &wait) {
    return wait.evidence == Evidence::exact ? "exact" : wait.evidence == Evidence::likely ? "likely" : nullptr;
}

void add_what(RowBuilder *row, const LockWait &wait, bool shows_row) {
    row->text(database_name(wait.key.database));
    row->text(kind_of(wait.key.lock));
    row->text(locked_name(wait));
    row->text(shows_row ? of_its_database(wait, wait.names.row_key) : nullptr);
    row->text(mode_of(wait));
}

void add_who(RowBuilder *row, const LockWait &wait, bool shows_statement, bool shows_blocker) {
    row->text(role_name(wait.key.role));
    row->text(of_its_database(wait, wait.names.application));
    row->bigint(wait.key.statement, wait.key.statement == 0 || !shows_statement);
    row->bigint(wait.key.inner, wait.key.inner == 0 || !shows_statement);
    row->text(OidIsValid(wait.key.blocker_role) ? role_name(wait.key.blocker_role) : nullptr);
    row->text(of_its_database(wait, wait.names.blocker_application));
    row->bigint(wait.key.blocker, wait.key.blocker == 0 || !shows_blocker);
    row->text(evidence_of(wait));
    row->bigint(wait.head, wait.head == 0 || !shows_blocker);
}

void add_measures(RowBuilder *row, const LockWait &wait) {
    row->bigint(wait.waits);
    for (const uint64 time :
         {wait.waited, wait.longest, wait.estimated, wait.transactions, wait.in_transaction, wait.head_idle})
        row->milliseconds(time * 1000);
    row->integer(static_cast<int>(wait.longest_chain));
    row->timestamp(wait.first_at);
    row->timestamp(wait.last_at);
}

struct Store {
    StoreBatch *batch;
    int number;
};

void store_wait(const LockWait &wait, const runs::Run &run, int number) {
    for (const uint64 fingerprint : {wait.key.statement, wait.key.inner, wait.key.blocker, wait.head})
        if (fingerprint != 0)
            store_query_text(fingerprint);
    RowBuilder row;
    row.project();
    row.uuid(run.uuid);
    row.integer(number);
    add_what(&row, wait, true);
    add_who(&row, wait, true, true);
    add_measures(&row, wait);
    row.execute("INSERT INTO dbperf.lock_wait (project, run_id, number, database, kind, relation, row_key, mode, role, "
                "application_name, fingerprint, inner_fingerprint, blocker_role, blocker_application_name, "
                "blocker_fingerprint, evidence, head_fingerprint, waits, waited_ms, max_ms, estimated_ms, "
                "transaction_ms, transaction_wait_ms, head_idle_ms, longest_chain, first_at, last_at) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, "
                "$21, $22, $23, $24, $25, $26, $27) ON CONFLICT DO NOTHING");
}

void store(StoreBatch *batch) {
    if (batch->closing.empty())
        return;
    Store store{batch, 0};
    wait_table::visit(
        [](const LockWait &wait, void *argument) {
            auto *to = static_cast<Store *>(argument);
            const int number = ++to->number;
            const runs::Run *run = to->batch->find(wait.key.run);
            if (run && to->batch->closes(run->id))
                to->batch->write_for_good([&wait, run, number] { store_wait(wait, *run, number); });
        },
        &store);
}

} // namespace

const Feature feature{
    .name = "lock_waits",
    .install = install,
    .reset = wait_table::reset,
    .status = status,
    .store = store,
    .free_run = wait_table::free_run,
    .visit_texts = wait_table::visit_texts,
};

} // namespace dbperf::lock_waits

using namespace dbperf::core;
using namespace dbperf::statements;
using namespace dbperf::lock_waits;

// live_lock_waits(): waits for locks in runs under way. Statements and rows to the role that waits, statements that are
// in the way to the role of those, all to pg_read_all_stats.
DBPERF_FUNCTION(dbperf_live_lock_waits) {
    LiveRows rows = open_live_rows(fcinfo);
    wait_table::visit(
        [](const LockWait &wait, void *argument) {
            const LiveRows &to = *static_cast<const LiveRows *>(argument);
            const Oid blocker_role = wait.key.blocker_role;
            const bool shows_statement = to.may_see(wait.key.role);
            const bool shows_blocker = to.may_see(blocker_role);
            RowBuilder row;
            add_run(&row, to, wait.key.run);
            add_what(&row, wait, shows_statement);
            add_who(&row, wait, shows_statement, shows_blocker);
            add_measures(&row, wait);
            add_text(&row, to, wait.key.role, wait.key.statement);
            add_text(&row, to, wait.key.role, wait.key.inner);
            add_text(&row, to, blocker_role, wait.key.blocker);
            // The head may be a third role's, of whom only those know who see all.
            add_text(&row, to, wait.head == wait.key.blocker ? blocker_role : InvalidOid, wait.head);
            row.put(to.result);
        },
        &rows);
    return Datum{0};
}
