#include "check/check_command.h"

#include "base/environment.h"
#include "base/error.h"
#include "base/file_text.h"
#include "check/check_request.h"
#include "check/github.h"
#include "findings/load_check.h"
#include "postgres/installed_dbperf.h"
#include "reports/json.h"
#include "reports/markdown.h"
#include "reports/report_formats.h"
#include "results_database/send.h"
#include "run/command_environment.h"
#include "run/observed_run.h"
#include "run/run_report_text.h"
#include "run/unit_text.h"
#include "terminal/table.h"
#include "terminal/json_answer.h"
#include "terminal/visible.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>

namespace dbperf::client::check {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace cli;
using namespace results_database;
using namespace run;
using namespace findings;
using namespace metrics;
using namespace reports;

namespace {

constexpr int max_not_judged = 5;                  // shown without --verbose
constexpr std::size_t max_units = 20;              // shown with it
constexpr std::size_t max_summary_bytes = 1000000; // GitHub takes 1 MiB from a step
constexpr int longest_index = 1000;                // shown of a statement to copy

struct CheckOptions {
    std::string run;
    std::string label;
    std::string baseline;
    bool only_new = false;
    std::string write_baseline;
    std::vector<std::string> reports; // FORMAT=PATH
    std::vector<std::string> command;
    ResultsOptions results;
};

void check_options(OptionList &list, CheckOptions &options) {
    const auto run =
        list.text("--run", "LABEL", options.run, "label of the run to judge (default: the latest finished one)");
    list.text("--label", "LABEL", options.label, "name of the run of COMMAND (default: from the time)").excludes(run);
    list.text("--baseline", "LABEL|FILE", options.baseline, "run to compare with, or a file of known findings");
    list.flag("--only-new", options.only_new, "findings that the baseline has, and that got no worse, fail nothing");
    list.text("--write-baseline", "FILE", options.write_baseline,
              "write the findings of this check as a baseline; exit 0");
    list.texts("--report", "FORMAT=PATH", options.reports,
               "also write a report: json, junit, tap, markdown, html, sarif or openmetrics; may be given again");
    send_options(list, options.results);
    list.command(options.command);
}

bool on_github() {
    return process_environment("GITHUB_ACTIONS") == "true";
}

std::string label_of(const Judgement &each) {
    return each.outcome == Outcome::known        ? "known"
           : each.outcome == Outcome::warned     ? "warning"
           : each.outcome == Outcome::not_judged ? "not judged"
                                                 : each.kind;
}

std::string described(const Judgement &each) {
    std::string text = each.query.empty() ? each.reason : shown_query(each) + ": " + each.reason;
    if (!each.cause.empty())
        text += "; cause: " + each.cause;
    return one_line(visible(text)); // a name may turn the direction of writing
}

// Where what is only possible was sent from: the line above counts them.
std::string places_of_possible(const CheckReport &report, const Style &style, bool all) {
    std::string text;
    int shown = 0;
    for (const Judgement &each : report.judgements) {
        if (each.outcome != Outcome::possible || shown_place(each).empty())
            continue;
        if (++shown > max_not_judged && !all)
            continue;
        text += paragraph(style, 4, "call site", one_line(fmt::format("{}: {}", shown_place(each), shown_query(each))));
    }
    if (shown > max_not_judged && !all)
        text += paragraph(style, 4, "call site", fmt::format("and {} more", shown - max_not_judged));
    return text;
}

// What a loop is made of, below the sentence that says it.
std::string evidence_of(const CheckReport &report, const Judgement &each, const Style &style) {
    if (each.outcome == Outcome::failed && !each.evidence.empty())
        for (const NPlusOne &found : report.run.n_plus_one)
            if (found.finding_id == each.evidence)
                return render_evidence(found, style, 4);
    return {};
}

std::string index_of(const Judgement &each, const Style &style) {
    return each.index.empty() ? "" : verbatim(style, 4, "index", visible_line(each.index, longest_index));
}

// How many there were, and where most was found.
std::string units_of(const CheckReport &report, const Style &style, bool all) {
    const std::vector<UnitFigures> &units = report.run.units;
    if (units.empty())
        return {};
    const auto with_findings =
        std::count_if(units.begin(), units.end(), [](const UnitFigures &each) { return each.findings > 0; });
    const std::string counts =
        plural(static_cast<long long>(units.size()), "unit of work", "units of work") +
        (with_findings == 0 ? ", none with findings" : fmt::format(", {} with findings", with_findings));
    return paragraph(style, 2, "units", counts) + (all ? render_units(units, style, max_units) : "");
}

// Line by line; the others are counted.
bool is_shown(Outcome outcome) {
    return outcome == Outcome::failed || outcome == Outcome::warned || outcome == Outcome::not_judged;
}

std::string baseline_of(const CheckReport &report) {
    return one_line(report.baseline_file.empty() ? report.baseline : report.baseline_file);
}

void print_text(const Context &context, const CheckReport &report) {
    const Style &style = context.style;
    fmt::print("{}", heading(style, fmt::format("Check of run {}", one_line(report.run.label))));
    int not_judged = 0;
    for (const Judgement &each : report.judgements)
        if (each.outcome == Outcome::known
                ? context.options.output.verbose
                : is_shown(each.outcome) && (each.outcome != Outcome::not_judged || ++not_judged <= max_not_judged ||
                                             context.options.output.verbose))
            fmt::print("{}{}{}", paragraph(style, 2, label_of(each), described(each)),
                       paragraph(style, 4, "at", one_line(shown_place(each))),
                       evidence_of(report, each, style) + index_of(each, style));
    if (not_judged > max_not_judged && !context.options.output.verbose)
        fmt::print("{}", paragraph(style, 2, "not judged", fmt::format("and {} more", not_judged - max_not_judged)));
    if (const int known = report.count(Outcome::known); known > 0)
        fmt::print(
            "{}", paragraph(style, 2, "known",
                            fmt::format("{} of the baseline {}, which {} nothing", plural(known, "finding", "findings"),
                                        baseline_of(report), known == 1 ? "fails" : "fail")));
    fmt::print("{}{}", paragraph(style, 2, "possible", possible_repetitions(report.run.n_plus_one)),
               places_of_possible(report, style, context.options.output.verbose));
    fmt::print("{}", units_of(report, style, context.options.output.verbose));
    if (const int count = report.count(Outcome::failed); count > 0)
        fmt::print("\n{}\n", style.bad(report.only_new ? plural(count, "new finding", "new findings")
                                                       : plural(count, "finding", "findings")));
    else
        fmt::print("  {} in {}\n", style.good(report.only_new ? "no new findings" : "no findings"),
                   plural(report.run.calls, "statement", "statements"));
}

// Under GitHub Actions nothing that stands in a query may be a command to the runner.
void print_for_people(const Context &context, const CheckReport &report) {
    if (!on_github()) {
        print_text(context, report);
        return;
    }
    std::random_device source;
    const std::string token = fmt::format("dbperf-{:08x}{:08x}", source(), source());
    fmt::print("{}", github_stop_commands(token));
    print_text(context, report);
    fmt::print("{}", github_resume_commands(token));
}

void annotate_github(const Context &context, const CheckReport &report) {
    std::fflush(stdout);
    // A JSON answer keeps standard output to itself; the runner reads both.
    fmt::print(context.json() ? stderr : stdout, "{}", github_annotations(report));
    const auto summary = process_environment("GITHUB_STEP_SUMMARY");
    if (!summary)
        return;
    std::ofstream file(*summary, std::ios::binary | std::ios::app);
    file << markdown_report(report, max_summary_bytes) << std::flush;
    if (!file)
        print_warning(fmt::format("cannot write the step summary {}", *summary));
}

void write_reports(Connection &results, const std::vector<ReportRequest> &requests, const CheckReport &report) {
    ReportData data{report, {}, {}};
    if (std::any_of(requests.begin(), requests.end(), needs_metrics))
        data.metrics = load_run_metrics(results, report);
    if (std::any_of(requests.begin(), requests.end(), needs_details))
        data.details = load_report_details(results, report);
    for (const ReportRequest &request : requests)
        write_file(request.path, render_report(request, data), Readers::owner_alone);
}

// What is written is known from now on.
int write_baseline(const Context &context, Connection &results, const CheckOptions &options,
                   const CheckReport &report) {
    const std::vector<KnownFinding> known = findings_to_know(report);
    write_file(options.write_baseline, known_findings_text(known, load_project(results)), Readers::as_umask_says);
    if (!context.json())
        fmt::print("{} {} written to {}\n", known.size(), known.size() == 1 ? "finding" : "findings",
                   options.write_baseline);
    return send_results(context, options.results, report.run.label, 0);
}

int check(const Context &context, const CheckOptions &options) {
    const CheckSection &section = context.project.check;
    // Whatever is wrong with the question is said before anything is measured.
    if (!options.label.empty() && options.command.empty())
        throw usage_error("--label names the run of a command, and there is none",
                          "give it after \"--\", or name the run to judge with --run");
    const std::string baseline = options.baseline.empty() ? section.baseline : options.baseline;
    const bool only_new = options.only_new || section.only_new;
    if (only_new && baseline.empty())
        throw usage_error("--only-new needs a baseline to know what is new",
                          "name a run or a file with --baseline, or as \"baseline\" in [check] of dbperf.toml");
    if (!options.write_baseline.empty())
        require_folder(options.write_baseline);
    const std::vector<ReportRequest> reports =
        parse_report_requests(options.reports.empty() ? section.reports : options.reports);
    CheckRequest request = check_request(context);
    request.label = options.label.empty() ? options.run : options.label;
    std::string database;
    Connection results = open_results(context.target, &database);
    add_baseline(request, results, baseline, only_new);
    if (!options.command.empty()) {
        if (request.label.empty())
            request.label = default_label();
        store_project_budgets(context, results);
        request.command_status =
            observe_command(results, request.label, options.command, context.command_output(),
                            command_environment(context.target, results, database, process_environment));
    }
    const CheckReport report = load_check(results, request);
    if (context.json())
        print_json(check_json(report, load_report_details(results, report)));
    else
        print_for_people(context, report);
    if (on_github())
        annotate_github(context, report);
    write_reports(results, reports, report);
    if (!options.write_baseline.empty() && request.command_status == 0)
        return write_baseline(context, results, options, report);
    if (request.command_status != 0) {
        print_warning(fmt::format("the command ended with status {}", request.command_status));
        if (!options.write_baseline.empty())
            print_warning(fmt::format(
                "{0} is not written: what the command did not come to would be missing. If it always ends so: "
                "dbperf check --run {1} --write-baseline {0}",
                options.write_baseline, report.run.label));
        return send_results(context, options.results, report.run.label, request.command_status);
    }
    return send_results(context, options.results, report.run.label,
                        report.passed() ? 0 : static_cast<int>(ExitCode::findings));
}

} // namespace

const Command check_command = {"check", "judge a run: exit 1 when there are findings",
                               "dbperf check [OPTIONS] [--run LABEL]\ndbperf check [OPTIONS] -- COMMAND...",
                               with_options<CheckOptions, check_options, check>};

} // namespace dbperf::client::check
