#include "core/pg.h"

#include "deadlock_prediction/lock_trace.h"

#include <algorithm>
#include <array>

#include "core/hash.h"
#include "core/runs.h"
#include "deadlock_prediction/lock_trace_relation.h"
#include "deadlock_prediction/lock_trace_script.h"
#include "deadlock_prediction/lock_trace_table.h"
#include "statements/execution.h"

namespace dbperf::deadlock_prediction::lock_trace {
using namespace core;
using namespace statements;

namespace {

constexpr size_t max_steps = 256;
constexpr size_t max_objects = 32;
constexpr int deepest_level = UINT16_MAX;
constexpr size_t text_room = 2048;

std::array<LockStep, max_steps> steps;
std::array<TraceStatement, max_steps> statements; // each has a step at least
uint16 statement_count = 0;
std::array<char, text_room + 8192> texts; // those of steps, then the names of objects
uint32 text_bytes = 0;

// What came of transactions by their first statement.
struct Habit {
    uint64 fingerprint;
    uint32 run;
    uint16 known; // in a row
    uint16 turn;
};
constexpr uint16 enough_known = 64;
constexpr uint16 looked_at = 16; // one of so many, then
std::array<Habit, 64> habits{};
Habit *habit = nullptr; // of the transaction under way

void hash_steps(uint64 *exact, uint64 *pattern) {
    uint64 all = MyDatabaseId, some = MyDatabaseId, last = 0;
    for (const LockStep &step : trace.recorder.steps()) {
        const uint64 how = statements[step.statement].fingerprint + step.mode + (static_cast<uint64>(step.kind) << 8) +
                           (static_cast<uint64>(step.waits) << 9) + (static_cast<uint64>(step.object) << 16);
        all = (all ^ how) * 0x9e3779b97f4a7c15u;
        all = (all ^ step.resource ^ (all >> 32)) * 0xbf58476d1ce4e5b9u + step.released;
        if (how != last)
            some = (some ^ how ^ (some >> 32)) * 0x9e3779b97f4a7c15u;
        last = how;
    }
    *exact = mix_bits(all);
    *pattern = mix_bits(some);
}

TraceText put_text(const char *text, uint32 *end) {
    const size_t length = std::min(strlen(text), texts.size() - *end);
    memcpy(texts.data() + *end, text, length);
    const TraceText put{*end, static_cast<uint32>(length)};
    *end += static_cast<uint32>(length);
    return put;
}

// Names that were looked up when the locks were taken: at the end of a transaction there is no catalog.
[[gnu::noinline]] void publish(uint64 exact, uint64 pattern) {
    std::array<TraceObject, max_objects> objects;
    size_t count = 0;
    uint32 end = text_bytes;
    for (const LockStep &step : trace.recorder.steps()) {
        bool known = step.object == InvalidOid || count == objects.size();
        for (size_t i = 0; i < count && !known; ++i)
            known = objects[i].relation == step.object;
        if (known)
            continue;
        const RelationFacts *facts = known_facts(step.object);
        objects[count].relation = step.object;
        objects[count].reserved = 0;
        objects[count].name = put_text(facts ? facts->name : "", &end);
        objects[count].key = put_text(facts && facts->key_count > 0 ? facts->keys[0].names : "", &end);
        ++count;
    }
    TraceHeader header{};
    header.run = trace.run;
    header.database = MyDatabaseId;
    header.role = GetSessionUserId();
    header.exact = exact;
    header.pattern = pattern;
    header.encoding = GetDatabaseEncoding();
    header.is_cut = trace.recorder.is_full();
    header.possible = settings::possible_cycles;
    header.isolation = static_cast<uint8>(XactIsoLevel);
    header.first_at = GetCurrentTransactionStopTimestamp();
    lock_trace_table::add(header, {trace.recorder.steps(),
                                   {statements.data(), statement_count},
                                   {objects.data(), count},
                                   {texts.data(), end},
                                   script::text()});
}

} // namespace

Trace trace{0, false, 0, LockRecorder{steps}, false, 0, false, 0};

void begin_transaction() {
    trace.transaction = compat::local_transaction();
    trace.recorder.clear();
    trace.held_locks = 0;
    trace.paused = false;
    trace.met = 0;
    trace.together = false;
    settings::pause_asked_for[0] = settings::pause_asked_for[1] = false;
    statement_count = 0;
    text_bytes = 0;
    habit = nullptr;
    script::begin();
    // What is executed again on purpose belongs to no run.
    trace.run = settings::pause.on ? runs::no_run : runs::current_id();
    trace.active = (trace.run != runs::no_run || settings::pause.on) && !IsParallelWorker();
}

void choose(uint64 fingerprint) {
    if (habit || settings::pause.on)
        return;
    habit = &habits[fingerprint % habits.size()];
    if (habit->fingerprint != fingerprint || habit->run != trace.run)
        *habit = {fingerprint, trace.run, 0, 0};
    trace.active = habit->known < enough_known || ++habit->turn % looked_at == 0;
}

bool take(Source *source, LockStep step) {
    if (unlikely(source->transaction != trace.transaction)) {
        source->transaction = trace.transaction;
        source->number = Source::none;
    }
    const bool is_new = source->number == Source::none;
    // Steps have no room for more savepoints within each other.
    if (unlikely(execution::stack.transaction_level > deepest_level)) {
        trace.recorder.truncate();
        return false;
    }
    step.statement = is_new ? statement_count : source->number;
    step.level = static_cast<uint16>(execution::stack.transaction_level);
    step.released = never_released;
    step.for_check = source->is_check;
    step.followed = source->followed;
    step.sent = script::sent;
    step.with_previous = step.kind == LockKind::row && trace.together;
    if (unlikely(settings::pause.on))
        for (int i = 0; i < 2; ++i)
            settings::pause_asked_for[i] |= settings::pause.watched[i] == step.resource;
    // Who gives up before the server looks for a deadlock is in none.
    if (LockTimeout > 0 && LockTimeout < DeadlockTimeout)
        step.waits = false;
    if (!trace.recorder.add(step))
        return false;
    trace.together = step.kind == LockKind::row;
    if (is_new) {
        statements[statement_count] = {source->fingerprint, 0};
        source->number = statement_count++;
        execution::stack.awaited |= execution::awaited_by_locks;
    }
    // Rows are noted before they are locked, all else afterwards.
    if (unlikely(settings::pause.on) && step.kind == LockKind::row && step.resource == settings::pause.resource &&
        ++trace.met == settings::pause.occurrence)
        pause();
    return true;
}

[[gnu::noinline]] void pause() {
    trace.paused = true;
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 1684172912, settings::pause.key, 2);
    LockAcquire(&tag, ShareLock, false, false);
    LockRelease(&tag, ShareLock, false);
}

uint64 keep_text(std::string_view text) {
    const int given = static_cast<int>(text.size());
    const int room = static_cast<int>(text_room - std::min<size_t>(text_bytes, text_room));
    const auto length = static_cast<size_t>(given <= room ? given : pg_mbcliplen(text.data(), given, room));
    memcpy(texts.data() + text_bytes, text.data(), length);
    const uint64 place = text_bytes | static_cast<uint64>(length) << 32;
    text_bytes += static_cast<uint32>(length);
    return place;
}

Source source_of_check(const Execution *below) {
    while (below != execution::stack.executions)
        if ((--below)->query)
            return source(below->statement->fingerprint, true);
    return source(0, true);
}

uint64 resource_of_table(Oid relation) {
    return mix_bits(relation | uint64{1} << 40);
}

void take_table(Source *source, Oid relation, int mode, bool waits) {
    // Catalogs are locked for moments.
    if (relation < FirstNormalObjectId)
        return;
    LockStep step{};
    step.resource = resource_of_table(relation);
    step.object = relation;
    step.kind = LockKind::table;
    step.mode = static_cast<uint8_t>(mode);
    step.waits = waits;
    if (take(source, step))
        facts_of(relation);
}

void take_relation(Source *source, Oid relation, int mode, bool waits) {
    if (relation < FirstNormalObjectId)
        return;
    const RelationFacts *facts = facts_of(relation);
    if (!facts)
        facts = known_facts(relation);
    if (facts && facts->is_toast)
        return;
    if (!facts || !OidIsValid(facts->indexed))
        take_table(source, relation, mode, waits);
    else if (mode == AccessExclusiveLock && !facts->is_new)
        take_table(source, facts->indexed, mode, waits);
}

void subtransaction_ended(int level, bool aborted) {
    if (unlikely(level > deepest_level))
        return;
    if (aborted) {
        trace.recorder.roll_back(static_cast<uint16>(level));
        // An advisory lock may be gone, or may be the session's: to be looked up.
        trace.held_locks = UINT64_MAX;
    } else {
        trace.recorder.commit(static_cast<uint16>(level));
    }
}

void transaction_ended() {
    if (trace.active && trace.run != runs::no_run && trace.recorder.steps().size() > 1) {
        uint64 exact, pattern;
        hash_steps(&exact, &pattern);
        const bool known = lock_trace_table::is_known(trace.run, exact, pattern);
        if (habit)
            habit->known = known ? std::min<uint16>(habit->known + 1, enough_known) : 0;
        if (!known)
            publish(exact, pattern);
    }
    trace.recorder.clear();
    trace.transaction = 0;
    trace.active = false;
    forget_if_many();
}

} // namespace dbperf::deadlock_prediction::lock_trace
