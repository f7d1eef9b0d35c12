#include "deadlock/lock_cycle_text.h"

#include "terminal/table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client::deadlock {
using namespace terminal;

long long count_status(const std::vector<PredictedCycle> &cycles, std::string_view status) {
    return std::count_if(cycles.begin(), cycles.end(),
                         [&](const PredictedCycle &cycle) { return cycle.status == status; });
}

std::string render_lock_cycles(const std::string &run, const std::vector<PredictedCycle> &cycles, const Style &style) {
    std::string text = heading(style, fmt::format("Predicted deadlocks of run {}", one_line(run)));
    Table table;
    table.column("status");
    table.column("database");
    table.column("transactions", Table::Align::right);
    table.column("what happened", Table::Align::left, true);
    for (const PredictedCycle &cycle : cycles)
        table.row({cycle.status, one_line(cycle.database), format_count(static_cast<double>(cycle.members.size())),
                   one_line(cycle.outcome)});
    if (!table.empty())
        text += table.render(style, 2);
    for (const PredictedCycle &cycle : cycles)
        text += paragraph(style, 2, cycle.status, one_line(cycle.description));
    const long long confirmed = count_status(cycles, "confirmed");
    text += fmt::format("\n{} of {} confirmed\n", confirmed,
                        plural(static_cast<long long>(cycles.size()), "predicted deadlock", "predicted deadlocks"));
    return text;
}

nlohmann::ordered_json lock_cycles_json(const std::vector<PredictedCycle> &cycles) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const PredictedCycle &cycle : cycles)
        list.push_back({{"database", cycle.database},
                        {"cycle_id", cycle.id},
                        {"confidence", cycle.confidence},
                        {"status", cycle.status},
                        {"outcome", cycle.outcome},
                        {"members", cycle.members.size()},
                        {"description", cycle.description}});
    return list;
}

} // namespace dbperf::client::deadlock
