#include "reports/html_plans.h"

#include "compare/plan_lines.h"
#include "reports/html_elements.h"
#include "terminal/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace dbperf::client::reports {
using namespace terminal;
using namespace compare;

namespace {

constexpr int deepest_plan_indent = 12;

struct Scale {
    double ms = 0, blocks = 0;
};

Scale scale_of(const std::vector<PlanLine> &before, const std::vector<PlanLine> &after) {
    Scale scale;
    for (const auto *plan : {&before, &after})
        for (const PlanLine &line : *plan) {
            scale.ms = std::max(scale.ms, line.exclusive_ms.value_or(0));
            scale.blocks = std::max(scale.blocks, line.exclusive_blocks.value_or(0));
        }
    return scale;
}

std::string bars_of(const PlanLine &line, const Scale &scale) {
    std::string text;
    if (line.exclusive_blocks.value_or(0) > 0)
        text += fmt::format("<div class=\"meter\">{}<span>{}</span></div>",
                            html_bar("blocks", *line.exclusive_blocks / scale.blocks),
                            html_text(plural(static_cast<long long>(*line.exclusive_blocks), "block", "blocks")));
    if (line.exclusive_ms.value_or(0) > 0)
        text += fmt::format("<div class=\"meter\">{}<span>{}</span></div>",
                            html_bar("time", *line.exclusive_ms / scale.ms), format_ms(*line.exclusive_ms));
    return text;
}

std::string cell(const std::optional<PlanLine> &line, bool same, const char *side, const Scale &scale) {
    if (!line)
        return fmt::format("<td class=\"{} nothing\"></td>", side);
    const bool is_node = !line->figures.empty() || line->exclusive_blocks || line->exclusive_ms;
    std::string text = fmt::format("<td class=\"{} {} d{}\"><span class=\"{}\">{}{}</span>", side,
                                   same ? "same" : "changed", std::min(line->depth, deepest_plan_indent),
                                   is_node || line->text.find(':') == std::string::npos ? "node" : "condition",
                                   same             ? ""
                                   : side[0] == 'b' ? "<i class=\"sign\">−</i>"
                                                    : "<i class=\"sign\">+</i>",
                                   html_line(line->text, 600));
    if (!line->figures.empty())
        text += fmt::format("<span class=\"figures\">{}</span>", html_text(line->figures));
    return text + bars_of(*line, scale) + "</td>";
}

std::string side_by_side(const PlanPair &plans, std::size_t number) {
    const std::vector<PlanLine> before = plan_lines(plans.before);
    const std::vector<PlanLine> after = plan_lines(plans.after);
    if (before.empty() && after.empty())
        return "<p class=\"quiet\">No plan of it was captured on both sides.</p>\n";
    const Scale scale = scale_of(before, after);
    std::string text = fmt::format(
        "<table class=\"plans\"><caption>Plans. Figures below a node are its own and its children's; bars are of the "
        "node alone: <span class=\"key blocks\">blocks</span>{}.</caption>"
        "<thead><tr><th scope=\"col\">before</th><th scope=\"col\">after</th></tr></thead><tbody>\n",
        scale.ms > 0 ? ", <span class=\"key time\">time</span>" : "");
    for (const AlignedLine &line : align_plans(before, after)) {
        // The figures of a line that is the same differ; where they do, both are worth a look on a narrow screen.
        const bool same_figures = line.same && line.before->figures == line.after->figures;
        text += fmt::format("<tr class=\"{}\">{}{}</tr>\n", same_figures ? "same" : "differs",
                            cell(line.before, line.same, "before", scale), cell(line.after, line.same, "after", scale));
    }
    text += "</tbody></table>\n<p class=\"actions\">";
    for (const auto &[side, plan] : {std::pair("before", &plans.before), std::pair("after", &plans.after)})
        if (!plan->empty())
            text +=
                fmt::format("<button type=\"button\" hidden data-plan=\"{}\" data-side=\"{}\">Whole plan {}</button> ",
                            number, side, side);
    return text + "</p>\n";
}

std::string figure_row(std::string_view name, std::optional<double> before, std::optional<double> after,
                       std::string (*format)(double)) {
    if (!before && !after)
        return {};
    std::string ratio;
    if (before && after && *before > 0)
        ratio = html_ratio(*after / *before);
    return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n", html_text(name),
                       before ? format(*before) : "–", after ? format(*after) : "–", ratio);
}

std::string bytes(double value) {
    return format_count(value) + " B";
}

} // namespace

std::string html_regression(const ComparedQuery &query, const PlanPair &plans, std::size_t number) {
    std::string text = "<div class=\"scroll\" tabindex=\"0\"><table class=\"figures\"><thead><tr><td></td><th "
                       "scope=\"col\">before</th>"
                       "<th scope=\"col\">after</th><th scope=\"col\">ratio</th></tr></thead><tbody>\n";
    text += figure_row("median time", query.ms_before, query.ms_after, format_ms);
    text += figure_row("blocks", query.blocks_before, query.blocks_after, format_count);
    text += figure_row("rows", query.rows_before, query.rows_after, format_count);
    text += figure_row("temporary blocks", query.temp_before, query.temp_after, format_count);
    text += figure_row("WAL", query.wal_before, query.wal_after, bytes);
    text += figure_row("planner's cost", query.cost_before, query.cost_after, format_count);
    text += "</tbody></table></div>\n";
    if (query.time_ratio && query.time_low && query.time_high)
        text += fmt::format("<p class=\"quiet\">Time: {} as long, between {} and {} with 99 % "
                            "confidence{}.</p>\n",
                            html_ratio(*query.time_ratio), html_ratio(*query.time_low), html_ratio(*query.time_high),
                            query.samples ? fmt::format(", {} executions on each side", *query.samples) : "");
    return text + side_by_side(plans, number);
}

} // namespace dbperf::client::reports
