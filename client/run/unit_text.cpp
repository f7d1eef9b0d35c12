#include "run/unit_text.h"

#include "base/json_value.h"
#include "terminal/table.h"
#include "terminal/visible.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client::run {
using namespace base;
using namespace terminal;

namespace {

constexpr int indent_of_units = 2;

void add_spread(nlohmann::ordered_json &json, const std::string &name, const Spread &spread) {
    json[name + "_min"] = spread.least;
    json[name + "_median"] = spread.median;
    json[name + "_max"] = spread.most;
}

// Counts are no fractions.
void add_counts(nlohmann::ordered_json &json, const std::string &name, const Spread &spread) {
    json[name + "_min"] = static_cast<long long>(spread.least);
    json[name + "_median"] = static_cast<long long>(spread.median);
    json[name + "_max"] = static_cast<long long>(spread.most);
}

} // namespace

std::string unit_name(const UnitFigures &unit) {
    return unit.name.empty() ? "(all others)" : unit.name;
}

std::string range_text(const Spread &counts) {
    const std::string least = format_count(counts.least);
    const std::string most = format_count(counts.most);
    return least == most ? most : fmt::format("{} to {}", least, most);
}

std::string render_units(const std::vector<UnitFigures> &units, const Style &style, std::size_t most) {
    if (units.empty())
        return {};
    Table table;
    table.column("unit", Table::Align::left, true)
        .column("times", Table::Align::right)
        .column("statements", Table::Align::right)
        .column("different", Table::Align::right)
        .column("median", Table::Align::right)
        .column("max", Table::Align::right)
        .column("findings", Table::Align::right);
    for (std::size_t i = 0; i < std::min(most, units.size()); ++i) {
        const UnitFigures &each = units[i];
        table.row({one_line(visible(unit_name(each))), format_count(static_cast<double>(each.occurrences)),
                   range_text(each.statement_counts), range_text(each.distinct_statements),
                   format_ms(each.exec_times.median), format_ms(each.exec_times.most),
                   each.findings == 0 ? "-" : style.bad(format_count(static_cast<double>(each.findings)))});
    }
    std::string text = table.render(style, indent_of_units);
    if (units.size() > most)
        text += fmt::format("  and {} more: SELECT * FROM dbperf.units\n", units.size() - most);
    return text;
}

nlohmann::ordered_json units_json(const std::vector<UnitFigures> &units) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const UnitFigures &each : units) {
        nlohmann::ordered_json json = {
            {"unit", text_or_null(each.name)}, {"occurrences", each.occurrences}, {"statements", each.statements}};
        add_counts(json, "statements", each.statement_counts);
        add_counts(json, "distinct_statements", each.distinct_statements);
        json["rows"] = each.rows;
        add_counts(json, "rows", each.row_counts);
        json["exec_ms"] = each.exec_ms;
        add_spread(json, "exec_ms", each.exec_times);
        json["wait_ms"] = each.wait_ms;
        add_spread(json, "wait_ms", each.wait_times);
        json["findings"] = each.findings;
        list.push_back(std::move(json));
    }
    return list;
}

} // namespace dbperf::client::run
