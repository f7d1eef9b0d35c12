#include "core/pg.h"

#include "deadlocks/foreign_key_step.h"

#include <array>

#include "deadlocks/row_key.h"

namespace dbperf::deadlocks::foreign_key_step {
using namespace core;
using namespace lookups;
using namespace statements;

namespace {

TrailEntry lock_of(const ForeignKey &key, TupleTableSlot *child) {
    TrailEntry entry{};
    entry.lock = {MyDatabaseId, key.parent, 0, 0, LockType::relation, DEFAULT_LOCKMETHOD};
    entry.table_mode = RowShareLock;
    entry.row_mode = RowLockMode::key_share;
    strlcpy(entry.relation, key.parent_name, sizeof(entry.relation));
    std::array<row_key::Value, ForeignKey::max_columns> values;
    const auto count = static_cast<size_t>(key.count);
    for (size_t i = 0; i < count; ++i) {
        const ForeignKey::Column &column = key.columns[i];
        bool is_null;
        values[i] = {column.name, column.child_type, slot_getattr(child, column.child, &is_null)};
    }
    entry.several = !row_key::of_values(std::span(values).first(count), entry.key);
    return entry;
}

} // namespace

void begin(const ForeignKey &key, TupleTableSlot *child, int level, Execution *execution) {
    statement_identity::Occurrence *occurrence = statement_identity::of(key.check, 0, 0, false);
    if (!occurrence || occurrence->statement->names_dbperf)
        return;
    execution::identify(execution, occurrence);
    execution->level = level;
    trail::begin_lock(execution, lock_of(key, child));
    execution->began = execution::clock();
}

void end(Execution *execution) {
    execution->observed.elapsed = execution::clock() - execution->began;
    execution->observed.rows = 1;
    trail::end(execution);
}

} // namespace dbperf::deadlocks::foreign_key_step
