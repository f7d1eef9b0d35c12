// dbperf.plan_changes(), plan_shape(): what is read out of plans, for SQL.
#include "core/pg.h"

#include <array>
#include <span>
#include <string_view>

#include "core/row_builder.h"
#include "core/text_writer.h"
#include "plans/plan_diff.h"
#include "plans/plan_sentence.h"
#include "plans/plan_shape.h"

using namespace dbperf::core;
using namespace dbperf::plans;

namespace {

constexpr size_t max_changes = 256;
constexpr size_t max_text = 1000;

std::string_view view_of(const char *text) {
    return {text, strlen(text)};
}

// Texts may be as long as a value can be.
void serve_interrupts() {
    CHECK_FOR_INTERRUPTS();
}

PlanTree read_argument(FunctionCallInfo fcinfo, int argument) {
    Jsonb *plan = PG_GETARG_JSONB_P(argument);
    const char *text = JsonbToCString(nullptr, &plan->root, static_cast<int>(VARSIZE(plan)));
    auto *nodes = static_cast<PlanNode *>(palloc(sizeof(PlanNode) * max_plan_nodes));
    const PlanTree tree = read_plan(view_of(text), {nodes, max_plan_nodes}, serve_interrupts);
    if (tree.nodes.empty())
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("the plan %s is not a plan", argument == 0 ? "before" : "after"),
                errhint("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) makes one, and dbperf.plans has captured ones."));
    return tree;
}

const char *word_of(PlanChangeKind kind) {
    switch (kind) {
    case PlanChangeKind::access:
        return "access";
    case PlanChangeKind::join_method:
        return "join_method";
    case PlanChangeKind::join_order:
        return "join_order";
    case PlanChangeKind::strategy:
        return "strategy";
    case PlanChangeKind::appeared:
        return "appeared";
    case PlanChangeKind::gone:
        return "gone";
    case PlanChangeKind::spill_started:
        return "spill_started";
    case PlanChangeKind::spill_ended:
        return "spill_ended";
    case PlanChangeKind::removed_rows:
        return "removed_rows";
    case PlanChangeKind::rechecked_rows:
        return "rechecked_rows";
    case PlanChangeKind::blocks:
        return "blocks";
    case PlanChangeKind::executions:
        return "executions";
    }
    return "unknown";
}

const char *word_of(Direction direction) {
    return direction == Direction::worse ? "worse" : direction == Direction::better ? "better" : "neutral";
}

// What the figures of a change count; null where it has none.
const char *unit_of(PlanChangeKind kind) {
    switch (kind) {
    case PlanChangeKind::access:
    case PlanChangeKind::join_method:
    case PlanChangeKind::strategy:
    case PlanChangeKind::blocks:
        return "blocks";
    case PlanChangeKind::appeared:
    case PlanChangeKind::gone:
    case PlanChangeKind::spill_started:
    case PlanChangeKind::spill_ended:
        return "kB";
    case PlanChangeKind::removed_rows:
    case PlanChangeKind::rechecked_rows:
        return "rows";
    case PlanChangeKind::executions:
        return "executions";
    case PlanChangeKind::join_order:
        break;
    }
    return nullptr;
}

// May have been cut between bytes of a character.
void add_text(RowBuilder *row, std::string_view value) {
    const int length = pg_mbcliplen(value.data(), static_cast<int>(value.size()), static_cast<int>(value.size()));
    row->add(TEXTOID, PointerGetDatum(cstring_to_text_with_len(value.data(), length)), value.empty());
}

// As it stands in JSON.
void add_name(RowBuilder *row, std::string_view raw) {
    std::array<char, max_text> memory;
    add_text(row, TextWriter(memory).add_unescaped(raw).text());
}

// Without TIMING there is no time.
void add_milliseconds(RowBuilder *row, const PlanNode *node) {
    if (node && node->total.milliseconds > 0)
        row->number(node->own.milliseconds);
    else
        row->null();
}

const PlanNode *node_of(const PlanTree &tree, int16_t number) {
    return number < 0 ? nullptr : &tree.nodes[static_cast<size_t>(number)];
}

void put_change(FunctionCallInfo fcinfo, int32 position, const PlanChange &change, const PlanTree &before,
                const PlanTree &after) {
    const PlanNode *old_node = node_of(before, change.before);
    const PlanNode *new_node = node_of(after, change.after);
    const PlanNode *either = new_node ? new_node : old_node;
    std::array<char, max_text> memory;
    RowBuilder row;
    row.integer(position);
    row.text(word_of(change.kind));
    row.text(word_of(change.direction));
    add_name(&row, either ? either->relation : std::string_view{});
    add_name(&row, either ? either->alias : std::string_view{});
    add_name(&row, old_node ? old_node->type : std::string_view{});
    add_name(&row, new_node ? new_node->type : std::string_view{});
    add_text(&row, describe(change, before, after, memory));
    row.text(unit_of(change.kind));
    row.number(change.figure_before);
    row.number(change.figure_after);
    add_milliseconds(&row, old_node);
    add_milliseconds(&row, new_node);
    row.put(reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo));
}

double limit_of(FunctionCallInfo fcinfo, int argument, double least) {
    const double value = PG_GETARG_FLOAT8(argument);
    if (!(value >= least))
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a threshold must be at least %g", least),
                errhint("A figure changed when both its ratio and its difference are above their thresholds."));
    return value;
}

} // namespace

// plan_changes(before, after jsonb, ratio, blocks, rows, executions float8): columns as in sql/comparison.sql.
DBPERF_FUNCTION(dbperf_plan_changes) {
    check_stack_depth();
    InitMaterializedSRF(fcinfo, 0);
    PlanTree before = read_argument(fcinfo, 0), after = read_argument(fcinfo, 1);
    const PlanDiffRules rules{.ratio = limit_of(fcinfo, 2, 1),
                              .blocks = limit_of(fcinfo, 3, 0),
                              .rows = limit_of(fcinfo, 4, 0),
                              .executions = limit_of(fcinfo, 5, 0)};
    auto *memory = static_cast<PlanChange *>(palloc(sizeof(PlanChange) * max_changes));
    const size_t count = diff_plans(before, after, rules, {memory, max_changes});
    for (size_t i = 0; i < count; ++i)
        put_change(fcinfo, static_cast<int32>(i + 1), memory[i], before, after);
    return Datum{0};
}

// plan_shape(plan json) returns bigint; null when it is no plan.
DBPERF_FUNCTION(dbperf_plan_shape) {
    check_stack_depth();
    const uint64 shape = plan_shape(view_of(text_to_cstring(PG_GETARG_TEXT_PP(0))), serve_interrupts);
    if (shape == 0)
        PG_RETURN_NULL();
    PG_RETURN_INT64(static_cast<int64>(shape));
}
