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
    execution->constants.count = 0;
    if (occurrence->constants.count > 0)
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
    statement_identity::Occurrence *occurrence = statement_identity::of(query->sourceText, plan->stmt_location, plan->stmt_len, false);
    if (unlikely(!occurrence))
        return nullptr;
    Execution *opened = &stack.executions[static_cast<size_t>(stack.count++)];
    opened->query = query;
    opened->run = 0;
    opened->transaction_level = GetCurrentTransactionNestLevel();
    opened->level = level;
    opened->is_utility = false;
    opened->running = false;
    opened->recorded = false;
    opened->source = nullptr;
    identify(opened, occurrence);
    return opened;
}

int close_all(int from_transaction_level, void (*abandoned)(Execution *)) {
    int lowest = INT_MAX;
    for (int i = stack.count - 1; i >= 0; --i) {
        Execution &execution = stack.executions[static_cast<size_t>(i)];
        if (execution.query == nullptr || execution.transaction_level < from_transaction_level)
            continue;
        if (!execution.recorded) {
            if (execution.running) {
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
