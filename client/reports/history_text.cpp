#include "reports/history_text.h"

#include "base/json_value.h"
#include "terminal/table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client::reports {
using namespace base;
using namespace terminal;

namespace {

constexpr int indent = 2;

std::string render_changes(const std::vector<HistoryEntry> &history, const Style &style) {
    std::vector<const HistoryEntry *> changes;
    for (const HistoryEntry &each : history)
        if (!each.change.empty())
            changes.push_back(&each);
    std::stable_sort(changes.begin(), changes.end(),
                     [](const HistoryEntry *a, const HistoryEntry *b) { return a->started_at < b->started_at; });
    std::string text;
    for (const HistoryEntry *each : changes) {
        const std::string commit = each->commit.empty() ? "" : " (" + each->commit.substr(0, 12) + ")";
        text += paragraph(style, indent, each->started_at.substr(0, 10), one_line(each->change + commit));
        text += paragraph(style, indent, "  cause", one_line(each->cause));
    }
    return text.empty() ? "  nothing changed beyond chance\n" : text;
}

std::string render_runs(const std::vector<HistoryEntry> &history, const Style &style) {
    Table table;
    table.column("query", Table::Align::left, true)
        .column("run", Table::Align::left, true)
        .column("calls", Table::Align::right)
        .column("median", Table::Align::right)
        .column("p95", Table::Align::right)
        .column("blocks", Table::Align::right);
    for (const HistoryEntry &each : history)
        table.row({one_line(each.query), one_line(each.run), format_count(static_cast<double>(each.calls)),
                   format_ms(each.p50_ms), format_ms(each.p95_ms), format_count(each.blocks)});
    return table.render(style, indent);
}

std::string render_queries(const std::vector<HistoryEntry> &history, const Style &style) {
    Table table;
    table.column("query", Table::Align::left, true)
        .column("runs", Table::Align::right)
        .column("median, first", Table::Align::right)
        .column("last", Table::Align::right)
        .column("blocks", Table::Align::right);
    for (std::size_t first = 0, last = 0; first < history.size(); first = last + 1) {
        for (last = first; last + 1 < history.size() && history[last + 1].query == history[first].query;)
            ++last;
        table.row({one_line(history[first].query), format_count(static_cast<double>(last - first + 1)),
                   format_ms(history[first].p50_ms), format_ms(history[last].p50_ms),
                   format_change(history[first].blocks, history[last].blocks)});
    }
    return table.render(style, indent);
}

} // namespace

std::string render_history(const std::vector<HistoryEntry> &history, bool every_run, const Style &style) {
    if (history.empty())
        return "  no query was executed in a run of that time\n";
    return render_changes(history, style) + "\n" +
           (every_run ? render_runs(history, style) : render_queries(history, style));
}

nlohmann::ordered_json history_json(const std::vector<HistoryEntry> &history) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const HistoryEntry &each : history)
        list.push_back({{"query", each.query},
                        {"run", each.run},
                        {"started_at", each.started_at},
                        {"commit", text_or_null(each.commit)},
                        {"calls", each.calls},
                        {"mean_ms", each.mean_ms},
                        {"p50_ms", each.p50_ms},
                        {"p95_ms", each.p95_ms},
                        {"blocks", each.blocks},
                        {"rows", each.rows},
                        {"time_ratio", nullable(each.time_ratio)},
                        {"blocks_ratio", nullable(each.blocks_ratio)},
                        {"change", text_or_null(each.change)},
                        {"cause", text_or_null(each.cause)}});
    return list;
}

} // namespace dbperf::client::reports
