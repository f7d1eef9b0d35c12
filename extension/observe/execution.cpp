// A small fixed stack: nested executions are opened and closed in order, cursors out of order.
#include "server/pg.h"

#include "observe/execution.h"

#include <climits>

namespace dbperf::execution {

constinit Stack stack{};

void identify(Execution *execution, statement_identity::Occurrence *occurrence) {
    execution->statement = occurrence->statement;
    execution->identity_generation = statement_identity::generation;
    execution->trace = occurrence->trace;
    execution->constants.count = occurrence->constants.count;
    if (unlikely(occurrence->constants.count > 0))
        execution->constants = occurrence->constants;
    execution->began = 0;
    execution->observed.rows = 0;
    execution->observed.aborted = false;
    execution->observed.planning = occurrence->planning;
    occurrence->planning = 0;
}

[[gnu::flatten]] Execution *open(QueryDesc *query, int level) {
    if (unlikely(stack.count == most_open)) {
        ++stack.overflows;
        return nullptr;
    }
    const PlannedStmt *plan = query->plannedstmt;
    statement_identity::Occurrence *occurrence =
        statement_identity::of(query->sourceText, plan->stmt_location, plan->stmt_len, false);
    if (unlikely(!occurrence))
        return nullptr;
    Execution *opened = &stack.executions[static_cast<size_t>(stack.count++)];
    opened->query = query;
    opened->transaction_level = opened->run_transaction_level = GetCurrentTransactionNestLevel();
    opened->level = level;
    opened->state = {false, false, false, is_top_level(level)};
    identify(opened, occurrence);
    return opened;
}

int close_all(int from_transaction_level, void (*abandoned)(Execution *)) {
    int lowest = INT_MAX;
    for (int i = stack.count - 1; i >= 0; --i) {
        Execution &execution = stack.executions[static_cast<size_t>(i)];
        const bool cut_off = execution.state.running && execution.run_transaction_level >= from_transaction_level;
        if (execution.query == nullptr || (execution.transaction_level < from_transaction_level && !cut_off))
            continue;
        if (!execution.state.recorded) {
            if (execution.state.running) {
                stop(&execution, execution.began);
                execution.observed.aborted = true;
                lowest = execution.level;
            }
            execution.query = nullptr;
            abandoned(&execution);
        }
        close(&execution);
    }
    return lowest;
}

} // namespace dbperf::execution
