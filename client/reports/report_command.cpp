#include "reports/report_command.h"

#include "base/error.h"
#include "base/file_text.h"
#include "findings/load_check.h"
#include "postgres/installed_dbperf.h"
#include "reports/history.h"
#include "reports/history_text.h"
#include "reports/report_formats.h"
#include "results_database/results_database.h"
#include "run/run_report_text.h"
#include "terminal/json_answer.h"
#include "terminal/paragraph.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::reports {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace cli;
using namespace results_database;
using namespace run;
using namespace findings;

namespace {

// Of this server, or of the results database.
Connection open_history(const Context &context) {
    if (context.options.results.database.empty())
        return open_results(context.target);
    Connection results = open_results_database(context.options.results.database, ResultsAccess::reading);
    choose_project(results, context.options.results.project);
    return results;
}

int report_history(const Context &context, const ReportOptions &options) {
    Connection results = open_history(context);
    const std::string since = options.since.empty() ? "" : point_in_time(results, options.since);
    const std::vector<HistoryEntry> history = load_history(results, options.query, since);
    if (context.json()) {
        print_json({{"since", since.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(since)},
                    {"history", history_json(history)}});
        return 0;
    }
    fmt::print("{}{}", heading(context.style, since.empty() ? "All runs" : fmt::format("Since {}", since)),
               render_history(history, !options.query.empty() || context.options.output.verbose, context.style));
    return 0;
}

// The page of `dbperf check`, without its verdict on the command.
int write_page(const Context &context, const ReportOptions &options) {
    const std::vector<ReportRequest> requests = parse_report_requests({"html=" + options.html});
    CheckRequest request;
    request.label = options.run;
    request.baseline = options.baseline;
    request.warn_only = context.project.check.warn_only;
    request.slow_query_threshold_ms = context.project.slow_query_threshold_ms;
    Connection results = open_results(context.target);
    ReportData data{load_check(results, request), {}, {}};
    data.details = load_report_details(results, data.check);
    write_file(options.html, render_report(requests.front(), data), Readers::owner_alone);
    return 0;
}

} // namespace

int report_command(const Context &context) {
    const ReportOptions &options = context.options.report;
    const bool over_runs = !options.since.empty() || !options.query.empty();
    if (over_runs && !options.run.empty())
        throw usage_error("either --run, or --since and --query, not both");
    if (over_runs && !options.html.empty())
        throw usage_error("--html is about one run: not with --since or --query");
    if (!over_runs && !context.options.results.database.empty())
        throw usage_error("--results-db goes together with --since or --query",
                          "the views of the results database tell of single runs");
    if (over_runs)
        return report_history(context, options);
    if (!options.html.empty())
        return write_page(context, options);
    Connection results = open_results(context.target);
    const RunReport report = load_run_report(results, options.run);
    if (context.json())
        print_json(run_json(report));
    else
        fmt::print("{}", render_run(report, context.style));
    return 0;
}

} // namespace dbperf::client::reports
