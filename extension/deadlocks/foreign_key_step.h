// The check of a foreign key that the server makes without a statement, as the step of a trail that the statement would
// have been.
#pragma once

#include "lookups/foreign_key.h"
#include "deadlocks/trail.h"

namespace dbperf::deadlocks::foreign_key_step {

// `child`: the row to be checked, no column of its key is null. `level`: nesting of statements. Never raises.
void begin(const lookups::ForeignKey &key, TupleTableSlot *child, int level, statements::Execution *execution);
// Only of what begin() has begun: then execution->state.trailed holds.
void end(statements::Execution *execution);

} // namespace dbperf::deadlocks::foreign_key_step
