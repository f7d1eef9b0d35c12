#include "compare/comparison.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::compare {
using namespace postgres;

namespace {

std::optional<std::string> optional_text(const Result &rows, int row, std::string_view name) {
    if (rows.is_null(row, name))
        return std::nullopt;
    return rows.text(row, name);
}

} // namespace

std::vector<ComparedQuery> load_comparison(Connection &results, const std::string &baseline,
                                           const std::string &candidate, ComparisonScope scope) {
    const std::string function = scope == ComparisonScope::every_query ? "comparison" : "regressions";
    const Result rows =
        results.execute(fmt::format("SELECT * FROM dbperf.{}($1, $2)", function), {baseline, candidate});
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
        query.p = rows.number(row, "p");
        if (!rows.is_null(row, "samples"))
            query.samples = rows.integer(row, "samples");
        query.ms_before = rows.number(row, "ms_before");
        query.ms_after = rows.number(row, "ms_after");
        query.blocks_before = rows.number(row, "blocks_before");
        query.blocks_after = rows.number(row, "blocks_after");
        query.rows_before = rows.number(row, "rows_before");
        query.rows_after = rows.number(row, "rows_after");
        query.temp_before = rows.number(row, "temp_before");
        query.temp_after = rows.number(row, "temp_after");
        query.wal_before = rows.number(row, "wal_before");
        query.wal_after = rows.number(row, "wal_after");
        query.cost_before = rows.number(row, "cost_before");
        query.cost_after = rows.number(row, "cost_after");
        query.plan_before = optional_text(rows, row, "plan_before");
        query.plan_after = optional_text(rows, row, "plan_after");
        query.accepted = optional_text(rows, row, "accepted");
        queries.push_back(std::move(query));
    }
    return queries;
}

bool got_worse(const ComparedQuery &query) {
    return !query.accepted &&
           (query.verdict == "regressed" || query.verdict == "fails" || query.verdict == "result_changed");
}

int count_worse(const std::vector<ComparedQuery> &queries) {
    return static_cast<int>(std::count_if(queries.begin(), queries.end(), got_worse));
}

std::string load_plan(Connection &results, const std::string &plan_id) {
    const Result plan = results.execute("SELECT plan FROM dbperf.plans WHERE plan_id = $1", {plan_id});
    return plan.rows() == 0 ? "" : plan.text(0, "plan");
}

} // namespace dbperf::client::compare
