#include "reports/html_units.h"

#include "reports/html_elements.h"
#include "run/unit_text.h"
#include "terminal/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

namespace dbperf::client::reports {
using namespace terminal;
using namespace run;
using namespace findings;

namespace {

constexpr std::size_t max_units = 500;
constexpr std::size_t max_links = 6; // of a unit

// Numbers of the judgements that have a place of their own in the page, by what they call the unit.
using Findings = std::map<std::string_view, std::vector<std::size_t>>;

bool has_place(Outcome outcome) {
    return outcome == Outcome::failed || outcome == Outcome::warned || outcome == Outcome::not_judged;
}

std::string links(const ReportData &data, const std::vector<std::size_t> &numbers) {
    std::string text;
    for (std::size_t i = 0; i < std::min(numbers.size(), max_links); ++i) {
        const Judgement &each = data.check.judgements[numbers[i]];
        text +=
            fmt::format("{}<a href=\"#{}\">{}</a>", i > 0 ? ", " : "", html_finding_id(numbers[i]),
                        html_text(each.metric.empty() ? each.kind == "n_plus_one" ? "N+1" : each.kind : each.metric));
    }
    return text + (numbers.size() > max_links ? fmt::format(" and {} more", numbers.size() - max_links) : "");
}

std::string row(const ReportData &data, const UnitFigures &unit, const Findings &budgets, const Findings &repetitions) {
    std::vector<std::size_t> numbers;
    if (const auto found = budgets.find(unit.name); found != budgets.end() && !unit.name.empty())
        numbers = found->second;
    if (const auto found = repetitions.find(unit.scope); found != repetitions.end() && !unit.scope.empty())
        numbers.insert(numbers.end(), found->second.begin(), found->second.end());
    const std::string where = numbers.empty() ? format_count(static_cast<double>(unit.findings)) : links(data, numbers);
    return fmt::format(
        "<tr{}><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
        "<td>{}</td></tr>\n",
        numbers.empty() ? "" : " class=\"bad\"", html_line(unit_name(unit), 120),
        format_count(static_cast<double>(unit.occurrences)), range_text(unit.statement_counts),
        range_text(unit.distinct_statements), format_ms(unit.exec_times.median), format_ms(unit.exec_times.most),
        format_ms(unit.wait_times.median), where);
}

} // namespace

std::string html_finding_id(std::size_t number) {
    return fmt::format("finding-{}", number);
}

std::string html_unit_figures(const ReportData &data, const std::string &name) {
    for (const UnitFigures &unit : data.check.run.units)
        if (unit.name == name)
            return html_facts({{"done", plural(unit.occurrences, "time", "times")},
                               {"statements", range_text(unit.statement_counts)},
                               {"different ones", range_text(unit.distinct_statements)},
                               {"rows", range_text(unit.row_counts)},
                               {"median", format_ms(unit.exec_times.median)},
                               {"max", format_ms(unit.exec_times.most)},
                               {"waiting", format_ms(unit.wait_times.median)},
                               {"in all", format_ms(unit.exec_ms)}});
    return {};
}

std::string html_units(const ReportData &data) {
    const std::vector<UnitFigures> &units = data.check.run.units;
    if (units.empty())
        return {};
    Findings budgets;
    Findings repetitions;
    for (std::size_t i = 0; i < data.check.judgements.size(); ++i)
        if (const Judgement &each = data.check.judgements[i]; !each.unit.empty() && has_place(each.outcome))
            (each.pattern.empty() ? repetitions : budgets)[each.unit].push_back(i);
    std::string text = fmt::format(
        "<section id=\"units\"><h2>Units of work <span class=\"count\">{}</span></h2>\n<p class=\"lead\">What each did "
        "when it was done once: fewest to most, median and most of the time. Those with findings stand first, then "
        "what "
        "took longest.</p>\n"
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"figures units\"><thead><tr><th scope=\"col\">unit</th>"
        "<th scope=\"col\">times</th><th scope=\"col\">statements</th><th scope=\"col\">different</th>"
        "<th scope=\"col\">median</th><th scope=\"col\">max</th><th scope=\"col\">waiting</th>"
        "<th scope=\"col\">findings</th></tr></thead><tbody>\n",
        units.size());
    for (std::size_t i = 0; i < std::min(units.size(), max_units); ++i)
        text += row(data, units[i], budgets, repetitions);
    text += "</tbody></table></div>\n";
    if (units.size() > max_units)
        text += fmt::format("<p>and {} more, in dbperf.units</p>\n", units.size() - max_units);
    return text + "</section>\n";
}

} // namespace dbperf::client::reports
