#include "run/run_report_text.h"

#include "base/json_value.h"
#include "run/budget_text.h"
#include "run/unit_text.h"
#include "terminal/table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client::run {
using namespace base;
using namespace terminal;

namespace {

constexpr int indent_of_section = 2;
constexpr std::size_t max_units = 20;

std::string kind_words(std::string_view kind) {
    if (kind == "n_plus_one")
        return "N+1";
    if (kind == "n_plus_one_write")
        return "N+1 of writes";
    if (kind == "server_loop")
        return "loop inside the server";
    return kind == "redundant" ? "the same look-up again and again" : std::string(kind);
}

std::string render_budgets(const std::vector<BudgetVerdict> &budgets, const Style &style) {
    Table table;
    table.column("query", Table::Align::left, true)
        .column("budget")
        .column("measured", Table::Align::right)
        .column("calls", Table::Align::right)
        .column("over", Table::Align::right)
        .column("verdict");
    for (const BudgetVerdict &each : budgets)
        table.row({one_line(each.query),
                   metric_name(each.metric) + " " + metric_value(each.metric, each.budget.value_or(0)),
                   each.measured ? metric_value(each.metric, *each.measured) : "-",
                   format_count(static_cast<double>(each.calls)), format_count(static_cast<double>(each.calls_over)),
                   colored_budget_verdict(style, each.verdict)});
    return table.render(style, indent_of_section);
}

std::string render_slow(const std::vector<StatementFigures> &slow, const Style &style) {
    Table table;
    table.column("statement", Table::Align::left, true)
        .column("calls", Table::Align::right)
        .column("avg", Table::Align::right)
        .column("p95", Table::Align::right)
        .column("max", Table::Align::right);
    for (const StatementFigures &each : slow)
        table.row({one_line(each.query_name.empty() ? each.query : each.query_name),
                   format_count(static_cast<double>(each.calls)), format_ms(each.mean_ms), format_ms(each.p95_ms),
                   format_ms(each.max_ms)});
    return table.render(style, indent_of_section);
}

nlohmann::ordered_json figures_json(const StatementFigures &each) {
    return {{"query_name", each.query_name},   {"query", each.query},      {"calls", each.calls},
            {"over_budget", each.over_budget}, {"mean_ms", each.mean_ms},  {"p95_ms", each.p95_ms},
            {"max_ms", each.max_ms},           {"total_ms", each.total_ms}};
}

// "orders.user_id -> users.id", without the schema that everybody uses.
std::string edge_of(const NPlusOne &found) {
    if (found.parent_column.empty())
        return found.key_column;
    std::string relation = found.parent_relation;
    if (relation.starts_with("public."))
        relation.erase(0, 7);
    return fmt::format("{}{}{} -> {}", relation, relation.empty() ? "" : ".", found.parent_column, found.key_column);
}

const std::string &shown(const std::string &shortened, const std::string &whole) {
    return shortened.empty() ? whole : shortened;
}

std::string unit_of(const NPlusOne &found) {
    if (found.units < 2)
        return found.scope;
    const std::string calls = found.unit_calls_min == found.unit_calls_max
                                  ? std::to_string(found.unit_calls_max)
                                  : fmt::format("{} to {}", found.unit_calls_min, found.unit_calls_max);
    return fmt::format("{}{}{} units of work with {} calls each", found.scope, found.scope.empty() ? "" : ", ",
                       found.units, calls);
}

} // namespace

std::string render_measurement(const SuggestionMeasurement &measured, const Style &style, int indent) {
    return paragraph(
        style, indent, "measured",
        fmt::format("{} and {} blocks instead of {} and {} blocks for {}: {:.1f} times faster, {}",
                    format_ms(measured.suggestion_ms), format_count(static_cast<double>(measured.suggestion_blocks)),
                    format_ms(measured.original_ms), format_count(static_cast<double>(measured.original_blocks)),
                    plural(measured.keys, "key", "keys"), measured.factor,
                    measured.same_rows ? "the same rows" : "but other rows"));
}

std::string render_n_plus_one(const NPlusOne &found, const Style &style, int indent) {
    std::string text =
        paragraph(style, indent, "found",
                  fmt::format("{} {}: {} of one statement, {}{}", found.confidence, kind_words(found.kind),
                              plural(found.calls, "execution", "executions"),
                              plural(found.distinct_keys, "key", "different keys"),
                              found.backends > 1 ? fmt::format(", {} connections", found.backends) : ""));
    text += paragraph(style, indent, "statement", one_line(shown(found.short_query, found.query)));
    return text + render_evidence(found, style, indent);
}

std::string render_evidence(const NPlusOne &found, const Style &style, int indent) {
    std::string text = paragraph(style, indent, "key", one_line(edge_of(found)));
    text += paragraph(style, indent, found.kind == "server_loop" ? "inside" : "keys from",
                      one_line(shown(found.short_parent_query, found.parent_query)));
    text += paragraph(style, indent, "unit", one_line(unit_of(found)));
    text += paragraph(style, indent, "call site", one_line(found.call_site));
    text += paragraph(style, indent, "cost",
                      fmt::format("{} of execution, {} of waiting between the calls", format_ms(found.exec_ms),
                                  format_ms(found.wait_ms)));
    text += paragraph(style, indent, "suggestion", one_line(shown(found.short_suggestion, found.suggestion)));
    text += paragraph(style, indent, "advice", one_line(found.advice));
    return text + paragraph(style, indent, "mapper", one_line(found.mapper_advice));
}

std::string possible_repetitions(const std::vector<NPlusOne> &all) {
    long long count = 0;
    long long fewest = 0;
    long long most = 0;
    for (const NPlusOne &each : all) {
        if (each.confidence != "possible")
            continue;
        fewest = count == 0 ? each.calls : std::min(fewest, each.calls);
        most = std::max(most, each.calls);
        ++count;
    }
    if (count == 0)
        return {};
    return fmt::format("{} of {} calls, which only stood near each other; `dbperf report` lists them",
                       plural(count, "repetition", "repetitions"),
                       fewest == most ? std::to_string(most) : fmt::format("{} to {}", fewest, most));
}

std::string render_run(const RunReport &report, const Style &style) {
    std::string text = heading(style, fmt::format("Run {}", one_line(report.label)));
    text += fmt::format("  {} in {}: {} executed, {}\n", report.state, format_ms(report.seconds * 1000),
                        plural(report.calls, "statement", "statements"),
                        plural(report.statements, "distinct one", "distinct ones") + ", " +
                            plural(report.plans, "plan", "plans") + " captured");
    for (const Dropped &each : report.dropped)
        text += paragraph(style, indent_of_section, "incomplete", one_line(each.reason));

    text += "\n" + style.bold("N+1") + "\n";
    if (report.n_plus_one.empty())
        text += "  none found\n";
    bool first = true;
    for (const NPlusOne &found : report.n_plus_one) {
        text += first ? "" : "\n";
        text += render_n_plus_one(found, style, indent_of_section);
        first = false;
    }

    text += "\n" + style.bold("Slow statements") + "\n";
    text += report.slow.empty() ? "  none over the threshold\n" : render_slow(report.slow, style);

    if (!report.units.empty())
        text += "\n" + style.bold("Units of work") + "\n" + render_units(report.units, style, max_units);

    if (!report.budgets.empty())
        text += "\n" + style.bold("Budgets") + "\n" + render_budgets(report.budgets, style);

    bool other = false;
    for (const StoredFinding &finding : report.findings) {
        if (finding.kind == "n_plus_one" || (finding.kind == "budget" && finding.pattern.empty()) ||
            finding.kind == "incomplete")
            continue;
        if (!other)
            text += "\n" + style.bold("Other findings") + "\n";
        other = true;
        text += paragraph(style, indent_of_section, finding.kind,
                          one_line(finding.query.empty() ? finding.reason : finding.query + ": " + finding.reason));
    }
    return text;
}

nlohmann::ordered_json dropped_json(const Dropped &each) {
    return {{"item", each.item}, {"count", each.count}, {"setting", each.setting}, {"reason", each.reason}};
}

nlohmann::ordered_json n_plus_one_json(const NPlusOne &found) {
    return {{"scope", found.scope},
            {"kind", found.kind},
            {"confidence", found.confidence},
            {"query", found.query},
            {"key_column", found.key_column},
            {"parent_query", found.parent_query},
            {"parent_column", found.parent_column},
            {"calls", found.calls},
            {"distinct_keys", found.distinct_keys},
            {"backends", found.backends},
            {"exec_ms", found.exec_ms},
            {"wait_ms", found.wait_ms},
            {"parent_relation", found.parent_relation},
            {"call_site", found.call_site},
            {"suggestion", found.suggestion},
            {"advice", found.advice},
            {"mapper_advice", found.mapper_advice},
            {"short_query", found.short_query},
            {"units", found.units},
            {"traceparent", found.traceparent}};
}

nlohmann::ordered_json run_json(const RunReport &report) {
    nlohmann::ordered_json json = {{"run", report.label},
                                   {"run_id", report.run_id},
                                   {"state", report.state},
                                   {"started_at", report.started_at},
                                   {"finished_at", report.finished_at},
                                   {"seconds", report.seconds},
                                   {"calls", report.calls},
                                   {"statements", report.statements},
                                   {"plans", report.plans}};
    json["n_plus_one"] = nlohmann::ordered_json::array();
    for (const NPlusOne &each : report.n_plus_one)
        json["n_plus_one"].push_back(n_plus_one_json(each));
    json["slow_statements"] = nlohmann::ordered_json::array();
    for (const StatementFigures &each : report.slow)
        json["slow_statements"].push_back(figures_json(each));
    json["budgets"] = nlohmann::ordered_json::array();
    for (const BudgetVerdict &each : report.budgets)
        json["budgets"].push_back({{"query", each.query},
                                   {"metric", each.metric},
                                   {"budget", nullable(each.budget)},
                                   {"measured", nullable(each.measured)},
                                   {"calls", each.calls},
                                   {"calls_over", each.calls_over},
                                   {"verdict", each.verdict},
                                   {"reason", each.reason}});
    json["units"] = units_json(report.units);
    json["dropped"] = nlohmann::ordered_json::array();
    for (const Dropped &each : report.dropped)
        json["dropped"].push_back(dropped_json(each));
    json["findings"] = nlohmann::ordered_json::array();
    for (const StoredFinding &each : report.findings)
        json["findings"].push_back({{"kind", each.kind},
                                    {"severity", each.severity},
                                    {"gate", each.gate},
                                    {"query", each.query},
                                    {"reason", each.reason},
                                    {"database", each.database}});
    return json;
}

} // namespace dbperf::client::run
