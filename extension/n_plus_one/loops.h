// The loops of this session's unit of work: every statement with lookup keys, or that may be redundant, with the state
// machine that follows it. Backend-local.
#pragma once

#include "n_plus_one/loop_finding.h"
#include "n_plus_one/unit_of_work.h"

namespace dbperf::n_plus_one::loops {

struct Loop {
    LoopSubject subject;
    finding_table::Handle handle;
    uint32 id;      // 0: free; never the same again
    bool is_shared; // other connections take part: shared_units reports it
    RepeatedLookup lookup;
};

// Which statement a loop repeats. The same text may mean different tables, by search_path.
uint64 key_of(const statements::StatementIdentity &statement);
Loop &begin(const statements::Execution &execution, const QueryDesc *query);

// The loop of this statement; begins it if need be.
inline Loop &of(const statements::Execution &execution, const QueryDesc *query) {
    // A place may have been given away.
    Loop *loop = static_cast<Loop *>(execution.statement->loop);
    if (likely(loop && loop->id == execution.statement->loop_id && loop->subject.run == execution.run))
        return *loop;
    return begin(execution, query);
}

// Reports to the finding what is unreported yet. `is_last`: all of it.
void report(Loop &loop, bool is_last);
void report_all();
// The unit of work is over.
void end_all();
// Drops all loops unreported.
void forget();
// What is read from this table, or from any (invalid), may have changed: reading it again is not redundant.
void forget_repeats(Oid table);

} // namespace dbperf::n_plus_one::loops
