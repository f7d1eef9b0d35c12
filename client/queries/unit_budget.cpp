#include "queries/unit_budget.h"

#include "base/error.h"
#include "base/spelling.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace dbperf::client::queries {
using namespace base;

namespace {

constexpr std::array<std::string_view, 7> unit_metrics = {"statements", "distinct_statements", "rows",       "exec_ms",
                                                          "wait_ms",    "exec_max_ms",         "wait_max_ms"};

} // namespace

UnitBudget parse_unit_budget(std::string_view pattern, std::string_view metric, double limit,
                             const std::string &where) {
    if (pattern.empty())
        throw usage_error(fmt::format("{}: a unit of work needs a name", where), "write it as [units.\"GET /orders\"]");
    if (std::find(unit_metrics.begin(), unit_metrics.end(), metric) == unit_metrics.end()) {
        const std::string meant = did_you_mean(metric, unit_metrics);
        throw usage_error(fmt::format("{}: unknown budget \"{}\" of a unit of work", where, metric),
                          meant.empty() ? fmt::format("budgets are {}", fmt::join(unit_metrics, ", ")) : meant);
    }
    if (!std::isfinite(limit) || limit < 0)
        throw usage_error(fmt::format("{}: a budget for {} is a number from 0 on", where, metric));
    return {std::string(pattern), std::string(metric), limit, 0};
}

std::string unit_budgets_json(const std::vector<UnitBudget> &budgets) {
    if (budgets.empty())
        return {};
    nlohmann::json json;
    for (const UnitBudget &each : budgets)
        json[each.pattern][each.metric] = each.limit;
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace dbperf::client::queries
