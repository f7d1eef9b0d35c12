#include "model_comparison.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client {
namespace {

std::optional<std::string> optional_text(const Result &rows, int row, std::string_view name) {
    if (rows.is_null(row, name))
        return std::nullopt;
    return rows.text(row, name);
}

// The median time of the compared query in a run.
std::string median_of(std::string_view label) {
    return fmt::format(
        "(SELECT p50_ms FROM dbperf.statements AS s WHERE c.query IN (s.query_name, s.query) AND s.run_id ="
        " (SELECT run_id FROM dbperf.runs WHERE label = {} ORDER BY started_at DESC LIMIT 1)"
        " ORDER BY total_ms DESC LIMIT 1)",
        label);
}

} // namespace

std::vector<ComparedQuery> load_comparison(Connection &results, const std::string &baseline,
                                           const std::string &candidate, ComparisonScope scope) {
    const std::string function = scope == ComparisonScope::every_query ? "comparison" : "regressions";
    const Result rows = results.execute(
        fmt::format(
            "SELECT c.query, verdict, reason, cause, time_ratio, time_low, time_high, blocks_before, blocks_after,"
            " rows_before, rows_after, cost_before, cost_after, plan_before, plan_after,"
            " {0} AS ms_before, {1} AS ms_after FROM dbperf.{2}($1, $2) AS c",
            median_of("$1"), median_of("$2"), function),
        {baseline, candidate});
    std::vector<ComparedQuery> queries;
    for (int row = 0; row < rows.rows(); ++row) {
        ComparedQuery query;
        query.query = rows.text(row, "query");
        query.verdict = rows.text(row, "verdict");
        query.reason = rows.text(row, "reason");
        query.cause = optional_text(rows, row, "cause");
        query.time_ratio = rows.number(row, "time_ratio");
        query.time_low = rows.number(row, "time_low");
        query.time_high = rows.number(row, "time_high");
        query.ms_before = rows.number(row, "ms_before");
        query.ms_after = rows.number(row, "ms_after");
        query.blocks_before = rows.number(row, "blocks_before");
        query.blocks_after = rows.number(row, "blocks_after");
        query.rows_before = rows.number(row, "rows_before");
        query.rows_after = rows.number(row, "rows_after");
        query.cost_before = rows.number(row, "cost_before");
        query.cost_after = rows.number(row, "cost_after");
        query.plan_before = optional_text(rows, row, "plan_before");
        query.plan_after = optional_text(rows, row, "plan_after");
        queries.push_back(std::move(query));
    }
    return queries;
}

int count_regressed(const std::vector<ComparedQuery> &queries) {
    return static_cast<int>(std::count_if(queries.begin(), queries.end(),
                                          [](const ComparedQuery &each) { return each.verdict == "regressed"; }));
}

} // namespace dbperf::client
