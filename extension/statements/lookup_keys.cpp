// Walks the conditions of every level of a query.
#include "core/pg.h"

#include "statements/lookup_keys.h"

#include "core/compat.h"
#include "statements/equality.h"
#include "statements/key_value.h"

namespace dbperf::statements::lookup_keys {
using namespace core;

namespace {

// What initdb made is the catalog: reading it is introspection, which libraries do once and keep.
bool is_user_object(Oid object) {
    return object >= FirstNormalObjectId;
}

bool is_integer(Oid type) {
    return type == INT4OID || type == INT8OID || type == INT2OID;
}

struct Walk {
    const Query *query;
    LookupKeys *keys;
    LookupValues *constants;
};

// A value's expression without what does not change it: domains, widths, and the way through text.
const Node *strip(const Node *node, bool *as_text) {
    while (node) {
        if (IsA(node, RelabelType)) {
            node = reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(node)->arg);
        } else if (IsA(node, CoerceToDomain)) {
            node = reinterpret_cast<const Node *>(reinterpret_cast<const CoerceToDomain *>(node)->arg);
        } else if (IsA(node, CoerceViaIO)) {
            *as_text = true;
            node = reinterpret_cast<const Node *>(reinterpret_cast<const CoerceViaIO *>(node)->arg);
        } else if (IsA(node, FuncExpr)) {
            const FuncExpr *call = reinterpret_cast<const FuncExpr *>(node);
            const Node *argument =
                list_length(call->args) == 1 ? static_cast<const Node *>(linitial(call->args)) : nullptr;
            if (!argument || call->funcformat == COERCE_EXPLICIT_CALL || !is_integer(call->funcresulttype) ||
                !is_integer(exprType(argument)))
                return node;
            node = argument;
        } else {
            return node;
        }
    }
    return node;
}

// The table column that a Var stands for, through joins and subqueries (views are subqueries by now).
bool column_of(const Query *query, const Node *node, Oid *relation, AttrNumber *column, Oid *type) {
    for (int depth = 0; depth < 16 && node; ++depth) {
        bool as_text = false;
        node = strip(node, &as_text);
        if (!node || !IsA(node, Var))
            return false;
        const Var *var = reinterpret_cast<const Var *>(node);
        if (var->varlevelsup != 0 || var->varattno <= 0 || var->varno < 1 ||
            static_cast<int>(var->varno) > list_length(query->rtable))
            return false;
        const RangeTblEntry *table = rt_fetch(var->varno, query->rtable);
        if (table->rtekind == RTE_RELATION) {
            *relation = table->relid;
            *column = var->varattno;
            *type = var->vartype;
            return is_user_object(table->relid);
        }
        if (table->rtekind == RTE_SUBQUERY && table->subquery) {
            query = table->subquery;
            const TargetEntry *entry = get_tle_by_resno(query->targetList, var->varattno);
            node = entry && !query->setOperations ? reinterpret_cast<const Node *>(entry->expr) : nullptr;
        } else if (table->rtekind == RTE_JOIN && var->varattno <= list_length(table->joinaliasvars)) {
            node = static_cast<const Node *>(list_nth(table->joinaliasvars, var->varattno - 1));
        } else {
            return false;
        }
    }
    return false;
}

bool has_parameter(Node *node, void *context) {
    if (!node)
        return false;
    if (IsA(node, Param))
        return reinterpret_cast<Param *>(node)->paramkind == PARAM_EXTERN;
    return compat::walk_expression(node, has_parameter, context);
}

bool has_column(Node *node, void *context) {
    if (!node)
        return false;
    if (IsA(node, Var) || IsA(node, Query))
        return true;
    return compat::walk_expression(node, has_column, context);
}

LookupKey *next_key(Walk *walk) {
    if (walk->keys->count >= max_lookup_keys)
        return nullptr;
    LookupKey *key = &walk->keys->keys[walk->keys->count];
    walk->constants->hashes[walk->keys->count] = 0;
    *key = LookupKey{};
    return key;
}

void accept(Walk *walk) {
    LookupKey &key = walk->keys->keys[walk->keys->count];
    if (key.parameter > 0)
        key.offset = static_cast<uint32>(offsetof(ParamListInfoData, params) +
                                         sizeof(ParamExternData) * static_cast<size_t>(key.parameter - 1));
    walk->constants->count = ++walk->keys->count;
}

// Takes `value` as the value of the key's column; false when it is none.
bool take_value(Walk *walk, LookupKey *key, const Node *value, Oid column_type) {
    bool as_text = false;
    const Node *plain = strip(value, &as_text);
    uint64 *constant = &walk->constants->hashes[walk->keys->count];
    if (!plain)
        return false;
    if (IsA(plain, Param)) {
        const Param *parameter = reinterpret_cast<const Param *>(plain);
        if (parameter->paramkind != PARAM_EXTERN || parameter->paramid < 1)
            return false;
        key->parameter = parameter->paramid;
        key->declared = parameter->paramtype;
        key->type = key_value::base_type(key->declared);
    } else if (IsA(plain, Const)) {
        const Const *known = reinterpret_cast<const Const *>(plain);
        key->declared = known->consttype;
        key->type = key_value::base_type(key->declared);
        *constant = key_value::hash(key->type, known->constvalue, known->constisnull);
    } else {
        if (has_column(const_cast<Node *>(plain), nullptr) || !has_parameter(const_cast<Node *>(plain), nullptr))
            return false;
        key->form = KeyForm::computed;
        key->parameter = 1;
        key->declared = InvalidOid;
        return true;
    }
    const Oid target = key_value::base_type(column_type);
    const bool is_text = key->type == TEXTOID || key->type == VARCHAROID;
    if (as_text && is_text && (is_integer(target) || target == UUIDOID)) {
        key->form = KeyForm::as_text;
        key->whole_type = key->declared;
        key->declared = InvalidOid;
        key->type = target;
        if (IsA(plain, Const)) {
            const Const *known = reinterpret_cast<const Const *>(plain);
            *constant = key_value::hash_text_as(target, known->constvalue, known->constisnull);
        }
    } else if (as_text && !is_text && key->type != target) {
        return false;
    }
    return true;
}

void take_comparison(Walk *walk, const Node *left, const Node *right) {
    LookupKey *key = next_key(walk);
    Oid type;
    if (!key)
        return;
    if (!column_of(walk->query, left, &key->relation, &key->column, &type)) {
        const Node *swapped = left;
        left = right;
        right = swapped;
        if (!column_of(walk->query, left, &key->relation, &key->column, &type))
            return;
    }
    if (take_value(walk, key, right, type))
        accept(walk);
}

// column = ANY (array): a key when the array has one element.
void take_any(Walk *walk, const ScalarArrayOpExpr *any) {
    LookupKey *key = next_key(walk);
    Oid type;
    if (!key || !any->useOr || !is_key_equality(any->opno) ||
        !column_of(walk->query, static_cast<const Node *>(linitial(any->args)), &key->relation, &key->column, &type))
        return;
    bool as_text = false;
    const Node *list = strip(static_cast<const Node *>(lsecond(any->args)), &as_text);
    if (list && IsA(list, ArrayExpr)) {
        const ArrayExpr *array = reinterpret_cast<const ArrayExpr *>(list);
        if (list_length(array->elements) != 1)
            walk->keys->is_batch = true;
        else if (take_value(walk, key, static_cast<const Node *>(linitial(array->elements)), type))
            accept(walk);
    } else if (list && IsA(list, Param)) {
        const Param *parameter = reinterpret_cast<const Param *>(list);
        const Oid element = get_element_type(parameter->paramtype);
        if (parameter->paramkind != PARAM_EXTERN || parameter->paramid < 1 || !OidIsValid(element))
            return;
        key->form = KeyForm::element;
        key->parameter = parameter->paramid;
        key->whole_type = parameter->paramtype;
        key->type = element;
        accept(walk);
    } else if (list && IsA(list, Const)) {
        const Const *known = reinterpret_cast<const Const *>(list);
        bool is_list = false;
        const Oid element = get_element_type(known->consttype);
        // A text that is cast to an array is none yet.
        if (!OidIsValid(element)) {
            walk->keys->is_batch = true;
            return;
        }
        walk->constants->hashes[walk->keys->count] =
            key_value::hash_only_element(element, known->constvalue, known->constisnull, &is_list);
        key->declared = key->type = element;
        if (is_list)
            walk->keys->is_batch = true;
        else
            accept(walk);
    } else {
        walk->keys->is_batch = true;
    }
}

void visit_condition(Walk *walk, const Node *node) {
    if (!node)
        return;
    if (IsA(node, List)) {
        ListCell *cell;
        foreach (cell, reinterpret_cast<const List *>(node))
            visit_condition(walk, static_cast<const Node *>(lfirst(cell)));
    } else if (IsA(node, BoolExpr)) {
        const BoolExpr *expression = reinterpret_cast<const BoolExpr *>(node);
        if (expression->boolop == AND_EXPR)
            visit_condition(walk, reinterpret_cast<const Node *>(expression->args));
    } else if (IsA(node, OpExpr)) {
        const OpExpr *expression = reinterpret_cast<const OpExpr *>(node);
        if (list_length(expression->args) == 2 && is_key_equality(expression->opno))
            take_comparison(walk, static_cast<const Node *>(linitial(expression->args)),
                            static_cast<const Node *>(lsecond(expression->args)));
    } else if (IsA(node, ScalarArrayOpExpr)) {
        take_any(walk, reinterpret_cast<const ScalarArrayOpExpr *>(node));
    }
}

void visit_joins(Walk *walk, const Node *node) {
    if (!node)
        return;
    if (IsA(node, FromExpr)) {
        const FromExpr *from = reinterpret_cast<const FromExpr *>(node);
        ListCell *cell;
        foreach (cell, from->fromlist)
            visit_joins(walk, static_cast<const Node *>(lfirst(cell)));
        visit_condition(walk, from->quals);
    } else if (IsA(node, JoinExpr)) {
        const JoinExpr *join = reinterpret_cast<const JoinExpr *>(node);
        visit_joins(walk, join->larg);
        visit_joins(walk, join->rarg);
        if (join->jointype == JOIN_INNER)
            visit_condition(walk, join->quals);
    }
}

// INSERT of one row: every plain value is a key, parameters first.
void visit_insert(Walk *walk) {
    const Query *query = walk->query;
    walk->keys->is_insert = true;
    for (const bool constants : {false, true}) {
        ListCell *cell;
        foreach (cell, query->targetList) {
            const TargetEntry *entry = static_cast<const TargetEntry *>(lfirst(cell));
            LookupKey *key = next_key(walk);
            if (!key)
                return;
            bool as_text = false;
            const Node *plain = strip(reinterpret_cast<const Node *>(entry->expr), &as_text);
            const bool wanted = plain && !entry->resjunk && (constants ? IsA(plain, Const) : IsA(plain, Param));
            const Oid type = exprType(reinterpret_cast<const Node *>(entry->expr));
            if (!wanted || !key_value::is_key_type(key_value::base_type(type)))
                continue;
            key->relation = rt_fetch(query->resultRelation, query->rtable)->relid;
            key->column = entry->resno;
            if (take_value(walk, key, reinterpret_cast<const Node *>(entry->expr), type))
                accept(walk);
        }
    }
}

void visit_call(Walk *walk, const FuncExpr *call) {
    if (!is_user_object(call->funcid))
        return;
    ListCell *cell;
    foreach (cell, call->args) {
        const Node *argument = static_cast<const Node *>(lfirst(cell));
        LookupKey *key = next_key(walk);
        if (!key)
            return;
        key->column = static_cast<AttrNumber>(foreach_current_index(cell) + 1);
        if (take_value(walk, key, argument, exprType(argument)) && key->form == KeyForm::scalar) {
            walk->keys->is_call = true;
            accept(walk);
        }
    }
}

bool visit(Node *node, void *context);

void visit_query(Walk *walk, const Query *query) {
    const Query *outer = walk->query;
    walk->query = query;
    bool has_rows = false;
    bool has_inner = query->hasSubLinks || query->cteList;
    ListCell *cell;
    foreach (cell, query->rtable) {
        const RangeTblEntry *table = static_cast<const RangeTblEntry *>(lfirst(cell));
        if (table->rtekind == RTE_VALUES)
            has_rows = true;
        else if (table->rtekind == RTE_SUBQUERY)
            has_inner = true;
        else if (table->rtekind == RTE_RELATION && is_user_object(table->relid) && !OidIsValid(walk->keys->table))
            walk->keys->table = table->relid;
    }
    if (query->commandType == CMD_INSERT) {
        if (has_rows)
            walk->keys->is_batch = true;
        else if (query->jointree && !query->jointree->fromlist)
            visit_insert(walk);
    }
    if (query->rowMarks)
        walk->keys->locks_rows = true;
    visit_joins(walk, reinterpret_cast<const Node *>(query->jointree));
    // What is left are inner queries, and calls where there is no table.
    if (has_inner || (!OidIsValid(walk->keys->table) && walk->keys->count == 0))
        compat::walk_query(const_cast<Query *>(query), visit, walk);
    walk->query = outer;
}

bool visit(Node *node, void *context) {
    Walk *walk = static_cast<Walk *>(context);
    if (!node)
        return false;
    if (IsA(node, Query)) {
        visit_query(walk, reinterpret_cast<const Query *>(node));
        return false;
    }
    if (IsA(node, FuncExpr) && !OidIsValid(walk->keys->table) && walk->keys->count == 0)
        visit_call(walk, reinterpret_cast<const FuncExpr *>(node));
    return compat::walk_expression(node, visit, context);
}

} // namespace

void extract(const Query *query, LookupKeys *keys, LookupValues *constants) {
    *keys = LookupKeys{};
    constants->count = 0;
    Walk walk{query, keys, constants};
    visit_query(&walk, query);
    if (OidIsValid(keys->table) && keys->is_call) {
        // The arguments were met before a table was.
        keys->is_call = false;
        keys->count = constants->count = 0;
    }
    // A row of values that are no keys is counted all the same.
    if (keys->is_insert && keys->count == 0 && next_key(&walk)) {
        keys->keys[0].relation = keys->table;
        accept(&walk);
    }
    if (keys->is_batch)
        keys->count = constants->count = 0;
}

} // namespace dbperf::statements::lookup_keys
