#include "metrics/export_command.h"

#include "base/environment.h"
#include "base/error.h"
#include "base/file_text.h"
#include "base/json_value.h"
#include "findings/load_check.h"
#include "metrics/background_result.h"
#include "metrics/http_server.h"
#include "metrics/metrics.h"
#include "metrics/openmetrics.h"
#include "otlp/collector_client.h"
#include "otlp/run_signals.h"
#include "postgres/installed_dbperf.h"
#include "terminal/json_answer.h"
#include "terminal/table.h"
#include "terminal/style.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <map>
#include <optional>

namespace dbperf::client::metrics {
using namespace base;
using namespace postgres;
using namespace cli;
using namespace findings;
using namespace otlp;
using namespace terminal;

namespace {

struct ExportOptions {
    std::string openmetrics; // file
    std::string prometheus;  // file, in the older format
    std::string listen;      // address
    std::string otlp;        // URL
    std::string run;
};

void export_options(OptionList &list, ExportOptions &options) {
    list.text("--openmetrics", "FILE", options.openmetrics, "write them into this file and end");
    list.text("--prometheus", "FILE", options.prometheus,
              "the same in the older text format, as node_exporter's textfile collector wants it");
    list.text("--listen", "ADDRESS", options.listen,
              "serve them at /metrics until stopped: a port, HOST:PORT or [IPV6]:PORT (host: 127.0.0.1)");
    list.text("--otlp", "URL", options.otlp,
              "send findings and slow plans of a run as spans and logs to this OpenTelemetry collector and end");
    list.text("--run", "LABEL", options.run, "label of the run (default: the latest finished one)");
}

bool has_finished_run(Connection &results) {
    return results.execute("SELECT 1 FROM dbperf.runs WHERE state = 'finished' LIMIT 1").rows() > 0;
}

std::vector<MetricFamily> load_metrics(const Context &context, const std::string &label, Connection &results) {
    std::vector<MetricFamily> families = load_server_metrics(results);
    if (label.empty() && !has_finished_run(results))
        return families;
    CheckRequest request;
    request.label = label;
    request.slow_query_threshold_ms = context.project.slow_query_threshold_ms;
    request.unit_budgets = context.project.unit_budgets;
    for (MetricFamily &family : load_run_metrics(results, load_check(results, request)))
        families.push_back(std::move(family));
    return families;
}

constexpr std::chrono::seconds max_age{60};
constexpr std::chrono::milliseconds patience{850}; // of a client that asked

// In each dialect; nothing when they could not be read.
using MetricsTexts = std::optional<std::map<MetricsDialect, std::string>>;

// No statement of the exporter's works for long for somebody who asks no more, and a server that does not answer any
// more is no reason to wait for hours.
Connection open_for_scraping(ConnectionTarget target) {
    target.parameters.emplace_back("tcp_user_timeout", "10000");
    Connection results = open_results(target);
    results.execute("SET statement_timeout = '5s'");
    return results;
}

class MetricsReader {
public:
    MetricsReader(const Context &context, const std::string &label)
        : context_(context), label_(label), results_(open_for_scraping(context.target)) {}

    MetricsTexts read() noexcept {
        try {
            if (!results_)
                results_.emplace(open_for_scraping(context_.target));
            const std::vector<MetricFamily> metrics = load_metrics(context_, label_, *results_);
            std::map<MetricsDialect, std::string> texts;
            for (const MetricsDialect dialect : {MetricsDialect::openmetrics, MetricsDialect::prometheus})
                texts[dialect] = metrics_text(metrics, dialect);
            return texts;
        } catch (const std::exception &error) {
            results_.reset(); // it may be the connection: the next request tries a new one
            const auto *known = dynamic_cast<const Error *>(&error);
            if (known == nullptr || known->code() != ExitCode::interrupted)
                print_warning(error.what());
            return std::nullopt;
        }
    }

private:
    const Context &context_;
    const std::string label_;
    std::optional<Connection> results_;
};

void serve(const Context &context, const ExportOptions &options) {
    const ListenAddress address = parse_listen_address(options.listen);
    MetricsReader reader(context, options.run);
    HttpServer server(address);
    BackgroundResult<MetricsTexts> metrics([&reader] { return reader.read(); });
    metrics.ask(); // the first time takes longer
    fmt::print("{}/metrics\n", server.url());
    std::fflush(stdout);
    const auto as_text = [](std::string text, int status) {
        return HttpAnswer{status, "text/plain; charset=utf-8", std::move(text), 0};
    };
    const auto answer_with = [&](const MetricsTexts &texts, MetricsDialect dialect, std::chrono::seconds age) {
        if (!texts)
            return as_text("the metrics cannot be read now; the exporter's log says why\n", 503);
        return HttpAnswer{200, metrics_content_type(dialect), texts->at(dialect), static_cast<int>(age.count())};
    };
    server.serve([&](const HttpRequest &request, bool may_wait) {
        if (request.path != "/metrics")
            return as_text("metrics are at /metrics\n", 404);
        const MetricsDialect dialect = accepted_dialect(request.accept);
        if (const auto result = metrics.wait(metrics.ask(), may_wait ? patience : std::chrono::milliseconds(0)))
            return answer_with(*result, dialect, std::chrono::seconds(0));
        if (const auto [late, age] = metrics.untaken(); late && *late && age <= max_age)
            return answer_with(*late, dialect, age);
        return as_text("the server takes long to give its metrics\n", 503);
    });
}

// What a collector refused of a request that it took.
void warn_of_rejected(const std::string &answer) {
    const nlohmann::json json = nlohmann::json::parse(answer, nullptr, false);
    if (!json.is_object() || !json.contains("partialSuccess") || !json["partialSuccess"].is_object())
        return;
    const std::string message = member_text(json["partialSuccess"], "errorMessage");
    for (const char *name : {"rejectedSpans", "rejectedLogRecords"}) {
        const auto number = json["partialSuccess"].find(name);
        if (number != json["partialSuccess"].end() && *number != 0 && *number != "0")
            print_warning(fmt::format("the collector refused some: {} {}: {}", name, number->dump(),
                                      one_line(message.substr(0, 300))));
    }
}

int send_to_collector(const Context &context, const ExportOptions &options) {
    CollectorClient collector(parse_collector_address(options.otlp),
                              parse_headers(process_environment("OTEL_EXPORTER_OTLP_HEADERS").value_or("")));
    Connection results = open_results(context.target);
    CheckRequest request;
    request.label = options.run;
    request.slow_query_threshold_ms = context.project.slow_query_threshold_ms;
    request.warn_only = context.project.check.warn_only;
    const CheckReport report = load_check(results, request);
    const RunSignals signals = load_run_signals(results, report, request.slow_query_threshold_ms,
                                                process_environment("OTEL_SERVICE_NAME").value_or(""));
    const OtlpBodies spans = span_bodies(signals), logs = log_bodies(signals);
    for (const std::string &body : spans.bodies)
        warn_of_rejected(collector.post("/v1/traces", body));
    for (const std::string &body : logs.bodies)
        warn_of_rejected(collector.post("/v1/logs", body));
    if (context.json())
        print_json({{"run", report.run.label}, {"spans", spans.items}, {"logs", logs.items}});
    else if (!context.options.output.quiet)
        fmt::print("run {}: {} and {} sent to {}\n", one_line(report.run.label),
                   plural(static_cast<long long>(spans.items), "span", "spans"),
                   plural(static_cast<long long>(logs.items), "log record", "log records"), options.otlp);
    return 0;
}

int export_metrics(const Context &context, const ExportOptions &options) {
    if (!options.otlp.empty()) {
        if (!options.openmetrics.empty() || !options.prometheus.empty() || !options.listen.empty())
            throw usage_error("either --otlp, or files, or --listen");
        return send_to_collector(context, options);
    }
    const bool to_files = !options.openmetrics.empty() || !options.prometheus.empty();
    if (to_files != options.listen.empty())
        throw usage_error("either files or --listen are needed",
                          "--openmetrics FILE writes once, --listen ADDRESS serves until it is stopped, --otlp URL "
                          "sends a run to a collector");
    if (!to_files) {
        serve(context, options);
        return 0;
    }
    Connection results = open_results(context.target);
    const std::vector<MetricFamily> metrics = load_metrics(context, options.run, results);
    if (!options.openmetrics.empty())
        write_file(options.openmetrics, metrics_text(metrics, MetricsDialect::openmetrics), Readers::as_umask_says);
    if (!options.prometheus.empty())
        write_file(options.prometheus, metrics_text(metrics, MetricsDialect::prometheus), Readers::as_umask_says);
    return 0;
}

} // namespace

const Command export_command = {
    "export", "metrics for Prometheus and its like, findings for OpenTelemetry",
    "dbperf export [OPTIONS] [--openmetrics FILE] [--prometheus FILE]\ndbperf export [OPTIONS] --listen ADDRESS\n"
    "dbperf export [OPTIONS] --otlp URL [--run LABEL]\n\n"
    "Metrics are what the server observed outside runs, as counters, and what the latest finished run was. With\n"
    "--otlp a run is sent as spans and logs over OTLP/HTTP in JSON, what carried a traceparent in the trace of its\n"
    "request. OTEL_EXPORTER_OTLP_HEADERS and OTEL_SERVICE_NAME are heeded.",
    with_options<ExportOptions, export_options, export_metrics>};

} // namespace dbperf::client::metrics
