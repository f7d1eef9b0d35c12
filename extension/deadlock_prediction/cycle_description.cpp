#include "core/pg.h"

#include "deadlock_prediction/cycle_description.h"

#include <algorithm>

#include "core/hash.h"
#include "deadlock_prediction/lock_cycles.h"
#include "deadlock_prediction/lock_replay.h"
#include "deadlock_prediction/lock_trace_table.h"
#include "deadlock_prediction/possible_locks.h"
#include "statements/query_text.h"

namespace dbperf::deadlock_prediction::cycle_description {
using namespace core;
using namespace statements;

namespace {

constexpr uint64 max_work = 20'000'000; // a second or two
constexpr size_t max_cycles = 1000;     // of one database
constexpr size_t max_memory = size_t{64} << 20;

const char *name_of(RowAction action) {
    switch (action) {
    case RowAction::write:
        return "UPDATE";
    case RowAction::write_key:
        return "DELETE or UPDATE of a key";
    case RowAction::insert:
        return "INSERT";
    case RowAction::upsert:
    case RowAction::upsert_key:
        return "ON CONFLICT DO UPDATE";
    default:
        return name_of_row_mode(row_lock_of(action));
    }
}

const char *mode_name(const LockStep &step) {
    switch (step.kind) {
    case LockKind::row:
        return name_of(static_cast<RowAction>(step.mode));
    case LockKind::table:
        return sql_name_of_table_mode(step.mode);
    case LockKind::advisory:
        return step.mode == 0 ? "shared" : "exclusive";
    }
    return "unknown";
}

char *copy_text(const StoredTrace &trace, TraceText text) {
    if (text.offset + static_cast<uint64>(text.length) > trace.parts.texts.size())
        return pstrdup("");
    return query_text::to_this_encoding(trace.parts.texts.data() + text.offset, text.length, trace.header.encoding);
}

const TraceObject *object_of(const StoredTrace &trace, const LockStep &step) {
    for (const TraceObject &object : trace.parts.objects)
        if (object.relation == step.object)
            return &object;
    return nullptr;
}

char *relation_name(const StoredTrace &trace, const LockStep &step) {
    const TraceObject *object = object_of(trace, step);
    char *name = object ? copy_text(trace, object->name) : pstrdup("");
    return name[0] != '\0' ? name : psprintf("relation %u", step.object);
}

// Which row: (id)=(7); null for what is no row.
char *row_key(const StoredTrace &trace, const LockStep &step) {
    const TraceObject *object = object_of(trace, step);
    switch (step.detail_kind) {
    case LockDetail::integer:
        return psprintf("(%s)=(" INT64_FORMAT ")", object ? copy_text(trace, object->key) : "",
                        static_cast<int64>(step.detail));
    case LockDetail::text:
        return copy_text(trace, {static_cast<uint32>(step.detail), static_cast<uint32>(step.detail >> 32)});
    case LockDetail::tuple:
        return psprintf("ctid (%u,%u)", static_cast<uint32>(step.detail >> 16),
                        static_cast<uint32>(step.detail & 0xffff));
    default:
        return nullptr;
    }
}

// In one phrase: "public.acc (id)=(1)", "table public.x", "advisory lock 7".
char *target_of(const StoredTrace &trace, const LockStep &step) {
    switch (step.kind) {
    case LockKind::table:
        return psprintf("table %s", relation_name(trace, step));
    case LockKind::advisory:
        return step.detail_kind == LockDetail::advisory_two
                   ? psprintf("advisory lock (%d, %d)", static_cast<int>(step.detail >> 32),
                              static_cast<int>(step.detail & 0xffffffff))
                   : psprintf("advisory lock " INT64_FORMAT, static_cast<int64>(step.detail));
    case LockKind::row:
        break;
    }
    const char *key = row_key(trace, step);
    return psprintf("%s %s", relation_name(trace, step), key ? key : "");
}

// A statement that keeps everybody from a table or advisory lock; null for rows, where who waits is not next in turn.
const char *gate_of(const StoredTrace &trace, const LockStep &step) {
    if (step.kind == LockKind::table)
        return psprintf("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", relation_name(trace, step));
    if (step.kind != LockKind::advisory)
        return nullptr;
    return step.detail_kind == LockDetail::advisory_two
               ? psprintf("SELECT pg_catalog.pg_advisory_xact_lock(%d, %d)", static_cast<int>(step.detail >> 32),
                          static_cast<int>(step.detail & 0xffffffff))
               : psprintf("SELECT pg_catalog.pg_advisory_xact_lock(" INT64_FORMAT ")", static_cast<int64>(step.detail));
}

void add_fingerprint(Description *to, uint64 fingerprint) {
    for (int i = 0; i < to->fingerprint_count; ++i)
        if (to->fingerprints[i] == fingerprint)
            return;
    if (fingerprint != 0 && to->fingerprint_count < static_cast<int>(lengthof(to->fingerprints)))
        to->fingerprints[to->fingerprint_count++] = fingerprint;
}

void add_step(StringInfo json, const StoredTrace &trace, uint32 member, uint16 number, const CycleMember &of,
              Description *to) {
    const LockStep &step = trace.parts.steps[number];
    const uint64 fingerprint =
        step.statement < trace.parts.statements.size() ? trace.parts.statements[step.statement].fingerprint : 0;
    const char *query = fingerprint == 0 ? "COMMIT" : query_text::get(fingerprint);
    const bool is_row = step.kind == LockKind::row;
    if (json->len > 1)
        appendStringInfoString(json, ", ");
    appendStringInfo(json, "{\"member\": %u, \"step\": %u, \"statement\": %u, ", member + 1, number + 1u,
                     step.statement + 1u);
    lock_replay::add_text(json, "query", query);
    appendStringInfo(json, ", \"fingerprint\": " INT64_FORMAT ", ", static_cast<int64>(fingerprint));
    lock_replay::add_text(json, "kind", is_row ? "row" : step.kind == LockKind::table ? "table" : "advisory");
    appendStringInfoString(json, ", ");
    lock_replay::add_text(json, "relation", step.kind == LockKind::advisory ? nullptr : relation_name(trace, step));
    appendStringInfoString(json, ", ");
    lock_replay::add_text(json, "row_key", is_row ? row_key(trace, step) : nullptr);
    appendStringInfoString(json, ", ");
    lock_replay::add_text(json, "target", target_of(trace, step));
    appendStringInfoString(json, ", ");
    lock_replay::add_text(json, "mode", mode_name(step));
    appendStringInfoString(json, ", ");
    lock_replay::add_text(json, "role", number == of.held ? "holds" : number == of.requested ? "requests" : nullptr);
    appendStringInfo(json, ", \"waits\": %s, \"foreign_key_check\": %s, \"given_back\": %s}",
                     step.waits ? "true" : "false", step.for_check ? "true" : "false",
                     step.released <= of.requested ? "true" : "false");
    add_fingerprint(to, fingerprint);
}

// The same in every database and after every CREATE TABLE.
uint64 identity_of(const StoredTrace &trace, const LockStep &step) {
    Hash64 hash;
    hash.add(trace.parts.statements[step.statement].fingerprint);
    hash.add(std::string_view(step.kind == LockKind::advisory ? target_of(trace, step) : relation_name(trace, step)));
    hash.add(static_cast<uint64>(step.kind) << 8 | step.mode);
    return hash.value();
}

// Of a deadlock that is only possible the rows are no matter.
char *met_at(const StoredTrace &trace, const LockStep &step, bool possible) {
    return possible && step.kind == LockKind::row ? psprintf("a row of %s", relation_name(trace, step))
                                                  : target_of(trace, step);
}

void describe(const LockCycle &cycle, const StoredTrace *traces, bool possible, Description *to) {
    StringInfoData text, rows, steps, replay;
    initStringInfo(&text);
    initStringInfo(&rows);
    initStringInfo(&steps);
    initStringInfo(&replay);
    appendStringInfoChar(&rows, '[');
    appendStringInfoChar(&steps, '[');
    appendStringInfoChar(&replay, '[');
    to->fingerprint_count = 0;
    to->identity = 0;
    for (uint32 m = 0; m < cycle.length; ++m) {
        const CycleMember &member = cycle.members[m];
        const StoredTrace &trace = traces[member.trace];
        const LockStep &held = trace.parts.steps[member.held], &requested = trace.parts.steps[member.requested];
        to->identity += mix_bits(identity_of(trace, held) + mix_bits(identity_of(trace, requested)));
        const CycleMember &next = cycle.members[(m + 1) % cycle.length];
        appendStringInfo(&text, "%stransaction %u holds %s (%s) and requests %s (%s)", m == 0 ? "" : "; ", m + 1,
                         met_at(trace, held, possible), mode_name(held),
                         requested.resource == held.resource ? "the same" : met_at(trace, requested, possible),
                         mode_name(requested));
        appendStringInfo(&text, ", which transaction %u %s", (m + 1) % cycle.length + 1,
                         possible ? "could hold with other parameters" : "holds");
        if (m > 0)
            appendStringInfoString(&rows, ", ");
        const StoredTrace &holder = traces[next.trace];
        escape_json(&rows, met_at(holder, holder.parts.steps[next.held], possible));
        for (uint16 i = 0; i <= member.requested; ++i)
            add_step(&steps, trace, m, i, member, to);
        if (m > 0)
            appendStringInfoString(&replay, ", ");
        lock_replay::add_member(&replay, trace, m, member, gate_of(trace, held), possible);
    }
    appendStringInfoChar(&rows, ']');
    appendStringInfoChar(&steps, ']');
    appendStringInfoChar(&replay, ']');
    to->database = traces[cycle.members[0].trace].header.database;
    to->identity >>= 1; // stored as a bigint
    to->members = static_cast<int>(cycle.length);
    to->possible = possible;
    to->text = text.data;
    to->rows = rows.data;
    to->steps = steps.data;
    to->replay = replay.data;
}

// The same search with rows taken for one another, where transactions asked for that. What was proven is reported
// already, and is stored once. *traces: changed.
bool search_possible(std::span<const StoredTrace> stored, std::span<LockTrace> traces, std::span<std::byte> memory,
                     std::span<LockCycle> found, void (*report)(const Description &cycle, void *argument),
                     void *argument) {
    size_t steps = 0;
    for (size_t i = 0; i < stored.size(); ++i) {
        if (stored[i].header.possible == 0)
            traces[i].steps = {};
        steps += traces[i].steps.size();
    }
    if (steps == 0)
        return true;
    const auto report_all = [&](uint32 count) {
        for (uint32 i = 0; i < count; ++i) {
            Description cycle;
            describe(found[i], stored.data(), true, &cycle);
            report(cycle, argument);
        }
    };
    report_all(find_unordered_rows(traces, found));
    auto *merged =
        static_cast<LockStep *>(MemoryContextAllocHuge(CurrentMemoryContext, sizeof(LockStep) * (steps + 1)));
    LockStep *next = merged;
    for (LockTrace &trace : traces) {
        std::copy(trace.steps.begin(), trace.steps.end(), next);
        const std::span<LockStep> copy{next, trace.steps.size()};
        merge_rows(copy, trace.statements);
        trace.steps = copy;
        next += copy.size();
    }
    const CycleSearch result = find_lock_cycles(traces, memory, found, max_work);
    report_all(result.count);
    pfree(merged);
    return result.complete;
}

} // namespace

bool search(uint32 run, void (*report)(const Description &cycle, void *argument), void *argument) {
    StoredTrace *traces;
    const int count = lock_trace_table::copy(run, &traces);
    bool complete = true;
    if (count == 0)
        return complete;
    std::sort(traces, traces + count,
              [](const StoredTrace &a, const StoredTrace &b) { return a.header.database < b.header.database; });
    auto *found = static_cast<LockCycle *>(palloc(sizeof(LockCycle) * max_cycles));
    auto *input = static_cast<LockTrace *>(
        MemoryContextAllocHuge(CurrentMemoryContext, sizeof(LockTrace) * static_cast<Size>(count)));
    for (int first = 0, end; first < count; first = end) {
        size_t steps = 0, statements = 0;
        for (end = first; end < count && traces[end].header.database == traces[first].header.database; ++end) {
            steps += traces[end].parts.steps.size();
            statements += traces[end].parts.statements.size();
        }
        auto *prints =
            static_cast<uint64 *>(MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint64) * (statements + 1)));
        uint64 *next = prints;
        for (int i = first; i < end; ++i) {
            const TraceParts &parts = traces[i].parts;
            for (size_t k = 0; k < parts.statements.size(); ++k)
                next[k] = parts.statements[k].fingerprint;
            input[i] = {parts.steps, {next, parts.statements.size()}, traces[i].header.seen};
            next += parts.statements.size();
        }
        const auto traced = static_cast<size_t>(end - first);
        const size_t bytes = std::min(memory_for_cycles(traced, steps), max_memory);
        auto *memory = static_cast<std::byte *>(MemoryContextAllocHuge(CurrentMemoryContext, bytes));
        const CycleSearch result =
            find_lock_cycles({input + first, traced}, {memory, bytes}, {found, max_cycles}, max_work);
        complete &= result.complete;
        for (uint32 i = 0; i < result.count; ++i) {
            Description cycle;
            describe(found[i], traces + first, false, &cycle);
            report(cycle, argument);
        }
        complete &= search_possible({traces + first, traced}, {input + first, traced}, {memory, bytes},
                                    {found, max_cycles}, report, argument);
        pfree(memory);
        pfree(prints);
    }
    pfree(input);
    pfree(found);
    return complete;
}

} // namespace dbperf::deadlock_prediction::cycle_description
