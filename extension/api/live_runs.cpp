// dbperf.live_runs(): the runs under way, as shared memory has them.
#include "core/pg.h"

#include "core/row_builder.h"
#include "core/runs.h"
#include "statements/live_rows.h"
#include "statements/query_text.h"

using namespace dbperf::core;
using namespace dbperf::statements;

// live_runs(): run_id, label, server_wide, started_at, finished_at, attributes, dropped.
DBPERF_FUNCTION(dbperf_live_runs) {
    const LiveRows rows = open_live_rows(fcinfo);
    for (int i = 0; i < rows.run_count; ++i) {
        const runs::Run &run = rows.runs[i];
        RowBuilder row;
        row.uuid(run.uuid);
        row.text(label_of(run));
        row.boolean(run.server_wide);
        row.timestamp(run.started_at);
        row.timestamp(run.finished_at);
        row.json(query_text::to_this_encoding(run.attributes, strlen(run.attributes), run.encoding));
        row.json(runs::lost_as_json(run));
        row.put(rows.result);
    }
    return Datum{0};
}
