#include "reports/html.h"

#include "findings/kinds.h"
#include "reports/html_elements.h"
#include "reports/html_findings.h"
#include "reports/html_history.h"
#include "reports/html_latency.h"
#include "reports/html_lock_waits.h"
#include "reports/html_units.h"
#include "reports/report_assets.h"
#include "terminal/table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace dbperf::client::reports {
using namespace terminal;
using namespace findings;

namespace {

int digit_value(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

// A checksum as a policy wants it: 'sha256-' and base64.
std::string source_hash(std::string_view hex) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    unsigned bits = 0;
    int count = 0;
    for (const char c : hex) {
        bits = bits << 4 | static_cast<unsigned>(digit_value(c));
        count += 4;
        if (count >= 6) {
            count -= 6;
            text += alphabet[bits >> count & 63];
        }
    }
    if (count > 0)
        text += alphabet[bits << (6 - count) & 63];
    while (text.size() % 4 != 0)
        text += '=';
    return "'sha256-" + text + "'";
}

// What the page may need: charts only with a history, the plan view only with a plan.
struct Parts {
    bool charts = false;
    bool plans = false;
};

Parts parts_of(const ReportData &data) {
    const bool any_plan = std::any_of(data.details.plans.begin(), data.details.plans.end(),
                                      [](const PlanPair &each) { return !each.before.empty() || !each.after.empty(); });
    return {!data.details.history.empty() && !chart_script.text.empty(), any_plan && !plan_script.text.empty()};
}

std::string policy(const Parts &parts) {
    std::string scripts = source_hash(page_script.sha256);
    std::string styles = source_hash(page_style.sha256);
    if (parts.charts) {
        scripts += " " + source_hash(chart_script.sha256);
        styles += " " + source_hash(chart_style.sha256);
    }
    if (parts.plans) {
        scripts += " " + source_hash(plan_script.sha256);
        styles += " " + source_hash(plan_style.sha256);
    }
    return fmt::format("default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action "
                       "'none'",
                       scripts, styles);
}

std::string json_of(const ReportData &data, const Parts &parts) {
    nlohmann::ordered_json json;
    json["plans"] = nlohmann::ordered_json::array();
    for (std::size_t i = 0; parts.plans && i < data.details.plans.size(); ++i)
        json["plans"].push_back({{"query", data.check.regressions[i].query},
                                 {"before", data.details.plans[i].before},
                                 {"after", data.details.plans[i].after}});
    json["history"] = nlohmann::ordered_json::array();
    std::string query;
    for (const HistoryEntry &each : data.details.history) {
        if (!parts.charts)
            break;
        if (json["history"].empty() || each.query != query)
            json["history"].push_back(nlohmann::ordered_json::array());
        query = each.query;
        json["history"].back().push_back(
            {{"run", each.run}, {"started_at", each.started_at}, {"p50_ms", each.p50_ms}, {"p95_ms", each.p95_ms}});
    }
    return html_json(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string verdict_of(const CheckReport &report) {
    if (report.command_status != 0)
        return fmt::format("The command ended with status {}", report.command_status);
    const int failed = report.count(Outcome::failed);
    if (report.only_new)
        return failed == 0 ? "No new findings" : plural(failed, "new finding", "new findings");
    return failed == 0 ? "No findings" : plural(failed, "finding", "findings");
}

std::string header(const ReportData &data) {
    const CheckReport &report = data.check;
    const bool good = report.passed() && report.command_status == 0;
    std::string text =
        fmt::format("<header class=\"{}\">\n<p class=\"brand\">dbperf</p>\n<h1><span class=\"mark\" "
                    "aria-hidden=\"true\">{}</span>{}</h1>\n<p class=\"run\">in run <b>{}</b></p>\n",
                    good ? "good" : "bad", good ? "✓" : "✕", verdict_of(report), html_line(report.run.label));
    std::string started = report.run.started_at.substr(0, 16);
    std::replace(started.begin(), started.end(), 'T', ' ');
    text += html_facts({{"started", started.empty() ? "" : started + " UTC"},
                        {"took", format_ms(report.run.seconds * 1000)},
                        {"statements", format_count(static_cast<double>(report.run.calls))},
                        {"different ones", format_count(static_cast<double>(report.run.statements))},
                        {"plans", format_count(static_cast<double>(report.run.plans))},
                        {"compared with", report.baseline.empty() ? report.baseline_file : report.baseline},
                        {"commit", data.details.commit.substr(0, 12)},
                        {"state", report.run.state == "finished" ? "" : report.run.state}});
    return text + "</header>\n";
}

// Counts by kind that lead to their findings, the worst first.
std::string summary(const CheckReport &report) {
    struct Tile {
        Outcome outcome;
        std::string kind;
        int count;
    };
    std::vector<Tile> tiles;
    for (const Judgement &each : report.judgements) {
        if (each.outcome == Outcome::passed || each.outcome == Outcome::possible || each.outcome == Outcome::known)
            continue;
        if (tiles.empty() || tiles.back().outcome != each.outcome || tiles.back().kind != each.kind)
            tiles.push_back({each.outcome, each.kind, 0});
        ++tiles.back().count;
    }
    std::string text;
    for (const Tile &tile : tiles) {
        const bool bad = tile.outcome == Outcome::failed || tile.outcome == Outcome::broken;
        const char *section = tile.outcome == Outcome::broken   ? "broken"
                              : tile.outcome == Outcome::failed ? "failed"
                              : tile.outcome == Outcome::warned ? "warned"
                                                                : "unjudged";
        text +=
            fmt::format("<li class=\"{}\"><a href=\"#{}-{}\"><b>{}</b><span>{}</span><small>{}</small></a></li>\n",
                        bad                               ? "bad"
                        : tile.outcome == Outcome::warned ? "doubtful"
                                                          : "neutral",
                        section, html_text(tile.kind), format_count(tile.count), html_text(kind_of(tile.kind).title),
                        bad                               ? "fails"
                        : tile.outcome == Outcome::warned ? "warns"
                                                          : "not judged");
    }
    return text.empty() ? "" : "<nav aria-label=\"summary\"><ul class=\"tiles\">\n" + text + "</ul></nav>\n";
}

std::string latencies(const ReportData &data) {
    if (data.details.latencies.empty())
        return {};
    std::string text =
        "<section id=\"queries\"><h2>How long queries took</h2>\n<p class=\"lead\">Slow ones, and all that "
        "have a name or a budget, the slowest first.</p>\n";
    for (const QueryLatency &each : data.details.latencies)
        text += html_latency(each, data.check.slow_query_threshold_ms);
    return text + "</section>\n";
}

// Scripts that run when they are asked for; until then they are data.
std::string resting(std::string_view id, const ReportAsset &asset) {
    return fmt::format("<script type=\"text/plain\" id=\"{}\">{}</script>\n", id, asset.text);
}

std::string scripts(const ReportData &data, const Parts &parts) {
    std::string text = fmt::format("<script type=\"application/json\" id=\"data\">{}</script>\n", json_of(data, parts));
    if ((parts.charts || parts.plans) && !asset_licenses.text.empty())
        text +=
            fmt::format("<!-- Licences of what the scripts below were made from:\n\n{}\n-->\n", asset_licenses.text);
    if (parts.charts)
        text += resting("chart-style", chart_style) + resting("chart-script", chart_script);
    if (parts.plans)
        text += resting("plan-style", plan_style) + resting("plan-script", plan_script);
    return text + fmt::format("<script>{}</script>\n", page_script.text);
}

std::string footer() {
    return fmt::format("<footer><p>dbperf {}{}</p></footer>\n", DBPERF_VERSION,
                       chart_script.text.empty() || plan_script.text.empty()
                           ? " · built without npm: zooming into charts and the view of whole plans are missing"
                           : "");
}

} // namespace

std::string html_report(const ReportData &data) {
    const Parts parts = parts_of(data);
    std::string text =
        fmt::format("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"color-scheme\" content=\"light dark\">\n"
                    "<meta name=\"referrer\" content=\"no-referrer\">\n"
                    "<link rel=\"icon\" href=\"data:,\">\n<title>dbperf: {} in {}</title>\n"
                    "<style>{}</style>\n</head>\n<body>\n",
                    policy(parts), html_text(verdict_of(data.check)), html_line(data.check.run.label), page_style.text);
    const bool is_long = data.check.judgements.size() > 100;
    text += fmt::format("<main{}>\n", is_long ? " class=\"long\"" : "") + header(data) + summary(data.check);
    text += "<p class=\"filter\" hidden><label>Show only <input type=\"search\" placeholder=\"text of a query or a "
            "reason\" "
            "autocomplete=\"off\" spellcheck=\"false\"></label><output></output></p>\n";
    text += html_findings(data) + html_units(data) + html_lock_waits(data.details.lock_waits) + latencies(data) +
            html_history(data.details.history) + html_passed(data);
    text += footer() + "</main>\n<dialog aria-label=\"whole plan\"></dialog>\n";
    return text + scripts(data, parts) + "</body>\n</html>\n";
}

} // namespace dbperf::client::reports
