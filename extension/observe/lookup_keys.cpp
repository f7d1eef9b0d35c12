// Walks the WHERE clause and ON conditions of one query level.
#include "server/pg.h"

#include "observe/lookup_keys.h"

#include <bit>

#include "analysis/hash.h"
#include "server/guard.h"

namespace dbperf::lookup_keys {
namespace {

constexpr size_t longest_text = 64;

// Domains resolved; what is built in is no domain.
Oid base_type(Oid type) {
    return type < FirstNormalObjectId ? type : getBaseType(type);
}

const Node *without_relabel(const Node *node) {
    while (node && IsA(node, RelabelType))
        node = reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(node)->arg);
    return node;
}

// The equality operators of the key-like types, by their fixed OIDs: no catalog is read for every parsed statement.
bool is_equality(Oid operator_oid) {
    switch (operator_oid) {
    case 94:   // int2 = int2
    case 96:   // int4 = int4
    case 410:  // int8 = int8
    case 532:  // int2 = int4
    case 533:  // int4 = int2
    case 1862: // int2 = int8
    case 1868: // int8 = int2
    case 15:   // int4 = int8
    case 416:  // int8 = int4
    case 98:   // text = text, varchar too
    case 2972: // uuid = uuid
        return true;
    default:
        return false;
    }
}

// The plain table column that a Var of this level stands for.
bool column_of(const Query *query, const Node *node, LookupKey *key) {
    if (!node || !IsA(node, Var))
        return false;
    const Var *var = reinterpret_cast<const Var *>(node);
    if (var->varlevelsup != 0 || var->varattno <= 0 || var->varno < 1 ||
        static_cast<int>(var->varno) > list_length(query->rtable))
        return false;
    const RangeTblEntry *table = rt_fetch(var->varno, query->rtable);
    if (table->rtekind != RTE_RELATION)
        return false;
    key->relation = table->relid;
    key->column = var->varattno;
    return true;
}

void take(const Query *query, const Node *left, const Node *right, LookupKeys *keys, LookupValues *constants) {
    LookupKey key{};
    const Node *column = without_relabel(left);
    const Node *value = without_relabel(right);
    if (!column_of(query, column, &key)) {
        const Node *swapped = column;
        column = value;
        value = swapped;
        if (!column_of(query, column, &key))
            return;
    }
    if (!value || keys->count >= most_lookup_keys)
        return;
    const int at = keys->count;
    constants->hashes[at] = 0;
    if (IsA(value, Param)) {
        const Param *parameter = reinterpret_cast<const Param *>(value);
        if (parameter->paramkind != PARAM_EXTERN)
            return;
        key.parameter = static_cast<int16>(parameter->paramid);
        key.declared = parameter->paramtype;
        key.type = base_type(key.declared);
    } else if (IsA(value, Const)) {
        const Const *constant = reinterpret_cast<const Const *>(value);
        key.declared = constant->consttype;
        key.type = base_type(key.declared);
        constants->hashes[at] = lookup_keys::hash_value(key.type, constant->constvalue, constant->constisnull);
    } else {
        return;
    }
    keys->keys[at] = key;
    keys->count = constants->count = at + 1;
}

void visit_condition(const Query *query, const Node *node, LookupKeys *keys, LookupValues *constants) {
    if (!node)
        return;
    if (IsA(node, List)) {
        ListCell *cell;
        foreach (cell, reinterpret_cast<const List *>(node))
            visit_condition(query, static_cast<const Node *>(lfirst(cell)), keys, constants);
    } else if (IsA(node, BoolExpr)) {
        const BoolExpr *expression = reinterpret_cast<const BoolExpr *>(node);
        if (expression->boolop == AND_EXPR)
            visit_condition(query, reinterpret_cast<const Node *>(expression->args), keys, constants);
    } else if (IsA(node, OpExpr)) {
        const OpExpr *expression = reinterpret_cast<const OpExpr *>(node);
        if (list_length(expression->args) == 2 && is_equality(expression->opno))
            take(query, static_cast<const Node *>(linitial(expression->args)),
                 static_cast<const Node *>(lsecond(expression->args)), keys, constants);
    }
}

void visit_joins(const Query *query, const Node *node, LookupKeys *keys, LookupValues *constants) {
    if (!node)
        return;
    if (IsA(node, FromExpr)) {
        const FromExpr *from = reinterpret_cast<const FromExpr *>(node);
        ListCell *cell;
        foreach (cell, from->fromlist)
            visit_joins(query, static_cast<const Node *>(lfirst(cell)), keys, constants);
        visit_condition(query, from->quals, keys, constants);
    } else if (IsA(node, JoinExpr)) {
        const JoinExpr *join = reinterpret_cast<const JoinExpr *>(node);
        visit_joins(query, join->larg, keys, constants);
        visit_joins(query, join->rarg, keys, constants);
        if (join->jointype == JOIN_INNER)
            visit_condition(query, join->quals, keys, constants);
    }
}

} // namespace

namespace {

[[gnu::noinline]] uint64 hash_bytes_value(Oid type, Datum value) {
    if (type == UUIDOID)
        return hash_text({reinterpret_cast<const char *>(DatumGetUUIDP(value)->data), UUID_LEN}) | 1;
    if (type != TEXTOID && type != VARCHAROID)
        return 0;
    const auto *text = reinterpret_cast<const struct varlena *>(DatumGetPointer(value));
    // Toasted values are longer than any key of interest; reading one would be work the statement did not ask for.
    if (VARATT_IS_EXTERNAL(text) || VARATT_IS_COMPRESSED(text) || VARSIZE_ANY_EXHDR(text) > longest_text)
        return 0;
    return hash_text({VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text)}) | 1;
}

inline uint64 hash_of_value(Oid type, Datum value, bool is_null) {
    if (unlikely(is_null))
        return 0;
    int64 number;
    if (likely(type == INT4OID))
        number = DatumGetInt32(value);
    else if (type == INT8OID)
        number = DatumGetInt64(value);
    else if (type == INT2OID)
        number = DatumGetInt16(value);
    else
        return hash_bytes_value(type, value);
    // A bijection: keys of one type never collide. Only one number in 2^64 hashes to 0.
    return (static_cast<uint64>(number) ^ 0x243f6a8885a308d3u) * 0x9e3779b97f4a7c15u;
}

} // namespace

uint64 hash_value(Oid type, Datum value, bool is_null) {
    return hash_of_value(type, value, is_null);
}

void extract(const Query *query, LookupKeys *keys, LookupValues *constants) {
    keys->count = constants->count = 0;
    if (query->jointree)
        visit_joins(query, reinterpret_cast<const Node *>(query->jointree), keys, constants);
}

namespace {

// A lazy parameter is computed by whoever runs the statement, and may fail.
[[gnu::noinline]] bool fetch(ParamListInfo parameters, int number, ParamExternData *workspace,
                             const ParamExternData **parameter) {
    return attempt([=] { *parameter = parameters->paramFetch(parameters, number, true, workspace); });
}

inline uint64 hash_of_key(const LookupKey &key, const LookupValues &constants, int number, ParamListInfo parameters) {
    if (key.parameter == 0) {
        // A prepared statement runs from a copy of its text; its constants are always the same then.
        return number < constants.count ? constants.hashes[number] : 1;
    }
    if (!parameters || key.parameter > parameters->numParams)
        return 0;
    ParamExternData workspace;
    const ParamExternData *parameter = &parameters->params[key.parameter - 1];
    if (unlikely(parameters->paramFetch) && !fetch(parameters, key.parameter, &workspace, &parameter))
        return 0;
    return parameter->ptype == key.declared ? hash_of_value(key.type, parameter->value, parameter->isnull) : 0;
}

} // namespace

uint64 hash_values(const LookupKeys &keys, const LookupValues &constants, ParamListInfo parameters) {
    if (keys.count == 0)
        return 0;
    uint64 all = hash_of_key(keys.keys[0], constants, 0, parameters);
    if (likely(keys.count == 1))
        return all;
    for (int i = 1; i < keys.count && all != 0; ++i) {
        const uint64 hash = hash_of_key(keys.keys[i], constants, i, parameters);
        all = hash == 0 ? 0 : mix_bits(std::rotl(all, 23) ^ hash);
    }
    return all;
}

} // namespace dbperf::lookup_keys
