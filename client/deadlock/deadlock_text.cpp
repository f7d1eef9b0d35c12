#include "deadlock/deadlock_text.h"

#include "deadlock/sample.h"
#include "terminal/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace dbperf::client::deadlock {
using namespace terminal;

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

nlohmann::ordered_json wal_json(const std::vector<double> &bytes) {
    if (bytes.empty())
        return nullptr;
    const SampleSummary summary = summarize(bytes);
    return {{"count", summary.count}, {"p50", summary.p50}, {"p95", summary.p95}, {"max", summary.max}};
}

Table empty_table() {
    Table table;
    table.column("timeout");
    for (const char *title :
         {"deadlocks", "closed in", "detected", "work lost", "held up", "recovered", "p95", "all done", "control"})
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
            median(summary_of(each.passes, &SimulationPass::stall)),
            median(recovery),
            recovery.count == 0 ? "-" : format_ms(recovery.p95),
            median(totals(each.passes)),
            median(totals(each.control))};
}

bool is_unexpected(const DeadlockMeasurement &each) {
    if (!each.expects_deadlock)
        return false;
    const int wanted = *each.expects_deadlock ? static_cast<int>(each.passes.size()) : 0;
    return count_deadlocks(each.passes) != wanted;
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
        for (const double bytes : each.lost_wal)
            lost_wal_ = std::max(lost_wal_, bytes);
        for (const SimulationPass &pass : each.passes) {
            bystanders_ = std::max(bystanders_, pass.bystanders);
            bystander_stall_ = std::max(bystander_stall_, pass.bystander_stall);
            lost_rows_ = std::max(lost_rows_, pass.lost_rows);
            if (failure_.empty())
                failure_ = pass.failure;
        }
        wrong_ = wrong_ || is_unexpected(each);
        expects_deadlock_ = each.expects_deadlock;
        if (count_deadlocks(each.passes) > 0)
            slowdowns_.push_back(fmt::format("{:.1f} times at {}",
                                             totals(each.passes).p50 / std::max(totals(each.control).p50, 0.001),
                                             each.deadlock_timeout));
    }

    std::string render(const Style &style, int indent) const {
        const std::string expected =
            wrong_ ? paragraph(style, indent, "expected",
                               style.bad(expects_deadlock_.value_or(false) ? "a deadlock, every time" : "no deadlock"))
                   : "";
        if (deadlocks_ == 0)
            return paragraph(style, indent, "outcome", "no deadlock happens in this order") + expected;
        std::string text = expected + paragraph(style, indent, "victim", describe_victims());
        if (bystanders_ > 0)
            text += paragraph(style, indent, "behind it",
                              fmt::format("{} waited up to {}", plural(bystanders_, "session", "sessions"),
                                          format_ms(bystander_stall_)));
        if (!failure_.empty())
            text += paragraph(style, indent, "afterwards", failure_);
        return text + paragraph(style, indent, "slower by", fmt::format("{}", fmt::join(slowdowns_, ", "))) +
               (unexpected_ > 0
                    ? paragraph(style, indent, "control",
                                style.bad(plural(unexpected_, "deadlock", "deadlocks") + " where there should be none"))
                    : "");
    }

private:
    std::string describe_victims() const {
        const std::string wal = lost_wal_ > 0 ? fmt::format(" and {} bytes of WAL", format_count(lost_wal_)) : "";
        return fmt::format("{} {}; {} until it committed; up to {}{} lost",
                           victims_.find(',') == std::string::npos ? "session" : "sessions", victims_,
                           plural(retries_, "retry", "retries"), plural(lost_rows_, "row", "rows"), wal);
    }

    int deadlocks_ = 0;
    int retries_ = 0;
    int unexpected_ = 0;
    int bystanders_ = 0;
    double bystander_stall_ = 0;
    long long lost_rows_ = 0;
    double lost_wal_ = 0;
    bool wrong_ = false;
    std::optional<bool> expects_deadlock_;
    std::string failure_;
    std::string victims_;
    std::vector<std::string> slowdowns_;
};

bool same_scenario(const DeadlockMeasurement &one, const DeadlockMeasurement &other) {
    return one.spec == other.spec && one.permutation_line == other.permutation_line;
}

// Of labelled scenarios only the outcome matters.
std::string render_outcomes(const std::vector<DeadlockMeasurement> &measurements, const Style &style, int indent) {
    Table table;
    table.column("scenario", Table::Align::left, true)
        .column("timeout")
        .column("label")
        .column("deadlocks", Table::Align::right);
    table.column("");
    std::size_t count = 0;
    std::size_t right = 0;
    for (const DeadlockMeasurement &each : measurements) {
        if (!each.labelled)
            continue;
        ++count;
        right += is_unexpected(each) ? 0 : 1;
        table.row({each.spec, each.deadlock_timeout, each.expects_deadlock.value_or(false) ? "deadlock" : "safe",
                   fmt::format("{} of {}", count_deadlocks(each.passes), each.passes.size()),
                   is_unexpected(each) ? style.bad("not as labelled") : ""});
    }
    if (count == 0)
        return "";
    return table.render(style, indent) + fmt::format("{:>{}}{} of {} as labelled\n", "", indent, right, count);
}

} // namespace

std::string render_deadlocks(const std::vector<DeadlockMeasurement> &measurements, const Style &style, int indent) {
    std::string text = render_outcomes(measurements, style, indent);
    for (std::size_t first = 0; first < measurements.size();) {
        if (measurements[first].labelled) {
            ++first;
            continue;
        }
        std::size_t end = first;
        Table table = empty_table();
        Remarks remarks;
        for (; end < measurements.size() && same_scenario(measurements[first], measurements[end]); ++end) {
            table.row(cells(measurements[end]));
            remarks.add(measurements[end]);
        }
        const int line = measurements[first].permutation_line;
        text += fmt::format(
            "{}{:>{}}{}{}\n", text.empty() ? "" : "\n", "", indent, style.bold(measurements[first].spec),
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
        list.push_back(
            {{"spec", each.spec},
             {"permutation_line", each.permutation_line},
             {"deadlock_timeout", each.deadlock_timeout},
             {"passes", each.passes.size()},
             {"deadlocks", count_deadlocks(each.passes)},
             {"retries", retries(each.passes)},
             {"victims", victims(each.passes)},
             {"closure", summary_json(summary_of(each.passes, &SimulationPass::closure))},
             {"detection", summary_json(summary_of(each.passes, &SimulationPass::detection))},
             {"lost_work", summary_json(summary_of(each.passes, &SimulationPass::lost_work))},
             {"lost_wal_bytes", wal_json(each.lost_wal)},
             {"recovery", summary_json(summary_of(each.passes, &SimulationPass::recovery))},
             {"stall", summary_json(summary_of(each.passes, &SimulationPass::stall))},
             {"bystander_stall", summary_json(summary_of(each.passes, &SimulationPass::bystander_stall))},
             {"expected", each.expects_deadlock ? nlohmann::ordered_json(*each.expects_deadlock ? "deadlock" : "none")
                                                : nlohmann::ordered_json(nullptr)},
             {"as_expected", !is_unexpected(each)},
             {"total", summary_json(totals(each.passes))},
             {"control_passes", each.control.size()},
             {"control_deadlocks", count_deadlocks(each.control)},
             {"control_total", summary_json(totals(each.control))}});
    return list;
}

std::string render_throughput(const std::vector<DeadlockThroughput> &measured, const Style &style, int indent) {
    Table table;
    table.column("scenario").column("timeout");
    for (const char *title : {"clients", "deadlocks", "commits/s", "control", "loss"})
        table.column(title, Table::Align::right);
    for (const DeadlockThroughput &each : measured)
        table.row({each.spec, each.deadlock_timeout, fmt::format("{}", each.clients),
                   fmt::format("{}", each.as_written.deadlocks), fmt::format("{:.0f}", each.as_written.per_second()),
                   fmt::format("{:.0f}", each.control.per_second()),
                   each.as_written.commits == 0
                       ? "all of it"
                       : fmt::format("{:.1f} times", each.control.per_second() / each.as_written.per_second())});
    return table.render(style, indent);
}

nlohmann::ordered_json throughput_json(const std::vector<DeadlockThroughput> &measured) {
    const auto side = [](const LoadFigures &figures) {
        return nlohmann::ordered_json{{"commits", figures.commits},
                                      {"deadlocks", figures.deadlocks},
                                      {"seconds", figures.seconds},
                                      {"commits_per_second", figures.per_second()}};
    };
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const DeadlockThroughput &each : measured) {
        nlohmann::ordered_json loss = nullptr;
        if (each.as_written.commits > 0)
            loss = each.control.per_second() / each.as_written.per_second();
        list.push_back({{"spec", each.spec},
                        {"deadlock_timeout", each.deadlock_timeout},
                        {"clients", each.clients},
                        {"as_written", side(each.as_written)},
                        {"control", side(each.control)},
                        {"loss_factor", loss}});
    }
    return list;
}

int unexpected_outcomes(const std::vector<DeadlockMeasurement> &measurements) {
    return static_cast<int>(std::count_if(measurements.begin(), measurements.end(), is_unexpected));
}

int control_deadlocks(const std::vector<DeadlockMeasurement> &measurements) {
    int sum = 0;
    for (const DeadlockMeasurement &each : measurements)
        sum += count_deadlocks(each.control);
    return sum;
}

} // namespace dbperf::client::deadlock
