#include "core/pg.h"

#include "deadlock_prediction/lock_trace_statement.h"

#include "core/guard.h"
#include "deadlock_prediction/foreign_key_locks.h"
#include "deadlock_prediction/held_locks.h"
#include "deadlock_prediction/lock_trace_script.h"
#include "deadlock_prediction/row_locks.h"

namespace dbperf::deadlock_prediction::lock_trace {
using namespace core;
using namespace statements;

namespace {

// What the server does for a foreign key is its statement's doing; without one it is the COMMIT.
Source source_of(const Execution *execution) {
    // The server's own checks of foreign keys run with row security switched off, which nothing else does.
    const bool is_check = InNoForceRLSOperation();
    if (execution && !is_check)
        return source(execution->statement->fingerprint, false);
    Source of = source_of_check(execution ? execution : execution::stack.top);
    of.is_check = is_check;
    return of;
}

// Locks of the session, from before the transaction.
void read_session_locks() {
    if (likely(trace.held_locks != 0 || compat::held_locks_mark() == 0))
        return;
    Source before = source(0, false);
    read_held_locks(&before, nullptr, false);
}

bool takes_no_locks(const Node *statement) {
    switch (nodeTag(statement)) {
    case T_TransactionStmt:
    case T_VariableSetStmt:
    case T_VariableShowStmt:
    case T_DeallocateStmt:
    case T_ClosePortalStmt:
    case T_NotifyStmt:
        return true;
    default:
        return false;
    }
}

// What they lock is what the statements in them lock.
bool only_carries_others(const Node *statement) {
    switch (nodeTag(statement)) {
    case T_DoStmt:
    case T_CallStmt:
    case T_ExplainStmt:
    case T_DeclareCursorStmt:
    case T_FetchStmt:
    case T_PrepareStmt:
    case T_ExecuteStmt:
        return true;
    default:
        return false;
    }
}

bool waits_for_locks(const Node *statement) {
    return !IsA(statement, LockStmt) || !reinterpret_cast<const LockStmt *>(statement)->nowait;
}

// Functions that the plan depends on (those of the server it does not) and triggers can take whatever lock they like.
inline bool may_take_other_locks(const QueryDesc *query, const Execution *execution) {
    if (unlikely(!execution || execution->statement->names_advisory || query->plannedstmt->invalItems != NIL))
        return true;
    const PlanState *state = query->planstate;
    return IsA(state, ModifyTableState) &&
           reinterpret_cast<const ModifyTableState *>(state)->resultRelInfo->ri_TrigDesc != nullptr;
}

void watch(const Node *node, uint64 fingerprint, Command *command) {
    pause_if_due();
    if (trace.recorder.empty())
        read_session_locks();
    command->watched = true;
    if (only_carries_others(node))
        return;
    command->around = acquisitions::begin(source(fingerprint, false), waits_for_locks(node));
    command->follows = true;
}

} // namespace

[[gnu::noinline]] void query_begins(QueryDesc *query, const Execution *execution, int level) {
    if (!active())
        return;
    acquisitions::settle();
    pause_if_due();
    Source source = source_of(execution);
    if (trace.recorder.empty()) {
        choose(source.fingerprint);
        if (!trace.active)
            return;
        read_session_locks();
    }
    if (level == 0)
        script::query_begins(query);
    const ListCell *cell;
    foreach (cell, query->plannedstmt->rtable) {
        const auto *entry = static_cast<const RangeTblEntry *>(lfirst(cell));
        // Views keep theirs when they have become subqueries.
        if (OidIsValid(entry->relid) && entry->rellockmode != NoLock)
            take_table(&source, entry->relid, entry->rellockmode, true);
    }
    row_locks::watch(query, source, execution && execution->statement->names_advisory);
}

[[gnu::noinline]] void query_paused(QueryDesc *query, const Execution *execution) {
    if (likely(!may_take_other_locks(query, execution)) || !active())
        return;
    if (compat::held_locks_mark() == trace.held_locks && !(execution && execution->statement->names_advisory))
        return;
    Source source = source_of(execution);
    read_held_locks(&source, query);
}

void command_begins(const PlannedStmt *statement, const char *source, ParamListInfo parameters, uint64 fingerprint,
                    Command *command) {
    const Node *node = statement->utilityStmt;
    if (foreign_keys::any_noted())
        foreign_keys::command_begins(node);
    if (source && active())
        command->sent = script::command_begins(statement, source, parameters);
    if (takes_no_locks(node) || !IsTransactionState() || !active())
        return;
    // It may be cancelled while it pauses.
    with_error_cleanup([=] { watch(node, fingerprint, command); }, [command] { command_failed(*command); });
}

void command_failed(const Command &command) {
    if (command.sent)
        script::command_ended();
    if (command.follows)
        acquisitions::abandon(command.around);
}

void command_ended(const Command &command, uint64 fingerprint) {
    if (command.sent)
        script::command_ended();
    const bool looks = command.watched && IsTransactionState() && active();
    if (command.follows && looks)
        acquisitions::end(command.around);
    else if (command.follows)
        acquisitions::abandon(command.around);
    if (!looks || compat::held_locks_mark() == trace.held_locks)
        return;
    Source by = source(fingerprint, false);
    read_held_locks(&by, nullptr);
}

} // namespace dbperf::deadlock_prediction::lock_trace
