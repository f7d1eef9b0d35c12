#include "core/pg.h"

#include "database_pool/recycle_copy.h"

#include "core/guard.h"
#include "database_pool/database_state.h"
#include "database_pool/registry.h"
#include "database_pool/reset_copy.h"

namespace dbperf::database_pool::recycle_copy {
using namespace core;

namespace {

bool claim(Oid database, reset_copy::Subject *subject) {
    return locked([=] {
        Copy *copy = find_copy(database);
        if (!copy || !advance(&copy->state, CopyEvent::taken))
            return false;
        copy->recycler = MyProcPid;
        *subject = reset_copy::subject_of(*copy);
        return true;
    });
}

void finish(Oid database, CopyEvent event, ResetReason reason) {
    locked([=] {
        Copy *copy = find_copy(database);
        if (!copy || copy->state != CopyState::recycling)
            return;
        copy->recycler = 0;
        copy->reason = reason;
        advance(&copy->state, event);
    });
    notify_waiters();
}

bool wait_until_unused(Oid database, int patience) {
    for (int waited = 0; CountDBBackends(database) > 0; ++waited) {
        if (waited >= patience)
            return false;
        CHECK_FOR_INTERRUPTS();
        pg_usleep(1000);
    }
    return true;
}

void make_ready(Oid database, const reset_copy::Result &result) {
    locked([database, &result] {
        Copy *copy = find_copy(database);
        count(result.decision, result.pages, result.verified);
        copy->recycler = 0;
        copy->holder = 0;
        copy->clean_since = result.clean_since;
        copy->since = GetCurrentTimestamp();
        copy->resets += result.decision.kind == ResetKind::pages;
        pg_atomic_write_u32(&copy->seen, 0);
        const bool is_current = template_of(*copy).state == TemplateState::ready;
        copy->reason = is_current ? ResetReason::none : ResetReason::template_changed;
        advance(&copy->state, is_current ? CopyEvent::put_back : CopyEvent::unusable);
    });
    notify_waiters();
}

Result settle_locked(Oid database, const reset_copy::Subject &subject) {
    const reset_copy::Result result = reset_copy::run_alone(subject);
    if (result.decision.kind == ResetKind::copy) {
        database_state::drop_idle_slots(database);
        locked([&result] { count(result.decision, result.pages, result.verified); });
        finish(database, CopyEvent::unusable, result.decision.reason);
        return {Outcome::replaced, result.decision.reason};
    }
    make_ready(database, result);
    return {result.decision.kind == ResetKind::clean ? Outcome::clean : Outcome::put_back, ResetReason::none};
}

} // namespace

void count(const ResetDecision &decision, uint32 pages, bool verified) {
    Counts &counts = registry->counts;
    counts.pages += pages;
    counts.verified += verified;
    if (decision.kind == ResetKind::clean)
        ++counts.clean;
    else if (decision.kind == ResetKind::pages)
        ++counts.put_back;
    else
        ++counts.replaced[static_cast<size_t>(decision.reason)];
}

Result recycle(Oid database, int patience) {
    reset_copy::Subject subject;
    if (!claim(database, &subject))
        return {Outcome::still_used, ResetReason::none};
    Result result{Outcome::still_used, ResetReason::none};
    const auto body = [database, patience, &subject, &result] {
        // Whoever connects takes a lock on the database that waits for this one.
        LOCKTAG tag;
        SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
        if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL) {
            finish(database, CopyEvent::still_used, ResetReason::none);
            return;
        }
        if (wait_until_unused(database, patience))
            result = settle_locked(database, subject);
        else
            finish(database, CopyEvent::still_used, ResetReason::none);
        LockRelease(&tag, ExclusiveLock, false);
    };
    // Half put back it is of no use.
    with_error_cleanup(body, [database] { finish(database, CopyEvent::unusable, ResetReason::failed); });
    return result;
}

} // namespace dbperf::database_pool::recycle_copy
