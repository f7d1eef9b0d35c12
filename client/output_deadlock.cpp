#include "output_deadlock.h"

#include "model_sample.h"
#include "output_figures.h"
#include "output_paragraph.h"
#include "output_table.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client {
namespace {

int count_deadlocks(const std::vector<SimulationPass> &passes) {
    return static_cast<int>(
        std::count_if(passes.begin(), passes.end(), [](const SimulationPass &pass) { return pass.deadlock; }));
}

// Over the passes with a deadlock.
SampleSummary summary_of(const std::vector<SimulationPass> &passes, double SimulationPass::*figure) {
    std::vector<double> values;
    for (const SimulationPass &pass : passes)
        if (pass.deadlock)
            values.push_back(pass.*figure);
    return summarize(std::move(values));
}

SampleSummary totals(const std::vector<SimulationPass> &passes) {
    std::vector<double> values;
    for (const SimulationPass &pass : passes)
        values.push_back(pass.total);
    return summarize(std::move(values));
}

std::string median(const SampleSummary &summary) {
    if (summary.count == 0)
        return "-";
    return format_ms(summary.p50);
}

int retries(const std::vector<SimulationPass> &passes) {
    int sum = 0;
    for (const SimulationPass &pass : passes)
        sum += pass.retries;
    return sum;
}

std::string victims(const std::vector<SimulationPass> &passes) {
    std::vector<std::string> names;
    for (const SimulationPass &pass : passes)
        if (pass.deadlock && std::find(names.begin(), names.end(), pass.victim) == names.end())
            names.push_back(pass.victim);
    return fmt::format("{}", fmt::join(names, ", "));
}

nlohmann::ordered_json summary_json(const SampleSummary &summary) {
    return {{"count", summary.count}, {"p50_ms", summary.p50}, {"p95_ms", summary.p95}, {"max_ms", summary.max}};
}

Table empty_table() {
    Table table;
    table.column("timeout");
    for (const char *title :
         {"deadlocks", "closed in", "detected", "work lost", "recovered", "p95", "all done", "control"})
        table.column(title, Table::Align::right);
    return table;
}

std::vector<std::string> cells(const DeadlockMeasurement &each) {
    const SampleSummary recovery = summary_of(each.passes, &SimulationPass::recovery);
    return {each.deadlock_timeout,
            fmt::format("{} of {}", count_deadlocks(each.passes), each.passes.size()),
            median(summary_of(each.passes, &SimulationPass::closure)),
            median(summary_of(each.passes, &SimulationPass::detection)),
            median(summary_of(each.passes, &SimulationPass::lost_work)),
            median(recovery),
            recovery.count == 0 ? "-" : format_ms(recovery.p95),
            median(totals(each.passes)),
            median(totals(each.control))};
}

// What the table does not say, for all settings of one scenario.
class Remarks {
public:
    void add(const DeadlockMeasurement &each) {
        deadlocks_ += count_deadlocks(each.passes);
        retries_ += retries(each.passes);
        unexpected_ += count_deadlocks(each.control);
        if (victims_.empty())
            victims_ = victims(each.passes);
        if (count_deadlocks(each.passes) > 0)
            slowdowns_.push_back(fmt::format("{:.1f} times at {}",
                                             totals(each.passes).p50 / std::max(totals(each.control).p50, 0.001),
                                             each.deadlock_timeout));
    }

    std::string render(const Style &style, int indent) const {
        if (deadlocks_ == 0)
            return paragraph(style, indent, "outcome", "no deadlock happens in this order");
        return paragraph(
                   style, indent, "victim",
                   fmt::format("{} {}; {} until it committed",
                                     victims_.find(',') == std::string::npos ? "session" : "sessions", victims_,
                                     plural(retries_, "retry", "retries"))) +
               paragraph(style, indent, "slower by", fmt::format("{}", fmt::join(slowdowns_, ", "))) +
               (unexpected_ > 0
                    ? paragraph(style, indent, "control",
                                style.bad(plural(unexpected_, "deadlock", "deadlocks") + " where there should be none"))
                    : "");
    }

private:
    int deadlocks_ = 0;
    int retries_ = 0;
    int unexpected_ = 0;
    std::string victims_;
    std::vector<std::string> slowdowns_;
};

bool same_scenario(const DeadlockMeasurement &one, const DeadlockMeasurement &other) {
    return one.spec == other.spec && one.permutation_line == other.permutation_line;
}

} // namespace

std::string render_deadlocks(const std::vector<DeadlockMeasurement> &measurements, const Style &style, int indent) {
    std::string text;
    for (std::size_t first = 0; first < measurements.size();) {
        std::size_t end = first;
        Table table = empty_table();
        Remarks remarks;
        for (; end < measurements.size() && same_scenario(measurements[first], measurements[end]); ++end) {
            table.row(cells(measurements[end]));
            remarks.add(measurements[end]);
        }
        const int line = measurements[first].permutation_line;
        text += fmt::format(
            "{}{:>{}}{}{}\n", first == 0 ? "" : "\n", "", indent, style.bold(measurements[first].spec),
            line > 0 ? style.dim(fmt::format("  permutation of line {}, at each deadlock_timeout, medians", line))
                     : style.dim("  sessions taking turns, at each deadlock_timeout, medians"));
        text += table.render(style, indent) + remarks.render(style, indent);
        first = end;
    }
    return text;
}

nlohmann::ordered_json deadlocks_json(const std::vector<DeadlockMeasurement> &measurements) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const DeadlockMeasurement &each : measurements)
        list.push_back({{"spec", each.spec},
                        {"permutation_line", each.permutation_line},
                        {"deadlock_timeout", each.deadlock_timeout},
                        {"passes", each.passes.size()},
                        {"deadlocks", count_deadlocks(each.passes)},
                        {"retries", retries(each.passes)},
                        {"victims", victims(each.passes)},
                        {"closure", summary_json(summary_of(each.passes, &SimulationPass::closure))},
                        {"detection", summary_json(summary_of(each.passes, &SimulationPass::detection))},
                        {"lost_work", summary_json(summary_of(each.passes, &SimulationPass::lost_work))},
                        {"recovery", summary_json(summary_of(each.passes, &SimulationPass::recovery))},
                        {"total", summary_json(totals(each.passes))},
                        {"control_passes", each.control.size()},
                        {"control_deadlocks", count_deadlocks(each.control)},
                        {"control_total", summary_json(totals(each.control))}});
    return list;
}

int control_deadlocks(const std::vector<DeadlockMeasurement> &measurements) {
    int sum = 0;
    for (const DeadlockMeasurement &each : measurements)
        sum += count_deadlocks(each.control);
    return sum;
}

} // namespace dbperf::client
