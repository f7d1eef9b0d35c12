// Every hook calls the one that was there before, whatever we do. Nothing here raises into the user's statement.
#include "server/pg.h"

#include "observe/hooks.h"

#include "observe/collect.h"
#include "observe/execution.h"
#include "server/guard.h"
#include "server/settings.h"
#include "server/shared_memory.h"

namespace dbperf::hooks {
namespace {

post_parse_analyze_hook_type previous_post_parse_analyze = nullptr;
planner_hook_type previous_planner = nullptr;
ExecutorStart_hook_type previous_executor_start = nullptr;
ExecutorRun_hook_type previous_executor_run = nullptr;
ExecutorFinish_hook_type previous_executor_finish = nullptr;
ExecutorEnd_hook_type previous_executor_end = nullptr;
ProcessUtility_hook_type previous_process_utility = nullptr;

bool excluded = false;
int level = 0; // nesting of statements; 0: what the client sent
int muted = 0; // inside a statement of dbperf's own

bool observing() {
    return likely(settings::enabled) && muted == 0 && !excluded && !IsParallelWorker();
}

// Runs body one level down and comes back whatever happens.
template <typename Body> void nested(Body body) {
    ++level;
    with_cleanup(body, [] { --level; });
}

template <typename... Rest> void post_parse_analyze(ParseState *state, Query *query, Rest... rest) {
    if (previous_post_parse_analyze)
        previous_post_parse_analyze(state, query, rest...);
    if (observing())
        statement_identity::on_parse(state->p_sourcetext, query);
}

template <typename... Rest> PlannedStmt *plan(Query *query, const char *source, Rest... rest) {
    const planner_hook_type next = previous_planner ? previous_planner : standard_planner;
    if (!observing())
        return next(query, source, rest...);
    // The planner may scribble on the query.
    const auto query_id = static_cast<uint64>(query->queryId);
    const int location = query->stmt_location;
    const int length = query->stmt_len;
    const uint64 start = execution::clock();
    PlannedStmt *result = nullptr;
    nested([&] { result = next(query, source, rest...); });
    if (source && query_id != 0)
        statement_identity::add_planning(source, location, length, query_id, execution::clock() - start);
    return result;
}

void executor_start(QueryDesc *query, int flags) {
    if (observing() && (flags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
        collect::before_start(query);
    (previous_executor_start ? previous_executor_start : standard_ExecutorStart)(query, flags);
}

// The rare ways through ExecutorRun: dbperf's own statements, and those that cannot be followed.
template <typename Body> [[gnu::noinline]] void run_unobserved(Execution *own, Body body) {
    const bool is_own = own != nullptr;
    if (is_own)
        execution::close(own);
    muted += is_own;
    nested([&] { with_cleanup(body, [is_own] { muted -= is_own; }); });
}

[[gnu::noinline]] void run_failed(Execution *execution, uint64 started) {
    --level;
    execution::stop(execution, started);
    collect::failed(execution);
    execution::close(execution);
}

// A SELECT without side effects: ExecutorFinish has nothing to do for it.
bool only_reads(const QueryDesc *query) {
    return likely(query->operation == CMD_SELECT && !query->plannedstmt->hasModifyingCTE);
}

template <typename... Rest> void executor_run(QueryDesc *query, ScanDirection direction, uint64 count, Rest... rest) {
    const auto next = previous_executor_run ? previous_executor_run : standard_ExecutorRun;
    if (!observing()) {
        next(query, direction, count, rest...);
        return;
    }
    Execution *execution = execution::find(query);
    // A query that ran before and is not open any more was counted then.
    if (likely(!execution && !query->already_executed))
        execution = execution::open(query, level == 0);
    if (unlikely(!execution || execution->statement->is_own)) {
        run_unobserved(execution, [&] { next(query, direction, count, rest...); });
        return;
    }
    const uint64 started = execution::start(execution);
    ++level;
    with_error_cleanup([&] { next(query, direction, count, rest...); },
                       [execution, query, started] {
                           execution->observed.rows += query->estate->es_processed;
                           run_failed(execution, started);
                       });
    --level;
    execution::stop(execution, started);
    const uint64 rows = query->estate->es_processed;
    execution->observed.rows += rows;
    // A SELECT that ran out of rows is over, though its portal may stay open until the next message of the client or,
    // when the connection ends first, be dropped without ExecutorEnd.
    if (only_reads(query) && (count == 0 || rows < count) && !execution->recorded) {
        collect::completed(execution);
        execution::close(execution);
    }
}

// Others fire their AFTER triggers here.
[[gnu::noinline]] void finish_writing(QueryDesc *query, ExecutorFinish_hook_type next) {
    Execution *execution = observing() ? execution::find(query) : nullptr;
    if (!execution) {
        nested([&] { next(query); });
        return;
    }
    const uint64 started = execution::start(execution);
    ++level;
    with_error_cleanup([&] { next(query); }, [execution, started] { run_failed(execution, started); });
    --level;
    execution::stop(execution, started);
}

void executor_finish(QueryDesc *query) {
    const auto next = previous_executor_finish ? previous_executor_finish : standard_ExecutorFinish;
    if (only_reads(query))
        next(query);
    else
        finish_writing(query, next);
}

[[gnu::noinline]] void end_open(Execution *execution) {
    if (!execution->recorded)
        collect::completed(execution);
    execution::close(execution);
}

void executor_end(QueryDesc *query) {
    if (execution::stack.count > 0)
        if (Execution *execution = execution::find(query))
            end_open(execution);
    (previous_executor_end ? previous_executor_end : standard_ExecutorEnd)(query);
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
    const auto next = previous_process_utility ? previous_process_utility : standard_ProcessUtility;
    const auto call_next = [=] {
        next(statement, source, read_only_tree, context, parameters, environment, destination, completion);
    };
    // The statement may be gone afterwards (a CALL that commits, DROP EXTENSION): read what is needed now.
    const bool same_level = keeps_level(statement->utilityStmt);
    const bool counted = observing() && !is_carrier(statement->utilityStmt) && context != PROCESS_UTILITY_SUBCOMMAND;
    Execution execution{};
    if (counted && !collect::open_utility(statement, source, level == 0, &execution)) {
        // dbperf's own, or not to be identified.
        const bool own = execution.statement != nullptr;
        muted += own;
        level += !same_level;
        with_cleanup(call_next, [own, same_level] {
            muted -= own;
            level -= !same_level;
        });
        return;
    }
    level += !same_level;
    const uint64 started = execution::start(&execution);
    with_error_cleanup(call_next, [&execution, started, counted, same_level] {
        level -= !same_level;
        execution::stop(&execution, started);
        if (counted)
            collect::failed_utility(&execution);
    });
    level -= !same_level;
    execution::stop(&execution, started);
    if (counted) {
        execution.observed.rows = rows_of(completion);
        collect::completed_utility(&execution);
    }
}

void on_transaction(XactEvent event, void *) {
    if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
        return;
    if (excluded)
        return;
    if (execution::stack.count > 0)
        execution::close_all(0, collect::abandoned);
    collect::transaction_ended();
}

void on_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (event == SUBXACT_EVENT_ABORT_SUB && !excluded)
        execution::close_all(GetCurrentTransactionNestLevel(), collect::abandoned);
}

} // namespace

void install() {
    previous_post_parse_analyze = post_parse_analyze_hook;
    post_parse_analyze_hook = post_parse_analyze;
    previous_planner = planner_hook;
    planner_hook = plan;
    previous_executor_start = ExecutorStart_hook;
    ExecutorStart_hook = executor_start;
    previous_executor_run = ExecutorRun_hook;
    ExecutorRun_hook = executor_run;
    previous_executor_finish = ExecutorFinish_hook;
    ExecutorFinish_hook = executor_finish;
    previous_executor_end = ExecutorEnd_hook;
    ExecutorEnd_hook = executor_end;
    previous_process_utility = ProcessUtility_hook;
    ProcessUtility_hook = process_utility;
    RegisterXactCallback(on_transaction, nullptr);
    RegisterSubXactCallback(on_subtransaction, nullptr);
}

void exclude_process() {
    excluded = true;
}

} // namespace dbperf::hooks
