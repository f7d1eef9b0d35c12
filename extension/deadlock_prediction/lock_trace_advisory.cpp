#include "core/pg.h"

#include "deadlock_prediction/lock_trace_advisory.h"

#include <climits>

#include "core/compat.h"
#include "core/guard.h"
#include "core/hash.h"

namespace dbperf::deadlock_prediction::lock_trace::advisory {
using namespace core;

namespace {

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

} // namespace

uint64 resource_of(uint32 high, uint32 low, uint16 kind) {
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

} // namespace dbperf::deadlock_prediction::lock_trace::advisory
