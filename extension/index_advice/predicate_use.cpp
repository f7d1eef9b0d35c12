#include "core/pg.h"

#include "index_advice/predicate_use.h"

#include "core/compat.h"

namespace dbperf::index_advice::predicate_use {
using namespace core;
using column_source::Nesting;
using column_source::Source;

namespace {

struct Walk {
    Nesting nesting;
    List **uses;
    bool in_arm; // of an OR: uses of its own
    List *arm_uses;
};

// The table's own, or this arm's.
RelationUse *use_for(Walk *walk, const RangeTblEntry *entry) {
    RelationUse *use = use_of(walk->uses, entry);
    if (!use || !walk->in_arm)
        return use;
    for (int i = 0; i < list_length(walk->arm_uses); ++i) {
        auto *known = static_cast<RelationUse *>(list_nth(walk->arm_uses, i));
        if (known->entry == entry)
            return known;
    }
    auto *arm = static_cast<RelationUse *>(palloc0(sizeof(RelationUse)));
    arm->entry = entry;
    arm->relation = use->relation;
    arm->is_arm = true;
    walk->arm_uses = lappend(walk->arm_uses, arm);
    return arm;
}

const Node *stripped(const Node *node) {
    for (;;) {
        if (IsA(node, RelabelType))
            node = reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(node)->arg);
        else if (IsA(node, CollateExpr))
            node = reinterpret_cast<const Node *>(reinterpret_cast<const CollateExpr *>(node)->arg);
        else
            return node;
    }
}

// A column under another type: the statement should name the right type.
bool is_cast(const Node *node) {
    if (IsA(node, CoerceViaIO) || IsA(node, ArrayCoerceExpr))
        return true;
    return IsA(node, FuncExpr) && reinterpret_cast<const FuncExpr *>(node)->funcformat != COERCE_EXPLICIT_CALL &&
           reinterpret_cast<const FuncExpr *>(node)->funcformat != COERCE_SQL_SYNTAX;
}

// A side of a comparison as a key of its table; null: it is none.
Node *key_of(const Node *side, const Source &source) {
    if (!source.expression)
        return nullptr;
    const Node *key = stripped(source.expression);
    if (is_cast(key) || IsA(key, Const) || contain_mutable_functions(const_cast<Node *>(key)))
        return nullptr;
    if (IsA(key, Var) && reinterpret_cast<const Var *>(key)->varattno <= 0)
        return nullptr;
    (void)side;
    return const_cast<Node *>(key);
}

bool contains_parameter(Node *node, void *) {
    return node &&
           (IsA(node, Param) || IsA(node, SubLink) || compat::walk_expression(node, contains_parameter, nullptr));
}

template <typename T>
T *own_copy(const T &value) {
    T *own = static_cast<T *>(palloc(sizeof(T)));
    *own = value;
    return own;
}

// As a btree of the key's type knows the operator: 0 not at all.
int btree_strategy(Oid operation, const Node *key) {
    const Oid opclass = GetDefaultOpClass(exprType(key), BTREE_AM_OID);
    return OidIsValid(opclass) ? get_op_opfamily_strategy(operation, get_opclass_family(opclass)) : 0;
}

void note_comparison(Walk *walk, const Node *side, const Node *other, Oid operation, Oid collation, bool is_list) {
    if (!OidIsValid(operation))
        return;
    const Source source = column_source::of(side, walk->nesting);
    Node *key = key_of(side, source);
    if (!key || contain_volatile_functions(const_cast<Node *>(other)))
        return;
    const Source against = column_source::of(other, walk->nesting);
    if (list_member_ptr(against.entries, source.entry))
        return;
    RelationUse *use = use_for(walk, source.entry);
    if (!use)
        return;
    Comparison *made = own_copy(Comparison{key, operation, collation,
                                           against.entries == NIL ? other
                                           : against.expression   ? against.expression
                                                                  : other,
                                           against.entries != NIL || against.is_open});
    switch (btree_strategy(operation, key)) {
    case 0:
        if (!is_list)
            use->others = lappend(use->others, made);
        break;
    case BTEqualStrategyNumber:
        if (is_list)
            use->lists = lappend(use->lists, made);
        else
            use->equal = lappend(use->equal, made);
        break;
    default:
        if (!is_list)
            use->ranges = lappend(use->ranges, made);
    }
}

void note_pair(Walk *walk, const Node *left, const Node *right, Oid operation, Oid collation) {
    note_comparison(walk, left, right, operation, collation, false);
    note_comparison(walk, right, left, get_commutator(operation), collation, false);
}

// A condition of one table alone, that no value from outside is in.
void note_constant(Walk *walk, const Node *condition) {
    if (walk->in_arm || contains_parameter(const_cast<Node *>(condition), nullptr))
        return;
    const Source source = column_source::of(condition, walk->nesting);
    if (!source.expression || contain_mutable_functions(source.expression))
        return;
    if (RelationUse *use = use_of(walk->uses, source.entry))
        use->constants = lappend(use->constants, source.expression);
}

// A column that is compared with true, false or null.
void note_test(Walk *walk, const Node *argument) {
    const Source source = column_source::of(argument, walk->nesting);
    Node *key = key_of(argument, source);
    RelationUse *use = key && IsA(key, Var) ? use_for(walk, source.entry) : nullptr;
    if (use)
        use->equal = lappend(use->equal, own_copy(Comparison{key, InvalidOid, exprCollation(key), nullptr, false}));
}

// (a, b) > ($1, $2) is a range of an order.
void note_rows(Walk *walk, const RowCompareExpr *rows) {
    List *keys = NIL;
    const RangeTblEntry *entry = nullptr;
    for (int i = 0; i < list_length(rows->largs); ++i) {
        const Node *left = static_cast<const Node *>(list_nth(rows->largs, i));
        const Source source = column_source::of(left, walk->nesting);
        Node *key = key_of(left, source);
        if (!key || (entry && entry != source.entry))
            break;
        entry = source.entry;
        keys = lappend(keys, own_copy(OrderKey{key, list_nth_oid(rows->inputcollids, i), false, false}));
    }
    RelationUse *use = keys != NIL ? use_for(walk, entry) : nullptr;
    if (use)
        use->orders = lappend(use->orders, keys);
}

void note_condition(const Node *condition, Walk *walk);

void note_arms(const BoolExpr *either, Walk *walk) {
    const bool was_in_arm = walk->in_arm;
    List *outer_arm = walk->arm_uses;
    for (int i = 0; i < list_length(either->args); ++i) {
        walk->in_arm = true;
        walk->arm_uses = NIL;
        note_condition(static_cast<const Node *>(list_nth(either->args, i)), walk);
        *walk->uses = list_concat(*walk->uses, walk->arm_uses);
    }
    walk->in_arm = was_in_arm;
    walk->arm_uses = outer_arm;
}

void note_membership(const SubLink *link, Walk *walk) {
    if (link->subLinkType != ANY_SUBLINK || !link->testexpr || !IsA(link->testexpr, OpExpr))
        return;
    const auto *test = reinterpret_cast<const OpExpr *>(link->testexpr);
    const auto *inner = reinterpret_cast<const Query *>(link->subselect);
    if (list_length(test->args) != 2 || !IsA(inner, Query) || inner->targetList == NIL)
        return;
    const auto *output = static_cast<const TargetEntry *>(linitial(inner->targetList));
    const Node *left = static_cast<const Node *>(linitial(test->args));
    note_comparison(walk, left, static_cast<const Node *>(lsecond(test->args)), test->opno, test->inputcollid, false);
    // The other way round: the subquery's column is looked up by ours.
    if (inner->setOperations)
        return;
    const Nesting outside = walk->nesting;
    const Source ours = column_source::of(left, outside);
    walk->nesting = lcons(const_cast<Query *>(inner), list_copy(outside));
    Param *looked_up = makeNode(Param);
    looked_up->paramkind = PARAM_EXEC;
    looked_up->paramtype = exprType(left);
    if (ours.expression)
        note_comparison(walk, reinterpret_cast<const Node *>(output->expr), reinterpret_cast<const Node *>(looked_up),
                        get_commutator(test->opno), test->inputcollid, false);
    walk->nesting = outside;
}

void note_condition(const Node *condition, Walk *walk) {
    if (!condition)
        return;
    check_stack_depth();
    switch (nodeTag(condition)) {
    case T_List:
        for (int i = 0; i < list_length(reinterpret_cast<const List *>(condition)); ++i)
            note_condition(static_cast<const Node *>(list_nth(reinterpret_cast<const List *>(condition), i)), walk);
        return;
    case T_BoolExpr: {
        const auto *expression = reinterpret_cast<const BoolExpr *>(condition);
        if (expression->boolop == AND_EXPR) {
            note_condition(reinterpret_cast<const Node *>(expression->args), walk);
            return;
        }
        if (expression->boolop == OR_EXPR)
            note_arms(expression, walk);
        else
            note_test(walk, static_cast<const Node *>(linitial(expression->args)));
        break;
    }
    case T_OpExpr: {
        const auto *expression = reinterpret_cast<const OpExpr *>(condition);
        if (list_length(expression->args) == 2)
            note_pair(walk, static_cast<const Node *>(linitial(expression->args)),
                      static_cast<const Node *>(lsecond(expression->args)), expression->opno, expression->inputcollid);
        break;
    }
    case T_ScalarArrayOpExpr: {
        const auto *expression = reinterpret_cast<const ScalarArrayOpExpr *>(condition);
        if (expression->useOr)
            note_comparison(walk, static_cast<const Node *>(linitial(expression->args)),
                            static_cast<const Node *>(lsecond(expression->args)), expression->opno,
                            expression->inputcollid, true);
        break;
    }
    case T_NullTest: {
        const auto *test = reinterpret_cast<const NullTest *>(condition);
        if (test->nulltesttype == IS_NULL)
            note_test(walk, reinterpret_cast<const Node *>(test->arg));
        break;
    }
    case T_BooleanTest:
        note_test(walk, reinterpret_cast<const Node *>(reinterpret_cast<const BooleanTest *>(condition)->arg));
        break;
    case T_RowCompareExpr:
        note_rows(walk, reinterpret_cast<const RowCompareExpr *>(condition));
        break;
    case T_SubLink:
        note_membership(reinterpret_cast<const SubLink *>(condition), walk);
        break;
    case T_Var:
        note_test(walk, condition);
        break;
    default:
        break;
    }
    note_constant(walk, condition);
}

} // namespace

RelationUse *use_of(List **uses, const RangeTblEntry *entry) {
    for (int i = 0; i < list_length(*uses); ++i) {
        auto *use = static_cast<RelationUse *>(list_nth(*uses, i));
        if (use->entry == entry && !use->is_arm)
            return use;
    }
    if (entry->rtekind != RTE_RELATION || entry->relid < FirstNormalObjectId ||
        (entry->relkind != RELKIND_RELATION && entry->relkind != RELKIND_PARTITIONED_TABLE &&
         entry->relkind != RELKIND_MATVIEW) ||
        get_rel_persistence(entry->relid) == RELPERSISTENCE_TEMP)
        return nullptr;
    auto *use = static_cast<RelationUse *>(palloc0(sizeof(RelationUse)));
    use->entry = entry;
    use->relation = entry->relid;
    *uses = lappend(*uses, use);
    return use;
}

void note(const Node *condition, Nesting nesting, List **uses) {
    Walk walk{nesting, uses, false, NIL};
    note_condition(condition, &walk);
}

} // namespace dbperf::index_advice::predicate_use
