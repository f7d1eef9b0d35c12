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
  return static_cast<int>(std::count_if(passes.begin(), passes.end(), [](const SimulationPass &pass) { return pass.deadlock; }));
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
  table.column("deadlock_timeout")
      .column("deadlocks", Table::Align::right)
      .column("closed in", Table::Align::right)
      .column("detected in", Table::Align::right)
      .column("work lost", Table::Align::right)
      .column("recovered in", Table::Align::right)
      .column("all done", Table::Align::right)
      .column("control", Table::Align::right);
  return table;
}

std::vector<std::string> cells(const DeadlockMeasurement &each) {
  return {each.deadlock_timeout,
          fmt::format("{} of {}", count_deadlocks(each.passes), each.passes.size()),
          median(summary_of(each.passes, &SimulationPass::closure)),
          median(summary_of(each.passes, &SimulationPass::detection)),
          median(summary_of(each.passes, &SimulationPass::lost_work)),
          median(summary_of(each.passes, &SimulationPass::recovery)),
          median(totals(each.passes)),
          median(totals(each.control))};
}

// What the medians of the table do not say.
std::string notes(const DeadlockMeasurement &each, const Style &style, int indent) {
  const SampleSummary recovery = summary_of(each.passes, &SimulationPass::recovery);
  std::string text;
  if (recovery.count > 0) {
    const double factor = totals(each.passes).p50 / std::max(totals(each.control).p50, 0.001);
    text = fmt::format("recovery p95 {}, max {}; {}; victim: {}; {:.1f} times the control's time", format_ms(recovery.p95), format_ms(recovery.max),
                       plural(retries(each.passes), "retry", "retries"), victims(each.passes), factor);
  } else {
    text = "no deadlock happened in this order";
  }
  if (const int unexpected = count_deadlocks(each.control); unexpected > 0)
    text += fmt::format("; {} of the control", plural(unexpected, "deadlock", "deadlocks"));
  return paragraph(style, indent, "at " + each.deadlock_timeout, text);
}

bool same_scenario(const DeadlockMeasurement &one, const DeadlockMeasurement &other) {
  return one.spec == other.spec && one.permutation_line == other.permutation_line;
}

} // namespace

std::string render_deadlocks(const std::vector<DeadlockMeasurement> &measurements, const Style &style, int indent) {
  std::string text;
  for (std::size_t first = 0; first < measurements.size();) {
    std::size_t end = first;
    Table table = empty_table();
    std::string remarks;
    for (; end < measurements.size() && same_scenario(measurements[first], measurements[end]); ++end) {
      table.row(cells(measurements[end]));
      remarks += notes(measurements[end], style, indent);
    }
    const int line = measurements[first].permutation_line;
    text += fmt::format("{}{:>{}}{}{}\n", first == 0 ? "" : "\n", "", indent, style.bold(measurements[first].spec),
                        line > 0 ? style.dim(fmt::format("  permutation of line {}; medians", line)) : style.dim("  sessions taking turns; medians"));
    text += table.render(style, indent) + remarks;
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
