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

// Those in `arrays` become columns of the rows, the other ones stay; all are numbered in the order of the original's.
bool make_rows(const Query *query, const Key &key, const Parameters &parameters, const List *arrays, int entry,
               Rows *rows) {
    rows->columns = static_cast<Node **>(palloc0(sizeof(Node *) * static_cast<size_t>(parameters.count)));
    List *made = NIL;
    List *names = NIL;
    int number = 0;
    for (int i = 0; i < parameters.count; ++i) {
        if (parameters.uses[i] == 0)
            continue;
        ++number;
        if (!list_member_int(arrays, i + 1)) {
            rows->columns[i] = scalar_parameter(number, parameters.types[i]);
            continue;
        }
        // No row has more columns.
        Node *array =
            list_length(made) < MaxTupleAttributeNumber ? array_parameter(number, parameters.types[i]) : nullptr;
        if (!array)
            return false;
        made = lappend(made, array);
        names = lappend(names, makeString(pstrdup(name_of(query, key, i + 1, names))));
        rows->columns[i] =
            reinterpret_cast<Node *>(column_of_entry(entry, list_length(made), get_element_type(exprType(array))));
    }
    if (made == NIL)
        return false;
    rows->entry = unnest_entry("v", made, names, false);
    return true;
}

constexpr const char *no_array_type = "there are no arrays of the type of one of its parameters";

Query *with_list(Query *query, const Key &key, const Parameters &parameters, const char **reason) {
    Node *list = any_of_list(key);
    if (!list) {
        *reason = no_array_type;
        return nullptr;
    }
    Query *made = replaced(query, {parameters.others, key.filter, list, 0});
    if (made->returningList)
        add_column(&made->returningList, key.column, key.name);
    return made;
}

// UPDATE t ... FROM unnest(...) v WHERE ..., DELETE FROM t USING unnest(...) v WHERE ...
Query *with_rows(Query *query, const Key &key, const Parameters &parameters, const List *arrays, const char **reason) {
    Rows rows;
    const int entry = list_length(query->rtable) + 1;
    if (!make_rows(query, key, parameters, arrays, entry, &rows)) {
        *reason = no_array_type;
        return nullptr;
    }
    Query *made = replaced(query, {rows.columns, nullptr, nullptr, 0});
    add_from(made, rows.entry);
    if (!made->returningList)
        return made;
    const Node *value = rows.columns[key.parameter - 1];
    if (key.column)
        add_column(&made->returningList, key.column, key.name);
    else if (IsA(value, Var))
        add_column(&made->returningList, reinterpret_cast<const Var *>(value), "key");
    return made;
}

List *written_columns(const Query *query) {
    List *columns = NIL;
    ListCell *cell;
    foreach (cell, query->targetList) {
        const TargetEntry *target = lfirst_node(TargetEntry, cell);
        if (!target->resjunk)
            columns = lappend_int(columns, target->resno);
    }
    return columns;
}

List *parameters_of_targets(const Query *query) {
    List *numbers = NIL;
    ListCell *cell;
    foreach (cell, query->targetList)
        numbers = list_concat_unique_int(
            numbers, parameters_within(reinterpret_cast<Node *>(lfirst_node(TargetEntry, cell)->expr)));
    return numbers;
}

bool targets_read_columns(const Query *query) {
    ListCell *cell;
    foreach (cell, query->targetList)
        if (reads_columns(reinterpret_cast<Node *>(lfirst_node(TargetEntry, cell)->expr)))
            return true;
    return false;
}

// A version that is counted up, a state that is left: what a condition compares a written column with is the row's own.
List *parameters_of_guards(const Query *query, Node *conditions, const List *columns) {
    if (!conditions)
        return NIL;
    if (!IsA(conditions, BoolExpr) || reinterpret_cast<BoolExpr *>(conditions)->boolop != AND_EXPR)
        return reads_any_of(conditions, query->resultRelation, columns) ? parameters_within(conditions) : NIL;
    List *numbers = NIL;
    ListCell *cell;
    foreach (cell, reinterpret_cast<BoolExpr *>(conditions)->args)
        numbers =
            list_concat_unique_int(numbers, parameters_of_guards(query, static_cast<Node *>(lfirst(cell)), columns));
    return numbers;
}

bool is_of_target(const Query *query, const Key &key) {
    return key.column ? key.column->varlevelsup == 0 && key.column->varno == query->resultRelation
                      : key.relation == rt_fetch(query->resultRelation, query->rtable)->relid;
}

List *keys_of(const Key &key) {
    return list_concat_unique_int(list_make1_int(key.parameter), key.companions);
}

// Its condition is on rows that are written, and one that says which.
bool picks_rows_of_target(const Query *query, const Key &key, const char **reason) {
    if (key.is_filter && !key.is_list && is_of_target(query, key))
        return true;
    *reason = key.is_list ? "its key is in a list already" : "the key does not pick the rows that it writes";
    return false;
}

Query *update_all(Query *query, const Key &key, const Parameters &parameters, const char **reason) {
    if (!picks_rows_of_target(query, key, reason))
        return nullptr;
    List *columns = written_columns(query);
    if (list_member_int(columns, get_attnum(key.relation, key.name))) {
        *reason = "it writes the column of its key, so that the order of the writes matters";
        return nullptr;
    }
    List *varying = list_concat_unique_int(parameters_of_targets(query),
                                           parameters_of_guards(query, query->jointree->quals, columns));
    if (key.filter && varying == NIL && parameters.uses[key.parameter - 1] == 1)
        return with_list(query, key, parameters, reason);
    if (key.picked == Picked::by_several && (varying != NIL || targets_read_columns(query))) {
        *reason = "one row may be written for several keys, so that the order of the writes matters";
        return nullptr;
    }
    return with_rows(query, key, parameters, list_concat_unique_int(keys_of(key), varying), reason);
}

Query *delete_all(Query *query, const Key &key, const Parameters &parameters, const char **reason) {
    if (key.filter && key.is_list && is_of_target(query, key) && parameters.uses[key.parameter - 1] == 1)
        return with_list(query, key, parameters, reason);
    if (!picks_rows_of_target(query, key, reason))
        return nullptr;
    if (key.filter && parameters.uses[key.parameter - 1] == 1)
        return with_list(query, key, parameters, reason);
    return with_rows(query, key, parameters, keys_of(key), reason);
}

// INSERT INTO t (...) SELECT ... FROM unnest(...) v: the values of the one row become the target list of the SELECT.
Query *insert_all(Query *query, const Key &key, const Parameters &parameters, const char **reason) {
    if (query->jointree->fromlist != NIL) {
        *reason = "it inserts what a query returns";
        return nullptr;
    }
    const int count = parameters.count;
    auto *inside = static_cast<int *>(palloc0(sizeof(int) * static_cast<size_t>(count)));
    Query *select = makeNode(Query);
    select->commandType = CMD_SELECT;
    select->canSetTag = true;
    select->jointree = makeFromExpr(NIL, nullptr);
    select->targetList = query->targetList;
    count_parameters(select, inside, count);
    List *arrays = NIL;
    for (int i = 0; i < count; ++i) {
        if (inside[i] != parameters.uses[i]) { // ON CONFLICT and RETURNING do not see the rows
            *reason = "it has parameters outside of its row: write excluded.column in ON CONFLICT";
            return nullptr;
        }
        if (inside[i] > 0)
            arrays = lappend_int(arrays, i + 1);
    }
    Rows rows;
    if (!make_rows(query, key, parameters, arrays, 1, &rows)) {
        *reason = arrays == NIL ? "it has no parameter" : no_array_type;
        return nullptr;
    }
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

Query *write_all(Query *query, const Key &key, const Parameters &parameters, const char **reason) {
    *reason = query->hasModifyingCTE ? "it writes in a WITH"
              : reads_target(query)  ? "it reads the table that it writes, so that the order of the writes matters"
              // Functions of the server, such as random(), are volatile without reading tables.
              : calls_volatile(query, FirstNormalObjectId) ? "it calls a volatile function"
                                                           : nullptr;
    if (*reason)
        return nullptr;
    switch (query->commandType) {
    case CMD_INSERT:
        return insert_all(query, key, parameters, reason);
    case CMD_UPDATE:
        return update_all(query, key, parameters, reason);
    case CMD_DELETE:
        return delete_all(query, key, parameters, reason);
    default:
        *reason = "only one SELECT, INSERT, UPDATE or DELETE is rewritten";
        return nullptr;
    }
}

} // namespace dbperf::suggestions::rewrite
