// Indexes that a use of a table suggests. Too many rather than too few: the planner chooses among them.
#pragma once

#include "core/pg.h"

#include "index_advice/index_shape.h"
#include "index_advice/table_use.h"

namespace dbperf::index_advice {

// All shapes that were thought of, each once, and what is known of tables.
struct CandidateSet {
    List *tables;    // of TableFacts
    List *fractions; // of predicates that were asked for
    Oid last_oid;
};

struct TableFacts {
    Oid relation;
    double pages;
    double rows;
    bool is_small;      // reading all of it is as fast as an index
    Bitmapset *updated; // columns that the workload changes
    List *present;      // of PresentIndex
    List *shapes;       // of IndexShape, those of the set
};

namespace candidates {

TableFacts *facts_of(CandidateSet *set, Oid relation);

// The shapes for that use, as a list; those that a present index serves are not among them, and what serves them is
// named in *covered_by.
List *of(CandidateSet *set, const RelationUse &use, char **covered_by);

// A shape that is in the set, or is added to it; null: an index that is there serves as well.
IndexShape *enter(CandidateSet *set, const IndexShape &shape, char **covered_by);

// Whether a pattern of texts would find its rows by trigrams, if their extension were there.
bool needs_trigrams(CandidateSet set, const RelationUse &use);

// One index for two: the columns of the first in front where their order is free. False: there is none.
bool merge(const IndexShape &first, const IndexShape &second, IndexShape *merged);

} // namespace candidates
} // namespace dbperf::index_advice
