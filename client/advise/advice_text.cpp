#include "advise/advice_text.h"

#include "base/json_value.h"
#include "terminal/table.h"
#include "terminal/visible.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client::advise {
using namespace base;
using namespace compare;
using namespace terminal;

namespace {

std::string format_bytes(double bytes) {
    return bytes >= 1024 * 1024 ? fmt::format("{:.1f} MB", bytes / (1024 * 1024))
                                : fmt::format("{:.0f} kB", bytes / 1024);
}

std::string ratio(const ComparedQuery &query) {
    if (!query.time_ratio)
        return "-";
    return query.time_low && query.time_high
               ? fmt::format("x {:.2f} ({:.2f}-{:.2f})", *query.time_ratio, *query.time_low, *query.time_high)
               : fmt::format("x {:.2f}", *query.time_ratio);
}

std::string times(const ComparedQuery &query) {
    return query.ms_before && query.ms_after ? format_ms(*query.ms_before) + " -> " + format_ms(*query.ms_after) : "-";
}

bool is_advised(const IndexProof &proof) {
    return proof.verdict != "rejected";
}

nlohmann::ordered_json measured_json(const std::vector<ComparedQuery> &queries) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const ComparedQuery &query : queries)
        list.push_back({{"query", query.query},
                        {"verdict", query.verdict},
                        {"time_ratio", nullable(query.time_ratio)},
                        {"time_low", nullable(query.time_low)},
                        {"time_high", nullable(query.time_high)},
                        {"ms_before", nullable(query.ms_before)},
                        {"ms_after", nullable(query.ms_after)},
                        {"blocks_before", nullable(query.blocks_before)},
                        {"blocks_after", nullable(query.blocks_after)},
                        {"wal_before", nullable(query.wal_before)},
                        {"wal_after", nullable(query.wal_after)},
                        {"plan_before", nullable(query.plan_before)},
                        {"plan_after", nullable(query.plan_after)}});
    return list;
}

std::string summary(const AdviceReport &report) {
    const auto advised = std::count_if(report.indexes.begin(), report.indexes.end(), is_advised);
    const auto rejected = static_cast<long long>(report.indexes.size()) - advised;
    std::string text = advised == 0 ? "no index is advised" : plural(advised, "index is", "indexes are") + " advised";
    if (rejected > 0)
        text += fmt::format(", {} tried and rejected", rejected);
    return text;
}

std::string query_table(const std::vector<ComparedQuery> &queries, const Style &style) {
    Table table;
    table.column("  query", Table::Align::left, true)
        .column("median time", Table::Align::right)
        .column("ratio (99 %)", Table::Align::right)
        .column("blocks", Table::Align::right);
    for (const ComparedQuery &query : queries)
        table.row({one_line(query.query), times(query), ratio(query),
                   format_change(query.blocks_before, query.blocks_after)});
    return table.render(style, 2);
}

// "-- " before each line of a comment.
std::string comment(std::string_view text) {
    std::string lines = "-- ";
    for (const char c : text)
        lines += c == '\n' || c == '\r' ? ' ' : c;
    return lines + "\n";
}

std::string markdown_cell(std::string text) {
    std::string cell;
    for (const char c : one_line(text)) {
        if (c == '|' || c == '<' || c == '*' || c == '_' || c == '`' || c == '\\' || c == '[')
            cell += '\\';
        cell += c;
    }
    return cell;
}

// Longer than any run of backquotes within.
std::string code_fence(const std::string &text) {
    std::size_t longest = 2;
    std::size_t run = 0;
    for (const char c : text) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return std::string(longest + 1, '`');
}

} // namespace

std::string render_advice(const AdviceReport &report, const Style &style) {
    std::string text = style.bold(fmt::format("Indexes of {}", one_line(report.database))) + "\n";
    for (const IndexProof &proof : report.indexes) {
        text += "\n" + (is_advised(proof) ? style.good(proof.verdict) : style.doubtful(proof.verdict)) + "  " +
                fmt::format("{}, {}\n", one_line(proof.index.table), format_bytes(proof.index.size_bytes));
        std::size_t begin = 0;
        while (begin < proof.index.ddl.size()) {
            const std::size_t end = std::min(proof.index.ddl.find('\n', begin), proof.index.ddl.size());
            text += "  " + visible(proof.index.ddl.substr(begin, end - begin)) +
                    (end == proof.index.ddl.size() ? ";" : "") + "\n";
            begin = end + 1;
        }
        text += paragraph(style, 2, "because", one_line(proof.reason));
        if (!proof.queries.empty())
            text += query_table(proof.queries, style);
        if (!proof.writes.empty())
            text += "  writes that pay for it:\n" + query_table(proof.writes, style);
    }
    for (const auto &each : report.statements)
        text += "\n" + paragraph(style, 0, "no index", one_line(each.at("query").get<std::string>())) +
                paragraph(style, 0, "  because", one_line(each.at("detail").get<std::string>()));
    for (const auto &each : report.existing) {
        text +=
            "\n" +
            paragraph(style, 0, each.at("verdict").get<std::string>(), one_line(each.at("index").get<std::string>())) +
            paragraph(style, 0, "  because", one_line(each.at("reason").get<std::string>()));
        if (!each.at("ddl").is_null())
            text += verbatim(style, 0, "  remedy", visible(each.at("ddl").get<std::string>()));
    }
    return text + "\n" + summary(report) + "\n";
}

std::string advice_markdown(const AdviceReport &report) {
    std::string text = fmt::format("### Index advice for {}\n\n{}.\n", markdown_cell(report.database), summary(report));
    for (const IndexProof &proof : report.indexes) {
        const std::string fence = code_fence(proof.index.ddl);
        text += fmt::format("\n**{}**, {}: {}\n\n{}sql\n{};\n{}\n", proof.verdict, format_bytes(proof.index.size_bytes),
                            markdown_cell(proof.reason), fence, proof.index.ddl, fence);
        if (proof.queries.empty() && proof.writes.empty())
            continue;
        text += "\n| statement | median time | ratio (99 %) | blocks |\n|---|---|---|---|\n";
        for (const auto *list : {&proof.queries, &proof.writes})
            for (const ComparedQuery &query : *list)
                text += fmt::format("| {}{} | {} | {} | {} |\n", list == &proof.writes ? "pays: " : "",
                                    markdown_cell(query.query), times(query), ratio(query),
                                    format_change(query.blocks_before, query.blocks_after));
    }
    if (!report.existing.empty()) {
        text += "\n| index | verdict | reason |\n|---|---|---|\n";
        for (const auto &each : report.existing)
            text += fmt::format("| {} | {} | {} |\n", markdown_cell(each.at("index")),
                                each.at("verdict").get<std::string>(), markdown_cell(each.at("reason")));
    }
    return text;
}

nlohmann::ordered_json advice_json(const AdviceReport &report) {
    nlohmann::ordered_json indexes = nlohmann::ordered_json::array();
    for (const IndexProof &proof : report.indexes)
        indexes.push_back({{"name", proof.index.name},
                           {"table", proof.index.table},
                           {"ddl", proof.index.ddl},
                           {"size_bytes", static_cast<long long>(proof.index.size_bytes)},
                           {"verdict", proof.verdict},
                           {"reason", proof.reason},
                           {"queries", measured_json(proof.queries)},
                           {"writes", measured_json(proof.writes)},
                           {"planned_queries", proof.index.queries},
                           {"planned_writes", proof.index.writes}});
    return {{"database", report.database},
            {"indexes", indexes},
            {"statements", report.statements},
            {"existing", report.existing}};
}

std::string advice_migration(const AdviceReport &report) {
    std::string text;
    for (const IndexProof &proof : report.indexes) {
        if (!is_advised(proof))
            continue;
        text += (text.empty() ? "" : "\n") + comment(fmt::format("{}: {}", proof.verdict, proof.reason));
        for (const ComparedQuery &query : proof.queries)
            text += comment(fmt::format("{}: {}, {}, blocks {}", query.query, times(query), ratio(query),
                                        format_change(query.blocks_before, query.blocks_after)));
        for (const ComparedQuery &query : proof.writes)
            text += comment(fmt::format("pays: {}: {}, {}", query.query, times(query), ratio(query)));
        text += comment(fmt::format("{}; a failed CREATE INDEX CONCURRENTLY leaves an invalid index: drop it first",
                                    format_bytes(proof.index.size_bytes)));
        text += proof.index.ddl + ";\n";
    }
    return text;
}

} // namespace dbperf::client::advise
