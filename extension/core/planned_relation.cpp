#include "core/pg.h"

#include "core/planned_relation.h"

#include <array>

#include "core/compat.h"

namespace dbperf::core::planned_relation {
namespace {

std::array<Visit, 2> visits{};
bool installed = false;

void visit_all(PlannerInfo *root, Oid relation, bool is_parent, RelOptInfo *planned) {
    for (const Visit visit : visits)
        if (visit)
            visit(root, relation, is_parent, planned);
}

} // namespace

void visit_at(Turn turn, Visit visit) {
    visits[static_cast<size_t>(turn)] = visit;
    if (installed)
        return;
    installed = true;
    compat::PlannedRelationHook<visit_all>::install();
}

} // namespace dbperf::core::planned_relation
