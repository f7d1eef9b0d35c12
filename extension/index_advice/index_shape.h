// What an index would be, without its being there: table, access method, keys, and what else CREATE INDEX says of it.
// Expressions have their table as range-table entry 1.
#pragma once

#include "core/pg.h"

#include <array>
#include <span>

namespace dbperf::index_advice {

constexpr int max_keys = 6;
constexpr int max_included = 3;

struct IndexKey {
    AttrNumber attribute; // 0: an expression
    Node *expression;     // a Var for a column
    Oid type;
    Oid collation;
    Oid opclass;
    bool descending;
    bool nulls_first;
};

struct IndexShape {
    Oid relation; // a partitioned table has one index a partition
    Oid method;
    int key_count;
    bool is_ordered; // keys behind those give an order that a statement asks for
    int equal_count; // leading keys that are compared for equality: their order is free
    IndexKey keys[max_keys];
    int included_count;
    AttrNumber included[max_included];
    List *predicate; // conjuncts; NIL: all rows
    double fraction; // of the rows for which it holds
    Oid oid;         // of no relation

    std::span<const IndexKey> all_keys() const { return {keys, static_cast<size_t>(key_count)}; }
    std::span<const AttrNumber> all_included() const { return {included, static_cast<size_t>(included_count)}; }
};

struct PresentIndex {
    char *name;
    IndexShape shape;
};

namespace index_shape {

// A column or an expression as a key under the type's default operator class for the method, or the one that is given.
// False: there is none, or it is too wide.
bool add_key(IndexShape *shape, const Node *expression, Oid collation, Oid opclass = InvalidOid,
             bool descending = false, bool nulls_first = false);
bool equal(const IndexShape &a, const IndexShape &b);
// Whether whatever `narrow` serves is served by `wide`, too: the same keys in front, for the same rows.
bool serves(const IndexShape &wide, const IndexShape &narrow);
// Valid indexes of a table, as a list of PresentIndex; those that no shape describes are not among them.
List *present(Oid relation);

// Makes it one of a partition of its table, whose columns may lie elsewhere. False: it lacks one.
bool of_partition(IndexShape *shape, Oid partition);

// Whether it is the other with an order behind what is equal.
bool orders(const IndexShape &wide, const IndexShape &narrow);

// Columns that it stores, or whose change changes it; numbers as in a Bitmapset of a table's columns.
Bitmapset *columns_of(const IndexShape &shape);

// What CREATE INDEX needs behind ON, and a name that is free and not among those taken; palloc'd, with schemas.
char *definition_of(const IndexShape &shape);
char *name_for(const IndexShape &shape, List *taken);

} // namespace index_shape

// Pages and rows of it, for a table of so many rows.
struct IndexSize {
    double pages;
    double rows;
    int height; // of a btree, above its leaves
};
namespace index_size {

IndexSize of(const IndexShape &shape, Oid relation, double rows);
// Distinct values of a column, from its statistics; 0: not known.
double distinct_values(Oid relation, AttrNumber column, double rows);

} // namespace index_size
} // namespace dbperf::index_advice
