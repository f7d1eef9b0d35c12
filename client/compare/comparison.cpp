#include "compare/comparison.h"

#include "base/json_value.h"

#include <algorithm>
#include <utility>

namespace dbperf::client::compare {
using namespace base;
using namespace postgres;

std::vector<ComparedQuery> load_comparison(Connection &results, const std::string &baseline,
                                           const std::string &candidate) {
    const Result rows =
        results.execute("SELECT to_jsonb(c) AS row FROM dbperf.comparison($1, $2) c", {baseline, candidate});
    std::vector<ComparedQuery> queries;
    for (int row = 0; row < rows.rows(); ++row)
        queries.push_back(compared_query(rows.text(row, "row")));
    return queries;
}

ComparedQuery compared_query(const std::string &row) {
    const nlohmann::json json = nlohmann::json::parse(row);
    const auto text = [&](const char *name) -> std::optional<std::string> {
        const nlohmann::json value = json.value(name, nlohmann::json());
        return value.is_null() ? std::nullopt
                               : std::optional(value.is_string() ? value.get<std::string>() : value.dump());
    };
    ComparedQuery query;
    query.query = text("query").value_or("");
    query.verdict = text("verdict").value_or("");
    query.reason = text("reason").value_or("");
    query.cause = text("cause");
    query.samples = member_integer(json, "samples");
    query.plan_before = text("plan_before");
    query.plan_after = text("plan_after");
    query.accepted = text("accepted");
    const std::pair<const char *, std::optional<double> &> numbers[] = {
        {"time_ratio", query.time_ratio},       {"time_low", query.time_low},
        {"time_high", query.time_high},         {"p", query.p},
        {"ms_before", query.ms_before},         {"ms_after", query.ms_after},
        {"blocks_before", query.blocks_before}, {"blocks_after", query.blocks_after},
        {"rows_before", query.rows_before},     {"rows_after", query.rows_after},
        {"temp_before", query.temp_before},     {"temp_after", query.temp_after},
        {"wal_before", query.wal_before},       {"wal_after", query.wal_after},
        {"cost_before", query.cost_before},     {"cost_after", query.cost_after}};
    for (const auto &[name, number] : numbers)
        number = member_number(json, name);
    return query;
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
