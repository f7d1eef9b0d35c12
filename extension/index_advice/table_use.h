// What a query does with a table that an index could help: comparisons, order, groups, and all columns that it reads.
#pragma once

#include "core/pg.h"

namespace dbperf::index_advice {

struct Comparison {
    Node *key; // the table is range-table entry 1
    Oid operation;
    Oid collation;
    const Node *other; // null: IS NULL
    bool is_join;      // with a column of another table
};

struct OrderKey {
    Node *key;
    Oid collation;
    bool descending;
    bool nulls_first;
};

struct RelationUse {
    const RangeTblEntry *entry;
    Oid relation;
    // Lists of Comparison.
    List *equal;        // =, IS NULL, a boolean column
    List *lists;        // = ANY
    List *ranges;       // <, <=, >=, >
    List *others;       // what a btree does not know
    List *orders;       // of lists of OrderKey
    List *groups;       // of lists of Node
    List *constants;    // conjuncts that no parameter is in
    Bitmapset *columns; // as in a Bitmapset of a table's columns
    bool is_arm;        // what stands at one side of an OR
};

} // namespace dbperf::index_advice
