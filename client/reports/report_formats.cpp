#include "reports/report_formats.h"

#include "base/error.h"
#include "base/spelling.h"
#include "metrics/openmetrics.h"
#include "reports/html.h"
#include "reports/json.h"
#include "reports/junit.h"
#include "reports/markdown.h"
#include "reports/sarif.h"
#include "reports/tap.h"
#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <filesystem>

namespace dbperf::client::reports {
using namespace base;
using namespace terminal;
using namespace metrics;

namespace {

struct Format {
    std::string_view name;
    bool needs_metrics;
    bool needs_details;
    std::string (*render)(const ReportData &data);
};

constexpr std::array<Format, 7> formats = {{
    {"json", false, true, [](const ReportData &data) { return json_text(check_json(data.check, data.details)); }},
    {"junit", false, false, [](const ReportData &data) { return junit_report(data.check); }},
    {"tap", false, false, [](const ReportData &data) { return tap_report(data.check); }},
    {"markdown", false, false, [](const ReportData &data) { return markdown_report(data.check); }},
    {"html", false, true, [](const ReportData &data) { return html_report(data); }},
    {"sarif", false, false, [](const ReportData &data) { return sarif_report(data.check); }},
    {"openmetrics", true, false,
     [](const ReportData &data) { return metrics_text(data.metrics, MetricsDialect::openmetrics); }},
}};

const Format *find_format(std::string_view name) {
    const auto *found =
        std::find_if(formats.begin(), formats.end(), [&](const Format &each) { return each.name == name; });
    return found == formats.end() ? nullptr : found;
}

std::vector<std::string_view> format_names() {
    std::vector<std::string_view> names;
    for (const Format &each : formats)
        names.push_back(each.name);
    return names;
}

} // namespace

// Said before anything is measured.
void require_folder(const std::string &path) {
    std::error_code ignored;
    const std::filesystem::path folder = std::filesystem::absolute(path, ignored).parent_path();
    if (!std::filesystem::is_directory(folder, ignored))
        throw usage_error(fmt::format("{}: there is no folder {}", path, folder.string()));
}

std::vector<ReportRequest> parse_report_requests(const std::vector<std::string> &texts) {
    std::vector<ReportRequest> requests;
    for (const std::string &text : texts) {
        const std::size_t equals = text.find('=');
        ReportRequest request{text.substr(0, equals), equals == std::string::npos ? "" : text.substr(equals + 1)};
        if (find_format(request.format) == nullptr) {
            const std::vector<std::string_view> names = format_names();
            std::string meant = did_you_mean(request.format, names);
            throw usage_error(fmt::format("\"{}\" is no format of a report", request.format),
                              meant.empty() ? fmt::format("formats are {}", fmt::join(names, ", ")) : meant);
        }
        if (request.path.empty())
            throw usage_error(fmt::format("no file for the {} report", request.format),
                              fmt::format("write {}=PATH", request.format));
        require_folder(request.path);
        if (std::any_of(requests.begin(), requests.end(),
                        [&](const ReportRequest &other) { return other.path == request.path; }))
            throw usage_error(fmt::format("two reports for one file, {}", request.path));
        requests.push_back(std::move(request));
    }
    return requests;
}

bool needs_metrics(const ReportRequest &request) {
    return find_format(request.format)->needs_metrics;
}

bool needs_details(const ReportRequest &request) {
    return find_format(request.format)->needs_details;
}

std::string render_report(const ReportRequest &request, const ReportData &data) {
    return find_format(request.format)->render(data);
}

} // namespace dbperf::client::reports
