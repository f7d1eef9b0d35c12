#include "core/pg.h"

#include "n_plus_one/loops.h"

#include <algorithm>

#include "core/guard.h"
#include "core/hash.h"
#include "core/settings.h"
#include "n_plus_one/shared_units.h"

namespace dbperf::n_plus_one::loops {
using namespace core;
using namespace statements;

namespace {

using unit_of_work::current;

constexpr size_t max_loops = 128; // a page of a real application reads in seventy loops

struct Set {
    std::array<Loop, max_loops> loops;
    // Of these loops: side by side, where looking through them is cheap.
    std::array<uint64, max_loops> statements;
    std::array<Oid, max_loops> tables;
    int count;
    int hand; // where the search for one that gives way begins
};

Set outer;
Set inner;
// Of the inner loops; apart, since it is much and few of it is used.
std::array<std::array<Early, max_early>, max_loops> remembered;
uint32 last_id = 0;
uint64 checks = 0;
// Of first executions that have no loop: the burst they are of, how many there were, and how often what was read
// changed.
uint32 burst = 1;
uint32 first_count = 0;
uint32 changes = 0;
// After so many others it is a first one again: a loop would have given way by then.
constexpr uint32 max_between = 2 * max_loops;

Set &set_of(UnitKind kind) {
    return kind == UnitKind::transaction ? inner : outer;
}

uint32 threshold() {
    return static_cast<uint32>(settings::n_plus_one_threshold);
}

LoopSubject subject_of(const Execution &execution, const QueryDesc *query) {
    const StatementIdentity &statement = *execution.statement;
    LoopSubject subject{};
    subject.fingerprint = statement.fingerprint;
    subject.pattern = current.pattern;
    subject.unit_id = current.named ? current.id : 0;
    subject.unit_name = current.named ? current.tag : 0;
    subject.database = MyDatabaseId;
    subject.role = GetUserId();
    subject.run = execution.run;
    subject.unit = current.kind;
    subject.is_write = query->operation != CMD_SELECT;
    subject.locks_rows = statement.keys.locks_rows;
    subject.is_call = statement.keys.is_call;
    subject.key_count = static_cast<uint8>(statement.keys.count);
    for (int i = 0; i < statement.keys.count; ++i)
        subject.keys[i] = {statement.keys.keys[i].relation, statement.keys.keys[i].column};
    if (subject.key_count == 0)
        subject.keys[0] = {statement.keys.table, 0};
    loop_finding::remember_names(subject);
    memcpy(subject.scope, current.name, sizeof(subject.scope));
    char comment[max_traced_comment];
    statement_identity::copy_comment(statement, query, comment, sizeof(comment));
    strlcpy(subject.comment, comment, sizeof(subject.comment));
    const std::string_view trace = traceparent_of(comment);
    memcpy(subject.traceparent, trace.data(), trace.size());
    subject.traceparent[trace.size()] = '\0';
    return subject;
}

// The statement with the fewest executions gives way; no other has fewer than one.
int rarest(Set &set) {
    int found = set.hand = (set.hand + 1) % set.count;
    for (int i = 0; i < set.count && set.loops[static_cast<size_t>(found)].lookup.work.calls > 1; ++i) {
        const auto other = static_cast<size_t>((set.hand + i) % set.count);
        if (set.loops[other].lookup.work.calls < set.loops[static_cast<size_t>(found)].lookup.work.calls)
            found = static_cast<int>(other);
    }
    return found;
}

const LookupEdge *edge_of(const Loop &loop, const LookupReport &report) {
    return report.edge < 0 ? nullptr : &loop.lookup.edges[static_cast<size_t>(report.edge)];
}

// `ends`: from here on it is this session's to report.
void take_over(Loop &loop, bool ends) {
    PendingLoop *pending = loop.pending;
    if (!pending)
        return;
    Work reported{};
    LookupReport report = loop.judged;
    with_lock(pending_loops::own_lock(), LW_EXCLUSIVE, [&] {
        reported = pending->reported;
        report.loop = pending->loop_reported;
        loop.handle = pending->handle;
        if (ends)
            pending->reported = pending->now;
    });
    if (report.loop == loop.known)
        return;
    loop.known = report.loop;
    loop.lookup.accept(report);
    loop.lookup.reported = reported;
}

void give_back(Loop &loop) {
    if (!loop.pending)
        return;
    pending_loops::give_back(loop.pending);
    loop.pending = nullptr;
}

// The parts of a column that other statements of the unit of work look up.
void look_elsewhere(Loop &loop) {
    const Set &set = loop.is_inner ? inner : outer;
    for (int i = 0; i < loop.lookup.edge_count; ++i) {
        LookupEdge &edge = loop.lookup.edges[static_cast<size_t>(i)];
        if (!loop.lookup.wants_others(edge))
            continue;
        RepeatedLookup::Rows met{};
        for (int j = 0; j < set.count; ++j)
            if (const Loop &other = set.loops[static_cast<size_t>(j)]; other.id != 0 && other.id != loop.id)
                other.lookup.add_rows(edge, &met);
        edge.elsewhere = rows_elsewhere(edge, met);
    }
}

void relate(Loop &loop) {
    for (int undecided; (undecided = loop.lookup.undecided_edge()) >= 0;) {
        LookupEdge &edge = loop.lookup.edges[static_cast<size_t>(undecided)];
        edge.related = loop_finding::relation_of(loop.subject, edge);
    }
    look_elsewhere(loop);
}

void report_now(Loop &loop, const LookupReport &report) {
    if (report.confidence == Confidence::none || loop.is_shared)
        return;
    if (loop.subject.unit == UnitKind::burst && (report.edge >= 0 || loop.was_shared) &&
        !shared_units::claim(current.group, loop.lookup.statement)) {
        loop.is_shared = true;
        return;
    }
    const int self = MyProcPid;
    loop_finding::report(loop.subject, loop.lookup, report, {&self, 1}, &loop.handle,
                         loop.pending ? &loop.pending->described : nullptr);
}

// All that was not reported yet: the rest of one batch may come before that of the next.
void report_rest(Loop &loop) {
    relate(loop);
    take_over(loop, true);
    for (LookupReport report = loop.lookup.report(true); report.confidence != Confidence::none;
         report = loop.lookup.report(true))
        report_now(loop, report);
    give_back(loop);
}

// A place for what this session's loops amount to. The one not looked at for longest is reported: it is likely over.
PendingLoop *take_place() {
    PendingLoop *place = pending_loops::take();
    Loop *oldest = nullptr;
    for (Set *set : {&inner, &outer})
        for (int i = 0; i < set->count && !place; ++i) {
            Loop &loop = set->loops[static_cast<size_t>(i)];
            if (loop.pending && (!oldest || loop.checked < oldest->checked))
                oldest = &loop;
        }
    if (place || !oldest)
        return place;
    report_rest(*oldest);
    return pending_loops::take();
}

// False when somebody has reported some of it since it was taken over.
bool keep(Loop &loop, const LookupReport &report) {
    const LookupEdge *edge = edge_of(loop, report);
    const FindingKey key = loop_finding::key_of(loop.subject, edge, report);
    PendingLoop *pending = loop.pending;
    const bool is_new = !pending || memcmp(&pending->described.key, &key, sizeof(FindingKey)) != 0;
    if (!pending && !(pending = take_place()))
        return true;
    FindingText text;
    if (is_new)
        loop_finding::describe(loop.subject, edge, &text);
    const Work &work = loop.lookup.work;
    const bool done = with_lock(pending_loops::own_lock(), LW_EXCLUSIVE, [&] {
        if (loop.pending && pending->loop_reported != loop.known)
            return false;
        pending->used = true;
        pending->is_first = report.is_first;
        pending->confidence = report.confidence;
        pending->backend = MyProcPid;
        if (is_new) {
            pending->described.key = key;
            pending->parent = loop_finding::parent_of(loop.subject, edge);
            pending->described.text = text;
            pending->handle = {0, 0};
        }
        pending->group = loop.subject.unit == UnitKind::burst && (edge || loop.was_shared) ? current.group : 0;
        pending->statement = loop.lookup.statement;
        pending->now = work;
        pending->reported = work - report.growth;
        pending->loop_reported = report.loop - report.growth.calls;
        pending->distinct = report.distinct;
        return true;
    });
    if (!done)
        return false;
    loop.pending = pending;
    loop.judged = report;
    loop.known = report.loop - report.growth.calls;
    return true;
}

void reset(Set &set) {
    for (int i = 0; i < set.count; ++i) {
        give_back(set.loops[static_cast<size_t>(i)]);
        set.loops[static_cast<size_t>(i)].id = 0;
    }
    set.count = 0;
}

// The place of this statement in the set: its own, a free one, or one that gives way. `known`: it is there.
Loop &place_for(Set &set, uint64 key, uint32 run, bool *known) {
    int number = 0;
    while (number < set.count && set.statements[static_cast<size_t>(number)] != key)
        ++number;
    *known = number < set.count;
    if (!*known && number == static_cast<int>(max_loops))
        number = rarest(set);
    Loop &loop = set.loops[static_cast<size_t>(number)];
    *known = *known && loop.subject.run == run;
    if (number < set.count && !*known) {
        if (loop.is_inner && unit_of_work::may_be_a_test(current))
            loop.lookup.unit = UnitKind::burst;
        report_rest(loop);
    }
    set.count = std::max(set.count, number + 1);
    set.statements[static_cast<size_t>(number)] = key;
    return loop;
}

void begin_anew(Set &set, Loop &loop, uint64 key, UnitKind unit) {
    set.tables[static_cast<size_t>(&loop - set.loops.data())] = loop.subject.keys[0].relation;
    loop.handle = {0, 0};
    loop.is_shared = loop.was_shared = false;
    loop.pending = nullptr;
    loop.early_count = 0;
    if (++last_id == 0)
        ++last_id;
    loop.id = last_id;
    loop.lookup.begin_again(key, threshold(), unit);
}

} // namespace

void take_over(Loop &loop) {
    // Without the lock: what is missed now is seen the next time.
    if (unlikely(loop.pending && loop.pending->loop_reported != loop.known))
        take_over(loop, false);
}

// What was remembered of the first execution, in the loop that it turned out to begin.
void take_first(Loop &loop, FirstExecution *first) {
    if (first->burst == burst && first->run == loop.subject.run) {
        loop.lookup.count(first->exec, first->wait);
        loop.lookup.add_key(first->key);
        if (first->changes != changes)
            loop.lookup.forget_repeats();
    }
    first->burst = 0;
}

uint64 key_of(const StatementIdentity &statement) {
    const Oid table = statement.keys.count > 0 ? statement.keys.keys[0].relation : statement.keys.table;
    return mix_bits(statement.fingerprint ^ table) | 1;
}

[[gnu::noinline]] Loop &begin(const Execution &execution, const QueryDesc *query) {
    const uint64 key = key_of(*execution.statement);
    bool known;
    Loop &loop = place_for(set_of(current.kind), key, execution.run, &known);
    if (!known) {
        loop.subject = subject_of(execution, query);
        loop.is_inner = current.kind == UnitKind::transaction;
        begin_anew(set_of(current.kind), loop, key, current.is_loose && loop.is_inner ? UnitKind::burst : current.kind);
    }
    execution.statement->loop = &loop;
    execution.statement->loop_id = loop.id;
    if (!loop.is_inner)
        take_first(loop, &execution.statement->first);
    return loop;
}

[[gnu::noinline]] Loop *begin_repeated(const Execution &execution, const QueryDesc *query, uint64 key, uint64 wait) {
    FirstExecution &first = execution.statement->first;
    if (first.burst == burst && first.run == execution.run && first_count - first.at <= max_between)
        return &begin(execution, query);
    first = {key, execution.observed.elapsed, wait, execution.run, burst, ++first_count, changes};
    return nullptr;
}

Loop &outer_of(const Loop &of, bool writes) {
    bool known;
    Loop &loop = place_for(outer, of.lookup.statement, of.subject.run, &known);
    if (!known) {
        loop.subject = of.subject;
        loop.subject.unit = UnitKind::burst;
        loop.is_inner = false;
        // Requests that follow each other without a pause look the same: of reading only a proof counts, but where it
        // prepares a write or locks.
        const bool prepares = of.subject.is_write || of.subject.locks_rows || writes;
        begin_anew(outer, loop, of.lookup.statement, prepares ? UnitKind::burst : UnitKind::pool);
    }
    return loop;
}

[[gnu::noinline]] void check(Loop &loop) {
    loop.checked = ++checks;
    relate(loop);
    // Others may report some of it meanwhile, but not for ever.
    bool is_kept = false;
    for (int tries = 0; !is_kept && tries < 3; ++tries) {
        take_over(loop, false);
        // A batch that is over is reported at once.
        for (LookupReport report = loop.lookup.report(false); report.confidence != Confidence::none;
             report = loop.lookup.report(false)) {
            report_now(loop, report);
            give_back(loop);
        }
        const LookupReport judged = loop.lookup.judge();
        is_kept = true;
        if (loop.is_shared || !loop_finding::is_to_be_reported(loop.subject, judged))
            give_back(loop);
        else
            is_kept = keep(loop, judged);
    }
}

void remember(Loop &loop, const Early &early) {
    if (loop.early_count < max_early)
        remembered[static_cast<size_t>(&loop - inner.loops.data())][loop.early_count++] = early;
}

[[gnu::noinline]] void end_inner(Again again) {
    const bool writes = std::any_of(inner.loops.begin(), inner.loops.begin() + inner.count,
                                    [](const Loop &loop) { return loop.id != 0 && loop.subject.is_write; });
    for (int i = 0; i < inner.count; ++i) {
        Loop &loop = inner.loops[static_cast<size_t>(i)];
        if (loop.lookup.work.calls >= threshold()) {
            report_rest(loop);
            continue;
        }
        give_back(loop);
        for (size_t j = 0; j < loop.early_count; ++j)
            again(loop, remembered[static_cast<size_t>(i)][j], writes);
    }
    reset(inner);
}

[[gnu::noinline]] void end_all() {
    for (Set *set : {&inner, &outer})
        for (int i = 0; i < set->count; ++i)
            report_rest(set->loops[static_cast<size_t>(i)]);
    forget();
}

void loosen_inner(bool pause) {
    for (int i = 0; i < inner.count; ++i) {
        Loop &loop = inner.loops[static_cast<size_t>(i)];
        // Over a pause only what goes on with rows that were returned is one loop.
        const LookupReport judged = loop.lookup.judge();
        if (pause && loop.lookup.edge_count == 0 && loop.id != 0) {
            if (judged.confidence != Confidence::none)
                report_rest(loop);
            give_back(loop);
            loop.early_count = 0;
            begin_anew(inner, loop, loop.lookup.statement, UnitKind::burst);
        }
        loop.lookup.unit = UnitKind::burst;
    }
}

void forget() {
    reset(inner);
    reset(outer);
    if (++burst == 0)
        ++burst;
}

[[gnu::noinline]] void forget_repeats(Oid table) {
    ++changes;
    for (Set *set : {&inner, &outer})
        for (int i = 0; i < set->count; ++i) {
            if (table != InvalidOid && set->tables[static_cast<size_t>(i)] != table)
                continue;
            Loop &loop = set->loops[static_cast<size_t>(i)];
            loop.lookup.forget_repeats();
            if (current.kind == UnitKind::tagged)
                shared_units::forget_repeats(current.group, loop.lookup.statement);
        }
}

} // namespace dbperf::n_plus_one::loops
