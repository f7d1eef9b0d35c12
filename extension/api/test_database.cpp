// dbperf.acquire_database(), release_database(), reset_database(), collect_test_databases(), live_test_databases().
#include "server/pg.h"

#include <algorithm>

#include "observe/test_databases.h"
#include "record/copy_worker.h"
#include "record/reset_copy.h"
#include "record/session_reset.h"
#include "record/settle_copy.h"
#include "server/compat.h"
#include "server/settings.h"
#include "server/shared_memory.h"

using namespace dbperf;
using test_databases::Copy;
using test_databases::locked;
using test_databases::registry;
using test_databases::Template;
using test_databases::TemplateState;

namespace {

constexpr int patience = 30; // ms, for connections that are being closed

struct Source {
    Oid database;
    Oid owner;
    bool is_template;
    bool is_closed;
    const char *name;
};

void require_primary() {
    shared_memory::require_available();
    if (RecoveryInProgress())
        ereport(ERROR, errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION), errmsg("there are no test databases on a standby"),
                errhint("Acquire them on the primary server."));
}

Source look_up(const char *name) {
    const Oid database = get_database_oid(name, true);
    HeapTuple tuple = OidIsValid(database) ? SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database)) : nullptr;
    if (!HeapTupleIsValid(tuple))
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_DATABASE), errmsg("database \"%s\" does not exist", name),
                errhint("Name a migrated database to copy, or make one with \"dbperf testdb prepare\"."));
    const auto *form = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
    const Source source{database, form->datdba, form->datistemplate, !form->datallowconn, name};
    ReleaseSysCache(tuple);
    return source;
}

// As CREATE DATABASE asks of who names a template.
void require_right_to_copy(const Source &source) {
    if (superuser())
        return;
    if (!compat::may_create_databases())
        ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to acquire a database"),
                errhint("The role needs CREATEDB."));
    if (!source.is_template && !has_privs_of_role(GetUserId(), source.owner))
        ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                errmsg("permission denied to copy database \"%s\"", source.name),
                errhint("The role must own it, or it must be marked IS_TEMPLATE."));
}

// Made by "dbperf testdb prepare", so nobody's but ours.
bool is_prepared(const Source &source) {
    if (!source.is_template || !source.is_closed)
        return false;
    SPI_connect();
    const char *sql = psprintf("SELECT pg_catalog.starts_with(pg_catalog.shobj_description(%u, 'pg_database'), '%s')",
                               source.database, test_databases::mark);
    bool is_null = true;
    bool prepared = false;
    if (SPI_execute(sql, true, 1) == SPI_OK_SELECT && SPI_processed == 1) {
        const Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
        prepared = !is_null && DatumGetBool(value);
    }
    SPI_finish();
    return prepared;
}

// A database to which the worker may stay connected for a while.
Oid choose_home() {
    const Oid usual = get_database_oid("postgres", true);
    return OidIsValid(usual) ? usual : MyDatabaseId;
}

// With the lock held.
Template *begin_template(const Source &source, bool prepared) {
    for (Template &each : registry->templates) {
        if (each.state != TemplateState::free)
            continue;
        memset(static_cast<void *>(&each), 0, sizeof(Template));
        each.state = TemplateState::wanted;
        each.serial = ++registry->last_serial;
        each.is_own = !prepared;
        each.source = source.database;
        each.database = prepared ? source.database : InvalidOid;
        namestrcpy(&each.source_name, source.name);
        if (prepared)
            namestrcpy(&each.name, source.name);
        each.used_at = GetCurrentTimestamp();
        // Its sessions shall notice from now on.
        if (pg_atomic_add_fetch_u32(&registry->generation, 1) == 0)
            pg_atomic_write_u32(&registry->generation, 1);
        return &each;
    }
    return nullptr;
}

[[noreturn]] void raise_no_room() {
    ereport(ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
            errmsg("copies of %d databases exist already", test_databases::most_templates),
            errhint("Call dbperf.collect_test_databases(), or wait for dbperf.test_database_idle."));
    pg_unreachable();
}

// The template for new copies of the source; a new one when the source was written to since it was copied.
Template *current_template(const Source &source) {
    if (Template *known = locked([&source]() -> Template * {
            Template *found = test_databases::find_template(source.database);
            if (found && found->is_changed && found->state == TemplateState::ready) {
                test_databases::retire(found);
                return nullptr;
            }
            return found;
        }))
        return known;
    const bool prepared = is_prepared(source);
    if (!prepared && source.database == MyDatabaseId)
        ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
                errmsg("cannot copy database \"%s\" from a session that is connected to it", source.name),
                errhint("Connect to another database, such as postgres, and acquire it there."));
    const Oid home = choose_home();
    Template *fresh = locked([&source, prepared, home] {
        registry->home = home;
        Template *found = test_databases::find_template(source.database);
        return found ? found : begin_template(source, prepared);
    });
    if (!fresh)
        raise_no_room();
    return fresh;
}

[[noreturn]] void raise_failure(const Source &source, const Template &failed) {
    ereport(
        ERROR, errcode(failed.error_state == 0 ? ERRCODE_INTERNAL_ERROR : failed.error_state),
        errmsg("cannot copy database \"%s\": %s", source.name,
               failed.error[0] == 0 ? "the worker was stopped" : failed.error.data()),
        failed.error_state == ERRCODE_OBJECT_IN_USE
            ? errhint("End the connections to it, which pg_stat_activity lists; once it is copied, they do no harm.")
            : errhint("The server's log may tell more."));
    pg_unreachable();
}

[[noreturn]] void raise_timeout(const Source &source) {
    ereport(ERROR, errcode(ERRCODE_QUERY_CANCELED),
            errmsg("no copy of database \"%s\" became free in %d ms", source.name, settings::acquire_timeout),
            errhint("dbperf.test_databases shows who holds them; dbperf.max_test_databases, test_database_space and "
                    "acquire_timeout set the limits."));
    pg_unreachable();
}

struct Attempt {
    Copy *copy;
    bool failed;
    Template template_copy;
};

// One look; the copy is this session's when there is one.
Attempt try_to_lease(const Template *wanted, uint32 serial, uint32 failures) {
    return locked([=] {
        Attempt attempt{};
        if (wanted->serial != serial)
            return attempt;
        attempt.failed = wanted->failures != failures || wanted->state == TemplateState::retired ||
                         wanted->state == TemplateState::free;
        if (attempt.failed)
            attempt.template_copy = *wanted;
        else if (wanted->state == TemplateState::ready)
            attempt.copy = test_databases::ready_copy(*wanted);
        if (attempt.copy) {
            // Nobody was connected to it since it was clean.
            attempt.copy->clean_since = GetXLogInsertRecPtr();
            test_databases::lease(attempt.copy);
        }
        return attempt;
    });
}

const char *wait_for_copy(const Source &source, Template *wanted, uint32 serial, uint32 failures) {
    const TimestampTz deadline = GetCurrentTimestamp() + static_cast<TimestampTz>(settings::acquire_timeout) * 1000;
    ConditionVariablePrepareToSleep(&registry->changed);
    for (;;) {
        const Attempt attempt = try_to_lease(wanted, serial, failures);
        if (attempt.copy || attempt.failed) {
            ConditionVariableCancelSleep();
            if (attempt.failed)
                raise_failure(source, attempt.template_copy);
            return pstrdup(NameStr(attempt.copy->name));
        }
        const auto left = static_cast<long>((deadline - GetCurrentTimestamp()) / 1000);
        if (left <= 0) {
            ConditionVariableCancelSleep();
            raise_timeout(source);
        }
        ConditionVariableTimedSleep(&registry->changed, std::min(left, 1000L), PG_WAIT_EXTENSION);
    }
}

const char *acquire(const Source &source) {
    test_databases::watch_own_exit();
    Template *wanted = current_template(source);
    const auto [serial, failures] = locked([wanted] { return std::pair{wanted->serial, wanted->failures}; });
    const Attempt first = try_to_lease(wanted, serial, failures);
    if (first.copy) {
        const char *name = pstrdup(NameStr(first.copy->name));
        return name;
    }
    locked([wanted] {
        ++wanted->waiting;
        wanted->used_at = registry->active_at = GetCurrentTimestamp();
        wanted->demand.count(static_cast<double>(wanted->used_at) / 1e6);
    });
    copy_worker::wake();
    const char *name = nullptr;
    with_cleanup([&name, &source, wanted, serial = serial,
                  failures = failures] { name = wait_for_copy(source, wanted, serial, failures); },
                 [wanted, serial = serial] {
                     locked([=] {
                         if (wanted->serial == serial && wanted->waiting > 0)
                             --wanted->waiting;
                     });
                 });
    return name;
}

bool may_release(const Copy &copy) {
    return copy.holder == MyProcPid ||
           (OidIsValid(copy.holder_role) && has_privs_of_role(GetUserId(), copy.holder_role));
}

[[noreturn]] void raise_not_leased() {
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("database \"%s\" is not a leased test database, or is being reset", get_database_name(MyDatabaseId)),
            errhint("dbperf.acquire_database() leases one, until the session that called it ends."));
    pg_unreachable();
}

enum class Held : uint8_t { yes, no, others };

// What a test does to the whole server, no copy puts back.
void warn_of_cluster(uint32 seen, const NameData &statement) {
    if ((seen & test_databases::seen_cluster) != 0)
        ereport(WARNING, errcode(ERRCODE_WARNING),
                errmsg("something that belongs to the whole server was changed and stays so: %s", NameStr(statement)),
                errhint("Undo it in the test: roles, tablespaces, and settings of the server are no part of a copy."));
}

// The lease this session's database is under, for one reset at a time.
bool begin_reset(reset_copy::Subject *subject, NameData *statement) {
    return locked([=] {
        Copy *copy = test_databases::find_copy(MyDatabaseId);
        if (!copy || copy->state != CopyState::leased || copy->settler != 0)
            return false;
        copy->settler = MyProcPid;
        *subject = reset_copy::subject_of(*copy);
        *statement = copy->statement;
        return true;
    });
}

void end_reset(const reset_copy::Result &result) {
    locked([&result] {
        settle_copy::count(result.decision, result.pages, result.verified);
        Copy *copy = test_databases::find_copy(MyDatabaseId);
        if (!copy)
            return;
        copy->settler = 0;
        registry->active_at = GetCurrentTimestamp();
        if (result.decision.kind == ResetKind::copy) {
            copy->reason = result.decision.reason;
            return;
        }
        copy->clean_since = result.clean_since;
        copy->resets += result.decision.kind == ResetKind::pages;
        pg_atomic_write_u32(&copy->seen, 0);
        NameStr(copy->statement)[0] = '\0';
    });
}

// The lease goes over to a new copy of the same template, and this one is dropped when everybody has left it.
const char *replace_copy(ResetReason reason, const NameData &statement) {
    struct Lease {
        Oid source;
        int holder;
        Oid role;
    };
    const Lease lease = locked([] {
        const Copy *copy = test_databases::find_copy(MyDatabaseId);
        return Lease{test_databases::template_of(*copy).source, copy->holder, copy->holder_role};
    });
    const char *source_name = get_database_name(lease.source);
    if (!source_name)
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_DATABASE),
                errmsg("cannot reset this database in place: %s; and its template is gone", text_of(reason).data()),
                errhint("Acquire a copy of another database."));
    const char *name = acquire(look_up(source_name));
    locked([&lease, name, reason] {
        Copy *fresh = test_databases::find_copy(name);
        fresh->holder = lease.holder;
        fresh->holder_role = lease.role;
        Copy *old = test_databases::find_copy(MyDatabaseId);
        old->reason = reason;
        old->holder = 0;
        advance(&old->state, CopyEvent::unusable);
    });
    copy_worker::wake();
    ereport(WARNING, errcode(ERRCODE_WARNING),
            errmsg("this database could not be reset in place: %s%s%s%s", text_of(reason).data(),
                   NameStr(statement)[0] == 0 ? "" : " (", NameStr(statement), NameStr(statement)[0] == 0 ? "" : ")"),
            errhint("Connect to the new database \"%s\".", name));
    return name;
}

} // namespace

// acquire_database(template text) returns text: the name of a copy that is this session's until it releases it or ends.
DBPERF_FUNCTION(dbperf_acquire_database) {
    require_primary();
    const char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
    const Source source = look_up(name);
    require_right_to_copy(source);
    PG_RETURN_TEXT_P(cstring_to_text(acquire(source)));
}

// release_database(name text) returns text: what became of it.
DBPERF_FUNCTION(dbperf_release_database) {
    require_primary();
    const char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
    struct Ended {
        Oid database;
        Held held;
        uint32 seen;
        NameData statement;
    };
    const auto [database, held, seen, statement] = locked([name]() -> Ended {
        Copy *copy = test_databases::find_copy(name);
        if (!copy || copy->state != CopyState::leased)
            return {InvalidOid, Held::no, 0, {}};
        return {copy->database, may_release(*copy) ? Held::yes : Held::others, pg_atomic_read_u32(&copy->seen),
                copy->statement};
    });
    if (held == Held::no)
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("database \"%s\" is not leased", name),
                errhint("SELECT name FROM dbperf.test_databases WHERE state = 'leased' lists those that are."));
    if (held == Held::others)
        ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("database \"%s\" is another role's", name),
                errhint("Its lease ends with the session that acquired it."));
    if (database == MyDatabaseId)
        ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
                errmsg("cannot release the database this session is connected to"),
                errhint("Release it from the session that acquired it, or end that one; dbperf.reset_database() makes "
                        "it clean."));
    locked([database = database] {
        if (Copy *copy = test_databases::find_copy(database)) {
            registry->active_at = GetCurrentTimestamp();
            advance(&copy->state, CopyEvent::ended);
        }
    });
    warn_of_cluster(seen, statement);
    const settle_copy::Result result = settle_copy::settle(database, patience);
    const char *outcome = nullptr;
    switch (result.outcome) {
    case settle_copy::Outcome::clean:
        outcome = "clean";
        break;
    case settle_copy::Outcome::put_back:
        outcome = "reset";
        break;
    case settle_copy::Outcome::replaced:
        outcome = psprintf("replaced: %s", text_of(result.reason).data());
        break;
    case settle_copy::Outcome::still_used:
        outcome = "ending";
        break;
    }
    if (result.outcome == settle_copy::Outcome::replaced || result.outcome == settle_copy::Outcome::still_used)
        copy_worker::wake();
    PG_RETURN_TEXT_P(cstring_to_text(outcome));
}

// reset_database() returns text: the name of the database that is as its template now, this one if at all possible.
DBPERF_FUNCTION(dbperf_reset_database) {
    require_primary();
    if (TransactionIdIsValid(GetTopTransactionIdIfAny()) || IsSubTransaction())
        ereport(ERROR, errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
                errmsg("cannot reset a database in a transaction that has written to it"),
                errhint("Commit it or roll it back first."));
    const bool session = PG_GETARG_BOOL(0);
    static reset_copy::Subject subject;
    NameData statement;
    if (!begin_reset(&subject, &statement))
        raise_not_leased();
    reset_copy::Result result{};
    result.decision = {ResetKind::copy, ResetReason::failed};
    with_cleanup(
        [session, &result] {
            session_reset::close_cursors();
            if (session)
                session_reset::discard();
            // After a crash the copy is dropped: nobody needs to wait for the disk.
            set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
                              false);
            result = reset_copy::run_connected(subject);
        },
        [&result] { end_reset(result); });
    warn_of_cluster(subject.seen, statement);
    const char *name = result.decision.kind == ResetKind::copy ? replace_copy(result.decision.reason, statement)
                                                               : get_database_name(MyDatabaseId);
    PG_RETURN_TEXT_P(cstring_to_text(name));
}

// written_relations(): what was written to this leased database since it was clean.
DBPERF_FUNCTION(dbperf_written_relations) {
    require_primary();
    InitMaterializedSRF(fcinfo, 0);
    const reset_copy::Subject subject = locked([] {
        const Copy *copy = test_databases::find_copy(MyDatabaseId);
        return copy && copy->state == CopyState::leased ? reset_copy::subject_of(*copy) : reset_copy::Subject{};
    });
    if (!OidIsValid(subject.database))
        raise_not_leased();
    reset_copy::visit_written(
        subject,
        [](Oid relation, uint32 pages, void *argument) {
            auto *result = static_cast<ReturnSetInfo *>(argument);
            const char *name = get_rel_name(relation);
            const Datum values[] = {CStringGetTextDatum(name ? get_namespace_name(get_rel_namespace(relation)) : ""),
                                    CStringGetTextDatum(name ? name : ""), Int32GetDatum(static_cast<int32>(pages))};
            const bool nulls[] = {!name, !name, false};
            tuplestore_putvalues(result->setResult, result->setDesc, const_cast<Datum *>(values),
                                 const_cast<bool *>(nulls));
        },
        fcinfo->resultinfo);
    return Datum{0};
}

// collect_test_databases() returns integer: drops what nobody holds; the number of databases that remain.
DBPERF_FUNCTION(dbperf_collect_test_databases) {
    require_primary();
    const Oid home = choose_home();
    locked([home] {
        registry->home = home;
        registry->collected = false;
        registry->collect_all = true;
    });
    copy_worker::wake();
    const TimestampTz deadline = GetCurrentTimestamp() + static_cast<TimestampTz>(settings::acquire_timeout) * 1000;
    while (locked([] { return registry->collect_all; }) && GetCurrentTimestamp() < deadline) {
        CHECK_FOR_INTERRUPTS();
        pg_usleep(10000);
    }
    PG_RETURN_INT32(static_cast<int32>(locked([] { return test_databases::count_all(); })));
}

// live_test_databases(): one row for each copy that exists.
DBPERF_FUNCTION(dbperf_live_test_databases) {
    shared_memory::require_available();
    InitMaterializedSRF(fcinfo, 0);
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    Copy *copies = static_cast<Copy *>(palloc(sizeof(registry->copies)));
    NameData *sources = static_cast<NameData *>(palloc(sizeof(NameData) * test_databases::most_copies));
    locked([=] {
        memcpy(static_cast<void *>(copies), registry->copies.data(), sizeof(registry->copies));
        for (size_t i = 0; i < registry->copies.size(); ++i)
            sources[i] = test_databases::template_of(copies[i]).source_name;
    });
    for (int i = 0; i < test_databases::most_copies; ++i) {
        const Copy &copy = copies[i];
        if (copy.state == CopyState::free)
            continue;
        const bool held = copy.state == CopyState::leased;
        const bool has_reason = copy.reason != ResetReason::none;
        const Datum values[] = {CStringGetTextDatum(NameStr(copy.name)),
                                CStringGetTextDatum(NameStr(sources[i])),
                                CStringGetTextDatum(name_of(copy.state).data()),
                                Int32GetDatum(copy.holder),
                                TimestampTzGetDatum(copy.since),
                                Int32GetDatum(static_cast<int32>(copy.resets)),
                                has_reason ? CStringGetTextDatum(text_of(copy.reason).data()) : Datum{0}};
        const bool nulls[] = {NameStr(copy.name)[0] == 0, false, false, !held, false, false, !has_reason};
        tuplestore_putvalues(result->setResult, result->setDesc, const_cast<Datum *>(values),
                             const_cast<bool *>(nulls));
    }
    return Datum{0};
}
