// The lookup of a statement: the comparison of a column with a parameter.
#pragma once

#include "core/pg.h"

namespace dbperf::suggestions::rewrite {

struct Key {
    int parameter; // its number; 0: there is no key
    Oid type;      // of one key
    bool is_list;  // the parameter is an array: column = ANY ($1)

    // Of the column; null when the parameter is compared with none.
    const Var *column;
    Oid relation;
    const char *name;

    // Set when the comparison is a filter that every row of the result passes, in the form column = key: a member of
    // WHERE's AND, or of an inner join's. Then `operation` says how to compare with a list.
    const Node *filter;
    Oid operation; // column = key
    Oid collation;
    const Node *operand; // the column as the operator takes it
};

// key_column: [schema.][table or alias.]column, or null for the first one found. The parameters' types are those of the
// analysed statement.
Key find_key(Query *query, const char *key_column);

// Whether at most one row of the only table passes the filters, whatever the values are.
bool finds_one_row(Query *query, const Key &key);

} // namespace dbperf::suggestions::rewrite
