// Owns metrics as text: OpenMetrics 1.0, and the older text format of Prometheus that some readers want.
#pragma once

#include "metrics/metrics.h"

#include <string>
#include <vector>

namespace dbperf::client::metrics {

enum class MetricsDialect { openmetrics, prometheus };

std::string metrics_text(const std::vector<MetricFamily> &families, MetricsDialect dialect);
std::string metrics_content_type(MetricsDialect dialect);

// The dialect that an HTTP client asks for with its Accept header.
MetricsDialect accepted_dialect(std::string_view accept);

} // namespace dbperf::client::metrics
