#include "compare/comparison_text.h"

#include "base/json_value.h"
#include "terminal/table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <tuple>

namespace dbperf::client::compare {
using namespace base;
using namespace terminal;
using namespace queries;

namespace {

std::string colored_verdict(const Style &style, const ComparedQuery &query) {
    const std::string &verdict = query.verdict;
    std::string words = verdict;
    std::replace(words.begin(), words.end(), '_', ' ');
    if (query.accepted)
        return style.doubtful(words + ", accepted");
    if (verdict == "regressed" || verdict == "fails" || verdict == "result_changed")
        return style.bad(words);
    if (verdict == "improved")
        return style.good(words);
    return verdict == "unchanged" ? words : style.doubtful(words);
}

// "0.53 -> 0.09 ms", the medians.
std::string median_change(const ComparedQuery &query) {
    if (!query.ms_before || !query.ms_after)
        return "-";
    std::string before = format_ms(*query.ms_before);
    const std::string after = format_ms(*query.ms_after);
    const std::size_t unit = before.rfind(' ');
    if (after.ends_with(before.substr(unit)))
        before.resize(unit);
    return before + " -> " + after;
}

// "x 0.17 (0.15-0.19)": the time after as a multiple of the time before, with its interval if the server gave one.
std::string ratio(const ComparedQuery &query) {
    if (!query.time_ratio)
        return "-";
    const std::string text = fmt::format("x {:.2f}", *query.time_ratio);
    return query.time_low && query.time_high
               ? fmt::format("{} ({:.2f}-{:.2f})", text, *query.time_low, *query.time_high)
               : text;
}

} // namespace

std::string render_comparison(const std::vector<ComparedQuery> &queries, const Style &style, int indent,
                              const ShowPlans &show_plans) {
    Table table;
    table.column("query", Table::Align::left, true)
        .column("verdict")
        .column("median time", Table::Align::right)
        .column("ratio (99 %)", Table::Align::right)
        .column("blocks", Table::Align::right)
        .column("cost", Table::Align::right);
    const auto is_listed = [&](const ComparedQuery &query) { return query.verdict != "unchanged" || show_plans; };
    for (const ComparedQuery &query : queries) {
        if (!is_listed(query))
            continue;
        table.row({one_line(query.query), colored_verdict(style, query), median_change(query), ratio(query),
                   format_change(query.blocks_before, query.blocks_after),
                   format_change(query.cost_before, query.cost_after)});
    }
    const auto listed = std::count_if(queries.begin(), queries.end(), is_listed);
    const auto rest = static_cast<long long>(queries.size()) - listed;
    std::string text = listed > 0 ? table.render(style, indent) : "";
    if (rest > 0)
        text += fmt::format("{}{}{} unchanged\n", listed > 0 ? "\n" : "",
                            std::string(static_cast<std::size_t>(indent), ' '), plural(rest, "query", "queries"));
    for (const ComparedQuery &query : queries) {
        if (query.verdict == "unchanged" && !show_plans)
            continue;
        text += "\n";
        text += paragraph(style, indent, one_line(query.query), one_line(query.reason));
        if (query.cause)
            text += paragraph(style, indent, "  cause", one_line(*query.cause));
        if (show_plans)
            text += show_plans(query);
    }
    return text;
}

std::string summarize_comparison(const std::vector<ComparedQuery> &queries, const Style &style) {
    std::string text;
    for (const auto &[verdict, one, many] :
         {std::tuple("regressed", "query regressed", "queries regressed"),
          std::tuple("fails", "query fails", "queries fail"),
          std::tuple("result_changed", "query returns something else", "queries return something else")}) {
        const auto count = std::count_if(queries.begin(), queries.end(), [wanted = verdict](const ComparedQuery &each) {
            return each.verdict == wanted;
        });
        if (count > 0)
            text += (text.empty() ? "" : ", ") + plural(count, one, many);
    }
    return text.empty()
               ? plural(static_cast<long long>(queries.size()), "query", "queries") + " compared, none regressed"
               : style.bad(text);
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
        text += "\n" + paragraph(style, 0, "skipped", one_line(query.query)) +
                paragraph(style, 0, "  because", one_line(query.reason));
    return text;
}

nlohmann::ordered_json left_out_json(const std::vector<LeftOutQuery> &queries) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const LeftOutQuery &query : queries)
        list.push_back({{"query", query.query}, {"reason", query.reason}});
    return list;
}

} // namespace dbperf::client::compare
