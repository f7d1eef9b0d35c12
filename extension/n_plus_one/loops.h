// The loops of this session: every statement with lookup keys, or that may be redundant, with the state machine that
// follows it. Backend-local.
//
// There are two sets. The outer one is of the tagged unit or of the burst that the session is in; the inner one of an
// explicit transaction. Small transactions that follow each other without a pause are one burst: what a transaction did
// that was no loop in itself is done once more in the outer set, when it ends.
#pragma once

#include <array>

#include "n_plus_one/lineage.h"
#include "n_plus_one/loop_finding.h"
#include "n_plus_one/pending_loops.h"
#include "n_plus_one/unit_of_work.h"

namespace dbperf::n_plus_one::loops {

// What repetition needs to know of an execution when its transaction is over.
struct Early {
    uint64 key; // 0: none
    uint32 all_parameters;
    bool may_be_redundant;
    uint64 exec; // ns, as all times here
    uint64 wait;
    uint64 began;
    uint64 ended;
    lineage::Origins origins;
    lookups::LookupValues values;
};

struct Loop {
    LoopSubject subject;
    finding_table::Handle handle;
    uint32 id;       // 0: free; never the same again
    bool is_shared;  // other connections take part: shared_units reports it
    bool was_shared; // they may
    bool is_inner;
    uint8 early_count;
    uint64 checked;       // when it was looked at last, counted
    uint64 known;         // of what is pending: executions of the loop that somebody has reported
    PendingLoop *pending; // null: nothing to report so far
    LookupReport judged;  // what it says
    RepeatedLookup lookup;
};

constexpr size_t max_early = 4;

// Which statement a loop repeats. The same text may mean different tables, by search_path.
uint64 key_of(const statements::StatementIdentity &statement);
Loop &begin(const statements::Execution &execution, const QueryDesc *query);

// The loop of this statement in the inner or outer set, which is that of the current unit; begins it if need be.
inline Loop &of(const statements::Execution &execution, const QueryDesc *query, bool is_inner) {
    const statements::StatementIdentity &statement = *execution.statement;
    // A place may have been given away.
    Loop *loop = static_cast<Loop *>(statement.loop);
    if (likely(loop && loop->id == statement.loop_id && loop->subject.run == execution.run &&
               loop->is_inner == is_inner))
        return *loop;
    return begin(execution, query);
}
inline Loop &of(const statements::Execution &execution, const QueryDesc *query) {
    return of(execution, query, unit_of_work::current.kind == UnitKind::transaction);
}

// That of a statement which this burst has executed before; null for the first execution of a key (of lookup values,
// not 0), which is counted when the second one comes: most statements are not repeated, and a loop is much to begin.
Loop *begin_repeated(const statements::Execution &execution, const QueryDesc *query, uint64 key, uint64 wait);
inline Loop *of_repeated(const statements::Execution &execution, const QueryDesc *query, uint64 key, uint64 wait) {
    const statements::StatementIdentity &statement = *execution.statement;
    Loop *loop = static_cast<Loop *>(statement.loop);
    if (likely(loop && loop->id == statement.loop_id && loop->subject.run == execution.run && !loop->is_inner))
        return loop;
    return begin_repeated(execution, query, key, wait);
}

// Looks at it anew: what it amounts to so far is there to be reported.
void check(Loop &loop);
// Before more is traced: what other sessions reported of it is not reported again.
void take_over(Loop &loop);

// After each execution that was counted; `due` as count() said.
inline void counted(Loop &loop, bool due) {
    if (unlikely(due))
        check(loop);
    if (PendingLoop *pending = loop.pending) {
        pending->now = loop.lookup.work;
        pending->distinct = loop.lookup.distinct;
        if (unlikely(loop.judged.edge >= 0))
            pending->distinct = loop.lookup.distinct_of(loop.lookup.edges[static_cast<size_t>(loop.judged.edge)]);
    }
}

// An execution of a transaction that is to be remembered until it ends.
void remember(Loop &loop, const Early &early);
// The same loop in the outer set; `writes`: its transaction did.
Loop &outer_of(const Loop &inner, bool writes);

// Reports what was not reported yet; all loops of the set are over. `again` is called for what an inner loop remembers
// when it was none.
using Again = void (*)(const Loop &inner, const Early &early, bool writes);
void end_inner(Again again);
void end_all();
// A pause, or a test around its requests: only lineage holds the loops of this transaction together.
void loosen_inner(bool pause);
// Drops all loops without reporting.
void forget();
// What is read from this table, or from any (invalid), may have changed: reading it again is not redundant.
void forget_repeats(Oid table);

} // namespace dbperf::n_plus_one::loops
