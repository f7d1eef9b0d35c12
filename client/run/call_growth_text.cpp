#include "run/call_growth_text.h"

#include "terminal/table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace dbperf::client::run {
using namespace terminal;

namespace {

constexpr int section_indent = 2;
constexpr std::size_t constant_ones_shown = 10;

std::string statement_name(const SizedStatement &statement) {
    return statement.query.empty() ? "fingerprint " + statement.fingerprint : one_line(statement.query);
}

std::string colored_growth(const Style &style, Growth growth) {
    const std::string_view name = growth_name(growth);
    if (growth == Growth::constant)
        return style.good(name);
    return growth == Growth::grows ? style.bad(name) : style.doubtful(name);
}

// "n^1.0"; "-" of a constant, whose exponent means nothing.
std::string growth_figure(const SizedStatement &statement) {
    return statement.growth == Growth::constant ? "-" : fmt::format("n^{:.1f}", statement.exponent);
}

} // namespace

std::string render_growth(const std::string &label, const Sizes &sizes, const std::vector<SizedStatement> &statements,
                          const Style &style, bool all) {
    Table table;
    table.column("statement", Table::Align::left, true);
    for (const long long size : sizes)
        table.column(fmt::format("at {}", size), Table::Align::right);
    table.column("growth").column("verdict");
    std::string sentences;
    std::size_t constant = 0;
    long long growing = 0;
    for (const SizedStatement &statement : statements) {
        if (statement.growth == Growth::constant && ++constant > constant_ones_shown && !all)
            continue;
        std::vector<std::string> cells = {statement_name(statement)};
        for (const long long calls : statement.calls)
            cells.push_back(format_count(static_cast<double>(calls)));
        cells.push_back(growth_figure(statement));
        cells.push_back(colored_growth(style, statement.growth));
        table.row(std::move(cells));
        if (statement.growth != Growth::grows)
            continue;
        ++growing;
        sentences += "\n" + paragraph(style, section_indent, "statement", statement_name(statement)) +
                     paragraph(style, section_indent, "found", growth_sentence(sizes, statement));
    }
    std::string text = heading(style, fmt::format("Calls of {} by size of the data", one_line(label)));
    text += table.render(style, section_indent);
    if (constant > constant_ones_shown && !all)
        text += fmt::format("  and {} more, constant\n", constant - constant_ones_shown);
    text += sentences + "\n";
    if (growing == 0)
        return text + fmt::format("  {}\n", style.good("no statement grows with the data"));
    return text + style.bad(plural(growing, "statement grows", "statements grow") + " with the data") + "\n";
}

nlohmann::ordered_json growth_json(const Sizes &sizes, const std::vector<SizedStatement> &statements) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const SizedStatement &each : statements)
        list.push_back({{"query", each.query},
                        {"fingerprint", each.fingerprint}, // as text: more digits than a number of JavaScript holds
                        {"calls", each.calls},
                        {"growth", std::round(each.exponent * 1000) / 1000},
                        {"verdict", growth_name(each.growth)},
                        {"reason", growth_sentence(sizes, each)}});
    return list;
}

} // namespace dbperf::client::run
