// Owns the findings of the HTML report: by severity, and each with its evidence.
#pragma once

#include "reports/report_data.h"

#include <string>

namespace dbperf::client::reports {

std::string html_findings(const ReportData &data);

// What could not gate, below everything else: checks that passed, and repetitions that are only possible.
std::string html_passed(const ReportData &data);

} // namespace dbperf::client::reports
