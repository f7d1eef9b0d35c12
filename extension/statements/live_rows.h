// What functions share that show live state: which runs there are, and whose texts the caller may see.
#pragma once

#include "core/pg.h"

#include "core/row_builder.h"
#include "core/runs.h"

namespace dbperf::statements {

struct LiveRows {
    ReturnSetInfo *result;
    core::runs::Run *runs;
    int run_count;
    bool sees_all;
    Oid user;

    bool may_see(Oid role) const { return sees_all || role == user; }
};

// Of a function that returns a set.
LiveRows open_live_rows(FunctionCallInfo fcinfo);

// Its label; it may have been started in a database of another encoding.
char *label_of(const core::runs::Run &run);
// Two columns: identity and label, null if the row belongs to no run.
void add_run(core::RowBuilder *row, const LiveRows &rows, uint32 id);
// The text of that hash; null if that is 0.
void add_text(core::RowBuilder *row, const LiveRows &rows, Oid role, uint64 key);

} // namespace dbperf::statements
