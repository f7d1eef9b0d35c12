#include "run/budget_text.h"

#include "terminal/table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client::run {
using namespace terminal;
using namespace queries;

namespace {

// The worst verdict of a query's budgets is its own.
int rank(std::string_view verdict) {
    return verdict == "no_budget" ? 0 : verdict == "pass" ? 1 : verdict == "fail" ? 3 : 2;
}

// "avg 10, p95 20, max 50 ms", and counts behind them.
std::string budget_words(const std::vector<const BudgetVerdict *> &budgets) {
    std::string times;
    std::string counts;
    for (const std::string_view metric : {"avg_ms", "p95_ms", "p99_ms", "max_ms", "rows", "blocks", "calls"})
        for (const BudgetVerdict *each : budgets) {
            if (each->metric != metric)
                continue;
            std::string &words = metric.ends_with("_ms") ? times : counts;
            words += fmt::format("{}{} {:g}", words.empty() ? "" : ", ", metric_name(metric), each->budget.value_or(0));
        }
    if (!times.empty())
        times += " ms";
    return times + (times.empty() || counts.empty() ? "" : ", ") + counts;
}

} // namespace

std::string metric_name(std::string_view metric) {
    return std::string(metric.substr(0, metric.find("_ms")));
}

std::string metric_value(std::string_view metric, double value) {
    return metric.ends_with("_ms") ? format_ms(value) : format_count(value);
}

std::string colored_budget_verdict(const Style &style, std::string_view verdict) {
    if (verdict == "violated" || verdict == "fail")
        return style.bad("FAIL");
    if (verdict == "ok" || verdict == "pass")
        return style.good("PASS");
    return verdict == "no_budget" ? "-" : style.doubtful("not enough samples");
}

std::vector<MonitoredOutcome> query_outcomes(const std::vector<MonitoredQuery> &queries,
                                             const std::vector<StatementFigures> &figures,
                                             const std::vector<BudgetVerdict> &verdicts) {
    std::vector<MonitoredOutcome> outcomes;
    for (const MonitoredQuery &query : queries) {
        MonitoredOutcome outcome;
        outcome.query = query.name;
        outcome.verdict = "no_budget";
        const auto found = std::find_if(figures.begin(), figures.end(),
                                        [&](const StatementFigures &each) { return each.query_name == query.name; });
        if (found != figures.end())
            outcome.figures = *found;
        std::vector<const BudgetVerdict *> budgets;
        for (const BudgetVerdict &each : verdicts) {
            if (each.query != query.name)
                continue;
            budgets.push_back(&each);
            const std::string verdict = each.verdict == "violated" ? "fail"
                                        : each.verdict == "ok"     ? "pass"
                                                                   : each.verdict;
            if (rank(verdict) > rank(outcome.verdict)) {
                outcome.verdict = verdict;
                outcome.reason = verdict == "pass" ? "" : each.reason;
            }
        }
        outcome.budget = budget_words(budgets);
        outcomes.push_back(std::move(outcome));
    }
    return outcomes;
}

std::string render_outcomes(const std::vector<MonitoredOutcome> &outcomes, const Style &style, int indent) {
    Table table;
    table.column("query", Table::Align::left, true)
        .column("calls", Table::Align::right)
        .column("avg", Table::Align::right)
        .column("p95", Table::Align::right)
        .column("max", Table::Align::right)
        .column("budget", Table::Align::left, true)
        .column("verdict");
    for (const MonitoredOutcome &each : outcomes)
        table.row({one_line(each.query), format_count(static_cast<double>(each.figures.calls)),
                   format_ms(each.figures.mean_ms), format_ms(each.figures.p95_ms), format_ms(each.figures.max_ms),
                   each.budget.empty() ? "-" : each.budget, colored_budget_verdict(style, each.verdict)});
    std::string text = table.render(style, indent);
    for (const MonitoredOutcome &each : outcomes)
        if (!each.reason.empty())
            text += paragraph(style, indent, one_line(each.query), one_line(each.reason));
    return text;
}

nlohmann::ordered_json outcomes_json(const std::vector<MonitoredOutcome> &outcomes) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const MonitoredOutcome &each : outcomes)
        list.push_back({{"query", each.query},
                        {"calls", each.figures.calls},
                        {"avg_ms", each.figures.mean_ms},
                        {"p95_ms", each.figures.p95_ms},
                        {"max_ms", each.figures.max_ms},
                        {"budget", each.budget},
                        {"verdict", each.verdict},
                        {"reason", each.reason}});
    return list;
}

int count_failed(const std::vector<MonitoredOutcome> &outcomes) {
    return static_cast<int>(std::count_if(outcomes.begin(), outcomes.end(),
                                          [](const MonitoredOutcome &each) { return each.verdict == "fail"; }));
}

} // namespace dbperf::client::run
