#include "core/pg.h"

#include "deadlock_prediction/held_locks.h"

#include <algorithm>
#include <array>
#include <climits>

#include "core/compat.h"
#include "core/guard.h"
#include "core/hash.h"

namespace dbperf::deadlock_prediction::lock_trace {
using namespace core;

namespace {

// Which advisory locks a query asks for by itself, in which order, and whether it waits for them.
struct Call {
    bool tries; // does not wait
    bool known; // its key
    uint32 high, low;
    uint16 kind; // 1: one bigint, 2: two integers
};

struct Calls {
    static constexpr int most = 32;
    bool read;
    int count;
    Call calls[most];
};

// Whether the function takes an advisory lock; then whether it only tries.
bool is_lock(Oid function, bool *tries) {
    switch (function) {
    case F_PG_ADVISORY_LOCK_INT8:
    case F_PG_ADVISORY_LOCK_SHARED_INT8:
    case F_PG_ADVISORY_LOCK_INT4_INT4:
    case F_PG_ADVISORY_LOCK_SHARED_INT4_INT4:
    case F_PG_ADVISORY_XACT_LOCK_INT8:
    case F_PG_ADVISORY_XACT_LOCK_SHARED_INT8:
    case F_PG_ADVISORY_XACT_LOCK_INT4_INT4:
    case F_PG_ADVISORY_XACT_LOCK_SHARED_INT4_INT4:
        *tries = false;
        return true;
    case F_PG_TRY_ADVISORY_LOCK_INT8:
    case F_PG_TRY_ADVISORY_LOCK_SHARED_INT8:
    case F_PG_TRY_ADVISORY_LOCK_INT4_INT4:
    case F_PG_TRY_ADVISORY_LOCK_SHARED_INT4_INT4:
    case F_PG_TRY_ADVISORY_XACT_LOCK_INT8:
    case F_PG_TRY_ADVISORY_XACT_LOCK_SHARED_INT8:
    case F_PG_TRY_ADVISORY_XACT_LOCK_INT4_INT4:
    case F_PG_TRY_ADVISORY_XACT_LOCK_SHARED_INT4_INT4:
        *tries = true;
        return true;
    default:
        return false;
    }
}

struct Walk {
    Calls *calls;
    ParamListInfo parameters;
};

// The functions have arguments of these types; what is of another one is none of theirs.
bool read_integer(Oid type, Datum given, uint64 *value) {
    if (type == INT8OID)
        *value = static_cast<uint64>(DatumGetInt64(given));
    else if (type == INT4OID)
        *value = static_cast<uint32>(DatumGetInt32(given));
    else
        return false;
    return true;
}

bool value_of(const Node *argument, ParamListInfo parameters, uint64 *value) {
    if (IsA(argument, Const)) {
        const auto *constant = reinterpret_cast<const Const *>(argument);
        return !constant->constisnull && read_integer(constant->consttype, constant->constvalue, value);
    }
    if (!IsA(argument, Param) || !parameters || parameters->paramFetch)
        return false;
    const auto *parameter = reinterpret_cast<const Param *>(argument);
    if (parameter->paramkind != PARAM_EXTERN || parameter->paramid < 1 || parameter->paramid > parameters->numParams)
        return false;
    const ParamExternData &given = parameters->params[parameter->paramid - 1];
    return !given.isnull && read_integer(given.ptype, given.value, value);
}

bool visit(Node *node, void *argument) {
    if (!node)
        return false;
    const auto *walk = static_cast<Walk *>(argument);
    if (IsA(node, FuncExpr)) {
        const auto *function = reinterpret_cast<const FuncExpr *>(node);
        bool tries;
        if (is_lock(function->funcid, &tries) && walk->calls->count < Calls::most) {
            Call &call = walk->calls->calls[walk->calls->count++];
            call = {tries, false, 0, 0, static_cast<uint16>(list_length(function->args))};
            uint64 first = 0, second = 0;
            call.known = value_of(static_cast<const Node *>(linitial(function->args)), walk->parameters, &first) &&
                         (call.kind == 1 ||
                          value_of(static_cast<const Node *>(lsecond(function->args)), walk->parameters, &second));
            call.high = static_cast<uint32>(call.kind == 1 ? first >> 32 : first);
            call.low = static_cast<uint32>(call.kind == 1 ? first : second);
        }
    }
    return compat::walk_expression(node, visit, argument);
}

void walk_plan(const Plan *plan, Walk *walk) {
    if (!plan)
        return;
    check_stack_depth();
    // What lies below is evaluated before.
    walk_plan(plan->lefttree, walk);
    walk_plan(plan->righttree, walk);
    visit(reinterpret_cast<Node *>(plan->qual), walk);
    if (IsA(plan, FunctionScan))
        visit(reinterpret_cast<Node *>(reinterpret_cast<const FunctionScan *>(plan)->functions), walk);
    if (IsA(plan, Result))
        visit(reinterpret_cast<const Result *>(plan)->resconstantqual, walk);
    visit(reinterpret_cast<Node *>(plan->targetlist), walk);
}

uint64 resource_of_advisory(uint32 high, uint32 low, uint16 kind) {
    return mix_bits((static_cast<uint64>(high) << 32 | low) + mix_bits(kind));
}

void read_calls(const QueryDesc *query, Calls *calls) {
    calls->read = true;
    catch_errors([=] {
        Walk walk{calls, query->params};
        const ListCell *cell;
        foreach (cell, query->plannedstmt->subplans)
            walk_plan(static_cast<const Plan *>(lfirst(cell)), &walk);
        walk_plan(query->plannedstmt->planTree, &walk);
    });
}

// Position of the call that took this lock; INT_MAX if unknown. Also whether it waited.
int rank_of(const Calls &calls, uint32 high, uint32 low, uint16 kind, bool *waits) {
    int unknown = INT_MAX;
    bool any_waits = calls.count == 0;
    for (int i = 0; i < calls.count; ++i) {
        const Call &call = calls.calls[i];
        any_waits |= !call.tries;
        if (call.kind != kind)
            continue;
        if (call.known && call.high == high && call.low == low) {
            *waits = !call.tries;
            return i;
        }
        if (!call.known && unknown == INT_MAX)
            unknown = i;
    }
    *waits = unknown != INT_MAX ? !calls.calls[unknown].tries : any_waits;
    return unknown;
}

struct HeldLock {
    LOCKTAG tag;
    LOCKMASK held;
    int rank; // the earlier the lower
    bool waits;
};

constexpr size_t max_read = 128;
std::array<HeldLock, max_read> own;

bool is_of_interest(const LOCKTAG &tag) {
    return tag.locktag_field1 == MyDatabaseId &&
           (tag.locktag_type == LOCKTAG_ADVISORY ||
            (tag.locktag_type == LOCKTAG_RELATION && tag.locktag_field2 >= FirstNormalObjectId));
}

size_t read_table() {
    size_t count = 0;
    compat::visit_held_locks([&count](const LOCKTAG &tag, LOCKMASK held) {
        if (is_of_interest(tag) && held != 0 && count < own.size())
            own[count++] = {tag, held, 0, true};
    });
    return count;
}

uint64 resource_of(const LOCKTAG &tag) {
    return tag.locktag_type == LOCKTAG_RELATION
               ? resource_of_table(tag.locktag_field2)
               : resource_of_advisory(tag.locktag_field2, tag.locktag_field3, tag.locktag_field4);
}

// What is unlocked, or was rolled back, is gone.
void release_missing(size_t count) {
    for (const LockStep &step : trace.recorder.steps()) {
        if (step.kind != LockKind::advisory || step.released != never_released)
            continue;
        const bool there = std::any_of(own.begin(), own.begin() + count, [&step](const HeldLock &lock) {
            return lock.tag.locktag_type == LOCKTAG_ADVISORY && resource_of(lock.tag) == step.resource;
        });
        if (!there)
            trace.recorder.release(trace.recorder.find(step.resource));
    }
}

void take_advisory(Source *source, const HeldLock &lock) {
    LockStep step{};
    step.resource = resource_of(lock.tag);
    step.kind = LockKind::advisory;
    step.detail = static_cast<uint64>(lock.tag.locktag_field2) << 32 | lock.tag.locktag_field3;
    step.detail_kind = lock.tag.locktag_field4 == 1 ? LockDetail::advisory_one : LockDetail::advisory_two;
    step.waits = lock.waits;
    step.for_session = true;
    const bool exclusive = (lock.held & LOCKBIT_ON(ExclusiveLock)) != 0;
    step.mode = static_cast<uint8_t>(exclusive ? AdvisoryMode::exclusive : AdvisoryMode::share);
    take(source, step);
}

// One statement takes its strongest lock first, and weaker ones in what it calls.
void take_modes(Source *source, const HeldLock &lock) {
    for (int mode = AccessExclusiveLock; mode >= AccessShareLock; --mode)
        if ((lock.held & LOCKBIT_ON(mode)) != 0)
            take_relation(source, lock.tag.locktag_field2, mode, lock.waits);
}

} // namespace

void read_held_locks(Source *source, const QueryDesc *query, bool waits) {
    const size_t count = read_table();
    trace.held_locks = compat::held_locks_mark();
    release_missing(count);
    Calls calls{};
    for (size_t i = 0; i < count; ++i) {
        HeldLock &lock = own[i];
        lock.rank = INT_MAX;
        lock.waits = waits;
        if (lock.tag.locktag_type == LOCKTAG_ADVISORY && !trace.recorder.find(resource_of(lock.tag))) {
            if (query && !calls.read)
                read_calls(query, &calls);
            if (waits)
                lock.rank = rank_of(calls, lock.tag.locktag_field2, lock.tag.locktag_field3, lock.tag.locktag_field4,
                                    &lock.waits);
        }
    }
    // Advisory locks in the order of their calls. What else is new was taken by a function in C.
    std::sort(own.begin(), own.begin() + count, [](const HeldLock &a, const HeldLock &b) {
        return a.rank != b.rank ? a.rank < b.rank : memcmp(&a.tag, &b.tag, sizeof(LOCKTAG)) < 0;
    });
    for (size_t i = 0; i < count; ++i)
        if (own[i].tag.locktag_type == LOCKTAG_RELATION)
            take_modes(source, own[i]);
        else
            take_advisory(source, own[i]);
}

} // namespace dbperf::deadlock_prediction::lock_trace
