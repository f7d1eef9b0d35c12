#include "core/pg.h"

#include "lookups/lookup_expression.h"

#include <bit>

#include "core/compat.h"
#include "core/hash.h"
#include "lookups/key_value.h"

namespace dbperf::lookups::lookup_expression {
using namespace core;

namespace {

constexpr int max_depth = 16;

// What initdb made is the catalog: reading it is introspection, which libraries do once and keep.
bool is_user_object(Oid object) {
    return object >= FirstNormalObjectId;
}

bool are_constants(const List *arguments, int from) {
    for (int i = from; i < list_length(arguments); ++i)
        if (!IsA(list_nth(arguments, i), Const))
            return false;
    return true;
}

// A cast between numbers, or of a text to a length: a value that comes through is the same.
bool keeps_value(const FuncExpr *call) {
    if (call->funcformat == COERCE_EXPLICIT_CALL || !are_constants(call->args, 1))
        return false;
    const Node *argument = first_of(call->args);
    if (!argument)
        return false;
    const Reading from = value_type::of(exprType(argument)).reading;
    const Reading to = value_type::of(call->funcresulttype).reading;
    return (is_number(from) && is_number(to)) || (is_text(from) && is_text(to)) ||
           (from == to && from != Reading::none);
}

// The table column that a Var stands for, through joins and subqueries (views are subqueries by now).
bool column_of(const Query *query, const Node *node, Column *column) {
    const Query *outermost = query;
    for (int depth = 0; depth < max_depth && node; ++depth) {
        bool as_text = false;
        node = strip(node, &as_text);
        if (!node || !IsA(node, Var))
            return false;
        const Var *var = reinterpret_cast<const Var *>(node);
        if (var->varlevelsup != 0 || var->varattno == 0 || var->varno < 1 ||
            static_cast<int>(var->varno) > list_length(query->rtable))
            return false;
        const RangeTblEntry *table = rt_fetch(var->varno, query->rtable);
        if (table->rtekind == RTE_RELATION) {
            if (!is_user_object(table->relid))
                return false;
            *column = {table->relid, var->varattno, query == outermost ? static_cast<int>(var->varno) : 0,
                       value_type::of(var->vartype)};
            return true;
        }
        if (var->varattno < 0)
            return false;
        if (table->rtekind == RTE_SUBQUERY && table->subquery) {
            query = table->subquery;
            const TargetEntry *entry = get_tle_by_resno(query->targetList, var->varattno);
            node = entry && !query->setOperations ? reinterpret_cast<const Node *>(entry->expr) : nullptr;
        } else if (table->rtekind == RTE_JOIN && var->varattno <= list_length(table->joinaliasvars)) {
            node = static_cast<const Node *>(list_nth(table->joinaliasvars, var->varattno - 1));
        } else if (const List *grouped = compat::grouped_expressions(table);
                   grouped && var->varattno <= list_length(grouped)) {
            node = static_cast<const Node *>(list_nth(grouped, var->varattno - 1));
        } else {
            return false;
        }
    }
    return false;
}

// What a Var behind GROUP BY stands for, null for any other.
const Node *grouped_expression(const Query *query, const Var *var) {
    if (var->varlevelsup != 0 || var->varno < 1 || static_cast<int>(var->varno) > list_length(query->rtable))
        return nullptr;
    const List *grouped = compat::grouped_expressions(rt_fetch(var->varno, query->rtable));
    return grouped && var->varattno >= 1 && var->varattno <= list_length(grouped)
               ? static_cast<const Node *>(list_nth(grouped, var->varattno - 1))
               : nullptr;
}

struct ColumnSearch {
    const Query *query;
    Column *column;
    bool found;
};

bool find_column(Node *node, void *context) {
    auto *search = static_cast<ColumnSearch *>(context);
    if (!node)
        return false;
    if (IsA(node, Query) || IsA(node, SubLink) || IsA(node, Aggref) || IsA(node, WindowFunc))
        return true;
    if (IsA(node, Var)) {
        const Var *var = reinterpret_cast<const Var *>(node);
        if (const Node *grouped = grouped_expression(search->query, var))
            return find_column(const_cast<Node *>(grouped), context);
        Column column;
        if (var->varlevelsup != 0 || !column_of(search->query, node, &column))
            return true;
        if (!search->found)
            *search->column = column;
        search->found = true;
        return false;
    }
    return compat::walk_expression(node, find_column, context);
}

bool collect_leaves(Node *node, void *context) {
    auto *leaves = static_cast<Leaves *>(context);
    if (!node)
        return false;
    if (IsA(node, Var) || IsA(node, Query) || IsA(node, SubLink)) {
        leaves->reads_more = true;
        return true;
    }
    if (IsA(node, Param)) {
        const Param *parameter = reinterpret_cast<const Param *>(node);
        if (parameter->paramkind != PARAM_EXTERN) {
            leaves->reads_more = true;
            return true;
        }
        ++leaves->count;
        if (parameter->paramid < 1 || parameter->paramid > 32)
            leaves->too_many = true;
        else
            leaves->parameters |= uint32{1} << (parameter->paramid - 1);
        return false;
    }
    if (IsA(node, Const)) {
        const Const *known = reinterpret_cast<const Const *>(node);
        ++leaves->count;
        const uint64 hash =
            known->constisnull ? 1 : key_value::hash_long(value_type::of(known->consttype), known->constvalue, false);
        leaves->constants = mix_bits(std::rotl(leaves->constants, 23) ^ hash) | 1;
        return false;
    }
    return compat::walk_expression(node, collect_leaves, context);
}

// f(value) beside f(column), and functions of texts that at most change how they are written: what goes in is as good a
// key as what comes out.
const Node *without_function(const Node *value, const Node *beside) {
    for (int depth = 0; depth < max_depth && value; ++depth) {
        bool as_text = false;
        if (IsA(value, CoalesceExpr)) {
            const List *arguments = reinterpret_cast<const CoalesceExpr *>(value)->args;
            if (!are_constants(arguments, 1))
                return value;
            value = strip(first_of(arguments), &as_text);
            continue;
        }
        if (!IsA(value, FuncExpr))
            return value;
        const FuncExpr *call = reinterpret_cast<const FuncExpr *>(value);
        const Node *argument = first_of(call->args);
        if (!argument || call->funcretset || call->funcvariadic)
            return value;
        bool beside_text = false;
        const Node *other = beside ? strip(beside, &beside_text) : nullptr;
        const bool same =
            other && IsA(other, FuncExpr) && reinterpret_cast<const FuncExpr *>(other)->funcid == call->funcid;
        if (same) {
            // date_trunc('day', x) has it last.
            const List *others = reinterpret_cast<const FuncExpr *>(other)->args;
            int at = -1;
            for (int i = 0; i < list_length(call->args) && i < list_length(others); ++i)
                if (!equal(list_nth(call->args, i), list_nth(others, i)))
                    at = at == -1 ? i : -2;
            if (at < 0)
                return value;
            value = strip(static_cast<const Node *>(list_nth(call->args, at)), &as_text);
            beside = static_cast<const Node *>(list_nth(others, at));
            continue;
        }
        if (list_length(call->args) != 1 || !is_text(value_type::of(call->funcresulttype).reading) ||
            !is_text(value_type::of(exprType(argument)).reading))
            return value;
        value = strip(argument, &as_text);
    }
    return value;
}

Value computed_of(const Node *node, bool *taken) {
    const Leaves leaves = leaves_of(node);
    Value value{};
    *taken = !leaves.reads_more && leaves.count > 0;
    value.form = KeyForm::computed;
    value.others = leaves.parameters;
    value.constant = leaves.constants;
    // A parameter beyond those that have a bit: unknown.
    value.parameter = leaves.parameters != 0 || leaves.too_many ? beyond_parameters : 0;
    return value;
}

} // namespace

const Node *strip(const Node *node, bool *as_text) {
    while (node) {
        if (IsA(node, RelabelType)) {
            node = reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(node)->arg);
        } else if (IsA(node, CoerceToDomain)) {
            node = reinterpret_cast<const Node *>(reinterpret_cast<const CoerceToDomain *>(node)->arg);
        } else if (IsA(node, CollateExpr)) {
            node = reinterpret_cast<const Node *>(reinterpret_cast<const CollateExpr *>(node)->arg);
        } else if (IsA(node, CoerceViaIO)) {
            *as_text = true;
            node = reinterpret_cast<const Node *>(reinterpret_cast<const CoerceViaIO *>(node)->arg);
        } else if (IsA(node, FuncExpr) && keeps_value(reinterpret_cast<const FuncExpr *>(node))) {
            node = first_of(reinterpret_cast<const FuncExpr *>(node)->args);
        } else {
            return node;
        }
    }
    return node;
}

bool column_within(const Query *query, const Node *node, Column *column, bool *plain) {
    bool as_text = false;
    const Node *stripped = strip(node, &as_text);
    if (stripped && IsA(stripped, Var))
        if (const Node *grouped = grouped_expression(query, reinterpret_cast<const Var *>(stripped)))
            stripped = strip(grouped, &as_text);
    if (!stripped)
        return false;
    if (IsA(stripped, Var)) {
        *plain = true;
        return column_of(query, stripped, column);
    }
    if (IsA(stripped, Const) || IsA(stripped, Param))
        return false;
    *plain = false;
    ColumnSearch search{query, column, false};
    return !find_column(const_cast<Node *>(stripped), &search) && search.found;
}

const Node *single_value(const Query *query, const Node *node) {
    const Node *outside = node;
    for (int depth = 0; depth < max_depth; ++depth) {
        bool as_text = false;
        const Node *plain = strip(node, &as_text);
        if (!plain || as_text)
            return outside;
        if (IsA(plain, Const) || IsA(plain, Param))
            return node;
        if (!IsA(plain, Var))
            return outside;
        const Var *var = reinterpret_cast<const Var *>(plain);
        if (var->varlevelsup != 0 || var->varattno <= 0 || var->varno < 1 ||
            static_cast<int>(var->varno) > list_length(query->rtable))
            return outside;
        const RangeTblEntry *table = rt_fetch(var->varno, query->rtable);
        if (table->rtekind == RTE_VALUES && list_length(table->values_lists) == 1) {
            const List *row = static_cast<const List *>(linitial(table->values_lists));
            node = var->varattno <= list_length(row) ? static_cast<const Node *>(list_nth(row, var->varattno - 1))
                                                     : nullptr;
        } else if (table->rtekind == RTE_SUBQUERY && table->subquery && !table->subquery->setOperations) {
            query = table->subquery;
            const TargetEntry *entry = get_tle_by_resno(query->targetList, var->varattno);
            node = entry ? reinterpret_cast<const Node *>(entry->expr) : nullptr;
        } else {
            return outside;
        }
    }
    return outside;
}

Leaves leaves_of(const Node *node) {
    Leaves leaves{};
    collect_leaves(const_cast<Node *>(node), &leaves);
    return leaves;
}

bool value_of(const Node *node, const Column &column, bool column_is_plain, const Node *column_side, Value *value) {
    bool as_text = false;
    const Node *plain = strip(node, &as_text);
    if (!plain)
        return false;
    plain = without_function(plain, column_side);
    if (!plain)
        return false;
    bool inner_text = false;
    plain = strip(plain, &inner_text);
    as_text = as_text || inner_text;
    if (!plain)
        return false;
    const bool is_parameter = IsA(plain, Param);
    if (!is_parameter && !IsA(plain, Const)) {
        bool taken;
        *value = computed_of(plain, &taken);
        return taken;
    }
    *value = Value{};
    Datum known = 0;
    bool is_null = false;
    if (is_parameter) {
        const Param *parameter = reinterpret_cast<const Param *>(plain);
        if (parameter->paramkind != PARAM_EXTERN || parameter->paramid < 1)
            return false;
        value->parameter = parameter->paramid;
        value->declared = parameter->paramtype;
    } else {
        const Const *constant = reinterpret_cast<const Const *>(plain);
        value->declared = constant->consttype;
        known = constant->constvalue;
        is_null = constant->constisnull;
    }
    value->form = KeyForm::scalar;
    value->type = value_type::of(value->declared);
    if (value->type.reading == Reading::none)
        return false;
    // A text that is compared as one without case, or without blanks at its end.
    const bool is_text_itself = is_stored_as_text(value->type.reading);
    if (plain != node && is_text_itself) {
        const ValueType compared = value_type::of(exprType(node));
        if (compared.reading != value->type.reading &&
            (compared.reading == Reading::folded_text || compared.reading == Reading::blank_padded)) {
            value->form = KeyForm::as_text;
            value->type = compared;
            if (!is_parameter)
                value->constant = key_value::hash_text_as(compared.reading, known, is_null);
            return true;
        }
    }
    // A text that becomes the column's type, or is compared with the column's text.
    const Reading target = column.type.reading;
    const bool crosses = column_is_plain && is_text_itself && !is_text(target);
    if (is_text_itself && column_is_plain && key_value::is_read_from_text(target) &&
        ((as_text && target != value->type.reading) || crosses)) {
        value->form = KeyForm::as_text;
        value->type = column.type;
        if (!is_parameter)
            value->constant = key_value::hash_text_as(target, known, is_null);
        return true;
    }
    // Another way through text ends in what only the executor knows.
    if (as_text && column_is_plain && !(is_text(value->type.reading) && is_text(target)) &&
        value->type.reading != target) {
        bool taken;
        *value = computed_of(plain, &taken);
        return taken;
    }
    if (!is_parameter)
        value->constant = key_value::hash_long(value->type, known, is_null);
    return true;
}

} // namespace dbperf::lookups::lookup_expression
