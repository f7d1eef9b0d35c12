// From statements to the indexes that they should have.
#pragma once

#include "core/pg.h"

#include "index_advice/advised_statement.h"
#include "index_advice/candidates.h"

namespace dbperf::index_advice {

struct Chosen {
    const IndexShape *shape;
    double bytes;
    double write_ms;
};

struct Advice {
    List *statements; // of AdvisedStatement
    CandidateSet set;
    List *chosen; // of Chosen
    int planned;  // calls of the planner
};

namespace advice {

// Statements as they are given; those that foreign keys imply are added.
void give(Advice *advice, int max_indexes, double max_bytes);

// What writes of the workload pay for an index, in ms, and one statement of them.
double write_ms(const AdvisedStatement &statement, const IndexShape &shape);

// Cost of a statement, and what it uses, with all that was chosen.
what_if::Outcome with_chosen(Advice *advice, AdvisedStatement *statement);

// jsonb as text: see sql/index_advice.sql.
void append(StringInfo json, Advice *advice);

} // namespace advice
} // namespace dbperf::index_advice
