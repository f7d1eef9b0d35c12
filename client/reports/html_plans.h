// Owns a regression in the HTML report: its figures, and both plans side by side.
#pragma once

#include "compare/comparison.h"
#include "reports/report_details.h"

#include <string>

namespace dbperf::client::reports {

// number: of the regression, by which the page's data knows its plans.
std::string html_regression(const compare::ComparedQuery &query, const PlanPair &plans, std::size_t number);

} // namespace dbperf::client::reports
