#include "reports/report_formats.h"

#include "base/expect_error.h"

#include <gtest/gtest.h>

namespace dbperf::client::reports {
using namespace base;

namespace {

TEST(ReportRequests, FormatAndPath) {
    const auto requests = parse_report_requests({"json=/tmp/a=b.json", "openmetrics=x.prom"});
    ASSERT_EQ(requests.size(), 2u);
    EXPECT_EQ(requests[0].format, "json");
    EXPECT_EQ(requests[0].path, "/tmp/a=b.json");
    EXPECT_FALSE(needs_metrics(requests[0]));
    EXPECT_TRUE(needs_metrics(requests[1]));
}

TEST(ReportRequests, MistakesAreSaidBeforeTheMeasurement) {
    const auto expect = [](const std::vector<std::string> &texts, const std::string &message,
                           const std::string &hint = {}) {
        expect_error([&] { parse_report_requests(texts); }, ExitCode::usage, message, hint);
    };
    expect({"junti=a.xml"}, "\"junti\" is no format of a report", "did you mean \"junit\"?");
    expect({"spreadsheet=a"}, "is no format", "formats are json, junit, tap, markdown, html, sarif, openmetrics");
    expect({"json"}, "no file for the json report", "json=PATH");
    expect({"json="}, "no file for the json report");
    expect({"json=/nowhere/at/all/a.json"}, "there is no folder /nowhere/at/all");
    expect({"json=a", "tap=a"}, "two reports for one file, a");
}

} // namespace
} // namespace dbperf::client::reports
