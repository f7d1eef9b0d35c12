// The lookup of a statement: the predicate that picks rows of a column by a parameter.
#pragma once

#include "core/pg.h"

namespace dbperf::suggestions::rewrite {

// How many of the keys a row can be picked by.
enum class Picked : uint8 {
    by_one,     // column = key
    by_several, // lower(column) = lower(key), a document with the key in it, either side of an OR
};

struct Key {
    int parameter; // its number; 0: there is no key
    Oid type;      // of one key
    bool is_list;  // the parameter is an array: column = ANY ($1)

    // Of the column; null when the parameter is compared with none.
    const Var *column;
    Oid relation;
    const char *name;

    // More parameters of the same condition, on the other sides of its OR: they vary with the key. Numbers.
    List *companions;
    Picked picked;
    bool is_filter; // every row of the result passes the condition: a member of WHERE's AND, or of an inner join's

    // Set when it is a filter in the form column = key. Then `operation` says how to compare with a list.
    const Node *filter;
    Oid operation; // column = key
    Oid collation;
    const Node *operand; // the column as the operator takes it
};

// key_column: [schema.][table or alias.]column, or null for the first one found. The parameters' types are those of the
// analysed statement.
Key find_key(Query *query, const char *key_column);

// A range over the key's column from a parameter to another is a lookup when they are equal: column = the first one in
// their place. The query itself when it has none, or compares the column for equality, too.
Query *with_equal_bounds(Query *query, const char *key_column);

// Whether at most one row of the only table passes the filters, whatever the values are.
bool finds_one_row(Query *query, const Key &key);

} // namespace dbperf::suggestions::rewrite
