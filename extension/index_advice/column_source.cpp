#include "core/pg.h"

#include "index_advice/column_source.h"

#include "core/compat.h"

namespace dbperf::index_advice::column_source {
using namespace core;

namespace {

struct Walk {
    Nesting nesting;
    List *entries;
    bool is_open;
};

Node *resolve(Node *node, void *argument);

// An expression of a query further in, or further out.
Node *resolve_in(Node *expression, Nesting nesting, Walk *walk) {
    const Nesting before = walk->nesting;
    walk->nesting = nesting;
    Node *resolved = resolve(expression, walk);
    walk->nesting = before;
    return resolved;
}

Node *open_end(Walk *walk, const Var *column) {
    walk->is_open = true;
    return static_cast<Node *>(copyObjectImpl(column));
}

Node *resolve_output(const Query *query, AttrNumber column, const Var *var, Nesting around, Walk *walk) {
    const TargetEntry *output = query->setOperations ? nullptr : get_tle_by_resno(query->targetList, column);
    // A value of a group, or of one row of several, is not a row's.
    if (!output || output->resjunk)
        return open_end(walk, var);
    return resolve_in(reinterpret_cast<Node *>(output->expr), lcons(const_cast<Query *>(query), list_copy(around)),
                      walk);
}

const CommonTableExpr *find_cte(const char *name, Nesting nesting, int level, Nesting *around) {
    if (level >= list_length(nesting))
        return nullptr;
    *around = list_copy_tail(nesting, level);
    const List *all = static_cast<const Query *>(linitial(*around))->cteList;
    for (int i = 0; i < list_length(all); ++i) {
        const auto *each = static_cast<const CommonTableExpr *>(list_nth(all, i));
        if (strcmp(each->ctename, name) == 0)
            return each->cterecursive || !IsA(each->ctequery, Query) ? nullptr : each;
    }
    return nullptr;
}

Node *resolve_column(Var *var, Walk *walk) {
    if (static_cast<int>(var->varlevelsup) >= list_length(walk->nesting))
        return open_end(walk, var);
    const Nesting nesting = list_copy_tail(walk->nesting, static_cast<int>(var->varlevelsup));
    const auto *query = static_cast<const Query *>(linitial(nesting));
    if (var->varno <= 0 || var->varno > list_length(query->rtable))
        return open_end(walk, var);
    const RangeTblEntry *entry = rt_fetch(var->varno, query->rtable);
    if (Node *grouped = compat::group_expression(entry, var->varattno))
        return resolve_in(grouped, nesting, walk);
    switch (entry->rtekind) {
    case RTE_RELATION: {
        walk->entries = list_append_unique_ptr(walk->entries, const_cast<RangeTblEntry *>(entry));
        Var *own = static_cast<Var *>(copyObjectImpl(var));
        own->varno = 1;
        own->varlevelsup = 0;
        own->varnosyn = 0;
        own->varattnosyn = 0;
        own->location = -1;
        compat::forget_outer_joins(own);
        return reinterpret_cast<Node *>(own);
    }
    case RTE_JOIN:
        if (var->varattno <= 0 || var->varattno > list_length(entry->joinaliasvars))
            return open_end(walk, var);
        return resolve_in(static_cast<Node *>(list_nth(entry->joinaliasvars, var->varattno - 1)), nesting, walk);
    case RTE_SUBQUERY:
        return resolve_output(entry->subquery, var->varattno, var, nesting, walk);
    case RTE_CTE: {
        Nesting around = NIL;
        const CommonTableExpr *cte = find_cte(entry->ctename, nesting, static_cast<int>(entry->ctelevelsup), &around);
        return cte ? resolve_output(reinterpret_cast<const Query *>(cte->ctequery), var->varattno, var, around, walk)
                   : open_end(walk, var);
    }
    default:
        return open_end(walk, var);
    }
}

Node *resolve(Node *node, void *argument) {
    auto *walk = static_cast<Walk *>(argument);
    if (!node)
        return nullptr;
    check_stack_depth();
    switch (nodeTag(node)) {
    case T_Var:
        return resolve_column(reinterpret_cast<Var *>(node), walk);
    case T_Aggref:
    case T_WindowFunc:
    case T_GroupingFunc:
    case T_SubLink:
    case T_SetToDefault:
    case T_CurrentOfExpr:
        walk->is_open = true;
        return static_cast<Node *>(copyObjectImpl(node));
    default:
        return compat::mutate_expression(node, resolve, argument);
    }
}

} // namespace

Source of(const Node *expression, Nesting nesting) {
    Walk walk{nesting, NIL, false};
    Source source{};
    source.expression = resolve(const_cast<Node *>(expression), &walk);
    source.entries = walk.entries;
    source.is_open = walk.is_open;
    if (list_length(walk.entries) == 1 && !walk.is_open)
        source.entry = static_cast<const RangeTblEntry *>(linitial(walk.entries));
    else
        source.expression = nullptr;
    return source;
}

} // namespace dbperf::index_advice::column_source
