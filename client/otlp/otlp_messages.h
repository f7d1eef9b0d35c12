// Owns what a run looks like as OpenTelemetry's spans and logs, in OTLP's JSON. It knows no server and no collector.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::otlp {

struct RunSignal {
    std::string label, run_id; // a UUID
    std::string service;       // name of what is observed
    std::string version;       // of dbperf
    bool passed = false;
    long long began_us = 0, ended_us = 0; // since 1970
};

struct FindingSignal {
    std::string kind, outcome, severity; // severity: error, warning, notice
    std::string reason, query, short_query, database, suggestion, call_site, file, evidence;
    int line = 0;
    std::string traceparent;           // of the request; "" when it is not known
    std::optional<long long> began_us; // only of what took a time that is known
    double took_ms = 0;
    long long calls = 0;
};

struct PlanSignal {
    std::string plan_id, query_name, query, short_query, database, role, reason, plan; // plan: EXPLAIN's JSON
    std::string traceparent;
    long long ended_us = 0, rows = 0, blocks = 0;
    double exec_ms = 0;
    bool aborted = false;
};

struct RunSignals {
    RunSignal run;
    std::vector<FindingSignal> findings;
    std::vector<PlanSignal> plans;
};

// Bodies of requests and how many spans or records they hold in all.
struct OtlpBodies {
    std::vector<std::string> bodies;
    std::size_t items = 0;
};

// A span for the run, whose trace is its id, for each finding that took a time, and for each plan. What has a trace
// context is in the trace of its request, below its span. The same run gives the same ids.
OtlpBodies span_bodies(const RunSignals &signals);

// A record for each finding.
OtlpBodies log_bodies(const RunSignals &signals);

} // namespace dbperf::client::otlp
