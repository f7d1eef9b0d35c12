// Owns a check as one page of HTML that needs nothing but itself: no network, and scripts only for what cannot be drawn
// beforehand. Everything in it is from the report; styles and scripts are those of report_assets, named by checksum.
#pragma once

#include "reports/report_data.h"

#include <string>

namespace dbperf::client::reports {

std::string html_report(const ReportData &data);

} // namespace dbperf::client::reports
