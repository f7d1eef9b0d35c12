#include "findings/judgement.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <tuple>

namespace dbperf::client::findings {
using namespace postgres;
using namespace queries;
using namespace run;
using namespace compare;

namespace {

constexpr std::string_view stale_acceptance = "stale_acceptance";

// Kinds that are looked for in every run, to be told also when nothing was found.
constexpr std::array<std::string_view, 1> always_looked_for = {"n_plus_one"};

int rank_of_kind(std::string_view kind) {
    constexpr std::array<std::string_view, 6> order = {"deadlock",   "lock_cycle", "regression",
                                                       "n_plus_one", "slow_query", "budget"};
    return static_cast<int>(std::find(order.begin(), order.end(), kind) - order.begin());
}

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

void add_slow_queries(std::vector<Judgement> &judgements, Connection &results, const std::string &label,
                      double threshold_ms) {
    const Result rows = results.execute("SELECT query, fingerprint, calls, total_ms, verdict, reason"
                                        " FROM dbperf.slow_queries($1, $2::double precision)",
                                        {label, fmt::format("{}", threshold_ms)});
    for (int row = 0; row < rows.rows(); ++row) {
        Judgement judgement;
        const bool violated = rows.text(row, "verdict") == "violated";
        judgement.outcome = violated ? Outcome::failed : Outcome::not_judged;
        judgement.kind = "slow_query";
        judgement.severity = violated ? "error" : "notice";
        judgement.query = rows.text(row, "query");
        judgement.reason = rows.text(row, "reason");
        judgement.key = rows.text(row, "fingerprint");
        judgement.price_ms = rows.number(row, "total_ms").value_or(0);
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

// What was looked for and not found is told, too: a report without a word of it could as well not have looked.
void add_absences(std::vector<Judgement> &judgements, const CheckRequest &request) {
    const auto add = [&](std::string_view kind, const std::string &reason) {
        if (std::any_of(judgements.begin(), judgements.end(), [&](const Judgement &each) { return each.kind == kind; }))
            return;
        Judgement judgement;
        judgement.kind = kind;
        judgement.reason = reason;
        judgements.push_back(std::move(judgement));
    };
    for (const std::string_view kind : always_looked_for)
        add(kind, "none found");
    if (request.slow_query_threshold_ms)
        add("slow_query", fmt::format("none over {:g} ms", *request.slow_query_threshold_ms));
    if (!request.baseline.empty())
        add("regression", fmt::format("nothing got worse than in run {}", request.baseline));
}

void find_places(std::vector<Judgement> &judgements, const std::vector<MonitoredQuery> &queries,
                 const std::string &root) {
    for (Judgement &each : judgements) {
        const auto query = std::find_if(queries.begin(), queries.end(), [&](const MonitoredQuery &candidate) {
            return !each.query.empty() && candidate.name == each.query;
        });
        each.place = query == queries.end() ? line_of_call_site(each.call_site) : SourceLine{query->file, query->line};
        each.place.file = path_below(root, each.place.file);
    }
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// sqlcommenter's values are URL-encoded.
std::string url_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool escaped =
            text[at] == '%' && at + 2 < text.size() && hex_digit(text[at + 1]) >= 0 && hex_digit(text[at + 2]) >= 0;
        if (escaped) {
            decoded += static_cast<char>(hex_digit(text[at + 1]) * 16 + hex_digit(text[at + 2]));
            at += 2;
        } else {
            decoded += text[at];
        }
    }
    return decoded;
}

// The value of key='value' in a comma-separated list; "" without.
std::string value_of(std::string_view call_site, std::string_view key) {
    for (std::size_t at = 0; at < call_site.size();) {
        std::size_t end = call_site.find(',', at);
        end = end == std::string_view::npos ? call_site.size() : end;
        const std::string_view part = call_site.substr(at, end - at);
        const std::size_t equals = part.find("='");
        if (equals != std::string_view::npos && part.substr(0, equals) == key && part.back() == '\'' &&
            part.size() > equals + 2)
            return url_decoded(part.substr(equals + 2, part.size() - equals - 3));
        at = end + 1;
    }
    return {};
}

int number_at(std::string_view text) {
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

} // namespace

bool CheckReport::passed() const {
    return count(Outcome::failed) == 0;
}

int CheckReport::count(Outcome outcome) const {
    return static_cast<int>(std::count_if(judgements.begin(), judgements.end(),
                                          [&](const Judgement &each) { return each.outcome == outcome; }));
}

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
    if (request.slow_query_threshold_ms && report.run.state == "finished") // only then are its figures complete
        add_slow_queries(judgements, results, report.run.label, *request.slow_query_threshold_ms);
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

void sort_judgements(std::vector<Judgement> &judgements) {
    const auto order = [](const Judgement &each) {
        return std::make_tuple(each.outcome, rank_of_kind(each.kind), std::string_view(each.kind), -each.price_ms,
                               std::string_view(each.query), std::string_view(each.reason));
    };
    std::stable_sort(judgements.begin(), judgements.end(),
                     [&](const Judgement &a, const Judgement &b) { return order(a) < order(b); });
}

std::string path_below(const std::string &root, const std::string &file) {
    namespace fs = std::filesystem;
    if (file.empty())
        return file;
    const fs::path path = fs::path(file).lexically_normal();
    const fs::path below = path.is_absolute() ? path.lexically_relative(root) : path;
    return (below.empty() || *below.begin() == ".." ? path : below).generic_string();
}

SourceLine line_of_call_site(std::string_view call_site) {
    for (const std::string_view key : {"source_location", "line", "caller", "file"}) {
        const std::string value = value_of(call_site, key);
        // "app/models/user.rb:12:in `each'"
        const std::size_t colon = value.find(':', value.size() > 2 && value[1] == ':' ? 2 : 0);
        if (colon != std::string::npos && colon > 0 && number_at(std::string_view(value).substr(colon + 1)) > 0)
            return {value.substr(0, colon), number_at(std::string_view(value).substr(colon + 1))};
    }
    const std::string file = value_of(call_site, "file");
    return {file, file.empty() ? 0 : number_at(value_of(call_site, "line"))};
}

} // namespace dbperf::client::findings
