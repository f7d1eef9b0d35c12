// dbperf check: the gate. Which findings stop a change, the server says; this turns them into an exit status.
#include "command.h"
#include "drive_requirements.h"
#include "drive_run.h"
#include "error.h"
#include "model_comparison.h"
#include "output_comparison.h"
#include "output_figures.h"
#include "output_json.h"
#include "output_paragraph.h"
#include "output_run.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client {
namespace {

struct Verdict {
    RunReport report;
    std::vector<StoredFinding> gating;
    std::vector<StoredFinding> warnings;    // they stop nothing
    std::vector<ComparedQuery> regressions; // only with a baseline
};

constexpr std::string_view stale_acceptance = "stale_acceptance";

std::vector<StoredFinding> load_stale_acceptances(Connection &results, const std::string &baseline,
                                                  const std::string &run) {
    const Result rows = results.execute("SELECT query, reason FROM dbperf.stale_acceptances($1, $2)", {run, baseline});
    std::vector<StoredFinding> findings;
    for (int row = 0; row < rows.rows(); ++row)
        findings.push_back(
            {std::string(stale_acceptance), "warning", rows.text(row, "query"), rows.text(row, "reason"), "", false});
    return findings;
}

Verdict judge(Connection &results, const CheckOptions &options, const std::string &label) {
    Verdict verdict;
    verdict.report = load_run_report(results, label);
    // With a baseline more acceptances are known to be stale.
    const bool compared = !options.baseline.empty();
    for (const StoredFinding &finding : verdict.report.findings)
        if (finding.gate)
            verdict.gating.push_back(finding);
        else if (finding.severity == "warning" && !(compared && finding.kind == stale_acceptance))
            verdict.warnings.push_back(finding);
    if (compared) {
        load_run_report(results, options.baseline); // says so when there is no such run
        verdict.regressions =
            load_comparison(results, options.baseline, verdict.report.label, ComparisonScope::regressions_only);
        for (StoredFinding &finding : load_stale_acceptances(results, options.baseline, verdict.report.label))
            verdict.warnings.push_back(std::move(finding));
    }
    return verdict;
}

std::string described(const StoredFinding &finding) {
    return one_line(finding.query.empty() ? finding.reason : finding.query + ": " + finding.reason);
}

void print_text(const Context &context, const Verdict &verdict) {
    const Style &style = context.style;
    fmt::print("{}", heading(style, fmt::format("Check of run {}", one_line(verdict.report.label))));
    for (const StoredFinding &finding : verdict.gating)
        fmt::print("{}", paragraph(style, 2, finding.kind, described(finding)));
    for (const StoredFinding &finding : verdict.warnings)
        fmt::print("{}", paragraph(style, 2, "warning", described(finding)));
    for (const ComparedQuery &query : verdict.regressions)
        fmt::print("{}", paragraph(style, 2, "regression",
                                   one_line(query.query + ": " + query.reason +
                                            (query.cause ? "; because of " + *query.cause : ""))));
    const auto count = static_cast<long long>(verdict.gating.size() + verdict.regressions.size());
    if (count > 0)
        fmt::print("\n{}\n", style.bad(plural(count, "finding", "findings")));
    else
        fmt::print("  {} in {}\n", style.good("no findings"), plural(verdict.report.calls, "statement", "statements"));
}

nlohmann::ordered_json findings_json(const std::vector<StoredFinding> &findings) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const StoredFinding &each : findings)
        list.push_back({{"kind", each.kind},
                        {"severity", each.severity},
                        {"query", each.query},
                        {"reason", each.reason},
                        {"database", each.database}});
    return list;
}

} // namespace

int command_check(const Context &context) {
    const CheckOptions &options = context.options.check;
    Connection results = open_results(context.target);
    std::string label = options.run;
    int status = 0;
    if (!options.command.empty()) {
        if (label.empty())
            label = default_label();
        store_project_budgets(context, results);
        status = observe_command(results, label, options.command, context.command_output());
    }
    const Verdict verdict = judge(results, options, label);
    if (context.json())
        print_json({{"run", verdict.report.label},
                    {"command_status", status},
                    {"findings", findings_json(verdict.gating)},
                    {"warnings", findings_json(verdict.warnings)},
                    {"regressions", comparison_json(verdict.regressions)}});
    else
        print_text(context, verdict);
    if (status != 0) {
        print_warning(fmt::format("the command ended with status {}", status));
        return status;
    }
    return verdict.gating.empty() && verdict.regressions.empty() ? 0 : static_cast<int>(ExitCode::findings);
}

} // namespace dbperf::client
