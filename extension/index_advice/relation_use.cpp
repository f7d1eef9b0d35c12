// Walks a query and all within it. What a comparison is, `predicate_use` knows.
#include "core/pg.h"

#include "index_advice/relation_use.h"

#include "core/compat.h"
#include "index_advice/column_source.h"
#include "index_advice/predicate_use.h"

namespace dbperf::index_advice::relation_use {
using namespace core;
using column_source::Nesting;
using column_source::Source;

namespace {

constexpr int max_uses = 200; // of one statement
constexpr int max_nesting = 32;

struct Walk {
    Nesting nesting;
    List *uses;
};

void visit_query(const Query *query, Walk *walk);

template <typename T>
T *add_to(List **list, const T &value) {
    T *own = static_cast<T *>(palloc(sizeof(T)));
    *own = value;
    *list = lappend(*list, own);
    return own;
}

bool visit_inner_queries(Node *node, void *argument) {
    if (!node)
        return false;
    if (IsA(node, Query)) {
        visit_query(reinterpret_cast<Query *>(node), static_cast<Walk *>(argument));
        return false;
    }
    return compat::walk_expression(node, visit_inner_queries, argument);
}

// Marks the columns that an expression reads.
bool note_columns(Node *node, void *argument) {
    if (!node || IsA(node, Query))
        return false;
    auto *walk = static_cast<Walk *>(argument);
    if (IsA(node, Var)) {
        const Source source = column_source::of(node, walk->nesting);
        for (int i = 0; i < list_length(source.entries); ++i) {
            const auto *entry = static_cast<const RangeTblEntry *>(list_nth(source.entries, i));
            RelationUse *use = predicate_use::use_of(&walk->uses, entry);
            if (use && source.expression)
                pull_varattnos(source.expression, 1, &use->columns);
            else if (use) // all of them, perhaps
                use->columns = bms_add_member(use->columns, 0 - FirstLowInvalidHeapAttributeNumber);
        }
        return false;
    }
    return compat::walk_expression(node, note_columns, argument);
}

bool note_extremes(Node *node, void *argument) {
    if (!node || IsA(node, Query))
        return false;
    auto *walk = static_cast<Walk *>(argument);
    if (IsA(node, Aggref)) {
        const auto *aggregate = reinterpret_cast<const Aggref *>(node);
        HeapTuple row = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate->aggfnoid));
        if (!HeapTupleIsValid(row))
            return false;
        const Oid order = reinterpret_cast<Form_pg_aggregate>(GETSTRUCT(row))->aggsortop;
        ReleaseSysCache(row);
        if (!OidIsValid(order) || list_length(aggregate->args) != 1)
            return false;
        const auto *input = static_cast<const TargetEntry *>(linitial(aggregate->args));
        const Source source = column_source::of(reinterpret_cast<const Node *>(input->expr), walk->nesting);
        if (RelationUse *use = source.expression ? predicate_use::use_of(&walk->uses, source.entry) : nullptr) {
            List *keys = NIL;
            add_to(&keys, OrderKey{source.expression, aggregate->inputcollid, false, false});
            use->orders = lappend(use->orders, keys);
        }
        return false;
    }
    return compat::walk_expression(node, note_extremes, argument);
}

// The keys in front that are of one table.
void note_order(const Query *query, const List *clauses, Walk *walk) {
    List *keys = NIL;
    const RangeTblEntry *entry = nullptr;
    for (int i = 0; i < list_length(clauses); ++i) {
        const auto *clause = static_cast<const SortGroupClause *>(list_nth(clauses, i));
        Node *expression = get_sortgroupclause_expr(const_cast<SortGroupClause *>(clause), query->targetList);
        const Source source = column_source::of(expression, walk->nesting);
        if (!source.expression || (entry && entry != source.entry) || !OidIsValid(clause->sortop) ||
            contain_mutable_functions(source.expression))
            break;
        const TypeCacheEntry *type = lookup_type_cache(exprType(expression), TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
        if (clause->sortop != type->lt_opr && clause->sortop != type->gt_opr)
            break;
        entry = source.entry;
        add_to(&keys, OrderKey{source.expression, exprCollation(expression), clause->sortop == type->gt_opr,
                               clause->nulls_first});
    }
    if (keys != NIL)
        if (RelationUse *use = predicate_use::use_of(&walk->uses, entry))
            use->orders = lappend(use->orders, keys);
}

void note_groups(const Query *query, const List *clauses, Walk *walk) {
    const RangeTblEntry *entry = nullptr;
    List *keys = NIL;
    for (int i = 0; i < list_length(clauses); ++i) {
        const auto *clause = static_cast<const SortGroupClause *>(list_nth(clauses, i));
        const Source source = column_source::of(
            get_sortgroupclause_expr(const_cast<SortGroupClause *>(clause), query->targetList), walk->nesting);
        if (!source.expression || (entry && entry != source.entry) || contain_mutable_functions(source.expression))
            break;
        entry = source.entry;
        keys = lappend(keys, source.expression);
    }
    if (keys != NIL)
        if (RelationUse *use = predicate_use::use_of(&walk->uses, entry))
            use->groups = lappend(use->groups, keys);
}

void visit_join_tree(const Node *node, Walk *walk) {
    if (!node)
        return;
    check_stack_depth();
    if (IsA(node, FromExpr)) {
        const auto *from = reinterpret_cast<const FromExpr *>(node);
        for (int i = 0; i < list_length(from->fromlist); ++i)
            visit_join_tree(static_cast<const Node *>(list_nth(from->fromlist, i)), walk);
        predicate_use::note(from->quals, walk->nesting, &walk->uses);
    } else if (IsA(node, JoinExpr)) {
        const auto *join = reinterpret_cast<const JoinExpr *>(node);
        visit_join_tree(join->larg, walk);
        visit_join_tree(join->rarg, walk);
        predicate_use::note(join->quals, walk->nesting, &walk->uses);
    }
}

void note_window(const Query *query, const WindowClause *window, Walk *walk) {
    note_order(query, list_concat_copy(window->partitionClause, window->orderClause), walk);
}

void visit_query(const Query *query, Walk *walk) {
    check_stack_depth();
    CHECK_FOR_INTERRUPTS();
    if (list_length(walk->nesting) >= max_nesting || list_length(walk->uses) >= max_uses ||
        query->commandType == CMD_UTILITY)
        return;
    const Nesting before = walk->nesting;
    walk->nesting = lcons(const_cast<Query *>(query), list_copy(before));
    visit_join_tree(reinterpret_cast<const Node *>(query->jointree), walk);
    note_order(query, query->sortClause, walk);
    note_groups(query, query->groupClause, walk);
    note_order(query, query->groupClause, walk);
    note_order(query, query->distinctClause, walk);
    for (int i = 0; i < list_length(query->windowClause); ++i)
        note_window(query, static_cast<const WindowClause *>(list_nth(query->windowClause, i)), walk);
    note_extremes(reinterpret_cast<Node *>(query->targetList), walk);
    note_columns(reinterpret_cast<Node *>(query->targetList), walk);
    note_columns(reinterpret_cast<Node *>(query->jointree), walk);
    note_columns(query->havingQual, walk);
    note_columns(reinterpret_cast<Node *>(query->returningList), walk);
    // Subqueries, WITH and what stands in expressions.
    compat::walk_query(const_cast<Query *>(query), visit_inner_queries, walk);
    walk->nesting = before;
}

} // namespace

List *of(const Query *query) {
    Walk walk{NIL, NIL};
    visit_query(query, &walk);
    return walk.uses;
}

} // namespace dbperf::index_advice::relation_use
