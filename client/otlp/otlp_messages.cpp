#include "otlp/otlp_messages.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>
#include <utility>

namespace dbperf::client::otlp {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t max_items = 200;        // of a request
constexpr std::size_t max_text_bytes = 16384; // collectors refuse what is much longer
constexpr std::size_t max_name_bytes = 120;

// Of the protocol's enumerations.
constexpr int kind_internal = 1, kind_server = 2;
constexpr int status_error = 2;
constexpr int severity_info = 9, severity_warning = 13, severity_error = 17;
constexpr int is_sampled = 1;

std::string cut(const std::string &text, std::size_t bytes) {
    if (text.size() <= bytes)
        return text;
    std::size_t end = bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    return text.substr(0, end) + "...";
}

// FNV-1a, and never the id of nothing.
std::string span_id(const std::string &what) {
    unsigned long long hash = 14695981039346656037ULL;
    for (const char c : what)
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return fmt::format("{:016x}", hash == 0 ? 1 : hash);
}

std::string nanoseconds(long long microseconds) {
    return std::to_string(std::max(0LL, microseconds)) + "000";
}

Json attribute(std::string_view key, Json value) {
    return {{"key", key}, {"value", std::move(value)}};
}

class Attributes {
public:
    Attributes &text(std::string_view key, const std::string &value) {
        if (!value.empty())
            list_.push_back(attribute(key, {{"stringValue", cut(value, max_text_bytes)}}));
        return *this;
    }
    Attributes &whole(std::string_view key, long long value) { // 64 bits are strings in JSON
        list_.push_back(attribute(key, {{"intValue", std::to_string(value)}}));
        return *this;
    }
    Attributes &number(std::string_view key, double value) {
        if (std::isfinite(value))
            list_.push_back(attribute(key, {{"doubleValue", value}}));
        return *this;
    }
    Attributes &flag(std::string_view key, bool value) {
        list_.push_back(attribute(key, {{"boolValue", value}}));
        return *this;
    }
    Json take() { return std::move(list_); }

private:
    Json list_ = Json::array();
};

// Where a span or record belongs.
struct Place {
    std::string trace, parent;
    bool is_of_request = false;
};

Place run_place(const RunSignal &run) {
    std::string trace;
    for (const char c : run.run_id)
        if (std::isxdigit(static_cast<unsigned char>(c)) != 0)
            trace += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    trace.resize(32, '0');
    if (trace.find_first_not_of('0') == std::string::npos)
        trace.back() = '1';
    return {trace, span_id("run " + run.run_id), false};
}

// A trace context is stored only when it is one: "00-<32>-<16>-<2>".
Place place_of(const RunSignal &run, const std::string &traceparent) {
    if (traceparent.size() != 55)
        return run_place(run);
    return {traceparent.substr(3, 32), traceparent.substr(36, 16), true};
}

std::string finding_span(const RunSignal &run, const FindingSignal &finding, std::size_t number) {
    return span_id(fmt::format("finding {} {} {} {}", run.run_id, finding.kind, finding.evidence,
                               finding.evidence.empty() ? std::to_string(number) : ""));
}

Json finding_attributes(const RunSignal &run, const FindingSignal &finding) {
    Attributes attributes;
    attributes.text("db.system.name", "postgresql")
        .text("db.namespace", finding.database)
        .text("db.query.text", finding.query)
        .text("db.query.summary", cut(finding.short_query, max_name_bytes))
        .text("code.file.path", finding.file)
        .text("dbperf.run", run.label)
        .text("dbperf.finding.kind", finding.kind)
        .text("dbperf.finding.outcome", finding.outcome)
        .text("dbperf.finding.call_site", finding.call_site)
        .text("dbperf.finding.suggestion", finding.suggestion);
    if (finding.line > 0)
        attributes.whole("code.line.number", finding.line);
    if (finding.calls > 0)
        attributes.whole("dbperf.finding.calls", finding.calls);
    return attributes.take();
}

Json span_at(const Place &place, const std::string &id, const std::string &name, int kind, long long began_us,
             long long ended_us) {
    Json span = {{"traceId", place.trace}, {"spanId", id}};
    if (!place.parent.empty())
        span["parentSpanId"] = place.parent;
    span["flags"] = is_sampled;
    span["name"] = cut(name, max_name_bytes);
    span["kind"] = kind;
    span["startTimeUnixNano"] = nanoseconds(std::min(began_us, ended_us));
    span["endTimeUnixNano"] = nanoseconds(ended_us);
    return span;
}

// To the run, from a span of a request.
void link_to_run(const RunSignal &run, const Place &place, Json &span) {
    if (!place.is_of_request)
        return;
    const Place own = run_place(run);
    span["links"] = {{{"traceId", own.trace}, {"spanId", own.parent}, {"attributes", Json::array()}}};
}

Json run_span(const RunSignals &signals) {
    const RunSignal &run = signals.run;
    Place place = run_place(run);
    const std::string id = std::exchange(place.parent, "");
    Json span = span_at(place, id, "dbperf run " + run.label, kind_internal, run.began_us, run.ended_us);
    Attributes attributes;
    attributes.text("dbperf.run", run.label)
        .text("dbperf.run.id", run.run_id)
        .flag("dbperf.run.passed", run.passed)
        .whole("dbperf.run.findings", static_cast<long long>(signals.findings.size()));
    span["attributes"] = attributes.take();
    return span;
}

Json finding_span_json(const RunSignal &run, const FindingSignal &finding, std::size_t number) {
    const Place place = place_of(run, finding.traceparent);
    const long long began = finding.began_us.value_or(run.began_us);
    Json span = span_at(place, finding_span(run, finding, number), "dbperf " + finding.kind, kind_server, began,
                        began + static_cast<long long>(std::max(0.0, finding.took_ms) * 1000));
    span["attributes"] = finding_attributes(run, finding);
    link_to_run(run, place, span);
    if (finding.outcome == "failed")
        span["status"] = {{"code", status_error}, {"message", cut(finding.reason, 1000)}};
    return span;
}

Json plan_span_json(const RunSignal &run, const PlanSignal &plan) {
    const Place place = place_of(run, plan.traceparent);
    Json span = span_at(place, span_id(fmt::format("plan {} {}", run.run_id, plan.plan_id)),
                        plan.query_name.empty() ? plan.short_query : plan.query_name, kind_server,
                        plan.ended_us - static_cast<long long>(std::max(0.0, plan.exec_ms) * 1000), plan.ended_us);
    Attributes attributes;
    attributes.text("db.system.name", "postgresql")
        .text("db.namespace", plan.database)
        .text("db.query.text", plan.query)
        .text("db.query.summary", cut(plan.short_query, max_name_bytes))
        .whole("db.response.returned_rows", plan.rows)
        .text("dbperf.run", run.label)
        .text("dbperf.role", plan.role)
        .text("dbperf.query_name", plan.query_name)
        .text("dbperf.plan.id", plan.plan_id)
        .text("dbperf.plan.reason", plan.reason)
        .text("dbperf.plan.json", plan.plan)
        .whole("dbperf.plan.shared_blocks", plan.blocks);
    span["attributes"] = attributes.take();
    link_to_run(run, place, span);
    if (plan.aborted)
        span["status"] = {{"code", status_error}, {"message", "failed or cancelled"}};
    return span;
}

Json record_json(const RunSignal &run, const FindingSignal &finding, std::size_t number) {
    const int severity = finding.severity == "error"     ? severity_error
                         : finding.severity == "warning" ? severity_warning
                                                         : severity_info;
    const Place place = place_of(run, finding.traceparent);
    return {{"timeUnixNano", nanoseconds(finding.began_us.value_or(run.ended_us))},
            {"observedTimeUnixNano", nanoseconds(run.ended_us)},
            {"severityNumber", severity},
            {"severityText", severity == severity_error     ? "ERROR"
                             : severity == severity_warning ? "WARN"
                                                            : "INFO"},
            {"eventName", "dbperf.finding"},
            {"body", {{"stringValue", cut(finding.reason, max_text_bytes)}}},
            {"attributes", finding_attributes(run, finding)},
            {"flags", is_sampled},
            {"traceId", place.trace},
            {"spanId", finding.began_us ? finding_span(run, finding, number) : place.parent}};
}

Json resource_of(const RunSignal &run) {
    Attributes attributes;
    attributes.text("service.name", run.service).text("telemetry.sdk.name", "dbperf");
    attributes.text("telemetry.sdk.version", run.version).text("telemetry.sdk.language", "cpp");
    return {{"attributes", attributes.take()}};
}

OtlpBodies bodies_of(const RunSignal &run, std::vector<Json> items, const char *outer, const char *inner,
                     const char *list) {
    OtlpBodies result;
    result.items = items.size();
    for (std::size_t at = 0; at < items.size(); at += max_items) {
        Json part = Json::array();
        for (std::size_t i = at; i < std::min(items.size(), at + max_items); ++i)
            part.push_back(std::move(items[i]));
        const Json scoped = {{"scope", {{"name", "dbperf"}, {"version", run.version}}}, {list, std::move(part)}};
        const Json body = {{outer, {{{"resource", resource_of(run)}, {inner, {scoped}}}}}};
        result.bodies.push_back(body.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    return result;
}

} // namespace

OtlpBodies span_bodies(const RunSignals &signals) {
    std::vector<Json> spans = {run_span(signals)};
    for (std::size_t i = 0; i < signals.findings.size(); ++i)
        if (signals.findings[i].began_us)
            spans.push_back(finding_span_json(signals.run, signals.findings[i], i));
    for (const PlanSignal &each : signals.plans)
        spans.push_back(plan_span_json(signals.run, each));
    return bodies_of(signals.run, std::move(spans), "resourceSpans", "scopeSpans", "spans");
}

OtlpBodies log_bodies(const RunSignals &signals) {
    std::vector<Json> records;
    for (std::size_t i = 0; i < signals.findings.size(); ++i)
        records.push_back(record_json(signals.run, signals.findings[i], i));
    return bodies_of(signals.run, std::move(records), "resourceLogs", "scopeLogs", "logRecords");
}

} // namespace dbperf::client::otlp
