#include "core/pg.h"

#include "n_plus_one/server_loops.h"

#include <array>

#include "core/settings.h"
#include "n_plus_one/loop_finding.h"
#include "n_plus_one/unit_of_work.h"

namespace dbperf::n_plus_one::server_loops {
using namespace core;
using namespace lookups;
using namespace statements;
using unit_of_work::current;

namespace {

int loop_count = 0;

struct Loop {
    LoopSubject subject;
    RepeatedLookup lookup;
};

std::array<Loop, 16> loops;

Loop *loop_of(const Execution &execution, const QueryDesc *query) {
    const StatementIdentity &statement = *execution.statement;
    for (int i = 0; i < loop_count; ++i) {
        Loop &loop = loops[static_cast<size_t>(i)];
        if (loop.lookup.statement == statement.fingerprint)
            return &loop;
    }
    // With more statements than places the later ones are not followed: the first are the outer ones.
    if (loop_count == static_cast<int>(loops.size()))
        return nullptr;
    Loop &loop = loops[static_cast<size_t>(loop_count++)];
    execution::stack.awaited |= execution::awaited_by_loops;
    LoopSubject &subject = loop.subject;
    subject = LoopSubject{};
    subject.fingerprint = statement.fingerprint;
    subject.role = GetUserId();
    subject.run = execution.run;
    subject.database = MyDatabaseId;
    subject.unit = UnitKind::server;
    subject.is_write = query->operation != CMD_SELECT;
    subject.key_count = static_cast<uint8>(statement.keys.count);
    for (int i = 0; i < statement.keys.count; ++i)
        subject.keys[i] = {statement.keys.keys[i].relation, statement.keys.keys[i].column};
    loop_finding::remember_names(subject);
    loop.lookup.begin(statement.fingerprint, static_cast<uint32>(settings::n_plus_one_threshold), UnitKind::server);
    return &loop;
}

} // namespace

[[gnu::noinline]] void observe(const Execution &execution, const QueryDesc *query) {
    const LookupKeys &keys = execution.statement->keys;
    // The server's own checks of foreign keys run with row security switched off, which nothing else does.
    if (!settings::n_plus_one || keys.count == 0 || keys.is_call || keys.is_batch || execution.values.is_batch ||
        InNoForceRLSOperation())
        return;
    Loop *loop = loop_of(execution, query);
    if (!loop)
        return;
    loop->lookup.count(execution.observed.elapsed, 0);
    if (execution.values.count > 0) {
        loop->subject.variation.note({execution.values.hashes, static_cast<size_t>(execution.values.count)});
        loop->lookup.add_key(execution.values.all);
    }
}

[[gnu::noinline]] void report_all(uint64 top_level) {
    const int self = MyProcPid;
    for (int i = 0; i < loop_count; ++i) {
        Loop &loop = loops[static_cast<size_t>(i)];
        const LookupReport report = loop.lookup.report(true);
        loop.subject.top_level = top_level;
        // A utility statement may come before the unit's first other one.
        loop.subject.unit_name = settings::derived().scope;
        loop.subject.unit_id =
            current.named && current.tag == loop.subject.unit_name ? current.id : loop.subject.unit_name;
        finding_table::Handle handle{0, 0};
        loop_finding::report(loop.subject, loop.lookup, report, {&self, 1}, &handle);
    }
    loop_count = 0;
    execution::stack.awaited &= ~execution::awaited_by_loops;
}

} // namespace dbperf::n_plus_one::server_loops
