// One side of a predicate: the column that an expression shows, or the value that it stands for.
#pragma once

#include "core/pg.h"

#include "lookups/value_type.h"

namespace dbperf::lookups {

// How the value of a key is come by.
enum class KeyForm : uint8 {
    scalar,
    element,  // of an array with one element
    document, // jsonb that has one value
    as_text,  // a text that is cast to the column's type
    range,    // from one parameter to another, a key when they are equal
    computed, // of parameters and constants: equal when they are, and met by nothing
    list      // several values at once
};

namespace lookup_expression {

constexpr int beyond_parameters = 1 << 20; // the number of none

struct Column {
    Oid relation;
    AttrNumber number;
    int table; // in the range table, 0: below
    ValueType type;
};

// What a predicate's value is.
struct Value {
    KeyForm form;
    int parameter; // 0: a constant
    Oid declared;
    ValueType type;
    uint64 constant; // hash, 0: not known
    uint32 others;   // see LookupKey
};

// What an expression reads besides columns.
struct Leaves {
    bool reads_more; // than parameters and constants
    bool too_many;
    uint32 parameters; // as bits
    uint64 constants;  // hash, 0 without
    int count;
};

inline const Node *first_of(const List *arguments) {
    return arguments == NIL ? nullptr : static_cast<const Node *>(linitial(arguments));
}

// An expression without what does not change its value: domains, widths, and the way through text.
const Node *strip(const Node *node, bool *as_text);
// The column of a user table in an expression, its first one. *plain: the expression is the column's own value, at most
// read as a text.
bool column_within(const Query *query, const Node *node, Column *column, bool *plain);
// Reads an expression without columns as the value of this column; false when it is none. `column_side`: the other side
// of the comparison, null without.
bool value_of(const Node *node, const Column &column, bool column_is_plain, const Node *column_side, Value *value);
// What a Var stands for that reads the only row of VALUES or a subquery's value: a constant or a parameter, perhaps
// cast; else the expression itself.
const Node *single_value(const Query *query, const Node *node);
Leaves leaves_of(const Node *node);

} // namespace lookup_expression
} // namespace dbperf::lookups
