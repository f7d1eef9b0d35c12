#include "core/pg.h"

#include "deadlock_prediction/lock_trace_statement.h"

#include <span>

#include "core/guard.h"
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
    const Execution *at = execution ? execution : execution::stack.top;
    while (at != execution::stack.executions)
        if ((--at)->query)
            return source(at->statement->fingerprint, is_check);
    return source(0, is_check);
}

// Locks of the session, from before the transaction.
void read_session_locks() {
    if (likely(trace.held_locks != 0 || compat::held_locks_mark() == 0))
        return;
    Source before = source(0, false);
    read_held_locks(&before, {}, nullptr, false);
}

void add_name(const RangeVar *name, Command *command) {
    if (!name || command->table_count == lengthof(command->tables))
        return;
    const Oid found = RangeVarGetRelid(name, NoLock, true);
    if (OidIsValid(found))
        command->tables[command->table_count++] = found;
}

void add_names(const List *names, Command *command) {
    const ListCell *cell;
    foreach (cell, names)
        if (IsA(lfirst(cell), RangeVar))
            add_name(static_cast<const RangeVar *>(lfirst(cell)), command);
}

void read_names(const Node *statement, Command *command) {
    switch (nodeTag(statement)) {
    case T_LockStmt:
        return add_names(reinterpret_cast<const LockStmt *>(statement)->relations, command);
    case T_TruncateStmt:
        return add_names(reinterpret_cast<const TruncateStmt *>(statement)->relations, command);
    case T_AlterTableStmt:
        return add_name(reinterpret_cast<const AlterTableStmt *>(statement)->relation, command);
    case T_IndexStmt:
        return add_name(reinterpret_cast<const IndexStmt *>(statement)->relation, command);
    case T_CreateTrigStmt:
        return add_name(reinterpret_cast<const CreateTrigStmt *>(statement)->relation, command);
    case T_RenameStmt:
        return add_name(reinterpret_cast<const RenameStmt *>(statement)->relation, command);
    case T_CopyStmt:
        return add_name(reinterpret_cast<const CopyStmt *>(statement)->relation, command);
    default:
        return;
    }
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

// Functions that the plan depends on (those of the server it does not) and triggers can take whatever lock they like.
inline bool may_take_other_locks(const QueryDesc *query, const Execution *execution) {
    if (unlikely(!execution || execution->statement->names_advisory || query->plannedstmt->invalItems != NIL))
        return true;
    const PlanState *state = query->planstate;
    return IsA(state, ModifyTableState) &&
           reinterpret_cast<const ModifyTableState *>(state)->resultRelInfo->ri_TrigDesc != nullptr;
}

void watch(const Node *node, Command *command) {
    pause_if_due();
    if (trace.recorder.empty())
        read_session_locks();
    command->table_count = 0;
    command->mode = NoLock;
    command->watched = true;
    command->waits = true;
    // Weak modes are not in the server's table.
    if (IsA(node, LockStmt)) {
        command->mode = reinterpret_cast<const LockStmt *>(node)->mode;
        command->waits = !reinterpret_cast<const LockStmt *>(node)->nowait;
    } else if (IsA(node, CopyStmt)) {
        command->mode = reinterpret_cast<const CopyStmt *>(node)->is_from ? RowExclusiveLock : AccessShareLock;
    }
    catch_errors([=] { read_names(node, command); });
}

} // namespace

[[gnu::noinline]] void query_begins(QueryDesc *query, const Execution *execution, int level) {
    if (!active())
        return;
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
    read_held_locks(&source, {}, query);
}

void command_begins(const PlannedStmt *statement, const char *source, ParamListInfo parameters, Command *command) {
    const Node *node = statement->utilityStmt;
    if (source && active())
        command->sent = script::command_begins(statement, source, parameters);
    if (takes_no_locks(node) || !IsTransactionState() || !active())
        return;
    // It may be cancelled while it pauses.
    with_error_cleanup([=] { watch(node, command); }, [command] { command_failed(*command); });
}

void command_failed(const Command &command) {
    if (command.sent)
        script::command_ended();
}

void command_ended(const Command &command, uint64 fingerprint) {
    command_failed(command);
    if (!command.watched || !IsTransactionState() || !active())
        return;
    Source by = source(fingerprint, false);
    const std::span<const Oid> tables{command.tables, static_cast<size_t>(command.table_count)};
    if (command.mode != NoLock)
        for (const Oid table : tables)
            take_table(&by, table, command.mode, command.waits);
    if (compat::held_locks_mark() != trace.held_locks)
        read_held_locks(&by, tables, nullptr);
}

} // namespace dbperf::deadlock_prediction::lock_trace
