// Owns which formats a check can be reported in, and what is asked for as FORMAT=PATH. Each format has a file of its
// own.
#pragma once

#include "reports/report_data.h"

#include <string>
#include <vector>

namespace dbperf::client::reports {

struct ReportRequest {
    std::string format;
    std::string path;
};

// Throws a usage error for an unknown format, a missing folder, or one path for two.
std::vector<ReportRequest> parse_report_requests(const std::vector<std::string> &texts);

// Throws a usage error unless there is a folder for this file.
void require_folder(const std::string &path);

bool needs_metrics(const ReportRequest &request);
bool needs_details(const ReportRequest &request);

std::string render_report(const ReportRequest &request, const ReportData &data);

} // namespace dbperf::client::reports
