#include "findings/load_check.h"

#include "base/error.h"
#include "base/file_text.h"
#include "findings/helping_index.h"
#include "findings/kinds.h"
#include "findings/places.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace dbperf::client::findings {
using namespace base;
using namespace postgres;
using namespace queries;
using namespace run;
using namespace compare;

namespace {

bool contains(const std::vector<std::string> &list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

Judgement judgement_of(const StoredFinding &finding) {
    Judgement judgement;
    judgement.outcome = finding.gate                                                       ? Outcome::failed
                        : finding.severity == "warning"                                    ? Outcome::warned
                        : finding.kind == "n_plus_one" && finding.confidence == "possible" ? Outcome::possible
                                                                                           : Outcome::not_judged;
    judgement.kind = finding.kind;
    judgement.query = finding.query;
    judgement.reason = finding.reason;
    judgement.severity = finding.severity;
    judgement.database = finding.database;
    judgement.cause = finding.cause;
    judgement.suggestion = finding.suggestion;
    judgement.short_query = finding.short_query;
    judgement.short_suggestion = finding.short_suggestion;
    judgement.advice = finding.mapper_advice.empty() || finding.advice.empty()
                           ? finding.advice + finding.mapper_advice
                           : finding.advice + "; " + finding.mapper_advice;
    judgement.call_site = finding.call_site;
    judgement.metric = finding.metric;
    judgement.unit = finding.unit;
    judgement.pattern = finding.pattern;
    judgement.key = !finding.pattern.empty()      ? "unit " + finding.query
                    : finding.fingerprint.empty() ? finding.query
                                                  : finding.fingerprint;
    judgement.evidence = finding.evidence;
    judgement.identity = parse_finding_key(finding.key);
    judgement.price_ms = finding.price_ms;
    return judgement;
}

void add_findings(std::vector<Judgement> &judgements, const RunReport &run) {
    for (const StoredFinding &finding : run.findings) {
        Judgement judgement = judgement_of(finding);
        // What is acknowledged is no news; what has too few samples is.
        const bool is_news =
            judgement.outcome != Outcome::not_judged || kind_of(finding.kind).evidence == Evidence::times;
        if (is_news && !finding.acknowledged)
            judgements.push_back(std::move(judgement));
    }
}

void add_kept_budgets(std::vector<Judgement> &judgements, const RunReport &run) {
    for (const BudgetVerdict &each : run.budgets) {
        if (each.verdict != "ok")
            continue;
        Judgement judgement;
        judgement.kind = "budget";
        judgement.query = each.query;
        judgement.metric = each.metric;
        judgement.key = each.query;
        judgement.reason = each.metric + ": " + each.reason;
        judgements.push_back(std::move(judgement));
    }
}

// What should be taken out of the baseline, or may be lowered there.
Judgement stale(const KnownFinding &known, const KnownFindings &baseline, const std::string &reason) {
    Judgement judgement;
    // A run stays as it was measured; a file is there to be edited.
    judgement.outcome = baseline.is_file ? Outcome::warned : Outcome::passed;
    judgement.severity = baseline.is_file ? "warning" : "notice";
    judgement.kind = "stale_baseline";
    judgement.query = known.statement;
    judgement.key = known.kind + " " + known.key + " " + known.edge;
    judgement.reason = fmt::format("{}{}{}: {}", known.kind, known.edge.empty() ? "" : " ", known.edge, reason);
    return judgement;
}

// Findings that the baseline has fail nothing, unless they got worse; it is said which of it is not needed any more.
void judge_known(std::vector<Judgement> &judgements, const KnownFindings &baseline) {
    std::vector<bool> seen(baseline.findings.size());
    std::vector<std::string> better(baseline.findings.size());
    for (Judgement &each : judgements) {
        if (!each.identity || (each.outcome != Outcome::failed && each.outcome != Outcome::warned))
            continue;
        const ComparedFinding compared = compare_finding(baseline.findings, *each.identity);
        if (compared.comparison == Comparison::unknown)
            continue;
        for (std::size_t i = 0; i < seen.size(); ++i)
            seen[i] = seen[i] || baseline.findings[i].is_same(*each.identity);
        if (compared.comparison == Comparison::worse) {
            each.reason += fmt::format("; worse than in {}: {}", baseline.source, compared.change);
            better[compared.position] = "-";
            continue;
        }
        each.outcome = Outcome::known;
        each.severity = "notice";
        std::string &change = better[compared.position];
        if (compared.comparison == Comparison::known)
            change = "-"; // the same finding elsewhere needs all of it
        else if (change.empty())
            change = compared.change;
    }
    for (std::size_t i = 0; i < seen.size(); ++i) {
        const KnownFinding &each = baseline.findings[i];
        if (!seen[i])
            judgements.push_back(
                stale(each, baseline, fmt::format("does not occur any more; take it out of {}", baseline.source)));
        else if (!better[i].empty() && better[i] != "-")
            judgements.push_back(
                stale(each, baseline, fmt::format("got better, {}: lower it in {}", better[i], baseline.source)));
    }
}

// What was looked for and not found is reported, too: a report without a word of it could as well not have looked.
void add_absences(std::vector<Judgement> &judgements, const CheckRequest &request) {
    for (const Kind &kind : all_kinds()) {
        const bool found = std::any_of(judgements.begin(), judgements.end(), [&](const Judgement &each) {
            return each.kind == kind.kind && each.outcome != Outcome::possible && each.outcome != Outcome::known;
        });
        const bool looked_for = kind.looked_for == LookedFor::always ||
                                (kind.looked_for == LookedFor::with_threshold && request.slow_query_threshold_ms) ||
                                (kind.looked_for == LookedFor::with_baseline && !request.baseline.empty());
        if (found || !looked_for)
            continue;
        Judgement judgement;
        judgement.kind = kind.kind;
        judgement.reason = kind.looked_for == LookedFor::with_threshold
                               ? fmt::format("none over {:g} ms", *request.slow_query_threshold_ms)
                           : kind.looked_for == LookedFor::with_baseline
                               ? fmt::format("nothing got worse than in run {}", request.baseline)
                               : "none found";
        judgements.push_back(std::move(judgement));
    }
}

} // namespace

Baseline load_baseline(Connection &results, const std::string &name, const Yardsticks &yardsticks) {
    std::error_code ignored;
    if (!is_run(results, name) && std::filesystem::is_regular_file(name, ignored)) {
        Baseline baseline{"", parse_known_findings(read_file(name), name)};
        const std::string &project = baseline.known.project;
        if (const std::string ours = load_project(results); !project.empty() && project != ours)
            throw usage_error(fmt::format("{}: these are findings of the project \"{}\", this server's is \"{}\"", name,
                                          project, ours),
                              "take the file of this project, or set dbperf.project");
        return baseline;
    }
    if (!is_run(results, name))
        throw environment_error(
            fmt::format("no run is labelled \"{}\", and there is no such file", name),
            "`dbperf check --write-baseline FILE -- COMMAND` writes one; SELECT label FROM dbperf.runs; "
            "shows which runs there are");
    Baseline baseline{name, {}};
    baseline.known.source = "run " + name;
    for (const std::string &json : load_known_findings(results, name, yardsticks))
        if (std::optional<KnownFinding> finding = parse_finding_key(json))
            baseline.known.findings.push_back(std::move(*finding));
    return baseline;
}

std::vector<KnownFinding> findings_to_know(const CheckReport &report) {
    std::vector<KnownFinding> all;
    for (const Judgement &each : report.judgements) {
        const bool is_finding = each.outcome == Outcome::failed || each.outcome == Outcome::known ||
                                (each.outcome == Outcome::warned && kind_of(each.kind).may_only_warn);
        if (!each.identity || !is_finding || each.kind == "regression")
            continue;
        const auto same = std::find_if(all.begin(), all.end(),
                                       [&](const KnownFinding &other) { return other.is_same(*each.identity); });
        if (same == all.end())
            all.push_back(*each.identity);
        else
            *same = worse_of(*same, *each.identity);
    }
    return all;
}

CheckReport load_check(Connection &results, const CheckRequest &request) {
    if (!request.baseline.empty())
        require_run(results, request.baseline);
    CheckReport report;
    report.run = load_run_report(results, request.label,
                                 {request.baseline, request.slow_query_threshold_ms, request.unit_budgets});
    report.command_status = request.command_status;
    report.baseline = request.baseline;
    report.slow_query_threshold_ms = request.slow_query_threshold_ms;
    report.only_new = request.known.has_value();
    if (request.known && request.known->is_file)
        report.baseline_file = request.known->source;
    std::vector<Judgement> &judgements = report.judgements;
    add_findings(judgements, report.run);
    add_kept_budgets(judgements, report.run);
    for (const StoredFinding &finding : report.run.findings)
        if (kind_of(finding.kind).evidence == Evidence::comparison)
            report.regressions.push_back(compared_query(finding.details));
    if (request.known)
        judge_known(judgements, *request.known);
    add_absences(judgements, request);
    for (Judgement &each : judgements)
        if (each.outcome == Outcome::failed && contains(request.warn_only, each.kind)) {
            each.outcome = Outcome::warned;
            each.severity = "warning";
        }
    if (request.command_status != 0) {
        Judgement judgement;
        judgement.outcome = Outcome::broken;
        judgement.kind = "command";
        judgement.severity = "error";
        judgement.reason = fmt::format("the command ended with status {}", request.command_status);
        judgements.push_back(std::move(judgement));
    }
    if (request.planned_on)
        find_helping_indexes(results, *request.planned_on, report.run.label, judgements);
    find_places(judgements,
                {request.queries, request.migrations, request.project_file, request.root, request.unit_budgets});
    sort_judgements(judgements);
    return report;
}

} // namespace dbperf::client::findings
