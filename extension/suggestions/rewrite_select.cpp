// Where rows of different keys cannot meet, the filter takes all keys at once; everything else is executed key by key
// below LATERAL, which is right for every statement that only reads.
#include "core/pg.h"

#include "suggestions/rewrite_select.h"

#include "suggestions/rewrite_tree.h"

namespace dbperf::suggestions::rewrite {
namespace {

bool rows_are_independent(const Query *query) {
    return !query->hasAggs && !query->hasWindowFuncs && !query->hasTargetSRFs && !query->groupClause &&
           !query->groupingSets && !query->havingQual && !query->distinctClause && !query->setOperations;
}

constexpr const char *no_arrays = "there are no arrays of its key's type";

Query *with_any(Query *query, const Key &key, Node **others, int *added) {
    Node *list = any_of_list(key);
    if (!list)
        return nullptr;
    Query *made = replaced(query, {others, key.filter, list, 0});
    made->limitCount = nullptr;
    made->limitOption = LIMIT_OPTION_COUNT;
    *added = add_column(&made->targetList, key.column, key.name);
    return made;
}

// SELECT k.key, q.* FROM unnest($1) WITH ORDINALITY k(key, n), LATERAL (original) q ORDER BY k.n
Query *with_lateral(Query *query, const Key &key, const Parameters &parameters, int *added) {
    Node *array = array_parameter(1, key.type);
    if (!array)
        return nullptr;
    List *arrays = list_make1(array);
    List *names = list_make1(makeString(pstrdup("key")));
    ListCell *companion;
    foreach (companion, key.companions) {
        const int number = lfirst_int(companion);
        const int column = list_length(arrays) + 1;
        Node *more = array_parameter(column, parameters.types[number - 1]);
        if (!more)
            return nullptr;
        arrays = lappend(arrays, more);
        names = lappend(names, makeString(psprintf("key%d", column)));
        parameters.others[number - 1] =
            reinterpret_cast<Node *>(column_of_entry(1, column, get_element_type(exprType(more))));
    }
    const int position_of_number = list_length(arrays) + 1;
    names = lappend(names, makeString(pstrdup("n")));
    const Oid element = get_element_type(exprType(array));
    Var *value = column_of_entry(1, 1, element);
    Node *inside = reinterpret_cast<Node *>(value);
    if (key.is_list) {
        auto *list = makeNode(ArrayExpr);
        list->array_typeid = exprType(array);
        list->array_collid = get_typcollation(element);
        list->element_typeid = element;
        list->elements = list_make1(value);
        list->location = -1;
        inside = reinterpret_cast<Node *>(list);
    }
    parameters.others[key.parameter - 1] = inside;

    Query *outer = makeNode(Query);
    outer->commandType = CMD_SELECT;
    outer->canSetTag = true;
    outer->jointree = makeFromExpr(NIL, nullptr);
    add_from(outer, unnest_entry("k", arrays, names, true));
    Query *inner = replaced(query, {parameters.others, nullptr, nullptr, 1});
    add_from(outer, subquery_entry("q", inner, true));
    outer->targetList =
        list_make1(makeTargetEntry(reinterpret_cast<Expr *>(column_of_entry(1, 1, element)), 1, pstrdup("key"), false));
    int position = 0;
    ListCell *cell;
    foreach (cell, inner->targetList) {
        const TargetEntry *target = lfirst_node(TargetEntry, cell);
        if (target->resjunk)
            continue;
        const Node *expression = reinterpret_cast<const Node *>(target->expr);
        Var *column = makeVar(2, static_cast<AttrNumber>(++position), exprType(expression), exprTypmod(expression),
                              exprCollation(expression), 0);
        outer->targetList =
            lappend(outer->targetList, makeTargetEntry(reinterpret_cast<Expr *>(column),
                                                       static_cast<AttrNumber>(position + 1), target->resname, false));
    }
    TargetEntry *number = makeTargetEntry(reinterpret_cast<Expr *>(column_of_entry(1, position_of_number, INT8OID)),
                                          static_cast<AttrNumber>(position + 2), pstrdup("n"), true);
    number->ressortgroupref = 1;
    outer->targetList = lappend(outer->targetList, number);
    SortGroupClause *sort = makeNode(SortGroupClause);
    sort->tleSortGroupRef = 1;
    sort->eqop = 410; // int8 = int8
    sort->sortop = Int8LessOperator;
    outer->sortClause = list_make1(sort);
    *added = 1;
    return outer;
}

} // namespace

Node *any_of_list(const Key &key) {
    Node *array = key.filter ? array_parameter(1, key.type) : nullptr;
    if (!array)
        return nullptr;
    auto *any = makeNode(ScalarArrayOpExpr);
    any->opno = key.operation;
    any->opfuncid = get_opcode(key.operation);
    any->useOr = true;
    any->inputcollid = key.collation;
    any->args = list_make2(copyObjectImpl(without_relabel(key.operand)), array);
    any->location = -1;
    return reinterpret_cast<Node *>(any);
}

Query *select_for_all(Query *query, const Key &key, const Parameters &parameters, int *added, const char **reason) {
    if (query->hasModifyingCTE) {
        *reason = "it writes in a WITH";
        return nullptr;
    }
    const bool limited = query->limitCount || query->limitOffset;
    const bool is_plain = key.filter && parameters.uses[key.parameter - 1] == 1 && rows_are_independent(query) &&
                          (!limited || (!query->limitOffset && finds_one_row(query, key))) &&
                          !calls_volatile(query, InvalidOid);
    Query *made =
        is_plain ? with_any(query, key, parameters.others, added) : with_lateral(query, key, parameters, added);
    if (!made)
        *reason = no_arrays;
    return made;
}

} // namespace dbperf::suggestions::rewrite
