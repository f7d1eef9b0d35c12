// Every hook calls the one that was there before, whatever we do. Nothing here raises into the user's statement.
#include "core/pg.h"

#include "hooks/hooks.h"

#include <algorithm>

#include "core/compat.h"
#include "core/guard.h"
#include "core/overhead.h"
#include "core/settings.h"
#include "core/shared_memory.h"
#include "database_pool/registry.h"
#include "deadlock_prediction/foreign_key_locks.h"
#include "deadlock_prediction/lock_trace.h"
#include "deadlock_prediction/lock_trace_statement.h"
#include "deadlocks/deadlock_capture.h"
#include "deadlocks/trail.h"
#include "hooks/collect.h"
#include "hooks/foreign_key_checks.h"
#include "n_plus_one/row_capture.h"
#include "schema_changes/ddl_log.h"
#include "statements/execution.h"
#include "workload/captured_execution.h"

namespace dbperf::hooks {
using namespace core;
using namespace statements;
using namespace n_plus_one;
using namespace workload;
using namespace schema_changes;
using namespace deadlocks;
using namespace deadlock_prediction;
using namespace database_pool;

namespace {

planner_hook_type next_planner = nullptr;
ExecutorStart_hook_type next_executor_start = nullptr;
ExecutorRun_hook_type next_executor_run = nullptr;
ExecutorFinish_hook_type next_executor_finish = nullptr;
ExecutorEnd_hook_type next_executor_end = nullptr;
ProcessUtility_hook_type next_process_utility = nullptr;

int level = 0; // nesting of statements; 0: what the client sent
// Utility statements under way, which are on no stack of ours. A query that one of them carries (DECLARE, EXPLAIN) may
// be planned at the lowest level too.
int open_utilities = 0;

// Statements that are being planned: planning runs others when it folds a call of a function.
struct Planning {
    int level;
    int transaction_level;
};
constexpr int max_plannings = 64;
Planning plannings[max_plannings];
int planning_count = 0;

inline void leave_plannings(int count) {
    planning_count = count;
    if (count == 0)
        execution::stack.awaited &= ~execution::awaited_by_planning;
}

inline bool observing() {
    return likely(settings::suppression == 0);
}

// Runs body one level down and comes back whatever happens.
template <typename Body>
void nested(Body body) {
    const int before = level;
    level = before + 1;
    with_cleanup(body, [before] { level = before; });
}

// Identities that are in use cannot be forgotten; between the client's statements none is.
inline void forget_identities() {
    if (level == 0 && open_utilities == 0 && !execution::any_open())
        statement_identity::forget_if_full();
}

template <typename... Rest>
PlannedStmt *plan(Query *query, const char *source, Rest... rest) {
    database_pool::note_plan();
    if (!observing()) {
        PlannedStmt *unobserved = next_planner(query, source, rest...);
        statement_identity::plan_is_made();
        return unobserved;
    }
    forget_identities();
    statement_identity::on_plan(source, query);
    // The planner may scribble on the query.
    const int location = query->stmt_location;
    const int length = query->stmt_len;
    PlannedStmt *result = nullptr;
    const int own = planning_count;
    if (unlikely(own == max_plannings)) {
        nested([&] { result = next_planner(query, source, rest...); });
        statement_identity::plan_is_made();
        return result;
    }
    // No PG_TRY here, as in executor_run: what an error leaves is taken back by the abort of its (sub)transaction.
    plannings[own] = {level, execution::stack.transaction_level};
    planning_count = own + 1;
    execution::stack.awaited |= execution::awaited_by_planning;
    ++level;
    const uint64 start = execution::clock();
    result = next_planner(query, source, rest...);
    const uint64 took = execution::clock() - start;
    level = plannings[own].level;
    leave_plannings(own);
    statement_identity::plan_is_made();
    statement_identity::on_planned(source, location, length, result, took);
    return result;
}

[[gnu::noinline]] void start_in_run(QueryDesc *query, int flags) {
    collect::before_start(query, flags);
    next_executor_start(query, flags);
}

// Here and below the usual way is a check and a jump to the next hook, without a frame of its own.
void executor_start(QueryDesc *query, int flags) {
    if (unlikely(collect::may_capture()) && observing())
        start_in_run(query, flags);
    else
        next_executor_start(query, flags);
}

// The rare ways through ExecutorRun: dbperf's own statements, and those that cannot be followed.
template <typename Body>
[[gnu::noinline]] void run_unobserved(Execution *own, const Body &body) {
    const int step = own ? settings::suppression_step : 0;
    if (own)
        execution::close(own);
    settings::suppression += step;
    nested([&] { with_cleanup(body, [step] { settings::suppression -= step; }); });
}

[[gnu::noinline]] void run_failed(Execution *execution, uint64 started, int sqlstate) {
    level = execution->level;
    execution::stop(execution, started);
    collect::failed(execution, sqlstate);
    execution::close(execution);
}

// A cursor moves on: at another level and in another subtransaction than before, perhaps.
[[gnu::noinline]] void run_again(Execution *execution, uint64 count) {
    execution->run_transaction_level = execution::stack.transaction_level;
    execution->level = level;
    // At commit a holdable cursor is run to its end into its store; one that can scroll is rewound before.
    if (count == 0 && ActivePortal && ActivePortal->strategy == PORTAL_ONE_SELECT && ActivePortal->holdStore &&
        (ActivePortal->cursorOptions & CURSOR_OPT_SCROLL) != 0)
        execution->observed.rows = 0;
}

// A plan to be captured must be captured before the error destroys it.
template <typename Body>
[[gnu::noinline]] void run_guarded(QueryDesc *query, Execution *execution, uint64 started, const Body &body) {
    with_error_handler(body, [=](int sqlstate) {
        execution->observed.rows += query->estate->es_processed;
        run_failed(execution, started, sqlstate);
    });
}

// Without a plan to capture there is no PG_TRY here, it is an eighth of the cost of observing: what an error leaves
// open is closed, counted and taken back to its level by the abort of its (sub)transaction.
template <typename... Rest>
[[gnu::flatten]] void executor_run(QueryDesc *query, ScanDirection direction, uint64 count, Rest... rest) {
    if (!observing()) {
        next_executor_run(query, direction, count, rest...);
        return;
    }
    Execution *execution = execution::find(query);
    if (likely(!execution)) {
        // A query that ran before and is not open any more was counted then.
        if (likely(!query->already_executed)) {
            execution = execution::open(query, level);
            if (unlikely(settings::track_locks) && !(execution && execution->statement->is_internal))
                lock_trace::query_begins(query, execution, level);
        }
        if (unlikely(!execution || execution->statement->is_internal)) {
            run_unobserved(execution, [&] { next_executor_run(query, direction, count, rest...); });
            return;
        }
        if (unlikely(trail::wanted(*execution)))
            trail::begin(execution);
    } else {
        run_again(execution, count);
    }
    const bool captures = collect::wants_rows(*execution) && row_capture::begin(query->dest);
    const uint64 started = execution::start(execution);
    ++level;
    if (unlikely(query->planstate->instrument))
        run_guarded(query, execution, started, [=] { next_executor_run(query, direction, count, rest...); });
    else
        next_executor_run(query, direction, count, rest...);
    level = execution->level;
    execution::stop(execution, started);
    if (unlikely(settings::track_locks))
        lock_trace::query_paused(query, execution);
    const uint64 rows = query->estate->es_processed;
    execution->observed.rows += rows;
    if (unlikely(captures)) {
        row_capture::end(query->dest);
        execution->state.captured = true;
    }
    // A SELECT that ran out of rows is over, though its portal may stay open until the next message of the client or,
    // when the connection ends first, be dropped without ExecutorEnd.
    if (execution->state.reads && (count == 0 || rows < count) && !execution->state.recorded) {
        if (execution->is_usual())
            collect::completed_as_usual(execution);
        else
            collect::completed(execution);
        // The clock's low digits are random enough: about one execution in 1,024 is sampled.
        if (unlikely(execution->ended % overhead::sample_every == 0))
            overhead::add(execution::clock() - execution->ended);
        execution::close(execution);
    } else if (captures) {
        collect::paused(execution);
    }
}

// Others fire their AFTER triggers here.
[[gnu::noinline]] void finish_writing(QueryDesc *query) {
    database_pool::note_write();
    Execution *execution = observing() ? execution::find(query) : nullptr;
    if (!execution) {
        nested([&] { next_executor_finish(query); });
        return;
    }
    run_again(execution, 1);
    if constexpr (compat::checks_foreign_keys_itself)
        foreign_key_checks::watch(query->estate, &level);
    const uint64 started = execution::start(execution);
    const int before = level;
    level = before + 1;
    with_error_handler([=] { next_executor_finish(query); },
                       [=](int sqlstate) { run_failed(execution, started, sqlstate); });
    level = before;
    execution::stop(execution, started);
}

void executor_finish(QueryDesc *query) {
    if (execution::only_reads(query))
        next_executor_finish(query);
    else
        finish_writing(query);
}

[[gnu::noinline]] void end_open(QueryDesc *query) {
    if (Execution *execution = execution::find(query)) {
        if (!execution->state.recorded)
            collect::completed(execution);
        execution::close(execution);
    }
    next_executor_end(query);
}

void executor_end(QueryDesc *query) {
    if (execution::any_open())
        end_open(query);
    else
        next_executor_end(query);
}

// Statements that only carry another one, which is counted itself.
bool is_carrier(const Node *statement) {
    return IsA(statement, ExecuteStmt) || IsA(statement, PrepareStmt) || IsA(statement, DeallocateStmt);
}

// Statements whose query is still what the client asked for, not something nested.
bool keeps_level(const Node *statement) {
    return is_carrier(statement) || IsA(statement, DeclareCursorStmt) || IsA(statement, FetchStmt) ||
           IsA(statement, ClosePortalStmt);
}

bool is_savepoint(const Node *statement) {
    return IsA(statement, TransactionStmt) &&
           reinterpret_cast<const TransactionStmt *>(statement)->kind == TRANS_STMT_SAVEPOINT;
}

uint64 rows_of(const QueryCompletion *completion) {
    if (!completion)
        return 0;
    switch (completion->commandTag) {
    case CMDTAG_COPY:
    case CMDTAG_FETCH:
    case CMDTAG_SELECT:
    case CMDTAG_REFRESH_MATERIALIZED_VIEW:
        return completion->nprocessed;
    default:
        return 0;
    }
}

void process_utility(PlannedStmt *statement, const char *source, bool read_only_tree, ProcessUtilityContext context,
                     ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *destination,
                     QueryCompletion *completion) {
    const auto call_next = [=] {
        next_process_utility(statement, source, read_only_tree, context, parameters, environment, destination,
                             completion);
    };
    // Its statement is the session's own, at the level of one that the client sent.
    if (unlikely(captured_execution::is_asked_for(statement->utilityStmt, context))) {
        captured_execution::run(destination);
        return;
    }
    database_pool::note_utility(statement->utilityStmt);
    // The statement may be gone afterwards (a CALL that commits, DROP EXTENSION): read what is needed now.
    const bool same_level = keeps_level(statement->utilityStmt);
    const bool sets = IsA(statement->utilityStmt, VariableSetStmt);
    const bool saves = level == 0 && is_savepoint(statement->utilityStmt);
    const bool counted = observing() && !is_carrier(statement->utilityStmt) && context != PROCESS_UTILITY_SUBCOMMAND;
    const int before = level;
    const int inside = same_level ? level : level + 1;
    Execution execution{};
    forget_identities();
    if (counted && !collect::open_utility(statement, source, level, &execution)) {
        // dbperf's own, or not to be identified. What it carries speaks for itself.
        level = inside;
        with_cleanup(call_next, [before] { level = before; });
        if (sets)
            collect::scope_changed();
        return;
    }
    lock_trace::Command command;
    if (unlikely(settings::track_locks) && counted)
        lock_trace::command_begins(statement, level == 0 ? source : nullptr, parameters,
                                   execution.statement->fingerprint, &command);
    level = inside;
    ddl_log::Note *ddl =
        counted ? ddl_log::begin(statement->utilityStmt, source, statement->stmt_location, statement->stmt_len)
                : nullptr;
    const uint64 started = execution::start(&execution);
    const int open_before = open_utilities++;
    with_error_handler(call_next, [&execution, &command, started, counted, before, open_before, ddl](int) {
        level = before;
        open_utilities = open_before;
        lock_trace::command_failed(command);
        execution::stop(&execution, started);
        if (ddl)
            ddl_log::failed(ddl);
        if (counted)
            collect::failed_utility(&execution);
    });
    level = before;
    open_utilities = open_before;
    execution::stop(&execution, started);
    if (unlikely(command.watched || command.sent))
        lock_trace::command_ended(command, execution.statement->fingerprint);
    if (counted) {
        execution.observed.rows = rows_of(completion);
        collect::completed_utility(&execution);
    }
    if (ddl)
        ddl_log::completed(ddl);
    if (sets)
        collect::session_changed();
    if (saves && counted)
        collect::savepoint_begins();
}

// Statements cut off by an error take the level back to where they stood.
[[gnu::noinline]] void close_open(int from_transaction_level) {
    if (execution::any_open())
        level = std::min(level, execution::close_all(from_transaction_level, collect::abandoned));
    int count = planning_count;
    while (count > 0 && plannings[count - 1].transaction_level >= from_transaction_level)
        level = std::min(level, plannings[--count].level);
    leave_plannings(count);
}

inline bool any_cut_off() {
    return execution::any_open() || unlikely(planning_count != 0);
}

void set_transaction_level(int to) {
    execution::stack.transaction_level = to;
    if (to > 1)
        execution::stack.awaited |= execution::awaited_by_subtransaction;
    else
        execution::stack.awaited &= ~execution::awaited_by_subtransaction;
}

[[gnu::noinline]] void end_transaction(XactEvent event) {
    if ((execution::stack.awaited & execution::awaited_by_error_context) != 0)
        deadlock_capture::watch();
    if (event == XACT_EVENT_PRE_COMMIT) {
        if (foreign_keys::any_noted())
            foreign_keys::transaction_ends();
        // A COMMIT in a procedure ends no statement of the client.
        if (level == 0)
            collect::transaction_ends();
    } else if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
        set_transaction_level(1);
        if (any_cut_off())
            close_open(0);
        if (lock_trace::any())
            lock_trace::transaction_ended();
        execution::stack.awaited &= ~execution::awaited_by_locks;
        collect::transaction_ended();
    }
}

void on_transaction(XactEvent event, void *) {
    if (unlikely((execution::stack.height | execution::stack.awaited) != 0))
        end_transaction(event);
    if (event == XACT_EVENT_PRE_COMMIT && TransactionIdIsValid(GetTopTransactionIdIfAny()))
        database_pool::note_commit();
}

void on_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    const int its_level = GetCurrentTransactionNestLevel();
    if (event == SUBXACT_EVENT_COMMIT_SUB || event == SUBXACT_EVENT_ABORT_SUB)
        trail::subtransaction_ended(its_level, event == SUBXACT_EVENT_ABORT_SUB);
    if (event == SUBXACT_EVENT_START_SUB)
        set_transaction_level(its_level);
    if (event == SUBXACT_EVENT_COMMIT_SUB || event == SUBXACT_EVENT_ABORT_SUB)
        set_transaction_level(its_level - 1);
    if (lock_trace::any() && (event == SUBXACT_EVENT_COMMIT_SUB || event == SUBXACT_EVENT_ABORT_SUB)) {
        lock_trace::subtransaction_ended(its_level, event == SUBXACT_EVENT_ABORT_SUB);
        foreign_keys::subtransaction_ended(its_level, event == SUBXACT_EVENT_ABORT_SUB);
    }
    if (event == SUBXACT_EVENT_ABORT_SUB && any_cut_off())
        close_open(its_level);
}

} // namespace

void install() {
    next_planner = planner_hook ? planner_hook : standard_planner;
    planner_hook = plan;
    next_executor_start = ExecutorStart_hook ? ExecutorStart_hook : standard_ExecutorStart;
    ExecutorStart_hook = executor_start;
    next_executor_run = ExecutorRun_hook ? ExecutorRun_hook : standard_ExecutorRun;
    ExecutorRun_hook = executor_run;
    next_executor_finish = ExecutorFinish_hook ? ExecutorFinish_hook : standard_ExecutorFinish;
    ExecutorFinish_hook = executor_finish;
    next_executor_end = ExecutorEnd_hook ? ExecutorEnd_hook : standard_ExecutorEnd;
    ExecutorEnd_hook = executor_end;
    next_process_utility = ProcessUtility_hook ? ProcessUtility_hook : standard_ProcessUtility;
    ProcessUtility_hook = process_utility;
    deadlock_capture::install();
    RegisterXactCallback(on_transaction, nullptr);
    RegisterSubXactCallback(on_subtransaction, nullptr);
}

} // namespace dbperf::hooks
