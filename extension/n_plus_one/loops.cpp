#include "core/pg.h"

#include "n_plus_one/loops.h"

#include <algorithm>
#include <array>

#include "core/hash.h"
#include "core/settings.h"
#include "n_plus_one/shared_units.h"

namespace dbperf::n_plus_one::loops {
using namespace core;
using namespace statements;

namespace {

using unit_of_work::current;

std::array<Loop, 32> loops;
std::array<uint64, 32> statements; // of these loops: side by side, where looking through them is cheap
int loop_count = 0;
int hand = 0; // where the search for one that gives way begins
uint32 last_id = 0;

uint32 threshold() {
    return static_cast<uint32>(settings::n_plus_one_threshold);
}

LoopSubject subject_of(const Execution &execution, const QueryDesc *query) {
    const StatementIdentity &statement = *execution.statement;
    LoopSubject subject{};
    subject.fingerprint = statement.fingerprint;
    subject.pattern = current.pattern;
    subject.database = MyDatabaseId;
    subject.role = GetUserId();
    subject.run = execution.run;
    subject.unit = current.kind;
    subject.is_write = query->operation != CMD_SELECT;
    subject.is_call = statement.keys.is_call;
    subject.key_count = static_cast<uint8>(statement.keys.count);
    for (int i = 0; i < statement.keys.count; ++i)
        subject.keys[i] = {statement.keys.keys[i].relation, statement.keys.keys[i].column};
    if (subject.key_count == 0)
        subject.keys[0] = {statement.keys.table, 0};
    memcpy(subject.scope, current.name, sizeof(subject.scope));
    statement_identity::copy_comment(statement, query, subject.comment, sizeof(subject.comment));
    return subject;
}

// The statement with the fewest executions gives way; no other has fewer than one.
int rarest() {
    int found = hand = (hand + 1) % loop_count;
    for (int i = 0; i < loop_count && loops[static_cast<size_t>(found)].lookup.work.calls > 1; ++i) {
        const int other = (hand + i) % loop_count;
        if (loops[static_cast<size_t>(other)].lookup.work.calls < loops[static_cast<size_t>(found)].lookup.work.calls)
            found = other;
    }
    return found;
}

} // namespace

uint64 key_of(const StatementIdentity &statement) {
    const Oid table = statement.keys.count > 0 ? statement.keys.keys[0].relation : statement.keys.table;
    return mix_bits(statement.fingerprint ^ table) | 1;
}

[[gnu::noinline]] void report(Loop &loop, bool is_last) {
    for (int undecided; (undecided = loop.lookup.undecided_edge(threshold())) >= 0;) {
        LookupEdge &edge = loop.lookup.edges[static_cast<size_t>(undecided)];
        edge.related = loop_finding::relation_of(loop.subject, edge);
    }
    // The rest of one batch may come before that of the next.
    do {
        const LookupReport found = loop.lookup.report(threshold(), current.kind, is_last);
        if (found.confidence == Confidence::none || loop.is_shared)
            return;
        if (current.kind == UnitKind::burst && found.edge >= 0 &&
            !shared_units::claim(current.group, loop.lookup.statement)) {
            loop.is_shared = true;
            return;
        }
        const int self = MyProcPid;
        loop_finding::report(loop.subject, loop.lookup, found, {&self, 1}, &loop.handle);
    } while (is_last);
}

[[gnu::noinline]] Loop &begin(const Execution &execution, const QueryDesc *query) {
    const uint64 key = key_of(*execution.statement);
    int number = 0;
    while (number < loop_count && statements[static_cast<size_t>(number)] != key)
        ++number;
    const bool known = number < loop_count;
    if (!known && number == static_cast<int>(loops.size()))
        number = rarest();
    Loop &loop = loops[static_cast<size_t>(number)];
    if (number < loop_count && (!known || loop.subject.run != execution.run))
        report(loop, true);
    if (!known || loop.subject.run != execution.run) {
        loop.subject = subject_of(execution, query);
        loop.handle = {0, 0};
        loop.is_shared = false;
        if (++last_id == 0)
            ++last_id;
        loop.id = last_id;
        loop.lookup.begin_again(key, threshold());
        statements[static_cast<size_t>(number)] = key;
        loop_count = std::max(loop_count, number + 1);
    }
    execution.statement->loop = &loop;
    execution.statement->loop_id = loop.id;
    return loop;
}

void report_all() {
    for (int i = 0; i < loop_count; ++i)
        report(loops[static_cast<size_t>(i)], true);
}

[[gnu::noinline]] void end_all() {
    report_all();
    forget();
}

void forget() {
    for (int i = 0; i < loop_count; ++i)
        loops[static_cast<size_t>(i)].id = 0;
    loop_count = 0;
}

[[gnu::noinline]] void forget_repeats(Oid table) {
    for (int i = 0; i < loop_count; ++i) {
        Loop &loop = loops[static_cast<size_t>(i)];
        if (table != InvalidOid && loop.subject.keys[0].relation != table)
            continue;
        loop.lookup.forget_repeats();
        if (current.kind == UnitKind::tagged)
            shared_units::forget_repeats(current.group, loop.lookup.statement);
    }
}

} // namespace dbperf::n_plus_one::loops
