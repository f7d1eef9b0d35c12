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
#include "terminal/table.h"

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

struct ReportOptions {
    std::string run;
    std::string since; // a time, an age, or the label of a run
    std::string query;
    std::string html;     // file
    std::string baseline; // to compare with in the file
    std::string results;  // database to read from; empty: this server
    std::string project;  // of the results database
};

void report_options(OptionList &list, ReportOptions &options) {
    list.text("--run", "LABEL", options.run, "label of the run (default: the latest finished one)");
    list.text("--since", "WHEN", options.since,
              "queries over the runs since then: a date, an age as \"7 days\", or the label of a run");
    list.text("--query", "QUERY", options.query, "one query over the runs: its name, text or fingerprint");
    const auto html = list.text("--html", "FILE", options.html, "instead write the run as a page of HTML");
    list.text("--baseline", "LABEL", options.baseline, "label of a run that the page compares it with").needs(html);
    list.text("--results-db", "URI", options.results, "what the results database has, with --since or --query");
    list.text("--project", "NAME", options.project, "of the results database");
}

// Of this server, or of the results database.
Connection open_history(const Context &context, const ReportOptions &options) {
    if (options.results.empty())
        return open_results(context.target);
    Connection results = open_results_database(options.results, ResultsAccess::reading);
    choose_project(results, options.project);
    return results;
}

int report_history(const Context &context, const ReportOptions &options) {
    Connection results = open_history(context, options);
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
    request.migrations = context.project.migrations;
    request.project_file = context.project.path;
    request.slow_query_threshold_ms = context.project.slow_query_threshold_ms;
    request.unit_budgets = context.project.unit_budgets;
    Connection results = open_results(context.target);
    ReportData data{load_check(results, request), {}, {}};
    data.details = load_report_details(results, data.check);
    write_file(options.html, render_report(requests.front(), data), Readers::owner_alone);
    return 0;
}

int report(const Context &context, const ReportOptions &options) {
    const bool over_runs = !options.since.empty() || !options.query.empty();
    if (over_runs && !options.run.empty())
        throw usage_error("either --run, or --since and --query, not both");
    if (over_runs && !options.html.empty())
        throw usage_error("--html is about one run: not with --since or --query");
    if (!over_runs && !options.results.empty())
        throw usage_error("--results-db goes together with --since or --query",
                          "the views of the results database show single runs");
    if (over_runs)
        return report_history(context, options);
    if (!options.html.empty())
        return write_page(context, options);
    Connection results = open_results(context.target);
    const RunReport stored = load_run_report(results, options.run, {"", std::nullopt, context.project.unit_budgets});
    if (context.json())
        print_json(run_json(stored));
    else
        fmt::print("{}", render_run(stored, context.style));
    return 0;
}

} // namespace

const Command report_command = {
    "report", "summary of a stored run, or what changed over runs",
    "dbperf report [OPTIONS] [--run LABEL] [--html FILE]\ndbperf report [OPTIONS] [--since WHEN] [--query QUERY]",
    with_options<ReportOptions, report_options, report>};

} // namespace dbperf::client::reports
