// Owns the metrics that dbperf gives to a monitoring system: their names, types and values, as the server reports them.
// A label is a name or a fingerprint, never SQL and nothing that is new in every run.
#pragma once

#include "findings/judgement.h"
#include "postgres/connection.h"

#include <string>
#include <utility>
#include <vector>

namespace dbperf::client::metrics {

enum class MetricType { counter, gauge, histogram };

struct MetricSample {
    std::string suffix; // of the family's name: "", "_total", "_bucket", "_count", "_sum"
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
};

struct MetricFamily {
    std::string name; // of a counter without "_total"
    MetricType type = MetricType::gauge;
    std::string unit; // "" or the end of the name
    std::string help;
    std::vector<MetricSample> samples;
};

// What a finished run was: its result, its findings, its queries.
std::vector<MetricFamily> load_run_metrics(postgres::Connection &results, const findings::CheckReport &report);

// What the server observes outside runs, counted since it started or dbperf.reset(), and what dbperf itself lost.
std::vector<MetricFamily> load_server_metrics(postgres::Connection &connection);

} // namespace dbperf::client::metrics
