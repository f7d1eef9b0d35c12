// Which keys in which order: what is equal in front, then an order or one range; see the room's README.
#include "core/pg.h"

#include "index_advice/candidates.h"

#include <algorithm>
#include <array>

#include "index_advice/column_width.h"
#include "index_advice/special_index.h"
#include "index_advice/what_if.h"

namespace dbperf::index_advice::candidates {
namespace {

constexpr int key_limit = 4;
constexpr int max_of_use = 160;
constexpr int max_conditions = 6; // of one kind, of one use
constexpr double worth_a_predicate = 0.1;
constexpr int few_values = 20;
constexpr int widest_included = 64;
constexpr double worth_covering = 10; // rows that need not be looked up in the table

struct Search {
    CandidateSet *set;
    const RelationUse *use;
    const TableFacts *facts;
    List *found; // of IndexShape
    char **covered_by;
    List *predicate; // of those being made; NIL: none
    double fraction;
};

double distinct_of(const Search &search, const Node *key) {
    if (!IsA(key, Var))
        return 200;
    const double known = index_size::distinct_values(search.use->relation, reinterpret_cast<const Var *>(key)->varattno,
                                                     search.facts->rows);
    return known > 0 ? known : search.facts->rows;
}

int column_count(Oid relation) {
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(row))
        return 0;
    const int count = reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relnatts;
    ReleaseSysCache(row);
    return count;
}

IndexShape empty_shape(const Search &search) {
    IndexShape shape{};
    shape.relation = search.use->relation;
    shape.method = BTREE_AM_OID;
    shape.predicate = search.predicate;
    shape.fraction = search.fraction;
    return shape;
}

void keep(Search *search, const IndexShape &shape) {
    if (shape.key_count == 0 || list_length(search->found) >= max_of_use)
        return;
    IndexShape *entered = enter(search->set, shape, search->covered_by);
    if (entered)
        search->found = list_append_unique_ptr(search->found, entered);
}

// Rows that one value of each equal key has.
double rows_of(const Search &search, const IndexShape &shape) {
    double rows = search.facts->rows * shape.fraction;
    for (int i = 0; i < shape.equal_count; ++i)
        rows /= std::max(1.0, distinct_of(search, shape.keys[i].expression));
    return rows;
}

// The same with all else that the query reads of the table, where that is little.
void keep_covering(Search *search, const IndexShape &shape) {
    if (shape.key_count == 0 || rows_of(*search, shape) < worth_covering ||
        bms_num_members(search->use->columns) >= column_count(search->use->relation))
        return;
    IndexShape wide = shape;
    const auto keys = shape.all_keys();
    if (std::any_of(keys.begin(), keys.end(), [](const IndexKey &key) { return key.attribute == 0; }))
        return;
    int width = 0;
    for (int member = -1; (member = bms_next_member(search->use->columns, member)) >= 0;) {
        const auto column = static_cast<AttrNumber>(member + FirstLowInvalidHeapAttributeNumber);
        if (column <= 0)
            return;
        if (std::any_of(keys.begin(), keys.end(), [column](const IndexKey &key) { return key.attribute == column; }))
            continue;
        if (wide.included_count == max_included || bms_is_member(member, search->facts->updated))
            return;
        const int known = get_attavgwidth(wide.relation, column);
        width += known > 0 ? known : get_typavgwidth(get_atttype(wide.relation, column), -1);
        if (width > widest_included)
            return;
        wide.included[wide.included_count++] = column;
    }
    if (wide.included_count > 0)
        keep(search, wide);
}

void keep_both(Search *search, const IndexShape &shape) {
    keep(search, shape);
    keep_covering(search, shape);
}

bool has_key(const IndexShape &shape, const Node *key) {
    const auto keys = shape.all_keys();
    return std::any_of(keys.begin(), keys.end(), [key](const IndexKey &each) { return ::equal(each.expression, key); });
}

bool with_comparison(IndexShape *shape, const Comparison &comparison) {
    return shape->key_count < key_limit && index_shape::add_key(shape, comparison.key, comparison.collation);
}

// The rest of an order behind what is equal, up to so many keys. Where all go the same way, the other way serves as
// well.
bool with_order(IndexShape *shape, const List *order, int limit) {
    bool one_way = true;
    for (int i = 0; i < list_length(order); ++i) {
        const auto *key = static_cast<const OrderKey *>(list_nth(order, i));
        const auto *first = static_cast<const OrderKey *>(linitial(order));
        one_way = one_way && key->descending == key->nulls_first && key->descending == first->descending;
    }
    const int before = shape->key_count;
    for (int i = 0; i < list_length(order) && shape->key_count < before + limit; ++i) {
        const auto *key = static_cast<const OrderKey *>(list_nth(order, i));
        if (has_key(*shape, key->key))
            continue;
        if (shape->key_count == key_limit ||
            !index_shape::add_key(shape, key->key, key->collation, InvalidOid, !one_way && key->descending,
                                  !one_way && key->nulls_first))
            break;
    }
    shape->is_ordered = shape->key_count > before;
    return shape->is_ordered;
}

void with_ranges(Search *search, const IndexShape &base) {
    const List *ranges = search->use->ranges;
    for (int i = 0; i < std::min(list_length(ranges), max_conditions); ++i) {
        IndexShape shape = base;
        if (with_comparison(&shape, *static_cast<const Comparison *>(list_nth(ranges, i))))
            keep_both(search, shape);
    }
    const List *others = search->use->others;
    for (int i = 0; i < std::min(list_length(others), max_conditions); ++i) {
        const auto *comparison = static_cast<const Comparison *>(list_nth(others, i));
        bool plain;
        const Oid opclass = special_index::pattern_class(*comparison, &plain);
        IndexShape shape = base;
        if ((plain || OidIsValid(opclass)) && shape.key_count < key_limit &&
            index_shape::add_key(&shape, comparison->key, exprCollation(comparison->key), opclass))
            keep_both(search, shape);
    }
}

void with_orders(Search *search, const IndexShape &base) {
    for (int i = 0; i < std::min(list_length(search->use->orders), max_conditions); ++i) {
        const auto *order = static_cast<const List *>(list_nth(search->use->orders, i));
        // The first key alone sorts nearly all of it, where its values are many.
        for (const int limit : {1, key_limit}) {
            IndexShape shape = base;
            if (limit <= list_length(order) || limit == key_limit)
                if (with_order(&shape, order, limit))
                    keep_both(search, shape);
        }
    }
    for (int i = 0; i < std::min(list_length(search->use->groups), max_conditions); ++i) {
        IndexShape shape = base;
        const auto *keys = static_cast<const List *>(list_nth(search->use->groups, i));
        for (int k = 0; k < list_length(keys) && shape.key_count < key_limit; ++k) {
            const Node *key = static_cast<const Node *>(list_nth(keys, k));
            index_shape::add_key(&shape, key, exprCollation(key));
        }
        if (shape.key_count > base.key_count)
            keep_both(search, shape);
    }
}

// All that may follow what is equal.
void extend(Search *search, const IndexShape &base) {
    keep_both(search, base);
    with_orders(search, base);
    with_ranges(search, base);
    const List *lists = search->use->lists;
    for (int i = 0; i < std::min(list_length(lists), max_conditions); ++i) {
        IndexShape shape = base;
        if (!with_comparison(&shape, *static_cast<const Comparison *>(list_nth(lists, i))))
            continue;
        keep_both(search, shape);
        with_orders(search, shape);
        with_ranges(search, shape);
    }
}

// What is equal, the most selective in front; those of the predicate are not needed.
List *equal_keys(const Search &search) {
    std::array<const Comparison *, max_conditions * 2> all;
    size_t count = 0;
    Bitmapset *constant = nullptr;
    pull_varattnos(reinterpret_cast<Node *>(search.predicate), 1, &constant);
    for (int i = 0; i < list_length(search.use->equal) && count < all.size(); ++i) {
        const auto *each = static_cast<const Comparison *>(list_nth(search.use->equal, i));
        Bitmapset *columns = nullptr;
        pull_varattnos(each->key, 1, &columns);
        if (bms_overlap(columns, constant) ||
            std::any_of(all.begin(), all.begin() + count,
                        [each](const Comparison *known) { return ::equal(known->key, each->key); }))
            continue;
        size_t place = count++;
        for (; place > 0 && distinct_of(search, all[place - 1]->key) < distinct_of(search, each->key); --place)
            all[place] = all[place - 1];
        all[place] = each;
    }
    List *keys = NIL;
    for (size_t i = 0; i < count; ++i)
        keys = lappend(keys, const_cast<Comparison *>(all[i]));
    return keys;
}

// Those of one kind, beginning with the first-th of them.
template <typename Wanted>
IndexShape equal_prefix(const Search &search, const List *keys, int first, const Wanted &wanted) {
    IndexShape shape = empty_shape(search);
    for (int i = 0; i < list_length(keys); ++i) {
        const auto *each = static_cast<const Comparison *>(list_nth(keys, (first + i) % list_length(keys)));
        if (wanted(*each))
            with_comparison(&shape, *each);
    }
    shape.equal_count = shape.key_count;
    return shape;
}

void search_btrees(Search *search) {
    const List *keys = equal_keys(*search);
    const int count = list_length(keys);
    for (int first = 0; first < std::min(count, 3); ++first)
        extend(search, equal_prefix(*search, keys, first, [](const Comparison &) { return true; }));
    extend(search, equal_prefix(*search, keys, 0, [](const Comparison &each) { return !each.is_join; }));
    extend(search, equal_prefix(*search, keys, 0, [](const Comparison &each) { return each.is_join; }));
    for (int i = 0; i < std::min(count, max_conditions); ++i) {
        const auto *only = static_cast<const Comparison *>(list_nth(keys, i));
        extend(search, equal_prefix(*search, keys, i, [only](const Comparison &each) { return &each == only; }));
    }
    extend(search, empty_shape(*search));
}

// A condition that an index may have for good: one that says the same in every execution, and leaves few rows.
bool may_be_predicate(const Search &search, const Node *condition) {
    if (IsA(condition, OpExpr) || IsA(condition, ScalarArrayOpExpr)) {
        const List *arguments = IsA(condition, OpExpr) ? reinterpret_cast<const OpExpr *>(condition)->args
                                                       : reinterpret_cast<const ScalarArrayOpExpr *>(condition)->args;
        const Oid operation = IsA(condition, OpExpr) ? reinterpret_cast<const OpExpr *>(condition)->opno
                                                     : reinterpret_cast<const ScalarArrayOpExpr *>(condition)->opno;
        if (list_length(arguments) != 2)
            return false;
        const Node *column = static_cast<const Node *>(linitial(arguments));
        while (IsA(column, RelabelType))
            column = reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(column)->arg);
        const TypeCacheEntry *type = lookup_type_cache(exprType(column), TYPECACHE_EQ_OPR);
        if (!IsA(column, Var) || (operation != type->eq_opr && get_negator(operation) != type->eq_opr))
            return false;
        const double distinct = index_size::distinct_values(
            search.use->relation, reinterpret_cast<const Var *>(column)->varattno, search.facts->rows);
        return distinct > 0 && distinct <= few_values;
    }
    return IsA(condition, NullTest) || IsA(condition, BooleanTest) || IsA(condition, Var) ||
           (IsA(condition, BoolExpr) && reinterpret_cast<const BoolExpr *>(condition)->boolop == NOT_EXPR);
}

double fraction_of(Search *search, Node *condition) {
    struct Known {
        Oid relation;
        Node *condition;
        double fraction;
    };
    for (int i = 0; i < list_length(search->set->fractions); ++i) {
        const auto *known = static_cast<const Known *>(list_nth(search->set->fractions, i));
        if (known->relation == search->use->relation && ::equal(known->condition, condition))
            return known->fraction;
    }
    auto *known = static_cast<Known *>(palloc(sizeof(Known)));
    *known = {search->use->relation, condition, what_if::fraction_of(search->use->relation, list_make1(condition))};
    search->set->fractions = lappend(search->set->fractions, known);
    return known->fraction;
}

void search_partial(Search *search) {
    for (int i = 0; i < std::min(list_length(search->use->constants), max_conditions); ++i) {
        Node *condition = static_cast<Node *>(list_nth(search->use->constants, i));
        if (!may_be_predicate(*search, condition))
            continue;
        const double fraction = fraction_of(search, condition);
        if (fraction > worth_a_predicate)
            continue;
        search->predicate = list_make1(condition);
        search->fraction = fraction;
        search_btrees(search);
        // Few rows, and nothing else to find them by.
        Bitmapset *columns = nullptr;
        pull_varattnos(condition, 1, &columns);
        const int member = bms_next_member(columns, -1);
        const auto column = static_cast<AttrNumber>(member + FirstLowInvalidHeapAttributeNumber);
        if (member >= 0 && column > 0) {
            Oid type;
            int32 modifier;
            Oid collation;
            get_atttypetypmodcoll(search->use->relation, column, &type, &modifier, &collation);
            IndexShape shape = empty_shape(*search);
            if (index_shape::add_key(&shape, reinterpret_cast<Node *>(makeVar(1, column, type, modifier, collation, 0)),
                                     collation))
                keep_both(search, shape);
        }
        search->predicate = NIL;
        search->fraction = 1;
    }
}

} // namespace

TableFacts *facts_of(CandidateSet *set, Oid relation) {
    for (int i = 0; i < list_length(set->tables); ++i) {
        auto *known = static_cast<TableFacts *>(list_nth(set->tables, i));
        if (known->relation == relation)
            return known;
    }
    auto *facts = static_cast<TableFacts *>(palloc0(sizeof(TableFacts)));
    facts->relation = relation;
    set->tables = lappend(set->tables, facts);
    what_if::measure(relation, &facts->pages, &facts->rows);
    facts->present = index_shape::present(relation);
    facts->is_small = facts->pages <= 10 && facts->rows < 1000;
    return facts;
}

IndexShape *enter(CandidateSet *set, const IndexShape &shape, char **covered_by) {
    TableFacts *facts = facts_of(set, shape.relation);
    for (int i = 0; i < list_length(facts->shapes); ++i) {
        auto *known = static_cast<IndexShape *>(list_nth(facts->shapes, i));
        if (index_shape::equal(*known, shape))
            return known;
    }
    for (int i = 0; i < list_length(facts->present); ++i) {
        const auto *present = static_cast<const PresentIndex *>(list_nth(facts->present, i));
        if (!index_shape::serves(present->shape, shape))
            continue;
        *covered_by = present->name;
        return nullptr;
    }
    auto *entered = static_cast<IndexShape *>(palloc(sizeof(IndexShape)));
    *entered = shape;
    do
        --set->last_oid;
    while (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(set->last_oid)));
    entered->oid = set->last_oid;
    facts->shapes = lappend(facts->shapes, entered);
    return entered;
}

List *of(CandidateSet *set, const RelationUse &use, char **covered_by) {
    const TableFacts *facts = facts_of(set, use.relation);
    if (facts->is_small)
        return NIL;
    Search search{set, &use, facts, NIL, covered_by, NIL, 1};
    search_btrees(&search);
    if (!use.is_arm)
        search_partial(&search);
    for (int i = 0; i < std::min(list_length(use.others), max_conditions); ++i) {
        const List *shapes = special_index::of(use.relation, *static_cast<const Comparison *>(list_nth(use.others, i)));
        for (int k = 0; k < list_length(shapes); ++k)
            keep(&search, *static_cast<const IndexShape *>(list_nth(shapes, k)));
    }
    return search.found;
}

bool needs_trigrams(CandidateSet set, const RelationUse &use) {
    if (facts_of(&set, use.relation)->is_small)
        return false;
    for (int i = 0; i < list_length(use.others); ++i) {
        const auto *comparison = static_cast<const Comparison *>(list_nth(use.others, i));
        switch (comparison->operation) {
        case OID_TEXT_LIKE_OP:
        case OID_TEXT_ICLIKE_OP:
        case OID_TEXT_REGEXEQ_OP:
        case OID_TEXT_ICREGEXEQ_OP:
            if (special_index::of(use.relation, *comparison) == NIL)
                return true;
            break;
        default:
            break;
        }
    }
    return false;
}

bool merge(const IndexShape &first, const IndexShape &second, IndexShape *merged) {
    if (first.relation != second.relation || first.method != BTREE_AM_OID || second.method != BTREE_AM_OID ||
        first.predicate != NIL || second.predicate != NIL || first.key_count > second.equal_count)
        return false;
    IndexShape made = first;
    made.included_count = 0;
    made.equal_count = second.equal_count;
    for (const IndexKey &key : first.all_keys())
        if (!has_key(second, key.expression) || key.descending)
            return false;
    for (const IndexKey &key : second.all_keys())
        if (!has_key(made, key.expression))
            made.keys[made.key_count++] = key;
    if (made.key_count != second.key_count)
        return false;
    std::copy_n(second.included, second.included_count, made.included);
    made.included_count = second.included_count;
    *merged = made;
    return true;
}

} // namespace dbperf::index_advice::candidates
