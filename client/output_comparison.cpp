#include "output_comparison.h"

#include "output_figures.h"
#include "output_paragraph.h"
#include "output_table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client {
namespace {

std::string colored_verdict(const Style &style, const ComparedQuery &query) {
    const std::string &verdict = query.verdict;
    std::string words = verdict;
    std::replace(words.begin(), words.end(), '_', ' ');
    if (query.accepted)
        return style.doubtful(words + ", accepted");
    if (verdict == "regressed")
        return style.bad(words);
    if (verdict == "improved")
        return style.good(words);
    return verdict == "unchanged" ? words : style.doubtful(words);
}

// "0.53 ms -> 0.09 ms", the medians.
std::string median_change(const ComparedQuery &query) {
    if (!query.ms_before || !query.ms_after)
        return "-";
    return format_ms(*query.ms_before) + " -> " + format_ms(*query.ms_after);
}

// "x 0.17": the time after as a multiple of the time before.
std::string ratio(const ComparedQuery &query) {
    return query.time_ratio ? fmt::format("x {:.2f}", *query.time_ratio) : "-";
}

// "0.15 to 0.19", "" when the server gave no interval.
std::string interval(const ComparedQuery &query) {
    return query.time_low && query.time_high
               ? fmt::format("the time is {:.2f} to {:.2f} times what it was", *query.time_low, *query.time_high)
               : "";
}

template <typename Value>
nlohmann::ordered_json nullable(const std::optional<Value> &value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

} // namespace

std::string render_comparison(const std::vector<ComparedQuery> &queries, const Style &style, int indent, bool verbose) {
    Table table;
    table.column("query", Table::Align::left, true)
        .column("verdict")
        .column("median time", Table::Align::right)
        .column("ratio", Table::Align::right)
        .column("blocks", Table::Align::right)
        .column("cost", Table::Align::right);
    for (const ComparedQuery &query : queries)
        table.row({one_line(query.query), colored_verdict(style, query), median_change(query), ratio(query),
                   format_change(query.blocks_before, query.blocks_after),
                   format_change(query.cost_before, query.cost_after)});
    std::string text = table.render(style, indent);
    for (const ComparedQuery &query : queries) {
        if (query.verdict == "unchanged" && !verbose)
            continue;
        text += "\n";
        text += paragraph(style, indent, one_line(query.query), one_line(query.reason));
        if (query.cause)
            text += paragraph(style, indent, "  because of", one_line(*query.cause));
        text += paragraph(style, indent, "  how sure", interval(query));
        if (verbose && query.plan_before && query.plan_after)
            text += paragraph(style, indent, "  plans",
                              fmt::format("{} -> {} in dbperf.plans", *query.plan_before, *query.plan_after));
    }
    return text;
}

nlohmann::ordered_json comparison_json(const std::vector<ComparedQuery> &queries) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const ComparedQuery &query : queries)
        list.push_back({{"query", query.query},
                        {"verdict", query.verdict},
                        {"reason", query.reason},
                        {"cause", nullable(query.cause)},
                        {"accepted", nullable(query.accepted)},
                        {"time_ratio", nullable(query.time_ratio)},
                        {"time_low", nullable(query.time_low)},
                        {"time_high", nullable(query.time_high)},
                        {"low", nullable(query.time_low)},
                        {"high", nullable(query.time_high)},
                        {"p", nullable(query.p)},
                        {"samples", nullable(query.samples)},
                        {"ms_before", nullable(query.ms_before)},
                        {"ms_after", nullable(query.ms_after)},
                        {"blocks_before", nullable(query.blocks_before)},
                        {"blocks_after", nullable(query.blocks_after)},
                        {"rows_before", nullable(query.rows_before)},
                        {"rows_after", nullable(query.rows_after)},
                        {"temp_before", nullable(query.temp_before)},
                        {"temp_after", nullable(query.temp_after)},
                        {"wal_before", nullable(query.wal_before)},
                        {"wal_after", nullable(query.wal_after)},
                        {"cost_before", nullable(query.cost_before)},
                        {"cost_after", nullable(query.cost_after)},
                        {"plan_before", nullable(query.plan_before)},
                        {"plan_after", nullable(query.plan_after)}});
    return list;
}

std::string render_left_out(const std::vector<LeftOutQuery> &queries, const Style &style) {
    std::string text;
    for (const LeftOutQuery &query : queries)
        text += "\n" + paragraph(style, 0, "left out", one_line(query.query)) +
                paragraph(style, 0, "  because", one_line(query.reason));
    return text;
}

nlohmann::ordered_json left_out_json(const std::vector<LeftOutQuery> &queries) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const LeftOutQuery &query : queries)
        list.push_back({{"query", query.query}, {"reason", query.reason}});
    return list;
}

} // namespace dbperf::client
