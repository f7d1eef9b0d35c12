// Who sees, and may change, what the planner knows of a relation: its size, its indexes. The server has one hook for
// it; features share that. Without any of them the hook is not installed.
#pragma once

#include "core/pg.h"

namespace dbperf::core::planned_relation {

// Must not raise. `is_parent`: the relation stands for its children, and has neither size nor indexes.
using Visit = void (*)(PlannerInfo *root, Oid relation, bool is_parent, RelOptInfo *planned);

// Sizes of what exists are there before indexes that do not exist are added.
enum class Turn : int { sizes, indexes };

// From now on in this process, once for each turn.
void visit_at(Turn turn, Visit visit);

} // namespace dbperf::core::planned_relation
