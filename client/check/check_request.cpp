#include "check/check_request.h"

#include "base/environment.h"

#include <filesystem>
#include <system_error>
#include <utility>

namespace dbperf::client::check {
using namespace base;
using namespace postgres;
using namespace cli;
using namespace findings;

namespace {

// What locations of findings are relative to.
std::string repository_root() {
    std::error_code ignored;
    return process_environment("GITHUB_WORKSPACE").value_or(std::filesystem::current_path(ignored).string());
}

} // namespace

CheckRequest check_request(const Context &context) {
    CheckRequest request;
    request.slow_query_threshold_ms = context.project.slow_query_threshold_ms;
    request.unit_budgets = context.project.unit_budgets;
    request.warn_only = context.project.check.warn_only;
    request.migrations = context.project.migrations;
    request.project_file = context.project.path;
    request.root = repository_root();
    request.planned_on = context.target;
    if (!context.project.queries.empty())
        request.queries = monitored_queries(context, "");
    return request;
}

void add_baseline(CheckRequest &request, Connection &results, const std::string &baseline, bool only_new) {
    if (baseline.empty())
        return;
    Baseline loaded = load_baseline(results, baseline, {"", request.slow_query_threshold_ms, request.unit_budgets});
    request.baseline = loaded.label;
    if (only_new || loaded.known.is_file)
        request.known = std::move(loaded.known);
}

} // namespace dbperf::client::check
