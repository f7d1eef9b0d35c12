#include "core/pg.h"

#include "deadlock_prediction/cycle_description.h"

#include <algorithm>

#include "core/guard.h"
#include "core/hash.h"
#include "core/row_builder.h"
#include "deadlock_prediction/lock_cycles.h"
#include "deadlock_prediction/lock_replay.h"
#include "deadlock_prediction/lock_trace_table.h"
#include "deadlock_prediction/possible_locks.h"
#include "statements/query_text.h"
#include "statements/stored_text.h"

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

// The weakest mode that who wants this one has to wait for: others may pass.
const char *gate_mode(uint8 wanted) {
    for (int mode = AccessShareLock; mode <= AccessExclusiveLock; ++mode)
        if (table_modes_conflict(mode, wanted))
            return sql_name_of_table_mode(static_cast<uint8>(mode));
    return "ACCESS EXCLUSIVE";
}

// WHERE for the row of a key as it is described, "(a, b)=(1, x)"; null when its values cannot be separated.
const char *condition_of(const char *key) {
    const char *values = key ? strstr(key, ")=(") : nullptr;
    if (!values || key[0] != '(' || key[strlen(key) - 1] != ')')
        return nullptr;
    const std::string_view names(key, static_cast<size_t>(values - key + 1));
    std::string_view rest(values + 3, strlen(values + 3) - 1);
    const auto parts = [](std::string_view of) {
        int count = 1;
        for (size_t at = of.find(", "); at != std::string_view::npos; at = of.find(", ", at + 2))
            ++count;
        return count;
    };
    if (parts(names) != parts(rest))
        return nullptr;
    StringInfoData text;
    initStringInfo(&text);
    appendBinaryStringInfo(&text, names.data(), static_cast<int>(names.size()));
    appendStringInfoString(&text, " = (");
    for (bool first = true;; first = false) {
        const size_t end = std::min(rest.find(", "), rest.size());
        appendStringInfo(&text, "%s%s", first ? "" : ", ",
                         quote_literal_cstr(pnstrdup(rest.data(), static_cast<Size>(end))));
        if (end == rest.size())
            break;
        rest.remove_prefix(end + 2);
    }
    appendStringInfoChar(&text, ')');
    return text.data;
}

// A statement of another session that keeps a member from this lock; null where there is none. Who waits for a row is
// next in turn only where nobody else asks for it.
const char *gate_of(const StoredTrace &trace, const LockStep &step) {
    switch (step.kind) {
    case LockKind::table:
        return psprintf("LOCK TABLE %s IN %s MODE", relation_name(trace, step), gate_mode(step.mode));
    case LockKind::advisory:
        return step.detail_kind == LockDetail::advisory_two
                   ? psprintf("SELECT pg_catalog.pg_advisory_xact_lock(%d, %d)", static_cast<int>(step.detail >> 32),
                              static_cast<int>(step.detail & 0xffffffff))
                   : psprintf("SELECT pg_catalog.pg_advisory_xact_lock(" INT64_FORMAT ")",
                              static_cast<int64>(step.detail));
    case LockKind::row:
        break;
    }
    const char *condition = row_lock_of(static_cast<RowAction>(step.mode)) == RowLockMode::none
                                ? nullptr
                                : condition_of(row_key(trace, step));
    return condition ? psprintf("SELECT FROM %s WHERE %s FOR UPDATE", relation_name(trace, step), condition) : nullptr;
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

// Traces from `first_migration` on are a migration's.
void describe(const LockCycle &cycle, const StoredTrace *traces, bool possible, Description *to,
              size_t first_migration = SIZE_MAX) {
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
        lock_replay::add_member(&replay, trace, m, member, gate_of(trace, held), possible,
                                member.trace >= first_migration);
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

namespace {

// The traces as the search reads them, palloc'd.
std::span<LockTrace> input_of(std::span<const StoredTrace> traces, size_t *steps) {
    size_t statements = 0;
    *steps = 0;
    for (const StoredTrace &trace : traces) {
        *steps += trace.parts.steps.size();
        statements += trace.parts.statements.size();
    }
    auto *input =
        static_cast<LockTrace *>(MemoryContextAllocHuge(CurrentMemoryContext, sizeof(LockTrace) * (traces.size() + 1)));
    auto *next = static_cast<uint64 *>(MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint64) * (statements + 1)));
    for (size_t i = 0; i < traces.size(); ++i) {
        const TraceParts &parts = traces[i].parts;
        for (size_t k = 0; k < parts.statements.size(); ++k)
            next[k] = parts.statements[k].fingerprint;
        input[i] = {parts.steps, {next, parts.statements.size()}, traces[i].header.seen};
        next += parts.statements.size();
    }
    return {input, traces.size()};
}

std::span<std::byte> memory_for(size_t traces, size_t steps) {
    const size_t bytes = std::min(memory_for_cycles(traces, steps), max_memory);
    return {static_cast<std::byte *>(MemoryContextAllocHuge(CurrentMemoryContext, bytes)), bytes};
}

// Those of one database.
bool search_group(std::span<const StoredTrace> traces, void (*report)(const Description &cycle, void *argument),
                  void *argument) {
    size_t steps;
    const std::span<LockTrace> input = input_of(traces, &steps);
    const std::span<std::byte> memory = memory_for(traces.size(), steps);
    auto *found = static_cast<LockCycle *>(palloc(sizeof(LockCycle) * max_cycles));
    const CycleSearch result = find_lock_cycles(input, memory, {found, max_cycles}, max_work);
    for (uint32 i = 0; i < result.count; ++i) {
        Description cycle;
        describe(found[i], traces.data(), false, &cycle);
        report(cycle, argument);
    }
    return search_possible(traces, input, memory, {found, max_cycles}, report, argument) && result.complete;
}

} // namespace

bool search(uint32 run, void (*report)(const Description &cycle, void *argument), void *argument) {
    StoredTrace *traces;
    const int count = lock_trace_table::copy(run, &traces);
    bool complete = true;
    std::sort(traces, traces + count,
              [](const StoredTrace &a, const StoredTrace &b) { return a.header.database < b.header.database; });
    MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "dbperf cycles", ALLOCSET_DEFAULT_SIZES);
    for (int first = 0, end; first < count; first = end) {
        for (end = first; end < count && traces[end].header.database == traces[first].header.database;)
            ++end;
        with_memory_context(scratch, [&] {
            complete &= search_group({traces + first, static_cast<size_t>(end - first)}, report, argument);
        });
        MemoryContextReset(scratch);
    }
    MemoryContextDelete(scratch);
    return complete;
}

void search_between(std::span<const StoredTrace> application, std::span<const StoredTrace> migration,
                    void (*report)(const Description &cycle, void *argument), void *argument) {
    const size_t count = application.size() + migration.size();
    auto *all = static_cast<StoredTrace *>(palloc(sizeof(StoredTrace) * (count + 1)));
    auto *sides = static_cast<uint8_t *>(palloc0(count + 1));
    std::copy(application.begin(), application.end(), all);
    std::copy(migration.begin(), migration.end(), all + application.size());
    std::fill(sides + application.size(), sides + count, uint8_t{1});
    size_t steps;
    const std::span<LockTrace> input = input_of({all, count}, &steps);
    auto *found = static_cast<LockCycle *>(palloc(sizeof(LockCycle) * max_cycles));
    const CycleSearch result =
        find_lock_cycles(input, memory_for(count, steps), {found, max_cycles}, max_work, {sides, count});
    for (uint32 i = 0; i < result.count; ++i) {
        Description cycle;
        describe(found[i], all, false, &cycle, application.size());
        report(cycle, argument);
    }
}

void store(const Description &cycle, const pg_uuid_t &run, const char *database) {
    for (int i = 0; i < cycle.fingerprint_count; ++i)
        store_query_text(cycle.fingerprints[i]);
    RowBuilder row;
    row.project();
    row.uuid(run);
    row.text(database);
    row.bigint(cycle.identity);
    row.text(cycle.possible ? "possible" : "proven");
    row.integer(cycle.members);
    row.text(cycle.text);
    row.text(cycle.rows);
    row.text(cycle.steps);
    row.text(cycle.replay);
    row.execute("INSERT INTO dbperf.lock_cycle (project, run_id, database, cycle_id, confidence, members, description, "
                "rows_in_common, steps, replay) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb, $10::jsonb) ON CONFLICT DO NOTHING");
}

} // namespace dbperf::deadlock_prediction::cycle_description
