#include "reports/history.h"

#include "base/error.h"

#include <fmt/format.h>

namespace dbperf::client::reports {
using namespace base;
using namespace postgres;

namespace {

// "" when the server cannot read it so.
std::string read_as(Connection &results, const std::string &expression, const std::string &text) {
    try {
        return results.execute(fmt::format("SELECT {} AS at", expression), {text}).text(0, "at");
    } catch (const DatabaseError &error) {
        if (!error.sqlstate().starts_with("22")) // data exception
            throw;
        return {};
    }
}

} // namespace

std::string point_in_time(Connection &results, const std::string &text) {
    for (const char *expression : {"(SELECT max(started_at) FROM dbperf.runs WHERE label = $1)", "$1::timestamptz",
                                   "pg_catalog.now() - $1::interval"})
        if (std::string at = read_as(results, expression, text); !at.empty())
            return at;
    throw usage_error(fmt::format("\"{}\" is no point in time", text),
                      "write a date as 2026-01-31, an age as \"7 days\", or the label of a run");
}

std::vector<HistoryEntry> load_history(Connection &results, const std::string &query, const std::string &since) {
    const Result rows = results.execute(
        "SELECT query, run, to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS started_at,"
        " commit, calls, mean_ms, p50_ms, p95_ms, blocks, rows, time_ratio, blocks_ratio, change, cause"
        " FROM dbperf.history($1, $2::timestamptz)",
        {query.empty() ? Parameter() : Parameter(query), since.empty() ? Parameter() : Parameter(since)});
    std::vector<HistoryEntry> history;
    for (int row = 0; row < rows.rows(); ++row) {
        HistoryEntry entry;
        entry.query = rows.text(row, "query");
        entry.run = rows.text(row, "run");
        entry.started_at = rows.text(row, "started_at");
        entry.commit = rows.text(row, "commit");
        entry.calls = rows.integer(row, "calls");
        entry.mean_ms = rows.number(row, "mean_ms").value_or(0);
        entry.p50_ms = rows.number(row, "p50_ms").value_or(0);
        entry.p95_ms = rows.number(row, "p95_ms").value_or(0);
        entry.blocks = rows.number(row, "blocks").value_or(0);
        entry.rows = rows.number(row, "rows").value_or(0);
        entry.time_ratio = rows.number(row, "time_ratio");
        entry.blocks_ratio = rows.number(row, "blocks_ratio");
        entry.change = rows.text(row, "change");
        entry.cause = rows.text(row, "cause");
        history.push_back(std::move(entry));
    }
    return history;
}

} // namespace dbperf::client::reports
