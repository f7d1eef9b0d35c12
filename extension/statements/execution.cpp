// A small fixed stack: nested executions are opened and closed in order, cursors out of order.
#include "core/pg.h"

#include "statements/execution.h"

#include <climits>

#include "lookups/lookup_values.h"

namespace dbperf::statements::execution {
using namespace lookups;

constinit Stack stack{stack.executions, 0, awaited_by_error_context, 1, 0, {}};

void identify(Execution *execution, statement_identity::Occurrence *occurrence) {
    execution->statement = occurrence->statement;
    execution->trace = occurrence->trace;
    execution->began = 0;
    execution->observed.rows = 0;
    execution->observed.aborted = false;
    execution->observed.planning = occurrence->planning;
    occurrence->planning = 0;
}

[[gnu::flatten]] Execution *open(QueryDesc *query, int level) {
    if (unlikely(stack.height == max_open)) {
        ++stack.overflows;
        return nullptr;
    }
    statement_identity::Occurrence *occurrence = statement_identity::of_plan(query->sourceText, query->plannedstmt);
    if (unlikely(!occurrence))
        return nullptr;
    Execution *opened = stack.top++;
    ++stack.height;
    opened->query = query;
    opened->transaction_level = opened->run_transaction_level = stack.transaction_level;
    opened->level = level;
    const bool top_level = is_top_level(level);
    opened->state = {};
    opened->state.top_level = top_level;
    opened->state.reads = only_reads(query);
    opened->state.in_block = level == 0 && IsTransactionBlock();
    opened->root = 0;
    identify(opened, occurrence);
    lookup_values::read(occurrence->keys, occurrence->constants, query->params, &occurrence->statement->lists,
                        &opened->values);
    return opened;
}

int close_all(int from_transaction_level, void (*abandoned)(Execution *)) {
    int lowest = INT_MAX;
    for (Execution *at = stack.top; at != stack.executions;) {
        Execution &execution = *--at;
        const bool cut_off = execution.state.running && execution.run_transaction_level >= from_transaction_level;
        if (execution.query == nullptr || (execution.transaction_level < from_transaction_level && !cut_off))
            continue;
        // What was cancelled before it began did nothing.
        if (!execution.state.recorded && execution.began != 0) {
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

} // namespace dbperf::statements::execution
