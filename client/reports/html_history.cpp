#include "reports/html_history.h"

#include "reports/html_elements.h"
#include "terminal/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace dbperf::client::reports {
using namespace terminal;

namespace {

using Runs = std::span<const HistoryEntry>;

constexpr double height = 110;
constexpr double edge = 8;

std::string curve(Runs runs, double highest, double HistoryEntry::*figure, const char *css_class) {
    const auto x = [&](std::size_t i) {
        return html_percent(0.015 + 0.97 * static_cast<double>(i) / static_cast<double>(runs.size() - 1));
    };
    const auto y = [&](std::size_t i) { return edge + (height - 2 * edge) * (1 - runs[i].*figure / highest); };
    std::string text;
    for (std::size_t i = 1; i < runs.size(); ++i)
        text += fmt::format("<line class=\"{}\" x1=\"{}\" y1=\"{:.1f}\" x2=\"{}\" y2=\"{:.1f}\"/>", css_class, x(i - 1),
                            y(i - 1), x(i), y(i));
    for (std::size_t i = 0; i < runs.size(); ++i)
        text += fmt::format("<circle class=\"{}\" cx=\"{}\" cy=\"{:.1f}\" r=\"3\"><title>{}: {}</title></circle>",
                            css_class, x(i), y(i), html_line(runs[i].run, 60), format_ms(runs[i].*figure));
    return text;
}

std::string drawing(Runs runs) {
    double highest = 1e-6;
    for (const HistoryEntry &each : runs)
        highest = std::max({highest, each.p50_ms, each.p95_ms});
    return fmt::format(
        "<figure class=\"trend\"><svg height=\"{}\" role=\"img\" aria-label=\"median from {} to {} over {} "
        "runs\"><line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"{}\" y2=\"{}\"/>{}{}</svg>"
        "<figcaption><span>{}</span><span><i class=\"key p95\"></i>p95 <i class=\"key p50\"></i>median"
        ", up to {}</span><span>{}</span></figcaption></figure>\n",
        static_cast<int>(height), format_ms(runs.front().p50_ms), format_ms(runs.back().p50_ms), runs.size(),
        height - edge, height - edge, curve(runs, highest, &HistoryEntry::p95_ms, "p95"),
        curve(runs, highest, &HistoryEntry::p50_ms, "p50"), html_line(runs.front().run, 24), format_ms(highest),
        html_line(runs.back().run, 24));
}

std::string table(Runs runs) {
    std::string text = "<div class=\"scroll\" tabindex=\"0\"><table class=\"figures\"><thead><tr><th "
                       "scope=\"col\">run</th><th scope=\"col\">"
                       "started</th><th scope=\"col\">calls</th><th scope=\"col\">median</th><th scope=\"col\">p95</th>"
                       "<th scope=\"col\">blocks</th></tr></thead><tbody>\n";
    for (std::size_t i = runs.size(); i-- > 0;) {
        const HistoryEntry &each = runs[i];
        text += fmt::format(
            "<tr><th scope=\"row\">{}{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            html_line(each.run, 60), each.commit.empty() ? "" : " <small>" + html_line(each.commit, 12) + "</small>",
            html_text(each.started_at.substr(0, 10)), format_count(static_cast<double>(each.calls)),
            format_ms(each.p50_ms), format_ms(each.p95_ms), format_count(each.blocks));
    }
    return text + "</tbody></table></div>\n";
}

std::string changes(Runs runs) {
    std::string text;
    for (std::size_t i = runs.size(); i-- > 0;)
        if (!runs[i].change.empty())
            text +=
                fmt::format("<li>{}{}</li>\n", html_line(runs[i].change, 400),
                            runs[i].cause.empty() ? "" : "; cause: <code>" + html_line(runs[i].cause, 400) + "</code>");
    return text.empty() ? "<p class=\"quiet\">Nothing changed beyond chance.</p>\n"
                        : "<ul class=\"changes\">" + text + "</ul>\n";
}

std::string entry(Runs runs, std::size_t number) {
    const bool changed =
        std::any_of(runs.begin(), runs.end(), [](const HistoryEntry &each) { return !each.change.empty(); });
    return fmt::format(
        "<details class=\"query\" data-text=\"{}\"><summary><span class=\"name\">{}</span>"
        "<span class=\"numbers\">{}<span><small>runs</small> {}</span><span><small>median</small> {} → {}</span>"
        "</span></summary>\n<div class=\"body\">\n<div data-history=\"{}\">{}</div>{}{}</div></details>\n",
        html_line(runs.front().query, 500), html_line(runs.front().query),
        changed ? "<span class=\"tag\">changed</span>" : "", runs.size(), format_ms(runs.front().p50_ms),
        format_ms(runs.back().p50_ms), number, drawing(runs), changes(runs), table(runs));
}

} // namespace

std::string html_history(const std::vector<HistoryEntry> &history) {
    std::string text;
    std::size_t number = 0;
    for (std::size_t at = 0, end = 0; at < history.size(); at = end) {
        for (end = at; end < history.size() && history[end].query == history[at].query;)
            ++end;
        if (end - at > 1)
            text += entry(Runs(history).subspan(at, end - at), number++);
    }
    return text.empty() ? ""
                        : "<section id=\"history\"><h2>Over the runs</h2>\n<p class=\"lead\">Runs at different times "
                          "also differ by what else "
                          "the machine did: a trend, not a verdict.</p>\n" +
                              text + "</section>\n";
}

} // namespace dbperf::client::reports
