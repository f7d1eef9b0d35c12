// Owns all that a format of a report may show, measured once.
#pragma once

#include "findings/judgement.h"
#include "metrics/metrics.h"
#include "reports/report_details.h"

#include <vector>

namespace dbperf::client::reports {

struct ReportData {
    findings::CheckReport check;
    std::vector<metrics::MetricFamily> metrics; // only for a format that needs them
    ReportDetails details;                      // likewise
};

} // namespace dbperf::client::reports
