// What the scopes of guard.h do when something was raised: as the server's auxiliary processes do, which go on after an
// error without a transaction to abort.
#include "core/pg.h"

#include "core/guard.h"

#include "core/compat.h"

namespace dbperf::core::guard {
namespace {

// What resources an attempt takes is remembered here, so that they can be given back without those of the statement.
ResourceOwner spare = nullptr;
int handled = 0; // errors

// The statement itself was cancelled, or its snapshot is about to be taken from it: that is not for us to swallow.
bool is_of_statement(int sqlstate) {
    return sqlstate == ERRCODE_QUERY_CANCELED || sqlstate == ERRCODE_T_R_SERIALIZATION_FAILURE;
}

void release(ResourceOwner owner, ResourceOwner parent) {
    ResourceOwnerNewParent(owner, parent);
    for (const ResourceReleasePhase phase :
         {RESOURCE_RELEASE_BEFORE_LOCKS, RESOURCE_RELEASE_LOCKS, RESOURCE_RELEASE_AFTER_LOCKS})
        ResourceOwnerRelease(owner, phase, false, false);
    ResourceOwnerDelete(owner);
}

} // namespace

void take_resources(Attempt *attempt) {
    // Outside of transactions there is nothing to own, but memory.
    if (!attempt->outer)
        return;
    attempt->own = spare ? spare : ResourceOwnerCreate(nullptr, "dbperf");
    spare = nullptr;
    CurrentResourceOwner = attempt->own;
}

void leave_resources(const Attempt &attempt) {
    CurrentResourceOwner = attempt.outer;
    if (!spare)
        spare = attempt.own;
    else
        ResourceOwnerDelete(attempt.own);
}

[[gnu::noinline]] void failed(const Attempt &attempt) {
    HOLD_INTERRUPTS();
    LWLockReleaseAll();
    ConditionVariableCancelSleep();
    pgstat_report_wait_end();
    compat::abort_buffer_io();
    UnlockBuffers();
    LockErrorCleanup();
    CurrentResourceOwner = attempt.outer;
    if (attempt.own)
        release(attempt.own, attempt.outer);
    CurrentResourceOwner = attempt.outer;
    RESUME_INTERRUPTS();
    MemoryContextSwitchTo(attempt.context);
    if (is_of_statement(geterrcode()))
        PG_RE_THROW();
    FlushErrorState();
    InterruptHoldoffCount = attempt.interrupts_held;
    QueryCancelHoldoffCount = attempt.cancels_held;
}

void begin_handling(int sqlstate) {
    // A cancel or time-out is raised where interrupts are served, with no lock held and all structures sound.
    handled += sqlstate != ERRCODE_QUERY_CANCELED && sqlstate != ERRCODE_LOCK_NOT_AVAILABLE;
    HOLD_INTERRUPTS();
}

void end_handling(int sqlstate) {
    RESUME_INTERRUPTS();
    handled -= sqlstate != ERRCODE_QUERY_CANCELED && sqlstate != ERRCODE_LOCK_NOT_AVAILABLE;
}

bool catalogs_are_readable() {
    return handled == 0 && IsTransactionState();
}

} // namespace dbperf::core::guard
