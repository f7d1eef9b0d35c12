#include "reports/lock_waits.h"

namespace dbperf::client::reports {
using namespace postgres;

std::vector<LockWaitFigures> load_lock_waits(Connection &results, const std::string &run_id, int most) {
    const Result rows = results.execute(
        "SELECT * FROM dbperf.lock_waits WHERE run_id = $1::uuid"
        " ORDER BY estimated_ms DESC, kind, relation, row_key, fingerprint, blocker_fingerprint LIMIT $2::integer",
        {run_id, std::to_string(most)});
    std::vector<LockWaitFigures> waits;
    for (int row = 0; row < rows.rows(); ++row) {
        LockWaitFigures each;
        each.database = rows.text(row, "database");
        each.kind = rows.text(row, "kind");
        each.relation = rows.text(row, "relation");
        each.row_key = rows.text(row, "row_key");
        each.mode = rows.text(row, "mode");
        each.query = rows.text(row, "query");
        each.inner_query = rows.text(row, "inner_query");
        each.blocker_query = rows.text(row, "blocker_query");
        each.head_query = rows.text(row, "head_query");
        each.application_name = rows.text(row, "application_name");
        each.blocker_application_name = rows.text(row, "blocker_application_name");
        each.waits = rows.integer(row, "waits");
        each.waited_ms = rows.number(row, "waited_ms").value_or(0);
        each.max_ms = rows.number(row, "max_ms").value_or(0);
        each.estimated_ms = rows.number(row, "estimated_ms").value_or(0);
        each.head_idle_ms = rows.number(row, "head_idle_ms").value_or(0);
        each.transaction_share = rows.number(row, "transaction_share");
        each.longest_chain = rows.integer(row, "longest_chain");
        waits.push_back(std::move(each));
    }
    return waits;
}

} // namespace dbperf::client::reports
