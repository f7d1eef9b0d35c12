// Statements first, then N+1, then plans.
#include "core/pg.h"

#include "hooks/collect.h"

#include "core/guard.h"
#include "core/settings.h"
#include "deadlocks/trail.h"
#include "lock_waits/observer_worker.h"
#include "n_plus_one/repetition.h"
#include "n_plus_one/server_loops.h"
#include "plans/plan_capture.h"
#include "statements/known_names.h"
#include "statements/last_execution.h"
#include "statements/internal_statement.h"
#include "statements/text_store.h"
#include "units/occurrences.h"
#include "workload/parameter_capture.h"

namespace dbperf::hooks::collect {
using namespace core;
using namespace statements;
using namespace n_plus_one;
using namespace plans;
using namespace workload;
using namespace deadlocks;
using namespace units;

namespace {

// Names are for the queries that the application sent, not for what runs below them, nor for BEGIN, SET and the like.
inline uint64 name_of(const Execution &execution) {
    const uint64 name = settings::derived().name;
    return unlikely(name != 0) && execution.state.top_level && !execution.state.is_utility ? name : 0;
}

void store_text(void *argument) {
    const Execution *execution = static_cast<const Execution *>(argument);
    const bool in_run = execution->run != runs::no_run;
    bool stored = true;
    if (execution->query)
        stored = statement_identity::store_text(*execution->statement, execution->query->sourceText,
                                                execution->query->plannedstmt->stmt_location,
                                                execution->query->plannedstmt->stmt_len, false, in_run);
    else if (execution->state.is_utility && execution->source)
        stored = statement_identity::store_text(*execution->statement, execution->source, execution->location,
                                                execution->length, true, in_run);
    if (name_of(*execution) != 0)
        stored = text_store::put(settings::derived().name, settings::query_name, in_run) && stored;
    if (!stored)
        runs::count_lost(execution->run, runs::Loss::texts);
}

[[gnu::noinline]] void count_elsewhere(Execution *execution, Oid role, uint64 name) {
    known_names::remember(role);
    StatementIdentity *statement = execution->statement;
    const StatementKey key{statement->fingerprint,    name, MyDatabaseId, role, execution->run,
                           execution->state.top_level};
    statement_table::record(key, &statement->entry, execution->observed, settings::derived().budget, store_text,
                            execution);
}

[[gnu::noinline]] uint32 look_up_run() {
    const uint32 known_resets = runs::cache.resets;
    const uint32 run = runs::look_up_current();
    if (runs::cache.resets != known_resets)
        repetition::forget();
    if (run != runs::no_run)
        lock_waits::observer_worker::run_found();
    return run;
}

inline uint32 run_now() {
    return runs::current_is_known() ? runs::cache.id : look_up_run();
}

inline void count(Execution *execution, bool top_level) {
    const uint32 run = execution->run = run_now();
    const Oid role = GetUserId();
    const settings::Derived &derived = settings::derived();
    const uint64 name = unlikely(derived.name != 0) ? name_of(*execution) : 0;
    if (unlikely(!statement_table::record_again(execution->statement->entry, run, role, name, top_level,
                                                execution->observed, derived.budget)))
        count_elsewhere(execution, role, name);
    execution->state.recorded = true;
}

inline void count(Execution *execution) {
    count(execution, execution->state.top_level);
}

// Looking up the session's run would begin it, and asking dbperf about a run is not an observation.
[[gnu::noinline]] bool begins_no_run(const QueryDesc *query) {
    const PlannedStmt *plan = query->plannedstmt;
    const statement_identity::Occurrence *occurrence =
        statement_identity::of(query->sourceText, plan->stmt_location, plan->stmt_len, false);
    return !occurrence || occurrence->statement->is_internal;
}

// What did not run to its end is work of its unit, too.
void count_in_unit(const Execution &execution) {
    if (execution.run != runs::no_run && execution.state.top_level)
        occurrences::count(execution);
}

[[gnu::noinline]] void completed_in_run(const Execution &execution) {
    if (execution.state.top_level) {
        occurrences::count(execution);
        last_execution::remember(execution.observed);
        if (unlikely(settings::keep_parameters))
            parameter_capture::consider(execution, name_of(execution));
    }
    plan_capture::consider(execution, name_of(execution));
}

} // namespace

void before_start(QueryDesc *query, int flags) {
    if (IsParallelWorker()) {
        // Where a worker first meets a hook; its leader counts for it.
        settings::suppression |= settings::suppressed_process;
        return;
    }
    if (!runs::current_is_known() && begins_no_run(query))
        return;
    if (run_now() != runs::no_run && settings::capture_plans != settings::capture_off &&
        (flags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
        plan_capture::request(query);
}

void completed_as_usual(Execution *execution) {
    count(execution, true);
    repetition::observe_usual(execution, execution->query);
    server_loops::top_level_ended(execution->statement->fingerprint);
    if (unlikely(execution->run != runs::no_run))
        completed_in_run(*execution);
}

[[gnu::noinline]] void completed(Execution *execution) {
    count(execution);
    if (unlikely(execution->state.trailed))
        trail::end(execution);
    if (likely(execution->state.top_level)) {
        repetition::observe(execution, execution->query);
        server_loops::top_level_ended(execution->statement->fingerprint);
    } else {
        server_loops::observe(*execution, execution->query);
    }
    if (unlikely(execution->run != runs::no_run))
        completed_in_run(*execution);
}

[[gnu::noinline]] void paused(Execution *execution) {
    repetition::paused(execution, execution->query);
}

void failed(Execution *execution, int sqlstate) {
    execution->observed.aborted = true;
    count(execution);
    count_in_unit(*execution);
    if (execution->state.trailed)
        trail::end(execution);
    if (execution->state.top_level)
        server_loops::top_level_ended(execution->statement->fingerprint);
    // A cancel or time-out is raised where interrupts are served, with no lock held and all structures sound; other
    // errors may come from anywhere, and formatting a plan reads catalogs.
    if (sqlstate == ERRCODE_QUERY_CANCELED || sqlstate == ERRCODE_LOCK_NOT_AVAILABLE)
        plan_capture::consider(*execution, name_of(*execution));
}

void abandoned(Execution *execution) {
    count(execution);
    count_in_unit(*execution);
    if (execution->state.trailed)
        trail::end(execution);
    if (execution->state.top_level)
        server_loops::top_level_ended(execution->statement->fingerprint);
}

bool open_utility(const PlannedStmt *statement, const char *source, int level, Execution *execution) {
    statement_identity::Occurrence *occurrence =
        statement_identity::of(source, statement->stmt_location, statement->stmt_len, true);
    if (!occurrence)
        return false;
    execution::identify(execution, occurrence);
    execution->state.is_utility = true;
    execution->state.top_level = execution::is_top_level(level);
    execution->level = level;
    execution->source = source;
    execution->location = statement->stmt_location;
    execution->length = statement->stmt_len;
    execution->is_control = may_capture() && occurrences::is_control(statement->utilityStmt);
    if (unlikely(occurrence->statement->names_dbperf) &&
        internal_statement::is_internal_command(statement->utilityStmt))
        return false;
    trail::begin_utility(execution, statement->utilityStmt);
    return true;
}

void completed_utility(Execution *execution) {
    count(execution);
    if (!execution->is_control)
        count_in_unit(*execution);
    if (execution->state.trailed)
        trail::end(execution);
    if (execution->state.top_level)
        server_loops::top_level_ended(execution->statement->fingerprint);
}

void failed_utility(Execution *execution) {
    execution->observed.aborted = true;
    completed_utility(execution);
}

void transaction_ends() {
    server_loops::top_level_ended(0);
    repetition::transaction_ended(true);
}

void transaction_ended() {
    repetition::transaction_ended(false);
}

void savepoint_begins() {
    if (settings::n_plus_one)
        repetition::savepoint_begins();
}

void session_changed() {
    repetition::session_changed();
    occurrences::scope_changed();
}

void scope_changed() {
    repetition::scope_changed();
    occurrences::scope_changed();
}

} // namespace dbperf::hooks::collect
