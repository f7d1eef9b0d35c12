// Findings grow in shared memory without a record in the queue.
#include "core/pg.h"

#include "n_plus_one/n_plus_one_feature.h"

#include "n_plus_one/finding_table.h"

namespace dbperf::n_plus_one {
namespace {

bool has_work() {
    return finding_table::any_dirty() || finding_table::reset_pending();
}

} // namespace

const core::Feature feature{
    .name = "n_plus_one",
    .has_work = has_work,
    .visit_texts = finding_table::visit_texts,
};

} // namespace dbperf::n_plus_one
