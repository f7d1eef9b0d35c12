// Owns how monitored queries look: their figures against their budgets.
#pragma once

#include "queries/query_file.h"
#include "run/run_report.h"
#include "terminal/style.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace dbperf::client::run {

// A monitored query and how it did.
struct MonitoredOutcome {
    std::string query;
    StatementFigures figures; // calls 0: never executed
    std::string verdict;      // pass, fail, not_enough_samples, no_budget
    std::string reason;       // of a fail or a lack of samples
    std::string budget;       // "avg 10, p95 20, max 50 ms"
};

// Joins figures and budget verdicts of a run for these queries, in their order.
std::vector<MonitoredOutcome> query_outcomes(const std::vector<queries::MonitoredQuery> &queries,
                                             const std::vector<StatementFigures> &figures,
                                             const std::vector<BudgetVerdict> &verdicts);

std::string render_outcomes(const std::vector<MonitoredOutcome> &outcomes, const terminal::Style &style, int indent);
nlohmann::ordered_json outcomes_json(const std::vector<MonitoredOutcome> &outcomes);

int count_failed(const std::vector<MonitoredOutcome> &outcomes);

// "p95" of "p95_ms"; and a value of such a metric with its unit.
std::string metric_name(std::string_view metric);
std::string metric_value(std::string_view metric, double value);

// PASS, FAIL or what else the server said, in its colour.
std::string colored_budget_verdict(const terminal::Style &style, std::string_view verdict);

} // namespace dbperf::client::run
