// Formatting costs far more than instrumenting, so a plan is formatted only when its shape is new to the run or it was
// slower than all before. A cheap hash over the plan tree recognises what this backend has formatted already.
#include "core/pg.h"

#include "plans/plan_capture.h"

#include <array>

#include "core/compat.h"
#include "core/event_queue.h"
#include "core/guard.h"
#include "core/hash.h"
#include "core/runs.h"
#include "core/settings.h"
#include "plans/plan_shape.h"
#include "plans/plan_table.h"
#include "statements/statement_identity.h"

namespace dbperf::plans::plan_capture {
using namespace core;
using namespace statements;

namespace {

struct Known {
    uint64 fingerprint;
    uint64 quick;
    uint32 run;
    uint64 shape;
    plan_table::Handle handle;
};

std::array<Known, 256> known_plans{};
MemoryContext scratch = nullptr;
uint64 failure_count = 0;

void add_plan(Hash64 &hash, const Plan *plan, const List *range_table);

void add_plans(Hash64 &hash, const List *plans, const List *range_table) {
    ListCell *cell;
    foreach (cell, plans)
        add_plan(hash, static_cast<const Plan *>(lfirst(cell)), range_table);
}

void add_columns(Hash64 &hash, int count, const AttrNumber *columns) {
    for (int i = 0; i < count; ++i)
        hash.add(static_cast<uint64>(static_cast<uint16>(columns[i])));
}

template <typename Node>
const Node *as(const Plan *plan) {
    return reinterpret_cast<const Node *>(plan);
}

// A process-local identity of a plan tree by OIDs: cheap, and finer than the shape that is stored.
void add_plan(Hash64 &hash, const Plan *plan, const List *range_table) {
    // What is deeper than the stack looks alike: this is no place to raise an error.
    if (!plan || stack_is_too_deep()) {
        hash.add(uint64{0});
        return;
    }
    hash.add(static_cast<uint64>(nodeTag(plan)));
    switch (nodeTag(plan)) {
    case T_SeqScan:
    case T_SampleScan:
    case T_BitmapHeapScan:
    case T_TidScan:
    case T_TidRangeScan:
    case T_FunctionScan:
    case T_ValuesScan:
    case T_CteScan:
    case T_ForeignScan:
        hash.add(static_cast<uint64>(as<Scan>(plan)->scanrelid));
        break;
    case T_IndexScan:
        hash.add(static_cast<uint64>(as<Scan>(plan)->scanrelid));
        hash.add((static_cast<uint64>(as<IndexScan>(plan)->indexid) << 8) |
                 static_cast<uint8>(as<IndexScan>(plan)->indexorderdir));
        break;
    case T_IndexOnlyScan:
        hash.add(static_cast<uint64>(as<Scan>(plan)->scanrelid));
        hash.add((static_cast<uint64>(as<IndexOnlyScan>(plan)->indexid) << 8) |
                 static_cast<uint8>(as<IndexOnlyScan>(plan)->indexorderdir));
        break;
    case T_BitmapIndexScan:
        hash.add(static_cast<uint64>(as<BitmapIndexScan>(plan)->indexid));
        break;
    case T_NestLoop:
    case T_MergeJoin:
    case T_HashJoin:
        hash.add(static_cast<uint64>(as<Join>(plan)->jointype));
        break;
    case T_Sort:
    case T_IncrementalSort:
        add_columns(hash, as<Sort>(plan)->numCols, as<Sort>(plan)->sortColIdx);
        break;
    case T_Agg:
        hash.add(static_cast<uint64>(as<Agg>(plan)->aggstrategy));
        add_columns(hash, as<Agg>(plan)->numCols, as<Agg>(plan)->grpColIdx);
        break;
    case T_Append:
        add_plans(hash, as<Append>(plan)->appendplans, range_table);
        break;
    case T_MergeAppend:
        add_plans(hash, as<MergeAppend>(plan)->mergeplans, range_table);
        break;
    case T_BitmapAnd:
        add_plans(hash, as<BitmapAnd>(plan)->bitmapplans, range_table);
        break;
    case T_BitmapOr:
        add_plans(hash, as<BitmapOr>(plan)->bitmapplans, range_table);
        break;
    case T_SubqueryScan:
        add_plan(hash, as<SubqueryScan>(plan)->subplan, range_table);
        break;
    default:
        break;
    }
    add_plan(hash, plan->lefttree, range_table);
    add_plan(hash, plan->righttree, range_table);
}

uint64 quick_shape(const PlannedStmt *statement) {
    Hash64 hash;
    add_plan(hash, statement->planTree, statement->rtable);
    add_plans(hash, statement->subplans, statement->rtable);
    // Range table indexes mean relations only together with the relations.
    ListCell *cell;
    foreach (cell, statement->relationOids)
        hash.add(static_cast<uint64>(lfirst_oid(cell)));
    return hash.value();
}

// Ends the node calls that a cancel left unfinished, as far as it is known: a node that was never left but did
// something, itself or below, is still in its first call. The context is whether a child did something.
bool end_unfinished_calls(PlanState *state, void *context) {
    bool touched = false;
    compat::walk_children(state, end_unfinished_calls, &touched);
    if (compat::NodeTimes *instrument = state->instrument) {
        const Instrumentation &timer = compat::timer_of(instrument);
        touched = touched || instrument->running || instrument->nloops > 0 || instrument->nfiltered1 > 0;
        const bool first_call = touched && !instrument->running && instrument->nloops == 0;
        const bool timed_call = timer.need_timer && !INSTR_TIME_IS_ZERO(timer.starttime);
        if (timed_call || (first_call && !timer.need_timer))
            InstrStopNode(instrument, 0);
    }
    *static_cast<bool *>(context) |= touched;
    return false;
}

// Formats into the scratch context; false when that failed.
bool format(QueryDesc *query, bool aborted, StringInfo *text) {
    if (!scratch)
        scratch = AllocSetContextCreate(TopMemoryContext, "dbperf plan", ALLOCSET_DEFAULT_SIZES);
    // A cancel that arrives while formatting is served after it, in the user's own statement.
    HOLD_INTERRUPTS();
    const bool done = catch_errors([=] {
        with_memory_context(scratch, [=] {
            if (aborted) {
                bool touched = false;
                end_unfinished_calls(query->planstate, &touched);
            }
            ExplainState *state = NewExplainState();
            state->analyze = true;
            state->buffers = true;
            state->settings = true;
            state->timing = (query->instrument_options & INSTRUMENT_TIMER) != 0;
            state->summary = false;
            state->format = EXPLAIN_FORMAT_JSON;
            ExplainBeginOutput(state);
            ExplainOpenGroup("Query", nullptr, true, state);
            ExplainPrintPlan(state, query);
            ExplainPrintTriggers(state, query);
            ExplainCloseGroup("Query", nullptr, true, state);
            ExplainEndOutput(state);
            *text = state->str;
        });
    });
    RESUME_INTERRUPTS();
    if (!done)
        ++failure_count;
    return done;
}

void send(const Execution &execution, uint64 name, uint64 shape, PlanReason reason, const StringInfoData &text) {
    PlanRecord record{};
    record.fingerprint = execution.statement->fingerprint;
    record.name = name;
    record.shape = shape;
    record.elapsed = execution.observed.elapsed;
    record.rows = execution.observed.rows;
    record.usage = execution.observed.usage;
    record.reason = reason;
    record.aborted = execution.observed.aborted;
    record.top_level = execution.state.top_level;
    record.timed = (execution.query->instrument_options & INSTRUMENT_TIMER) != 0;
    char comment[max_traced_comment];
    statement_identity::copy_comment(*execution.statement, execution.query, comment, sizeof(comment));
    const std::string_view trace = traceparent_of(comment);
    memcpy(record.traceparent, trace.data(), trace.size());
    const std::array parts{std::string_view(reinterpret_cast<const char *>(&record), sizeof(record)),
                           std::string_view(text.data, static_cast<size_t>(text.len))};
    event_queue::append(event_queue::EventType::plan, execution.run, MyDatabaseId, GetUserId(), parts);
}

void capture(const Execution &execution, uint64 name, PlanReason reason) {
    StringInfo text = nullptr;
    if (format(execution.query, execution.observed.aborted, &text))
        send(execution, name, plan_shape({text->data, static_cast<size_t>(text->len)}), reason, *text);
    MemoryContextReset(scratch);
}

void capture_if_new(const Execution &execution, uint64 name) {
    const uint64 fingerprint = execution.statement->fingerprint;
    const uint64 quick = quick_shape(execution.query->plannedstmt);
    Known &known = known_plans[(quick ^ fingerprint) % known_plans.size()];
    StringInfo text = nullptr;
    if (known.fingerprint == fingerprint && known.quick == quick && known.run == execution.run) {
        bool valid = false;
        if (plan_table::claim_again(known.handle, execution.observed.elapsed, &valid) != plan_table::Claim::slower &&
            valid)
            return;
        if (valid) {
            if (format(execution.query, execution.observed.aborted, &text))
                send(execution, name, known.shape, PlanReason::slowest, *text);
            MemoryContextReset(scratch);
            return;
        }
    }
    if (format(execution.query, execution.observed.aborted, &text)) {
        const uint64 shape = plan_shape({text->data, static_cast<size_t>(text->len)});
        plan_table::Handle handle{};
        const plan_table::Claim claim =
            plan_table::claim({fingerprint, shape, MyDatabaseId, execution.run}, execution.observed.elapsed, &handle);
        known = {fingerprint, quick, execution.run, shape, handle};
        if (claim == plan_table::Claim::first || claim == plan_table::Claim::slower)
            send(execution, name, shape,
                 claim == plan_table::Claim::first ? PlanReason::new_shape : PlanReason::slowest, *text);
    }
    MemoryContextReset(scratch);
}

} // namespace

void request(QueryDesc *query) {
    query->instrument_options |= INSTRUMENT_ROWS | INSTRUMENT_BUFFERS;
    if (settings::capture_timing)
        query->instrument_options |= INSTRUMENT_TIMER;
}

[[gnu::noinline]] void consider(const Execution &execution, uint64 name) {
    const QueryDesc *query = execution.query;
    if (execution.run == runs::no_run || !query->planstate || !query->planstate->instrument)
        return;
    switch (settings::capture_plans) {
    case settings::capture_all:
        capture(execution, name, PlanReason::all);
        break;
    case settings::capture_slow:
        if (settings::slow_query_threshold >= 0 &&
            execution.observed.elapsed >= static_cast<uint64>(settings::slow_query_threshold) * 1000000)
            capture(execution, name, PlanReason::slow);
        break;
    case settings::capture_new:
        capture_if_new(execution, name);
        break;
    default:
        break;
    }
}

uint64 failures() {
    return failure_count;
}

} // namespace dbperf::plans::plan_capture
