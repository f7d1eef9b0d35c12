#include "reports/html_latency.h"

#include "reports/html_elements.h"
#include "terminal/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dbperf::client::reports {
using namespace terminal;

namespace {

constexpr int drawn_bins = 60;
constexpr double bars_height = 64; // of the bars, px
constexpr double top = 16;         // room for labels

struct LatencyLine {
    std::string name;
    double ms = 0;
};

std::vector<LatencyLine> limits_of(const QueryLatency &latency, std::optional<double> slow_ms) {
    std::vector<LatencyLine> lines;
    for (const LatencyLimit &limit : latency.limits) {
        const std::string metric = limit.metric.substr(0, limit.metric.find('_'));
        lines.push_back({"budget " + metric, limit.ms});
    }
    if (slow_ms && lines.empty())
        lines.push_back({"slow", *slow_ms});
    return lines;
}

// Where the scale has its numbers: powers of ten, or when there are few of them also 2 and 5.
std::vector<double> ticks_of(double low, double high) {
    std::vector<double> ticks;
    const bool many = std::log10(high / low) > 2;
    for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high; decade *= 10)
        for (const double step : {1.0, 2.0, 5.0})
            if ((step == 1 || !many) && decade * step >= low && decade * step <= high)
                ticks.push_back(decade * step);
    return ticks;
}

std::string tick_text(double ms) {
    return ms >= 1000 ? fmt::format("{:g} s", ms / 1000) : ms >= 0.001 ? fmt::format("{:g} ms", ms) : "0";
}

} // namespace

std::string html_distribution(const QueryLatency &latency, std::optional<double> slow_ms) {
    if (latency.buckets.empty())
        return {};
    const std::vector<LatencyLine> limits = limits_of(latency, slow_ms);
    double low = std::max(latency.buckets.front().low_ms, 1e-4);
    double high = latency.buckets.back().low_ms + latency.buckets.back().width_ms;
    for (const LatencyLine &each : limits)
        if (each.ms > 0) {
            low = std::min(low, each.ms);
            high = std::max(high, each.ms);
        }
    // A margin, so that no bar and no line is at the edge, and a scale for those that are all alike.
    const double margin = std::max(1.15, std::pow(high / low, 0.04));
    low /= margin;
    high *= margin;
    const double span = std::log(high / low);
    const auto position = [&](double ms) { return std::log(ms / low) / span; };
    const LatencyBins binned = log_bins(latency.buckets, low, high, drawn_bins);
    const double most = *std::max_element(binned.calls.begin(), binned.calls.end());
    double strictest = 0;
    for (const LatencyLine &each : limits)
        strictest = strictest == 0 ? each.ms : std::min(strictest, each.ms);
    std::string text;
    for (const double tick : ticks_of(low, high))
        text +=
            fmt::format("<line class=\"tick\" x1=\"{0}\" x2=\"{0}\" y1=\"{1}\" y2=\"{2}\"/>"
                        "<text class=\"tick\" x=\"{0}\" y=\"{3}\">{4}</text>",
                        html_percent(position(tick)), top, top + bars_height, top + bars_height + 14, tick_text(tick));
    for (std::size_t i = 0; i < binned.calls.size(); ++i) {
        if (binned.calls[i] <= 0)
            continue;
        const double size = std::max(2.0, bars_height * binned.calls[i] / most);
        text += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{:.1f}\" width=\"{}\" height=\"{:.1f}\"/>",
                            strictest > 0 && binned.bounds_ms[i] >= strictest * 0.999 ? "over" : "within",
                            html_percent(static_cast<double>(i) / drawn_bins + 0.001), top + bars_height - size,
                            html_percent(1.0 / drawn_bins - 0.002), size);
    }
    for (const LatencyLine &each : limits) {
        if (each.ms <= 0)
            continue;
        const double x = position(each.ms);
        text += fmt::format("<line class=\"limit\" x1=\"{0}\" x2=\"{0}\" y1=\"2\" y2=\"{1}\"/>"
                            "<text class=\"limit {2}\" x=\"{0}\" y=\"11\" dx=\"{3}\">{4} {5}</text>",
                            html_percent(x), top + bars_height, x > 0.6 ? "end" : "start", x > 0.6 ? -5 : 5, each.name,
                            html_text(format_ms(each.ms)));
    }
    return fmt::format("<svg class=\"distribution\" height=\"{}\" role=\"img\" aria-label=\"distribution of {} calls: "
                       "median {}, p95 {}, longest {}\">{}</svg>\n",
                       static_cast<int>(top + bars_height + 18), latency.calls, format_ms(latency.p50_ms),
                       format_ms(latency.p95_ms), format_ms(latency.max_ms), text);
}

std::string html_latency(const QueryLatency &latency, std::optional<double> slow_ms) {
    const std::string name = latency.name.empty() ? latency.query : latency.name;
    std::string text = fmt::format(
        "<details class=\"query\" data-text=\"{}\"><summary><span class=\"name\">{}</span><span class=\"numbers\">"
        "<span><small>calls</small> {}</span><span><small>median</small> {}</span><span><small>p95</small> {}</span>"
        "<span><small>max</small> {}</span></span></summary>\n<div class=\"body\">\n",
        html_line(name, 500), html_line(name), format_count(static_cast<double>(latency.calls)),
        format_ms(latency.p50_ms), format_ms(latency.p95_ms), format_ms(latency.max_ms));
    text += html_distribution(latency, slow_ms);
    text += html_facts({{"mean", format_ms(latency.mean_ms)},
                        {"p99", format_ms(latency.p99_ms)},
                        {"in all", format_ms(latency.total_ms)},
                        {"blocks a call", format_count(latency.blocks)},
                        {"rows a call", format_count(latency.rows)},
                        {"aborted", latency.aborted > 0 ? format_count(static_cast<double>(latency.aborted)) : ""},
                        {"fingerprint", latency.fingerprint}});
    return text + html_statement("Statement", latency.query) + "</div></details>\n";
}

} // namespace dbperf::client::reports
