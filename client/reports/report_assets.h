// Owns what the HTML report carries besides its text: files of report/ and what report/build.js makes, embedded when
// the client is built. The texts of scripts and styles stand in a page as they are, or their checksums do not fit.
#pragma once

#include <string_view>

namespace dbperf::client::reports {

struct ReportAsset {
    std::string_view text;   // "" when it was not there at build time
    std::string_view sha256; // 64 hexadecimal digits
};

extern const ReportAsset page_style;
extern const ReportAsset page_script;
extern const ReportAsset chart_style;
extern const ReportAsset chart_script;
extern const ReportAsset plan_style;
extern const ReportAsset plan_script;
extern const ReportAsset asset_licenses;

} // namespace dbperf::client::reports
