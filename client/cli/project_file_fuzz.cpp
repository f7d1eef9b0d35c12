// A project file of any text: settings within their bounds, or a usage error that names the file.
#include "cli/project_file.h"

#include "base/error.h"

#include <fuzz/target.h>

#include <cmath>

using namespace dbperf::client::base;
using namespace dbperf::client::queries;
using namespace dbperf::client::cli;

FUZZ_PART(project_file) {
    const std::string text(input.rest());
    // For some letters in a bare key, the library's table of them comes to a point that it calls unreachable.
    if (std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; }))
        return;
    const Kinds kinds = {"n_plus_one", "budget"};
    try {
        const ProjectFile project = parse_project_file(text, "/p/dbperf.toml", kinds);
        FUZZ_CHECK(!project.slow_query_threshold_ms ||
                   (*project.slow_query_threshold_ms > 0 && std::isfinite(*project.slow_query_threshold_ms)));
        for (const auto &[query, budgets] : project.budgets)
            for (const Budget &budget : budgets)
                FUZZ_CHECK(budget.limit > 0 && std::isfinite(budget.limit));
        for (const std::string &kind : project.check.warn_only)
            FUZZ_CHECK(std::find(kinds.begin(), kinds.end(), kind) != kinds.end());
        for (const std::string &report : project.check.reports)
            FUZZ_CHECK(report.find('=') != std::string::npos);
    } catch (const Error &error) {
        FUZZ_CHECK_SHOWN(error.code() == ExitCode::usage &&
                             std::string_view(error.what()).starts_with("/p/dbperf.toml:"),
                         error.what());
    }
}
