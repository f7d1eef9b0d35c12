// Owns the units of work in the HTML report: a line each, which leads to its findings.
#pragma once

#include "reports/report_data.h"

#include <string>

namespace dbperf::client::reports {

std::string html_units(const ReportData &data);

// What the unit of this name did; "" if it is not known.
std::string html_unit_figures(const ReportData &data, const std::string &name);

// Where a finding stands in the page: its id, by its number among the judgements.
std::string html_finding_id(std::size_t number);

} // namespace dbperf::client::reports
