#include "findings/load_check.h"

#include "findings/kinds.h"
#include "findings/slow_queries.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::findings {
using namespace postgres;
using namespace queries;
using namespace run;
using namespace compare;

namespace {

constexpr std::string_view stale_acceptance = "stale_acceptance";

bool contains(const std::vector<std::string> &list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

Judgement judgement_of(const StoredFinding &finding) {
    Judgement judgement;
    judgement.outcome = finding.gate                    ? Outcome::failed
                        : finding.severity == "warning" ? Outcome::warned
                                                        : Outcome::not_judged;
    judgement.kind = finding.kind;
    judgement.query = finding.query;
    judgement.reason = finding.reason;
    judgement.severity = finding.severity;
    judgement.database = finding.database;
    judgement.suggestion = finding.suggestion;
    judgement.call_site = finding.call_site;
    judgement.metric = finding.metric;
    judgement.key = finding.fingerprint.empty() ? finding.query : finding.fingerprint;
    judgement.evidence = finding.evidence;
    judgement.price_ms = finding.price_ms;
    return judgement;
}

void add_findings(std::vector<Judgement> &judgements, const RunReport &run, bool compared) {
    for (const StoredFinding &finding : run.findings) {
        // With a baseline more acceptances are known to be stale: they are asked for then.
        if (compared && finding.kind == stale_acceptance)
            continue;
        // What is only possible, or acknowledged, is no news.
        if (!finding.gate && finding.severity == "notice" && finding.kind != "budget")
            continue;
        judgements.push_back(judgement_of(finding));
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

void add_regressions(std::vector<Judgement> &judgements, const std::vector<ComparedQuery> &regressions) {
    for (const ComparedQuery &query : regressions) {
        Judgement judgement;
        judgement.outcome = Outcome::failed;
        judgement.kind = "regression";
        judgement.severity = "error";
        judgement.query = query.query;
        judgement.reason = query.reason;
        judgement.cause = query.cause.value_or("");
        judgement.key = query.query;
        judgement.price_ms = query.ms_after.value_or(0) - query.ms_before.value_or(0);
        judgements.push_back(std::move(judgement));
    }
}

void add_stale_acceptances(std::vector<Judgement> &judgements, Connection &results, const std::string &baseline,
                           const std::string &run) {
    const Result rows = results.execute("SELECT query, reason FROM dbperf.stale_acceptances($1, $2)", {run, baseline});
    for (int row = 0; row < rows.rows(); ++row) {
        Judgement judgement;
        judgement.outcome = Outcome::warned;
        judgement.kind = stale_acceptance;
        judgement.severity = "warning";
        judgement.query = rows.text(row, "query");
        judgement.reason = rows.text(row, "reason");
        judgement.key = judgement.query;
        judgements.push_back(std::move(judgement));
    }
}

// What the baseline lacks is not compared.
void add_gaps_of_baseline(std::vector<Judgement> &judgements, const std::vector<Dropped> &dropped,
                          const std::string &baseline) {
    for (const Dropped &each : dropped) {
        Judgement judgement;
        judgement.outcome = Outcome::warned;
        judgement.kind = "incomplete";
        judgement.severity = "warning";
        judgement.reason = fmt::format("of the baseline {}: {}", baseline, each.reason);
        judgements.push_back(std::move(judgement));
    }
}

// What was looked for and not found is reported, too: a report without a word of it could as well not have looked.
void add_absences(std::vector<Judgement> &judgements, const CheckRequest &request) {
    const auto add = [&](std::string_view kind, const std::string &reason) {
        if (std::any_of(judgements.begin(), judgements.end(), [&](const Judgement &each) { return each.kind == kind; }))
            return;
        Judgement judgement;
        judgement.kind = kind;
        judgement.reason = reason;
        judgements.push_back(std::move(judgement));
    };
    for (const Kind &kind : all_kinds())
        if (kind.always_looked_for)
            add(kind.kind, "none found");
    if (!request.baseline.empty())
        add("regression", fmt::format("nothing got worse than in run {}", request.baseline));
}

void find_places(std::vector<Judgement> &judgements, const std::vector<MonitoredQuery> &queries,
                 const std::string &root) {
    for (Judgement &each : judgements) {
        const auto query = std::find_if(queries.begin(), queries.end(), [&](const MonitoredQuery &candidate) {
            return !each.query.empty() && candidate.name == each.query;
        });
        each.location =
            query == queries.end() ? line_of_call_site(each.call_site) : SourceLine{query->file, query->line};
        each.location.file = path_below(root, each.location.file);
    }
}

} // namespace

CheckReport load_check(Connection &results, const CheckRequest &request) {
    CheckReport report;
    report.run = load_run_report(results, request.label);
    report.command_status = request.command_status;
    report.baseline = request.baseline;
    report.slow_query_threshold_ms = request.slow_query_threshold_ms;
    std::vector<Judgement> &judgements = report.judgements;
    const bool compared = !request.baseline.empty();
    add_findings(judgements, report.run, compared);
    add_kept_budgets(judgements, report.run);
    if (request.slow_query_threshold_ms)
        add_slow_queries(judgements, results, report.run, *request.slow_query_threshold_ms);
    if (compared) {
        require_run(results, request.baseline);
        report.regressions =
            load_comparison(results, request.baseline, report.run.label, ComparisonScope::regressions_only);
        add_regressions(judgements, report.regressions);
        add_stale_acceptances(judgements, results, request.baseline, report.run.label);
        add_gaps_of_baseline(judgements, load_dropped(results, request.baseline), request.baseline);
    }
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
    find_places(judgements, request.queries, request.root);
    sort_judgements(judgements);
    return report;
}

} // namespace dbperf::client::findings
