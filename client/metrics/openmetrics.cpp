#include "metrics/openmetrics.h"

#include "terminal/visible.h"

#include <fmt/format.h>

#include <cmath>

namespace dbperf::client::metrics {
using namespace terminal;

namespace {

std::string escaped_label(std::string_view text) {
    std::string result;
    for (const char c : visible(text)) {
        if (c == '\\' || c == '"')
            result += '\\';
        result += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return result;
}

std::string value_text(double value) {
    if (std::isnan(value))
        return "NaN";
    if (std::isinf(value))
        return value > 0 ? "+Inf" : "-Inf";
    return value == std::floor(value) && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value)
                                                                : fmt::format("{}", value);
}

std::string_view type_name(MetricType type) {
    return type == MetricType::counter ? "counter" : type == MetricType::gauge ? "gauge" : "histogram";
}

std::string labels_text(const MetricSample &sample) {
    std::string text;
    for (const auto &[name, value] : sample.labels)
        text += fmt::format("{}{}=\"{}\"", text.empty() ? "{" : ",", name, escaped_label(value));
    return text.empty() ? "" : text + "}";
}

} // namespace

std::string metrics_text(const std::vector<MetricFamily> &families, MetricsDialect dialect) {
    const bool open = dialect == MetricsDialect::openmetrics;
    std::string text;
    for (const MetricFamily &family : families) {
        // The older format knows a counter by the name of its samples.
        const std::string name = family.name + (!open && family.type == MetricType::counter ? "_total" : "");
        text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, type_name(family.type));
        // A unit is the end of the name, which that of some counters cannot be.
        if (open && !family.unit.empty() && family.name.ends_with("_" + family.unit))
            text += fmt::format("# UNIT {} {}\n", name, family.unit);
        for (const MetricSample &sample : family.samples)
            text +=
                fmt::format("{}{}{} {}\n", family.name, sample.suffix, labels_text(sample), value_text(sample.value));
    }
    return open ? text + "# EOF\n" : text;
}

std::string metrics_content_type(MetricsDialect dialect) {
    return dialect == MetricsDialect::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                  : "text/plain; version=0.0.4; charset=utf-8";
}

MetricsDialect accepted_dialect(std::string_view accept) {
    return accept.find("application/openmetrics-text") != std::string_view::npos ? MetricsDialect::openmetrics
                                                                                 : MetricsDialect::prometheus;
}

} // namespace dbperf::client::metrics
