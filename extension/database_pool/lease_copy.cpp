#include "core/pg.h"

#include "database_pool/lease_copy.h"

#include <algorithm>

#include "core/guard.h"
#include "core/made_database.h"
#include "core/settings.h"
#include "database_pool/copy_worker.h"
#include "database_pool/database_state.h"
#include "database_pool/registry.h"

namespace dbperf::database_pool::lease_copy {
using namespace core;

namespace {

// Made by "dbperf testdb prepare", so nobody's but ours.
bool is_prepared(const Source &source) {
    if (!source.is_template || !source.is_closed)
        return false;
    SPI_connect();
    const char *sql = psprintf("SELECT pg_catalog.starts_with(pg_catalog.shobj_description(%u, 'pg_database'), '%s')",
                               source.database, made_database::mark);
    bool is_null = true;
    bool prepared = false;
    if (SPI_execute(sql, true, 1) == SPI_OK_SELECT && SPI_processed == 1) {
        const Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
        prepared = !is_null && DatumGetBool(value);
    }
    SPI_finish();
    return prepared;
}

// With the lock held.
Template *begin_template(const Source &source, bool prepared, const DatabaseState &state) {
    for (Template &each : registry->templates) {
        if (each.state != TemplateState::free)
            continue;
        memset(static_cast<void *>(&each), 0, sizeof(Template));
        each.state = TemplateState::wanted;
        each.serial = ++registry->last_serial;
        each.is_made_here = !prepared;
        each.source = source.database;
        each.source_state = state;
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
            errmsg("copies of %d databases exist already", max_templates),
            errhint("Call dbperf.collect_test_databases(), or wait for dbperf.test_database_idle."));
    pg_unreachable();
}

bool is_there(Oid database) {
    return SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database));
}

// The template for new copies of the source; a new one when the source was written to since it was copied, or when
// somebody dropped it. Other rights or settings of the source need new copies only.
Template *current_template(const Source &source) {
    const DatabaseState state = database_state::of(source.database);
    const Oid original = locked([&source] {
        const Template *found = find_template(source.database);
        return found && found->state == TemplateState::ready ? found->database : InvalidOid;
    });
    const bool is_gone = OidIsValid(original) && !is_there(original);
    if (Template *known = locked([&source, &state, is_gone, original]() -> Template * {
            Template *found = find_template(source.database);
            if (!found || found->state != TemplateState::ready)
                return found;
            if (found->is_changed || (is_gone && found->database == original)) {
                retire(found);
                return nullptr;
            }
            if (found->source_state.properties != state.properties) {
                found->source_state = state;
                give_up_ready(*found);
            }
            return found;
        }))
        return known;
    const bool prepared = is_prepared(source);
    if (!prepared && source.database == MyDatabaseId)
        ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
                errmsg("cannot copy database \"%s\" from a session that is connected to it", source.name),
                errhint("Connect to another database, such as postgres, and acquire it there."));
    const Oid maintenance = copy_worker::choose_maintenance_database();
    Template *fresh = locked([&source, &state, prepared, maintenance] {
        registry->maintenance = maintenance;
        Template *found = find_template(source.database);
        return found ? found : begin_template(source, prepared, state);
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
            : errhint("The server's log may say more."));
    pg_unreachable();
}

[[noreturn]] void raise_timeout(const Source &source) {
    ereport(ERROR, errcode(ERRCODE_QUERY_CANCELED),
            errmsg("no copy of database \"%s\" became free in %d ms", source.name, settings::acquire_timeout),
            errhint("dbperf.test_databases shows who holds them; dbperf.max_test_databases, test_database_space and "
                    "acquire_timeout set the limits."));
    pg_unreachable();
}

constexpr int patience_for_slots = 3000; // ms

[[noreturn]] void raise_no_slot(const Source &source) {
    ereport(
        ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
        errmsg("no copy of database \"%s\" can be made: no background worker was free", source.name),
        errhint("Raise max_worker_processes and restart the server: dbperf's launcher, the worker that makes copies, "
                "and one for each new template need a place each."));
    pg_unreachable();
}

struct Attempt {
    Copy *copy;
    bool failed;
    Template template_copy;
};

// One look; the copy is this session's when there is one.
Attempt try_to_lease(Template *wanted, uint32 serial, uint32 failures, bool waits) {
    return locked([=] {
        Attempt attempt{};
        if (wanted->serial != serial)
            return attempt;
        attempt.failed = wanted->failures != failures || wanted->state == TemplateState::retired ||
                         wanted->state == TemplateState::free;
        if (attempt.failed)
            attempt.template_copy = *wanted;
        else if (wanted->state == TemplateState::ready)
            attempt.copy = ready_copy(*wanted);
        if (attempt.copy) {
            lease(attempt.copy);
            // At the same moment, or the worker would make room for one more.
            if (waits && wanted->waiting > 0)
                --wanted->waiting;
        }
        return attempt;
    });
}

const char *wait_for_copy(const Source &source, Template *wanted, uint32 serial, uint32 failures) {
    const TimestampTz deadline = GetCurrentTimestamp() + static_cast<TimestampTz>(settings::acquire_timeout) * 1000;
    ConditionVariablePrepareToSleep(&registry->changed);
    for (;;) {
        const Attempt attempt = try_to_lease(wanted, serial, failures, true);
        if (attempt.copy || attempt.failed) {
            ConditionVariableCancelSleep();
            if (attempt.failed)
                raise_failure(source, attempt.template_copy);
            return pstrdup(NameStr(attempt.copy->name));
        }
        const auto left = static_cast<long>((deadline - GetCurrentTimestamp()) / 1000);
        const TimestampTz no_slot_since = locked([] { return registry->no_slot_since; });
        if (no_slot_since != 0 &&
            TimestampDifferenceExceeds(no_slot_since, GetCurrentTimestamp(), patience_for_slots)) {
            ConditionVariableCancelSleep();
            raise_no_slot(source);
        }
        if (left <= 0) {
            ConditionVariableCancelSleep();
            raise_timeout(source);
        }
        ConditionVariableTimedSleep(&registry->changed, std::min(left, 1000L), PG_WAIT_EXTENSION);
    }
}

} // namespace

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

namespace {

// Somebody dropped or changed it while it waited.
bool is_as_made(const char *name) {
    struct Known {
        Oid database;
        DatabaseState state;
    };
    const Known known = locked([name]() -> Known {
        const Copy *copy = find_copy(name);
        return copy ? Known{copy->database, copy->state_when_made} : Known{};
    });
    const DatabaseState now = database_state::of(known.database);
    if (now == known.state)
        return true;
    locked([&known, exists = now.exists] {
        Copy *copy = find_copy(known.database);
        if (!copy || copy->state != CopyState::leased)
            return;
        copy->holder = 0;
        copy->reason = exists ? ResetReason::properties : ResetReason::gone;
        advance(&copy->state, CopyEvent::unusable);
    });
    copy_worker::wake();
    return false;
}

const char *lease_any(const Source &source) {
    Template *wanted = current_template(source);
    const auto [serial, failures] = locked([wanted] { return std::pair{wanted->serial, wanted->failures}; });
    const Attempt first = try_to_lease(wanted, serial, failures, false);
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
    with_error_cleanup([&name, &source, wanted, serial = serial,
                        failures = failures] { name = wait_for_copy(source, wanted, serial, failures); },
                       [wanted, serial = serial] {
                           locked([=] {
                               if (wanted->serial == serial && wanted->waiting > 0)
                                   --wanted->waiting;
                           });
                       });
    return name;
}

} // namespace

const char *lease(const Source &source) {
    watch_own_exit();
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        const char *name = lease_any(source);
        if (is_as_made(name))
            return name;
    }
}

} // namespace dbperf::database_pool::lease_copy
