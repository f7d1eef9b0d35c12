// Clean-up without destructors: ereport longjmps over them, so scopes are functions that take lambdas.
// The only PG_TRY of the module stands here; a `return` inside a body leaves the lambda, never the PG_TRY block.
#pragma once

#include "core/pg.h"

#include <type_traits>

namespace dbperf::core {

namespace guard {

// What an attempt has to put back.
struct Attempt {
    MemoryContext context;
    ResourceOwner outer; // null outside of transactions
    ResourceOwner own;
    uint32 interrupts_held;
    uint32 cancels_held;
};

// What is pinned, opened and locked from now on is the attempt's. May raise.
void take_resources(Attempt *attempt);
void leave_resources(const Attempt &attempt);
// Within PG_CATCH: gives back what the attempt took. A cancel of the statement is raised on.
void failed(const Attempt &attempt);
// Around what is done while an error is on its way.
void begin_handling(int sqlstate);
void end_handling(int sqlstate);
// Not outside of transactions, and not while an error is on its way, which may have come from anywhere.
bool catalogs_are_readable();

} // namespace guard

// Runs body; when it raises, runs on_error and raises on. on_error must not use catch_errors(): see with_error_handler.
template <typename Body, typename OnError>
void with_error_cleanup(const Body &body, const OnError &on_error) {
    static_assert(std::is_trivially_destructible_v<Body> && std::is_trivially_destructible_v<OnError>);
    PG_TRY();
    { body(); }
    PG_CATCH();
    {
        on_error();
        PG_RE_THROW();
    }
    PG_END_TRY();
}

// Runs body and then cleanup, whether it raised or not.
template <typename Body, typename Cleanup>
void with_cleanup(const Body &body, const Cleanup &cleanup) {
    with_error_cleanup(body, cleanup);
    cleanup();
}

// The same for an on_error that may itself raise and swallow: the error is taken off the server's error stack while it
// runs, because a nested catch_errors() empties that stack. on_error gets the SQLSTATE.
template <typename Body, typename OnError>
void with_error_handler(const Body &body, const OnError &on_error) {
    static_assert(std::is_trivially_destructible_v<Body> && std::is_trivially_destructible_v<OnError>);
    MemoryContext before = CurrentMemoryContext;
    PG_TRY();
    { body(); }
    PG_CATCH();
    {
        MemoryContextSwitchTo(before);
        ErrorData *error = CopyErrorData();
        FlushErrorState();
        guard::begin_handling(error->sqlerrcode);
        on_error(error->sqlerrcode);
        guard::end_handling(error->sqlerrcode);
        ReThrowError(error);
    }
    PG_END_TRY();
}

// Runs body in place of raising: false when it failed. Only for work whose partial effects are memory: what it pinned,
// opened and locked is given back, but nothing else is rolled back. Empties the error stack when it fails, so never
// inside with_error_cleanup's on_error, and never while an LWLock is held. Only a cancel of the statement, where
// interrupts are not held, is raised on: it is the user's. What raising changes of the process (interrupts are let in
// again) is put back.
template <typename Body>
bool catch_errors(Body body) {
    static_assert(std::is_trivially_destructible_v<Body>);
    volatile bool done = false;
    guard::Attempt state{CurrentMemoryContext, CurrentResourceOwner, nullptr, InterruptHoldoffCount,
                         QueryCancelHoldoffCount};
    PG_TRY();
    {
        guard::take_resources(&state);
        body();
        if (state.own)
            guard::leave_resources(state);
        done = true;
    }
    PG_CATCH();
    { guard::failed(state); }
    PG_END_TRY();
    return done;
}

// The same inside a subtransaction: what body did is with_rolled_back_subtransaction when it fails, and *message says
// why (palloc'd).
template <typename Body>
bool attempt_in_subtransaction(Body body, char **message) {
    static_assert(std::is_trivially_destructible_v<Body>);
    volatile bool done = false;
    MemoryContext before = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(before);
    PG_TRY();
    {
        body();
        ReleaseCurrentSubTransaction();
        done = true;
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(before);
        ErrorData *error = CopyErrorData();
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(before);
        *message = error->message;
    }
    PG_END_TRY();
    MemoryContextSwitchTo(before);
    CurrentResourceOwner = owner;
    return done;
}

// Runs body in a transaction of its own, for workers: false when it failed, and what it raised (palloc'd in the context
// of the caller, which must outlive transactions).
template <typename Body>
bool attempt_transaction(Body body, ErrorData **error) {
    static_assert(std::is_trivially_destructible_v<Body>);
    volatile bool done = false;
    MemoryContext before = CurrentMemoryContext;
    PG_TRY();
    {
        SetCurrentStatementStartTimestamp();
        StartTransactionCommand();
        PushActiveSnapshot(GetTransactionSnapshot());
        body();
        if (ActiveSnapshotSet())
            PopActiveSnapshot();
        CommitTransactionCommand();
        done = true;
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(before);
        *error = CopyErrorData();
        FlushErrorState();
        AbortCurrentTransaction();
    }
    PG_END_TRY();
    MemoryContextSwitchTo(before);
    return done;
}

// Runs body in a subtransaction that is with_rolled_back_subtransaction whatever happens: what it locked is let go,
// what it set is put back. An error for which is_expected(SQLSTATE), or is_expected(ErrorData), says so is taken
// (false), others are raised on.
template <typename Body, typename IsExpected>
bool with_rolled_back_subtransaction(const Body &body, const IsExpected &is_expected) {
    static_assert(std::is_trivially_destructible_v<Body> && std::is_trivially_destructible_v<IsExpected>);
    ErrorData *volatile error = nullptr;
    MemoryContext before = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(before);
    PG_TRY();
    { body(); }
    PG_CATCH();
    {
        MemoryContextSwitchTo(before);
        error = CopyErrorData();
        FlushErrorState();
    }
    PG_END_TRY();
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(before);
    CurrentResourceOwner = owner;
    if (!error)
        return true;
    bool expected;
    if constexpr (std::is_invocable_v<IsExpected, const ErrorData &>)
        expected = is_expected(*error);
    else
        expected = is_expected(error->sqlerrcode);
    if (!expected)
        ReThrowError(error);
    return false;
}

// Holds an LWLock while body runs. An error in body leaves the lock to transaction abort, which releases all.
template <typename Body>
auto with_lock(LWLock *lock, LWLockMode mode, Body body) {
    static_assert(std::is_trivially_destructible_v<Body>);
    LWLockAcquire(lock, mode);
    if constexpr (std::is_void_v<decltype(body())>) {
        body();
        LWLockRelease(lock);
    } else {
        auto result = body();
        static_assert(std::is_trivially_destructible_v<decltype(result)>);
        LWLockRelease(lock);
        return result;
    }
}

// Holds a spinlock while body runs: a few loads and stores, no palloc, no ereport, no LWLock.
template <typename Body>
auto with_spinlock(slock_t *lock, Body body) {
    SpinLockAcquire(lock);
    if constexpr (std::is_void_v<decltype(body())>) {
        body();
        SpinLockRelease(lock);
    } else {
        auto result = body();
        SpinLockRelease(lock);
        return result;
    }
}

template <typename Body>
void with_memory_context(MemoryContext context, Body body) {
    MemoryContext before = MemoryContextSwitchTo(context);
    body();
    MemoryContextSwitchTo(before);
}

} // namespace dbperf::core
