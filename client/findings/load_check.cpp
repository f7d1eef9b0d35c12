#include "findings/load_check.h"

#include "findings/kinds.h"
#include "findings/places.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::findings {
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
    judgement.key = finding.fingerprint.empty() ? finding.query : finding.fingerprint;
    judgement.evidence = finding.evidence;
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

// What was looked for and not found is reported, too: a report without a word of it could as well not have looked.
void add_absences(std::vector<Judgement> &judgements, const CheckRequest &request) {
    for (const Kind &kind : all_kinds()) {
        const bool found = std::any_of(judgements.begin(), judgements.end(), [&](const Judgement &each) {
            return each.kind == kind.kind && each.outcome != Outcome::possible;
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

CheckReport load_check(Connection &results, const CheckRequest &request) {
    if (!request.baseline.empty())
        require_run(results, request.baseline);
    CheckReport report;
    report.run = load_run_report(results, request.label, {request.baseline, request.slow_query_threshold_ms});
    report.command_status = request.command_status;
    report.baseline = request.baseline;
    report.slow_query_threshold_ms = request.slow_query_threshold_ms;
    std::vector<Judgement> &judgements = report.judgements;
    add_findings(judgements, report.run);
    add_kept_budgets(judgements, report.run);
    for (const StoredFinding &finding : report.run.findings)
        if (kind_of(finding.kind).evidence == Evidence::comparison)
            report.regressions.push_back(compared_query(finding.details));
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
    find_places(judgements, {request.queries, request.migrations, request.project_file, request.root});
    sort_judgements(judgements);
    return report;
}

} // namespace dbperf::client::findings
