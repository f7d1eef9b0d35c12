#include "reports/html_findings.h"

#include "findings/kinds.h"
#include "reports/html_deadlock.h"
#include "reports/html_elements.h"
#include "reports/html_latency.h"
#include "reports/html_plans.h"
#include "reports/html_units.h"
#include "terminal/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::reports {
using namespace terminal;
using namespace run;
using namespace findings;

namespace {

constexpr int max_open = 3; // of a kind that are shown at once; the others open with a click
constexpr std::size_t open_up_to = 12;

std::string edge_markup(const NPlusOne &found) {
    if (found.parent_column.empty())
        return html_text(without_public(found.key_column));
    const std::string parent =
        found.parent_relation.starts_with("public.") ? found.parent_relation.substr(7) : found.parent_relation;
    return fmt::format("<span>{}</span><span class=\"to\">→</span><span>{}</span>",
                       html_text(parent.empty() ? found.parent_column : parent + "." + found.parent_column),
                       html_text(without_public(found.key_column)));
}

std::string_view kind_of_repetition(const NPlusOne &found) {
    if (found.kind == "n_plus_one_write")
        return "one write a row";
    if (found.kind == "server_loop")
        return "a loop inside the server";
    return found.kind == "redundant" ? "the same look-up again and again" : "one look-up a row";
}

std::string n_plus_one(const NPlusOne &found) {
    std::string text = fmt::format("<p class=\"edge\">{}</p>\n", edge_markup(found));
    text += html_facts({{"what", std::string(kind_of_repetition(found))},
                        {"confidence", found.confidence},
                        {"executions", format_count(static_cast<double>(found.calls))},
                        {"different keys", format_count(static_cast<double>(found.distinct_keys))},
                        {"connections", found.backends > 1 ? format_count(static_cast<double>(found.backends)) : ""},
                        {"unit of work", found.scope}});
    const double price = found.exec_ms + found.wait_ms;
    text += fmt::format(
        "<div class=\"price\"><svg class=\"bar price\" aria-hidden=\"true\"><rect class=\"time\" width=\"{0}\" "
        "height=\"100%\"/>"
        "<rect class=\"wait\" x=\"{0}\" width=\"{1}\" height=\"100%\"/></svg><p><b>{2}</b> in all: "
        "<span class=\"key time\">{3} executing</span> and <span class=\"key wait\">{4} waiting between "
        "the calls</span></p></div>\n",
        html_percent(price > 0 ? found.exec_ms / price : 0), html_percent(price > 0 ? found.wait_ms / price : 0),
        format_ms(price), format_ms(found.exec_ms), format_ms(found.wait_ms));
    text += html_shortened("Executed for each key", found.short_query, found.query);
    text += html_shortened(found.kind == "server_loop" ? "Inside" : "The keys came from", found.short_parent_query,
                           found.parent_query);
    text += html_shortened("Instead, once", found.short_suggestion, found.suggestion);
    return text + html_field("Advice", found.advice) + html_field("Mapper", found.mapper_advice);
}

const NPlusOne *find_n_plus_one(const ReportData &data, const Judgement &each) {
    for (const NPlusOne &found : data.check.run.n_plus_one)
        if (!each.evidence.empty() && found.finding_id == each.evidence)
            return &found;
    return nullptr;
}

const DeadlockStory *find_story(const std::vector<DeadlockStory> &stories, const Judgement &each) {
    for (const DeadlockStory &story : stories)
        if (story.id == each.evidence && story.database == each.database)
            return &story;
    return nullptr;
}

const QueryLatency *find_latency(const ReportData &data, const Judgement &each) {
    for (const QueryLatency &latency : data.details.latencies)
        if (latency.fingerprint == each.key || (!latency.name.empty() && latency.name == each.query))
            return &latency;
    return nullptr;
}

std::string comparison(const ReportData &data, const Judgement &each) {
    for (std::size_t i = 0; i < data.check.regressions.size(); ++i)
        if (data.check.regressions[i].query == each.query) {
            const PlanPair none;
            return html_regression(data.check.regressions[i],
                                   i < data.details.plans.size() ? data.details.plans[i] : none, i) +
                   (each.query.find(' ') == std::string::npos ? "" : html_statement("Statement", each.query));
        }
    return {};
}

std::string times(const ReportData &data, const QueryLatency &latency) {
    return html_distribution(latency, data.check.slow_query_threshold_ms) +
           html_facts({{"calls", format_count(static_cast<double>(latency.calls))},
                       {"median", format_ms(latency.p50_ms)},
                       {"p95", format_ms(latency.p95_ms)},
                       {"p99", format_ms(latency.p99_ms)},
                       {"max", format_ms(latency.max_ms)},
                       {"in all", format_ms(latency.total_ms)}}) +
           html_statement("Statement", latency.query);
}

std::string story(const DeadlockStory *found) {
    return found == nullptr ? "" : html_deadlock(*found);
}

// What the report has of its kind's evidence; "" if it has none.
std::string known_evidence(const ReportData &data, const Judgement &each) {
    switch (kind_of(each.kind).evidence) {
    case Evidence::n_plus_one:
        if (const NPlusOne *found = find_n_plus_one(data, each))
            return n_plus_one(*found);
        return {};
    case Evidence::deadlock:
        return story(find_story(data.details.deadlocks, each));
    case Evidence::predicted_deadlock:
        return story(find_story(data.details.predicted, each));
    case Evidence::comparison:
        return comparison(data, each);
    case Evidence::times:
        if (const QueryLatency *latency = find_latency(data, each))
            return times(data, *latency);
        return {};
    case Evidence::none:
        return {};
    }
    return {};
}

// Everything known of it but its reason, which stands above.
std::string evidence_of(const ReportData &data, const Judgement &each) {
    if (!each.pattern.empty())
        return html_unit_figures(data, each.unit);
    const std::string known = known_evidence(data, each);
    return (known.empty() ? html_shortened("Statement", each.short_query, each.query) +
                                html_shortened("Instead", each.short_suggestion, each.suggestion) +
                                html_field("Advice", each.advice)
                          : known) +
           html_statement("Index", each.index);
}

std::string_view tone_of(Outcome outcome) {
    return outcome == Outcome::failed || outcome == Outcome::broken ? "bad"
           : outcome == Outcome::warned                             ? "doubtful"
                                                                    : "neutral";
}

// A deadlock's advice stands at its end.
std::string reason_of(const Judgement &each) {
    return kind_of(each.kind).evidence == Evidence::deadlock ? each.reason.substr(0, each.reason.find(';'))
                                                             : each.reason;
}

std::string finding(const ReportData &data, const Judgement &each, bool open) {
    const std::string title = each.query.empty() ? each.reason : shown_query(each);
    std::string text = fmt::format("<details id=\"{}\" class=\"finding {}\" data-text=\"{}\"{}><summary>"
                                   "<span class=\"name\">{}</span>{}<span class=\"reason\">{}</span></summary>\n<div "
                                   "class=\"body\">\n",
                                   html_finding_id(static_cast<std::size_t>(&each - data.check.judgements.data())),
                                   tone_of(each.outcome), html_line(title + " " + each.reason, 700),
                                   open ? " open" : "", html_line(title, 300),
                                   each.price_ms > 0 && kind_of(each.kind).evidence != Evidence::comparison
                                       ? fmt::format("<span class=\"cost\">{}</span>", format_ms(each.price_ms))
                                       : "",
                                   each.query.empty() ? "" : html_line(reason_of(each), 400));
    text += html_field("Cause", each.cause);
    text += html_field("Where", shown_place(each));
    return text + evidence_of(data, each) + "</div></details>\n";
}

std::string section(const ReportData &data, Outcome outcome, const char *id, const char *title, const char *lead) {
    const auto &all = data.check.judgements;
    const auto total =
        std::count_if(all.begin(), all.end(), [&](const Judgement &each) { return each.outcome == outcome; });
    if (total == 0)
        return {};
    std::string text =
        fmt::format("<section id=\"{}\"><h2>{} <span class=\"count\">{}</span></h2>\n<p class=\"lead\">{}</p>\n", id,
                    title, total, lead);
    std::string kind;
    int of_kind = 0;
    for (const Judgement &each : all) {
        if (each.outcome != outcome)
            continue;
        if (each.kind != kind) {
            kind = each.kind;
            of_kind = 0;
            const auto same = std::count_if(all.begin(), all.end(), [&](const Judgement &other) {
                return other.outcome == outcome && other.kind == kind;
            });
            text += fmt::format("<h3 id=\"{}-{}\">{} <span class=\"count\">{}</span></h3>\n", id, html_text(kind),
                                html_text(kind_of(kind).title), same);
        }
        const bool shown = static_cast<std::size_t>(total) <= open_up_to ? of_kind < max_open : of_kind < 1;
        text += finding(data, each, shown && (outcome == Outcome::failed || outcome == Outcome::broken));
        ++of_kind;
    }
    return text + "</section>\n";
}

} // namespace

std::string html_findings(const ReportData &data) {
    return section(data, Outcome::broken, "broken", "Not measured", "The command failed, so this says little.") +
           section(data, Outcome::failed, "failed", "Findings", "What fails the check.") +
           section(data, Outcome::warned, "warned", "Warnings", "Told, and fails nothing.") +
           section(data, Outcome::not_judged, "unjudged", "Not judged",
                   "Too few samples for a verdict, or acknowledged.");
}

namespace {

// What stands in a line each: its statement, its reason, where it was sent from.
std::string plain_list(const ReportData &data, Outcome outcome) {
    std::string text;
    for (const Judgement &each : data.check.judgements)
        if (each.outcome == outcome)
            text += fmt::format("<li><code>{}</code> {}{}</li>\n", html_line(shown_query(each)), html_line(each.reason),
                                shown_place(each).empty() ? "" : ", sent from " + html_line(shown_place(each)));
    return text;
}

} // namespace

std::string html_passed(const ReportData &data) {
    std::string text;
    for (const Judgement &each : data.check.judgements)
        if (each.outcome == Outcome::passed)
            text += fmt::format("<li><b>{}</b> {}{}</li>\n", html_text(kind_of(each.kind).title),
                                each.query.empty() ? "" : html_line(each.query) + ": ", html_line(each.reason));
    const std::string known = plain_list(data, Outcome::known);
    const std::string possible = plain_list(data, Outcome::possible);
    std::string section;
    if (!text.empty())
        section +=
            "<section id=\"passed\"><h2>Looked at, and well</h2>\n<ul class=\"plain\">" + text + "</ul></section>\n";
    if (!known.empty())
        section +=
            fmt::format("<section id=\"known\"><h2>Known <span class=\"count\">{}</span></h2>\n<p class=\"lead\">"
                        "The baseline has them, and they got no worse: they fail nothing.</p>\n"
                        "<ul class=\"plain\">{}</ul></section>\n",
                        data.check.count(Outcome::known), known);
    if (!possible.empty())
        section +=
            "<section id=\"possible\"><h2>Possible repetitions</h2>\n<p class=\"lead\">Many keys without a pause; "
            "nothing shows that they belong together.</p>\n<ul class=\"plain\">" +
            possible + "</ul></section>\n";
    return section;
}

} // namespace dbperf::client::reports
