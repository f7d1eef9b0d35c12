#include "core/pg.h"

#include "index_advice/what_if.h"

#include <algorithm>

#include "core/compat.h"
#include "core/guard.h"
#include "core/planned_relation.h"
#include "index_advice/hypothetical_index.h"

namespace dbperf::index_advice::what_if {
using namespace core;

namespace {

struct Call {
    ParamListInfo parameters; // of its own: by them one call of the planner differs from another
    std::span<const IndexShape *const> visible;
    double *pages; // of all tables together; null: nobody asks
    double *rows;
};
const Call *call = nullptr;

void add_indexes(PlannerInfo *root, Oid table, bool is_parent, RelOptInfo *relation) {
    if (!call || is_parent || root->glob->boundParams != call->parameters)
        return;
    if (call->pages) {
        *call->pages += relation->pages;
        *call->rows += relation->tuples;
    }
    for (const IndexShape *shape : call->visible)
        if (IndexOptInfo *index = hypothetical_index::of(*shape, relation, table))
            relation->indexlist = lappend(relation->indexlist, index);
}

struct Found {
    std::span<const IndexShape *const> visible;
    Outcome *outcome;
};

void note_index(Oid index, const Found &found) {
    const auto at = std::find_if(found.visible.begin(), found.visible.end(),
                                 [index](const IndexShape *shape) { return shape->oid == index; });
    if (at == found.visible.end())
        found.outcome->present = list_append_unique_oid(found.outcome->present, index);
    else
        found.outcome->used = list_append_unique_ptr(found.outcome->used, const_cast<IndexShape *>(*at));
}

void walk_plan(const Plan *plan, const Found &found);

void walk_plans(const List *plans, const Found &found) {
    for (int i = 0; i < list_length(plans); ++i)
        walk_plan(static_cast<const Plan *>(list_nth(plans, i)), found);
}

void walk_plan(const Plan *plan, const Found &found) {
    if (!plan)
        return;
    check_stack_depth();
    switch (nodeTag(plan)) {
    case T_IndexScan:
        note_index(reinterpret_cast<const IndexScan *>(plan)->indexid, found);
        break;
    case T_IndexOnlyScan:
        note_index(reinterpret_cast<const IndexOnlyScan *>(plan)->indexid, found);
        break;
    case T_BitmapIndexScan:
        note_index(reinterpret_cast<const BitmapIndexScan *>(plan)->indexid, found);
        break;
    case T_BitmapAnd:
        walk_plans(reinterpret_cast<const BitmapAnd *>(plan)->bitmapplans, found);
        break;
    case T_BitmapOr:
        walk_plans(reinterpret_cast<const BitmapOr *>(plan)->bitmapplans, found);
        break;
    case T_Append:
        walk_plans(reinterpret_cast<const Append *>(plan)->appendplans, found);
        break;
    case T_MergeAppend:
        walk_plans(reinterpret_cast<const MergeAppend *>(plan)->mergeplans, found);
        break;
    case T_SubqueryScan:
        walk_plan(reinterpret_cast<const SubqueryScan *>(plan)->subplan, found);
        break;
    default:
        break;
    }
    walk_plan(plan->lefttree, found);
    walk_plan(plan->righttree, found);
}

PlannedStmt *planned(const Query *query, const char *text, ParamListInfo parameters,
                     std::span<const IndexShape *const> visible, double *pages = nullptr, double *rows = nullptr) {
    planned_relation::visit_at(planned_relation::Turn::indexes, add_indexes);
    const Call *outer = call;
    const Call own{parameters, visible, pages, rows};
    PlannedStmt *made = nullptr;
    with_cleanup(
        [&] {
            call = &own;
            made = compat::plan(static_cast<Query *>(copyObjectImpl(query)), text, CURSOR_OPT_PARALLEL_OK, parameters);
        },
        [outer] { call = outer; });
    return made;
}

// One that no other call of the planner has.
ParamListInfo own_copy(ParamListInfo parameters) {
    const int count = parameters ? parameters->numParams : 0;
    ParamListInfo copy = makeParamList(count);
    for (int i = 0; i < count; ++i)
        copy->params[i] = parameters->params[i];
    return copy;
}

} // namespace

Outcome plan(const Query *query, const char *text, ParamListInfo parameters, std::span<const IndexShape *const> visible,
             bool check_permissions) {
    const PlannedStmt *made = planned(query, text, own_copy(parameters), visible);
    if (check_permissions)
        compat::check_permissions(made);
    Outcome outcome{};
    outcome.cost = made->planTree->total_cost;
    outcome.rows = made->planTree->plan_rows;
    if (IsA(made->planTree, ModifyTable) && made->planTree->lefttree)
        outcome.written_rows = made->planTree->lefttree->plan_rows;
    const Found found{visible, &outcome};
    walk_plan(made->planTree, found);
    walk_plans(made->subplans, found);
    return outcome;
}

namespace {

// SELECT FROM the table WHERE quals.
Query *query_of(Oid relation, Node *quals) {
    Query *query = makeNode(Query);
    query->commandType = CMD_SELECT;
    query->canSetTag = true;
    ParseState *state = make_parsestate(nullptr);
    Relation table = table_open(relation, AccessShareLock);
    ParseNamespaceItem *item = addRangeTableEntryForRelation(state, table, AccessShareLock, nullptr, true, false);
    table_close(table, NoLock);
    query->rtable = state->p_rtable;
    compat::take_permissions(query, state);
    RangeTblRef *reference = makeNode(RangeTblRef);
    reference->rtindex = item->p_rtindex;
    free_parsestate(state);
    query->jointree = makeFromExpr(list_make1(reference), quals);
    return query;
}

} // namespace

void measure(Oid relation, double *pages, double *rows) {
    *pages = *rows = 0;
    planned(query_of(relation, nullptr), "", own_copy(nullptr), {}, pages, rows);
}

double fraction_of(Oid relation, List *predicate) {
    if (predicate == NIL)
        return 1;
    double rows[2] = {1, 1};
    for (const bool filtered : {false, true}) {
        Node *quals = filtered ? static_cast<Node *>(copyObjectImpl(make_ands_explicit(predicate))) : nullptr;
        rows[filtered ? 1 : 0] = compat::plan(query_of(relation, quals), "", 0, nullptr)->planTree->plan_rows;
    }
    return std::clamp(rows[1] / std::max(1.0, rows[0]), 1e-9, 1.0);
}

} // namespace dbperf::index_advice::what_if
