// As pg_stat_statements does: everybody sees figures, texts only their role and pg_read_all_stats.
#include "core/pg.h"

#include "statements/live_rows.h"

#include "core/shared_memory.h"
#include "statements/query_text.h"

namespace dbperf::statements {
using namespace core;

LiveRows open_live_rows(FunctionCallInfo fcinfo) {
    shared_memory::require_available();
    InitMaterializedSRF(fcinfo, 0);
    LiveRows rows{};
    rows.result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    rows.runs = static_cast<runs::Run *>(palloc(sizeof(runs::Run) * runs::max_runs));
    rows.run_count = runs::list(rows.runs);
    rows.user = GetUserId();
    rows.sees_all = has_privs_of_role(rows.user, ROLE_PG_READ_ALL_STATS);
    return rows;
}

char *label_of(const runs::Run &run) {
    return query_text::to_this_encoding(run.label, strlen(run.label), run.encoding);
}

void add_run(RowBuilder *row, const LiveRows &rows, uint32 id) {
    for (int i = 0; i < rows.run_count; ++i) {
        if (rows.runs[i].id == id) {
            row->uuid(rows.runs[i].uuid);
            row->text(label_of(rows.runs[i]));
            return;
        }
    }
    row->null();
    row->null();
}

void add_text(RowBuilder *row, const LiveRows &rows, Oid role, uint64 key) {
    if (!rows.may_see(role))
        row->text("<insufficient privilege>");
    else
        row->text(key == 0 ? nullptr : query_text::get(key));
}

} // namespace dbperf::statements
