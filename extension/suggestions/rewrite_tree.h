// Parse trees of statements: what stands in them, and the nodes a rewrite is made of. Trees are changed by copying.
#pragma once

#include "core/pg.h"

namespace dbperf::suggestions::rewrite {

// Of a statement, by number - 1.
struct Parameters {
    Node **others; // what takes their place when they are not the key
    const int *uses;
    const Oid *types;
    int count;
};

// The external parameter that a node is, casts without effect aside; or null.
const Param *parameter_of(const Node *node);
const Node *without_relabel(const Node *node);
// The number of the only external parameter, however often it occurs; 0 when there are none or several.
int only_parameter(Node *tree);
// The only one as it stands there, null when there are none or several; and the numbers of all.
const Param *parameter_within(Node *tree);
List *parameters_within(Node *tree);
// Marks every parameter that occurs by counting in uses[number - 1]; higher numbers than `count` do not occur.
void count_parameters(Query *query, int *uses, int count);
int distinct_parameters(const int *uses, int count);
// Whether an expression depends on a column.
bool reads_columns(Node *tree);
// Whether a condition reads one of these columns of a table of its level.
bool reads_any_of(Node *tree, int entry, const List *columns);
// Whether a function is volatile, of those with OIDs from `least` on.
bool calls_volatile(Query *query, Oid least);
// Whether the statement reads the table it writes to in another place than its target.
bool reads_target(Query *query);
// Where the text had ORDER BY 1, a normalised one has a parameter, and what it stood for is lost.
bool sorts_by_parameter(Query *query);

Node *scalar_parameter(int number, Oid type);
// $number::type[]; null when there are no arrays of that type.
Node *array_parameter(int number, Oid element);
Var *column_of_entry(int entry, int column, Oid type);
// FROM unnest(array, ...) AS alias(names), with the position as last column if wanted.
RangeTblEntry *unnest_entry(const char *alias, List *arrays, List *names, bool with_ordinality);
RangeTblEntry *subquery_entry(const char *alias, Query *query, bool lateral);
void add_from(Query *query, RangeTblEntry *entry);
// Puts the column behind the visible ones unless it is among them; returns its position when it was not.
int add_column(List **targets, const Var *column, const char *name);

// What takes the place of parameters, and of one whole expression.
struct Replacement {
    Node **parameters; // by number - 1; variables in it as seen from level `depth` 0
    const Node *whole; // null: none
    Node *instead;
    int depth; // levels that the tree is to be below those variables
};
Query *replaced(Query *query, Replacement replacement);
Node *replaced(Node *expression, Replacement replacement);

// The query with `instead` in place of one condition, and without another one of the same AND.
Query *without_condition(Query *query, const Node *replaced, Node *instead, const Node *removed);

// Normalised texts show one element of a list. `column IN ($1 /*, ... */)` becomes `column = ANY ($1::type[])`, and NOT
// IN alike; null when the text has other lists.
Query *with_lists(Query *query, const char *text);

} // namespace dbperf::suggestions::rewrite
