// Walks the conditions of every level of a query. Where a predicate stands among the keys depends on the statement's
// structure alone, never on its values, so that one text after another has its keys in the same places.
#include "core/pg.h"

#include "statements/lookup_keys.h"

#include <algorithm>
#include <bit>

#include "core/compat.h"
#include "core/hash.h"
#include "statements/key_value.h"

namespace dbperf::statements::lookup_keys {
using namespace core;
using namespace lookup_expression;

namespace {

constexpr int max_insert_keys = 4;
constexpr int max_bounds = 4;

// What initdb made is the catalog: reading it is introspection, which libraries do once and keep.
bool is_user_object(Oid object) {
    return object >= FirstNormalObjectId;
}

// column >= value or column <= value, waiting for the other.
struct Bound {
    Column column;
    Comparison comparison;
    Value value;
};

struct Walk {
    const Query *query;
    LookupKeys *keys;
    LookupValues *constants;
    int capacity;
    int bound_count;
    Bound bounds[max_bounds];
};

uint8 rank_of(const Column &column, const Value &value) {
    const Reading reading = column.type.reading;
    const bool is_usual = is_number(reading) || reading == Reading::uuid;
    return static_cast<uint8>((value.parameter != 0 ? 4 : 0) + (is_usual ? 2 : 0) +
                              (value.form != KeyForm::list && value.form != KeyForm::computed ? 1 : 0));
}

void note_rest(Walk *walk, int parameter, uint32 others, uint64 constant) {
    if (parameter == 0)
        walk->constants->rest = mix_bits(std::rotl(walk->constants->rest, 23) ^ constant) | 1;
    else if (parameter <= 64)
        walk->keys->other_parameters |= uint64{1} << (parameter - 1);
    else
        walk->keys->other_parameters |= others;
}

// A key more; of too many the least likely one counts only in the whole.
void add(Walk *walk, const Column &column, const Value &value) {
    LookupKeys *keys = walk->keys;
    const uint8 rank = rank_of(column, value);
    int at = keys->count;
    if (at >= walk->capacity) {
        for (int i = 0; i < keys->count; ++i)
            if (at == keys->count || keys->keys[i].rank < keys->keys[at].rank)
                at = i;
        if (at == keys->count || keys->keys[at].rank >= rank) {
            note_rest(walk, value.parameter, value.others, value.constant);
            keys->has_constants = true;
            return;
        }
        const LookupKey &lost = keys->keys[at];
        note_rest(walk, lost.parameter, lost.other, walk->constants->hashes[at]);
    } else {
        walk->constants->count = ++keys->count;
    }
    LookupKey &key = keys->keys[at];
    key = LookupKey{};
    key.relation = column.relation;
    key.column = column.number;
    key.form = value.form;
    key.rank = rank;
    key.parameter = value.parameter;
    if (value.parameter > 0 && value.parameter < beyond_parameters)
        key.offset = static_cast<uint32>(offsetof(ParamListInfoData, params) +
                                         sizeof(ParamExternData) * static_cast<size_t>(value.parameter - 1));
    const bool is_scalar = value.form == KeyForm::scalar;
    key.declared = is_scalar ? value.declared : InvalidOid;
    key.whole_type = is_scalar ? InvalidOid : value.declared;
    key.type = value.type;
    key.other = value.others;
    walk->constants->hashes[at] = value.constant;
    if (value.parameter == 0 || value.form == KeyForm::computed || value.form == KeyForm::list)
        keys->has_constants = true;
}

void add_list_hash(Walk *walk, uint64 hash) {
    walk->constants->list = mix_bits(std::rotl(walk->constants->list, 23) ^ hash) | 1;
    walk->keys->has_constants = true;
}

// Takes a value for one of several.
void add_to_list(Walk *walk, const Value &value) {
    if (value.parameter == 0)
        add_list_hash(walk, value.constant);
    else if (value.parameter <= 64)
        walk->keys->list_parameters |= uint64{1} << (value.parameter - 1);
    else if (value.form == KeyForm::computed)
        walk->keys->list_parameters |= value.others;
    else
        walk->keys->is_batch = true;
}

Value list_value() {
    Value value{};
    value.form = KeyForm::list;
    value.parameter = beyond_parameters;
    return value;
}

// Which side is the column; false when none is, or both are.
bool sides_of(const Walk *walk, const Node **left, const Node **right, Column *column, bool *plain, bool *swapped) {
    *swapped = false;
    if (column_within(walk->query, *left, column, plain))
        return true;
    std::swap(*left, *right);
    *swapped = true;
    return column_within(walk->query, *left, column, plain);
}

// The usual one: the column of a table, and a value of its own type.
bool take_plain(Walk *walk, const Node *left, const Node *right) {
    if (!IsA(left, Var))
        return false;
    const Var *var = reinterpret_cast<const Var *>(left);
    if (var->varlevelsup != 0 || var->varattno <= 0)
        return false;
    const RangeTblEntry *table = rt_fetch(var->varno, walk->query->rtable);
    if (table->rtekind != RTE_RELATION || table->relid < FirstNormalObjectId)
        return false;
    Value value{};
    value.declared = var->vartype;
    value.type = value_type::of(var->vartype);
    if (value.type.reading == Reading::none)
        return false;
    if (IsA(right, Const)) {
        const Const *known = reinterpret_cast<const Const *>(right);
        if (known->consttype != var->vartype)
            return false;
        value.constant = key_value::hash_long(value.type, known->constvalue, known->constisnull);
    } else if (IsA(right, Param)) {
        const Param *parameter = reinterpret_cast<const Param *>(right);
        if (parameter->paramkind != PARAM_EXTERN || parameter->paramid < 1 || parameter->paramtype != var->vartype)
            return false;
        value.parameter = parameter->paramid;
    } else {
        return false;
    }
    add(walk, {table->relid, var->varattno, static_cast<int>(var->varno), value.type}, value);
    return true;
}

void take_comparison(Walk *walk, const Node *left, const Node *right) {
    if (likely(take_plain(walk, left, right)))
        return;
    Column column;
    bool plain;
    bool swapped;
    Value value;
    if (sides_of(walk, &left, &right, &column, &plain, &swapped) && column.type.reading != Reading::none &&
        value_of(right, column, plain, left, &value))
        add(walk, column, value);
}

bool same_column(const Column &one, const Column &other) {
    return one.relation == other.relation && one.number == other.number && one.table == other.table;
}

// From a value to the same one.
void take_bound(Walk *walk, const Node *left, const Node *right, Comparison comparison) {
    Bound bound;
    bool plain;
    bool swapped;
    if (!sides_of(walk, &left, &right, &bound.column, &plain, &swapped) || !plain ||
        !value_of(right, bound.column, plain, nullptr, &bound.value) || bound.value.form != KeyForm::scalar)
        return;
    bound.comparison = !swapped                                  ? comparison
                       : comparison == Comparison::greater_equal ? Comparison::less_equal
                                                                 : Comparison::greater_equal;
    for (int i = 0; i < walk->bound_count; ++i) {
        const Bound &other = walk->bounds[i];
        if (other.comparison == bound.comparison || !same_column(other.column, bound.column) ||
            other.value.declared != bound.value.declared ||
            (other.value.parameter == 0) != (bound.value.parameter == 0))
            continue;
        Value value = other.value;
        if (value.parameter == 0) {
            // A real range has its place, but no value.
            if (value.constant != bound.value.constant)
                value.constant = 0;
        } else if (value.parameter != bound.value.parameter) {
            value.form = KeyForm::range;
            value.others = static_cast<uint32>(bound.value.parameter);
        }
        add(walk, bound.column, value);
        walk->bounds[i] = walk->bounds[--walk->bound_count];
        return;
    }
    if (walk->bound_count < max_bounds)
        walk->bounds[walk->bound_count++] = bound;
}

// column @> value: a document, an array, or an element of a range.
void take_content(Walk *walk, const Node *left, const Node *right) {
    Column column;
    bool plain;
    Value value;
    if (!column_within(walk->query, left, &column, &plain))
        return;
    bool as_text = false;
    const Node *stripped = strip(right, &as_text);
    if (stripped && IsA(stripped, ArrayExpr) &&
        list_length(reinterpret_cast<const ArrayExpr *>(stripped)->elements) == 1) {
        const Node *only = first_of(reinterpret_cast<const ArrayExpr *>(stripped)->elements);
        if (value_of(only, column, false, nullptr, &value))
            add(walk, column, value);
        return;
    }
    if (!value_of(right, column, false, nullptr, &value))
        return;
    if (value.form == KeyForm::scalar && value.declared == JSONBOID) {
        value.form = KeyForm::document;
        if (IsA(stripped, Const)) {
            const Const *known = reinterpret_cast<const Const *>(stripped);
            value.constant = key_value::hash_of_document(known->constvalue, known->constisnull);
        }
    } else if (value.form == KeyForm::scalar && OidIsValid(value_type::element_of(value.declared))) {
        uint64 list = 0;
        if (IsA(stripped, Const)) {
            const Const *known = reinterpret_cast<const Const *>(stripped);
            const uint64 only =
                key_value::hash_only_element(known->consttype, known->constvalue, known->constisnull, &list);
            value.constant = only != 0 ? only : list;
        }
    }
    add(walk, column, value);
}

// column = ANY (array): a key when the array has one element. Of several only is remembered whether they stay the same.
void take_any(Walk *walk, const ScalarArrayOpExpr *any) {
    if (!any->useOr || list_length(any->args) != 2 || value_type::comparison_of(any->opno) != Comparison::equal)
        return;
    const Node *left = first_of(any->args);
    const Node *right = static_cast<const Node *>(lsecond(any->args));
    Column column;
    bool plain;
    Value value{};
    if (!column_within(walk->query, left, &column, &plain)) {
        // value = ANY (column)
        if (column_within(walk->query, right, &column, &plain) && value_of(left, column, false, nullptr, &value))
            add(walk, column, value);
        return;
    }
    bool as_text = false;
    const Node *list = strip(right, &as_text);
    if (list && IsA(list, ArrayCoerceExpr))
        list = strip(reinterpret_cast<const Node *>(reinterpret_cast<const ArrayCoerceExpr *>(list)->arg), &as_text);
    if (!list)
        return;
    if (IsA(list, ArrayExpr)) {
        const List *elements = reinterpret_cast<const ArrayExpr *>(list)->elements;
        if (list_length(elements) == 1) {
            if (value_of(first_of(elements), column, plain, left, &value))
                add(walk, column, value);
            return;
        }
        ListCell *cell;
        foreach (cell, elements) {
            if (value_of(static_cast<const Node *>(lfirst(cell)), column, plain, left, &value))
                add_to_list(walk, value);
            else
                walk->keys->is_batch = true;
        }
        add(walk, column, list_value());
        return;
    }
    if (IsA(list, Param)) {
        const Param *parameter = reinterpret_cast<const Param *>(list);
        if (parameter->paramkind != PARAM_EXTERN || parameter->paramid < 1)
            return;
        const Oid element = value_type::element_of(parameter->paramtype);
        value.form = KeyForm::element;
        value.parameter = parameter->paramid;
        value.declared = parameter->paramtype;
        value.type = value_type::of(element);
        // A text that is cast to an array is none yet.
        if (!OidIsValid(element)) {
            add_to_list(walk, value);
            value = list_value();
        }
        add(walk, column, value);
        return;
    }
    if (IsA(list, Const)) {
        const Const *known = reinterpret_cast<const Const *>(list);
        uint64 several = 0;
        if (!OidIsValid(value_type::element_of(known->consttype))) {
            several = key_value::hash_long(value_type::of(known->consttype), known->constvalue, known->constisnull) | 1;
        } else {
            value.constant =
                key_value::hash_only_element(known->consttype, known->constvalue, known->constisnull, &several);
        }
        if (several != 0) {
            add_list_hash(walk, several);
            value = list_value();
        }
        add(walk, column, value);
        return;
    }
    const Leaves leaves = leaves_of(list);
    if (leaves.reads_more || leaves.too_many) {
        walk->keys->is_batch = true;
        return;
    }
    walk->keys->list_parameters |= leaves.parameters;
    add_list_hash(walk, leaves.constants);
    add(walk, column, list_value());
}

void visit_condition(Walk *walk, const Node *node);

struct RangeSearch {
    const Walk *walk;
    AttrNumber number;
    Oid relation;
};

// Whether a column is compared by its order.
bool has_range_on(Node *node, void *context) {
    const auto *search = static_cast<const RangeSearch *>(context);
    if (!node || IsA(node, Query) || IsA(node, SubLink))
        return false;
    if (IsA(node, OpExpr)) {
        const OpExpr *expression = reinterpret_cast<const OpExpr *>(node);
        const Comparison comparison = value_type::comparison_of(expression->opno);
        if (list_length(expression->args) == 2 && comparison >= Comparison::less_equal &&
            comparison <= Comparison::range) {
            const Node *left = first_of(expression->args);
            const Node *right = static_cast<const Node *>(lsecond(expression->args));
            Column column;
            bool plain;
            bool swapped;
            if (sides_of(search->walk, &left, &right, &column, &plain, &swapped) &&
                column.relation == search->relation && column.number == search->number)
                return true;
        }
    }
    return compat::walk_expression(node, has_range_on, context);
}

void remove_key(Walk *walk, int at) {
    for (int i = at; i + 1 < walk->keys->count; ++i) {
        walk->keys->keys[i] = walk->keys->keys[i + 1];
        walk->constants->hashes[i] = walk->constants->hashes[i + 1];
    }
    walk->constants->count = --walk->keys->count;
}

// Either side of an OR. One column in several of them is a list; one that is also compared by its order is a cursor:
// (a > 1 OR (a = 1 AND b > 2)) is a page.
[[gnu::noinline]] void visit_or(Walk *walk, const BoolExpr *either) {
    const int before = walk->keys->count;
    int arms_of[max_lookup_keys] = {};
    ListCell *cell;
    foreach (cell, either->args) {
        const int from = walk->keys->count;
        const int bounds = walk->bound_count;
        visit_condition(walk, static_cast<const Node *>(lfirst(cell)));
        walk->bound_count = std::min(walk->bound_count, bounds);
        for (int i = from; i < walk->keys->count; ++i)
            arms_of[i] = foreach_current_index(cell);
    }
    for (int i = walk->keys->count - 1; i >= before; --i) {
        const LookupKey &key = walk->keys->keys[i];
        RangeSearch search{walk, key.column, key.relation};
        if (has_range_on(const_cast<Node *>(reinterpret_cast<const Node *>(either)), &search)) {
            for (int j = i; j + 1 < walk->keys->count; ++j)
                arms_of[j] = arms_of[j + 1];
            remove_key(walk, i);
        }
    }
    for (int i = before; i < walk->keys->count; ++i) {
        LookupKey &key = walk->keys->keys[i];
        uint64 *own = &walk->constants->hashes[i];
        bool is_list = key.form == KeyForm::list;
        for (int j = walk->keys->count - 1; j > i; --j) {
            const LookupKey &other = walk->keys->keys[j];
            if (other.relation != key.relation || other.column != key.column || arms_of[i] == arms_of[j])
                continue;
            const uint64 hash = walk->constants->hashes[j];
            const bool same = other.form == key.form && other.parameter == key.parameter && hash == *own && !is_list;
            if (!same) {
                if (!is_list) {
                    Value first{};
                    first.form = key.form;
                    first.parameter = key.parameter;
                    first.others = key.other;
                    first.constant = *own;
                    add_to_list(walk, first);
                }
                if (other.form != KeyForm::list) {
                    Value next{};
                    next.form = other.form;
                    next.parameter = other.parameter;
                    next.others = other.other;
                    next.constant = hash;
                    add_to_list(walk, next);
                }
                is_list = true;
            }
            for (int k = j; k + 1 < walk->keys->count; ++k)
                arms_of[k] = arms_of[k + 1];
            remove_key(walk, j);
        }
        if (is_list && key.form != KeyForm::list) {
            key.form = KeyForm::list;
            key.parameter = beyond_parameters;
            key.declared = InvalidOid;
            *own = 0;
        }
    }
}

void visit_operator(Walk *walk, const OpExpr *expression) {
    if (list_length(expression->args) != 2)
        return;
    const Node *left = first_of(expression->args);
    const Node *right = static_cast<const Node *>(lsecond(expression->args));
    switch (const Comparison comparison = value_type::comparison_of(expression->opno)) {
    case Comparison::equal:
        take_comparison(walk, left, right);
        break;
    case Comparison::greater_equal:
    case Comparison::less_equal:
        take_bound(walk, left, right, comparison);
        break;
    case Comparison::contains:
        take_content(walk, left, right);
        break;
    default:
        break;
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
        if (expression->boolop == AND_EXPR) {
            visit_condition(walk, reinterpret_cast<const Node *>(expression->args));
        } else if (expression->boolop == OR_EXPR) {
            visit_or(walk, expression);
        } else if (IsA(linitial(expression->args), DistinctExpr)) {
            // IS NOT DISTINCT FROM
            const auto *distinct = static_cast<const DistinctExpr *>(linitial(expression->args));
            if (list_length(distinct->args) == 2 && value_type::comparison_of(distinct->opno) == Comparison::equal)
                take_comparison(walk, first_of(distinct->args), static_cast<const Node *>(lsecond(distinct->args)));
        }
    } else if (IsA(node, OpExpr)) {
        visit_operator(walk, reinterpret_cast<const OpExpr *>(node));
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

// INSERT of one row: every plain value is a key; parameters first, and numbers, uuids and texts before others.
void visit_insert(Walk *walk) {
    const Query *query = walk->query;
    walk->keys->is_insert = true;
    walk->capacity = max_insert_keys;
    for (const bool usual : {true, false}) {
        for (const bool constants : {false, true}) {
            ListCell *cell;
            foreach (cell, query->targetList) {
                const TargetEntry *entry = static_cast<const TargetEntry *>(lfirst(cell));
                if (walk->keys->count >= max_insert_keys)
                    return;
                const Node *whole = reinterpret_cast<const Node *>(entry->expr);
                bool as_text = false;
                const Node *plain = strip(whole, &as_text);
                if (!plain || entry->resjunk || (constants ? !IsA(plain, Const) : !IsA(plain, Param)))
                    continue;
                Column column{};
                column.type = value_type::of(exprType(whole));
                const Reading reading = column.type.reading;
                const bool is_usual = is_integer(reading) || reading == Reading::uuid || reading == Reading::text;
                if (reading == Reading::none || is_usual != usual)
                    continue;
                column.relation = rt_fetch(query->resultRelation, query->rtable)->relid;
                column.number = entry->resno;
                Value value;
                if (value_of(whole, column, true, nullptr, &value) && value.form != KeyForm::computed)
                    add(walk, column, value);
            }
        }
    }
}

void visit_call(Walk *walk, const FuncExpr *call) {
    if (!is_user_object(call->funcid))
        return;
    ListCell *cell;
    foreach (cell, call->args) {
        const Node *argument = static_cast<const Node *>(lfirst(cell));
        if (walk->keys->count >= walk->capacity)
            return;
        Column column{};
        column.number = static_cast<AttrNumber>(foreach_current_index(cell) + 1);
        column.type = value_type::of(exprType(argument));
        Value value;
        if (value_of(argument, column, true, nullptr, &value) && value.form == KeyForm::scalar) {
            walk->keys->is_call = true;
            add(walk, column, value);
        }
    }
}

bool visit(Node *node, void *context);

void visit_query(Walk *walk, const Query *query) {
    const Query *outer = walk->query;
    walk->query = query;
    walk->bound_count = 0;
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
    memset(static_cast<void *>(keys), 0, offsetof(LookupKeys, keys) + sizeof(LookupKey));
    constants->count = 0;
    constants->list = constants->rest = 0;
    Walk walk;
    walk.query = query;
    walk.keys = keys;
    walk.constants = constants;
    walk.capacity = max_lookup_keys;
    visit_query(&walk, query);
    if (OidIsValid(keys->table) && keys->is_call) {
        // The arguments were met before a table was.
        keys->is_call = false;
        keys->count = constants->count = 0;
    }
    // A row of values that are no keys is counted all the same.
    if (keys->is_insert && keys->count == 0) {
        Column column{};
        column.relation = keys->table;
        add(&walk, column, Value{});
    }
    if (keys->is_batch)
        keys->count = constants->count = 0;
}

} // namespace dbperf::statements::lookup_keys
