// dbperf.acquire_database(), release_database(), reset_database(), written_relations(): the leases of sessions.
#include "core/pg.h"

#include "core/compat.h"
#include "core/guard.h"
#include "core/row_builder.h"
#include "core/settings.h"
#include "database_pool/copy_database.h"
#include "database_pool/copy_worker.h"
#include "database_pool/database_state.h"
#include "database_pool/lease_copy.h"
#include "database_pool/recycle_copy.h"
#include "database_pool/registry.h"
#include "database_pool/reset_copy.h"
#include "database_pool/session_reset.h"

using namespace dbperf::core;
using namespace dbperf::database_pool;

namespace {

constexpr int patience = 30; // ms, for connections that are being closed

// As CREATE DATABASE asks of who names a template.
void require_right_to_copy(const lease_copy::Source &source) {
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

bool may_act_for(Oid role) {
    return OidIsValid(role) && has_privs_of_role(GetUserId(), role);
}

bool owns_this_database() {
    HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
    if (!HeapTupleIsValid(tuple))
        return false;
    const Oid owner = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->datdba;
    ReleaseSysCache(tuple);
    return has_privs_of_role(GetUserId(), owner);
}

// As with release; and the session may have gone over to a role of the test.
bool may_reset(int holder, Oid role) {
    return holder == MyProcPid || may_act_for(role) ||
           (OidIsValid(role) && has_privs_of_role(GetSessionUserId(), role)) || owns_this_database();
}

[[noreturn]] void raise_not_leased() {
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("database \"%s\" is not a leased test database, or is being reset", get_database_name(MyDatabaseId)),
            errhint("dbperf.acquire_database() leases one, until the session that called it ends."));
    pg_unreachable();
}

[[noreturn]] void raise_others() {
    ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
            errmsg("permission denied to reset database \"%s\"", get_database_name(MyDatabaseId)),
            errhint("Its lease is another role's: let that one, or a member of it, reset it."));
    pg_unreachable();
}

// What a test does to the whole server, no copy puts back.
void warn_of_cluster(uint32 seen, const NameData &statement) {
    if ((seen & seen_cluster) != 0)
        ereport(WARNING, errcode(ERRCODE_WARNING),
                errmsg("something that belongs to the whole server was changed and stays so: %s", NameStr(statement)),
                errhint("Undo it in the test: roles, tablespaces, and settings of the server are no part of a copy."));
}

struct Lease {
    bool exists;
    int holder;
    Oid role;
};
Lease own_lease() {
    return locked([]() -> Lease {
        const Copy *copy = find_copy(MyDatabaseId);
        return copy && copy->state == CopyState::leased ? Lease{true, copy->holder, copy->holder_role} : Lease{};
    });
}

// The lease this session's database is under, for one reset at a time.
bool begin_reset(reset_copy::Subject *subject, NameData *statement) {
    return locked([=] {
        Copy *copy = find_copy(MyDatabaseId);
        if (!copy || copy->state != CopyState::leased || copy->recycler != 0)
            return false;
        copy->recycler = MyProcPid;
        *subject = reset_copy::subject_of(*copy);
        *statement = copy->statement;
        return true;
    });
}

// What was seen meanwhile stays.
void end_reset(const reset_copy::Result &result, uint32 seen) {
    locked([&result, seen] {
        recycle_copy::count(result.decision, result.pages, result.verified);
        Copy *copy = find_copy(MyDatabaseId);
        if (!copy)
            return;
        copy->recycler = 0;
        registry->active_at = GetCurrentTimestamp();
        if (result.decision.kind == ResetKind::copy) {
            copy->reason = result.decision.reason;
            return;
        }
        copy->clean_since = result.clean_since;
        copy->resets += result.decision.kind == ResetKind::pages;
        if ((pg_atomic_fetch_and_u32(&copy->seen, ~seen) & ~seen) == 0)
            NameStr(copy->statement)[0] = '\0';
    });
}

// The lease goes over to a new copy of the same template, and this one is dropped when everybody has left it.
const char *replace_copy(ResetReason reason, const NameData &statement) {
    struct Old {
        Oid source;
        int holder;
        Oid role;
    };
    const Old lease = locked([]() -> Old {
        const Copy *copy = find_copy(MyDatabaseId);
        if (!copy || copy->template_index == no_template)
            return {};
        return {template_of(*copy).source, copy->holder, copy->holder_role};
    });
    const char *source_name = get_database_name(lease.source);
    if (!source_name)
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_DATABASE),
                errmsg("cannot reset this database in place: %s; and its template is gone", text_of(reason).data()),
                errhint("Acquire a copy of another database."));
    const char *name = lease_copy::lease(lease_copy::look_up(source_name));
    const bool still_held = locked([&lease, name, reason] {
        Copy *old = find_copy(MyDatabaseId);
        const bool held = old && old->state == CopyState::leased && old->holder == lease.holder;
        Copy *fresh = find_copy(name);
        if (!fresh)
            return false;
        fresh->holder = held ? lease.holder : 0;
        fresh->holder_role = lease.role;
        if (held) {
            old->reason = reason;
            old->holder = 0;
        }
        advance(held ? &old->state : &fresh->state, held ? CopyEvent::unusable : CopyEvent::ended);
        return held;
    });
    copy_worker::wake();
    if (!still_held)
        ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                errmsg("the lease of database \"%s\" has ended", get_database_name(MyDatabaseId)),
                errhint("Let the session that called dbperf.acquire_database() live as long as the tests."));
    ereport(WARNING, errcode(ERRCODE_WARNING),
            errmsg("this database could not be reset in place: %s%s%s%s", text_of(reason).data(),
                   NameStr(statement)[0] == 0 ? "" : " (", NameStr(statement), NameStr(statement)[0] == 0 ? "" : ")"),
            errhint("Connect to the new database \"%s\".", name));
    return name;
}

// A copy that somebody held, or asked to be kept.
struct Held {
    Oid database;
    bool is_kept;
    int holder;
    Oid role;
    uint32 seen;
    NameData statement;
    NameData source_name;
};

Held held_copy(const char *name) {
    const Held held = locked([name]() -> Held {
        Copy *copy = find_copy(name);
        if (!copy || (copy->state != CopyState::leased && copy->state != CopyState::kept))
            return {};
        return {copy->database,    copy->state == CopyState::kept,  copy->holder,
                copy->holder_role, pg_atomic_read_u32(&copy->seen), copy->statement,
                copy->source_name};
    });
    if (!OidIsValid(held.database))
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("database \"%s\" is not leased", name),
                errhint("SELECT name FROM dbperf.test_databases WHERE state = 'leased' lists those that are."));
    if (held.holder != MyProcPid && !may_act_for(held.role))
        ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("database \"%s\" is another role's", name),
                errhint("Its lease ends with the session that acquired it."));
    return held;
}

const char *keep_copy(const Held &held, const char *name) {
    if (settings::max_kept_databases == 0)
        ereport(ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                errmsg("database \"%s\" cannot be kept: dbperf.max_kept_databases is 0", name),
                errhint("Raise it, or release the database without keeping it."));
    if (!held.is_kept)
        copy_database::note_kept(held.database, NameStr(held.source_name));
    locked([database = held.database] {
        Copy *copy = find_copy(database);
        if (!copy || !advance(&copy->state, CopyEvent::withheld))
            return;
        copy->template_index = no_template;
        copy->holder = copy->recycler = 0;
        copy->since = registry->active_at = GetCurrentTimestamp();
        copy->reason = ResetReason::none;
        ++registry->counts.kept;
    });
    warn_of_cluster(held.seen, held.statement);
    copy_worker::start_here();
    return "kept";
}

} // namespace

// acquire_database(template text) returns text: the name of a copy that is this session's until it releases it or ends.
DBPERF_FUNCTION(dbperf_acquire_database) {
    copy_worker::require_primary();
    const char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
    const lease_copy::Source source = lease_copy::look_up(name);
    require_right_to_copy(source);
    PG_RETURN_TEXT_P(cstring_to_text(lease_copy::lease(source)));
}

// release_database(name text, keep boolean) returns text: what became of it.
DBPERF_FUNCTION(dbperf_release_database) {
    copy_worker::require_primary();
    const char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
    const bool keep = PG_GETARG_BOOL(1);
    constexpr const char *called = "dbperf.release_database()";
    PreventCommandIfReadOnly(called);
    if (keep)
        PreventInTransactionBlock(true, "dbperf.release_database(keep => true)");
    const Held held = held_copy(name);
    if (keep)
        PG_RETURN_TEXT_P(cstring_to_text(keep_copy(held, name)));
    if (held.database == MyDatabaseId)
        ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
                errmsg("cannot release the database this session is connected to"),
                errhint("Release it from the session that acquired it, or end that one; dbperf.reset_database() makes "
                        "it clean."));
    const Oid database = held.database;
    locked([database, was_kept = held.is_kept] {
        if (Copy *copy = find_copy(database)) {
            registry->active_at = GetCurrentTimestamp();
            advance(&copy->state, was_kept ? CopyEvent::unusable : CopyEvent::ended);
        }
    });
    if (held.is_kept) {
        copy_worker::start_here();
        PG_RETURN_TEXT_P(cstring_to_text("dropped"));
    }
    warn_of_cluster(held.seen, held.statement);
    const recycle_copy::Result result = recycle_copy::recycle(database, patience);
    const char *outcome = nullptr;
    switch (result.outcome) {
    case recycle_copy::Outcome::clean:
        outcome = "clean";
        break;
    case recycle_copy::Outcome::put_back:
        outcome = "reset";
        break;
    case recycle_copy::Outcome::replaced:
        outcome = psprintf("replaced: %s", text_of(result.reason).data());
        break;
    case recycle_copy::Outcome::still_used:
        outcome = "ending";
        break;
    }
    if (result.outcome == recycle_copy::Outcome::replaced || result.outcome == recycle_copy::Outcome::still_used)
        copy_worker::wake();
    PG_RETURN_TEXT_P(cstring_to_text(outcome));
}

// reset_database() returns text: the name of the database that is as its template now, this one if at all possible.
DBPERF_FUNCTION(dbperf_reset_database) {
    copy_worker::require_primary();
    constexpr const char *called = "dbperf.reset_database()";
    PreventCommandIfReadOnly(called);
    // Pages are put back whatever becomes of the transaction.
    PreventInTransactionBlock(true, called);
    if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
        ereport(ERROR, errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
                errmsg("cannot reset a database in a transaction that has written to it"),
                errhint("Commit it or roll it back first."));
    const Lease lease = own_lease();
    if (!lease.exists)
        raise_not_leased();
    if (!may_reset(lease.holder, lease.role))
        raise_others();
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
            // What was put back is on disk when the log was read to its end; nothing else is worth waiting for.
            set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
                              false);
            result = reset_copy::run_connected(subject);
        },
        [&result] { end_reset(result, subject.seen); });
    if (result.decision.kind == ResetKind::copy)
        database_state::drop_idle_slots(MyDatabaseId);
    warn_of_cluster(subject.seen, statement);
    const char *name = result.decision.kind == ResetKind::copy ? replace_copy(result.decision.reason, statement)
                                                               : get_database_name(MyDatabaseId);
    PG_RETURN_TEXT_P(cstring_to_text(name));
}

// written_relations(): what was written to this leased database since it was clean.
DBPERF_FUNCTION(dbperf_written_relations) {
    copy_worker::require_primary();
    InitMaterializedSRF(fcinfo, 0);
    const reset_copy::Subject subject = locked([] {
        const Copy *copy = find_copy(MyDatabaseId);
        return copy && copy->state == CopyState::leased ? reset_copy::subject_of(*copy) : reset_copy::Subject{};
    });
    if (!OidIsValid(subject.database))
        raise_not_leased();
    reset_copy::visit_written(
        subject,
        [](Oid relation, uint32 pages, void *argument) {
            auto *result = static_cast<ReturnSetInfo *>(argument);
            const char *name = get_rel_name(relation);
            RowBuilder row;
            row.text(name ? get_namespace_name(get_rel_namespace(relation)) : nullptr);
            row.text(name);
            row.integer(static_cast<int>(pages));
            row.put(result);
        },
        fcinfo->resultinfo);
    return Datum{0};
}
