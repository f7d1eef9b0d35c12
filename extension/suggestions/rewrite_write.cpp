// A row is touched by one key only, so that the order of the calls does not matter: this is what the conditions ensure.
#include "core/pg.h"

#include "suggestions/rewrite_write.h"

#include "suggestions/rewrite_select.h"
#include "suggestions/rewrite_tree.h"

namespace dbperf::suggestions::rewrite {
namespace {

// unnest($1::type[], ...) AS v(name, ...), and the columns of it that take the place of the parameters.
struct Rows {
    RangeTblEntry *entry;
    Node **columns;
};

bool is_taken(const List *names, const char *name) {
    ListCell *cell;
    foreach (cell, names)
        if (strcmp(strVal(lfirst(cell)), name) == 0)
            return true;
    return false;
}

// After the column that the parameter alone is assigned to.
const char *name_of(const Query *query, const Key &key, int number, const List *names) {
    ListCell *cell;
    foreach (cell, query->targetList) {
        const TargetEntry *target = lfirst_node(TargetEntry, cell);
        const Node *expression = reinterpret_cast<const Node *>(target->expr);
        if (expression && IsA(expression, FuncExpr) &&
            reinterpret_cast<const FuncExpr *>(expression)->funcformat != COERCE_EXPLICIT_CALL)
            expression = static_cast<const Node *>(linitial(reinterpret_cast<const FuncExpr *>(expression)->args));
        const Param *parameter = parameter_of(expression);
        if (parameter && parameter->paramid == number && target->resname && !is_taken(names, target->resname))
            return target->resname;
    }
    if (key.name && number == key.parameter && !is_taken(names, key.name))
        return key.name;
    return psprintf("p%d", number);
}

bool make_rows(const Query *query, const Key &key, const int *uses, const Oid *types, int count, int entry,
               Rows *rows) {
    rows->columns = static_cast<Node **>(palloc0(sizeof(Node *) * static_cast<size_t>(count)));
    List *arrays = NIL;
    List *names = NIL;
    for (int i = 0; i < count; ++i) {
        if (uses[i] == 0)
            continue;
        // No row has more columns.
        Node *array = list_length(arrays) < MaxTupleAttributeNumber ? array_parameter(list_length(arrays) + 1, types[i])
                                                                    : nullptr;
        if (!array)
            return false;
        arrays = lappend(arrays, array);
        names = lappend(names, makeString(pstrdup(name_of(query, key, i + 1, names))));
        rows->columns[i] =
            reinterpret_cast<Node *>(column_of_entry(entry, list_length(arrays), get_element_type(exprType(array))));
    }
    if (arrays == NIL)
        return false;
    rows->entry = unnest_entry("v", arrays, names, false);
    return true;
}

int distinct_parameters(const int *uses, int count) {
    int distinct = 0;
    for (int i = 0; i < count; ++i)
        distinct += uses[i] > 0;
    return distinct;
}

Query *with_any(Query *query, const Key &key, Node **others) {
    Node *list = any_of_list(key);
    if (!list)
        return nullptr;
    Query *made = replaced(query, {others, key.filter, list, 0});
    if (made->returningList)
        add_column(&made->returningList, key.column, key.name);
    return made;
}

bool sets(const Query *query, AttrNumber column) {
    ListCell *cell;
    foreach (cell, query->targetList) {
        const TargetEntry *target = lfirst_node(TargetEntry, cell);
        if (!target->resjunk && target->resno == column)
            return true;
    }
    return false;
}

Query *update_all(Query *query, const Key &key, Node **others, const int *uses, const Oid *types, int count) {
    if (!key.filter || key.is_list || key.column->varno != query->resultRelation || sets(query, key.column->varattno))
        return nullptr;
    if (distinct_parameters(uses, count) == 1 && uses[key.parameter - 1] == 1)
        return with_any(query, key, others);
    Rows rows;
    if (!make_rows(query, key, uses, types, count, list_length(query->rtable) + 1, &rows))
        return nullptr;
    Query *made = replaced(query, {rows.columns, nullptr, nullptr, 0});
    add_from(made, rows.entry);
    if (made->returningList)
        add_column(&made->returningList, key.column, key.name);
    return made;
}

// INSERT INTO t (...) SELECT ... FROM unnest(...) v: the values of the one row become the target list of the SELECT.
Query *insert_all(Query *query, const Key &key, const int *uses, const Oid *types, int count) {
    if (query->jointree->fromlist != NIL)
        return nullptr;
    auto *inside = static_cast<int *>(palloc0(sizeof(int) * static_cast<size_t>(count)));
    Query *select = makeNode(Query);
    select->commandType = CMD_SELECT;
    select->canSetTag = true;
    select->jointree = makeFromExpr(NIL, nullptr);
    select->targetList = query->targetList;
    count_parameters(select, inside, count);
    for (int i = 0; i < count; ++i)
        if (inside[i] != uses[i]) // ON CONFLICT and RETURNING do not see the rows
            return nullptr;
    Rows rows;
    if (!make_rows(query, key, uses, types, count, 1, &rows))
        return nullptr;
    select->targetList = NIL;
    Query *made = static_cast<Query *>(copyObjectImpl(query));
    int position = 0;
    ListCell *cell;
    foreach (cell, query->targetList) {
        const TargetEntry *target = lfirst_node(TargetEntry, cell);
        // Assigning coerces again; a cast in the SELECT would cut what is too long instead of refusing it.
        Node *value = replaced(strip_implicit_coercions(reinterpret_cast<Node *>(target->expr)),
                               {rows.columns, nullptr, nullptr, 0});
        select->targetList =
            lappend(select->targetList, makeTargetEntry(reinterpret_cast<Expr *>(value),
                                                        static_cast<AttrNumber>(++position), target->resname, false));
        Var *column = makeVar(list_length(made->rtable) + 1, static_cast<AttrNumber>(position), exprType(value),
                              exprTypmod(value), exprCollation(value), 0);
        list_nth_node(TargetEntry, made->targetList, position - 1)->expr = reinterpret_cast<Expr *>(column);
    }
    add_from(select, rows.entry);
    add_from(made, subquery_entry("s", select, false));
    return made;
}

} // namespace

Query *write_all(Query *query, const Key &key, Node **others, const int *uses, const Oid *types, int count) {
    // Functions of the server, such as random(), are volatile without reading tables.
    if (query->hasModifyingCTE || reads_target(query) || calls_volatile(query, FirstNormalObjectId))
        return nullptr;
    switch (query->commandType) {
    case CMD_INSERT:
        return insert_all(query, key, uses, types, count);
    case CMD_UPDATE:
        return update_all(query, key, others, uses, types, count);
    case CMD_DELETE:
        return key.filter && uses[key.parameter - 1] == 1 && key.column->varno == query->resultRelation
                   ? with_any(query, key, others)
                   : nullptr;
    default:
        return nullptr;
    }
}

} // namespace dbperf::suggestions::rewrite
