// dbperf export: metrics for a monitoring system, into a file or for scraping.
#include "command.h"
#include "drive_http_server.h"
#include "drive_requirements.h"
#include "error.h"
#include "file_text.h"
#include "model_check.h"
#include "model_metrics.h"
#include "report_openmetrics.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

namespace dbperf::client {
namespace {

bool has_finished_run(Connection &results) {
    return results.execute("SELECT 1 FROM dbperf.runs WHERE state = 'finished' LIMIT 1").rows() > 0;
}

std::vector<MetricFamily> load_metrics(const Context &context, Connection &results) {
    std::vector<MetricFamily> families = load_server_metrics(results);
    const std::string &label = context.options.exporting.run;
    if (label.empty() && !has_finished_run(results))
        return families;
    CheckRequest request;
    request.label = label;
    request.slow_query_threshold_ms = context.project.slow_query_threshold_ms;
    for (MetricFamily &family : load_run_metrics(results, load_check(results, request)))
        families.push_back(std::move(family));
    return families;
}

void serve(const Context &context) {
    const ListenAddress address = parse_listen_address(context.options.exporting.listen);
    std::optional<Connection> results = open_results(context.target);
    HttpServer server(address);
    fmt::print("{}/metrics\n", server.url());
    std::fflush(stdout);
    server.serve([&](const HttpRequest &request) -> HttpAnswer {
        if (request.path != "/metrics")
            return {404, "text/plain; charset=utf-8", "metrics are at /metrics\n"};
        try {
            if (!results)
                results.emplace(open_results(context.target));
            const MetricsDialect dialect = accepted_dialect(request.accept);
            return {200, metrics_content_type(dialect), metrics_text(load_metrics(context, *results), dialect)};
        } catch (const Error &error) {
            if (error.code() == ExitCode::interrupted)
                return {};
            results.reset(); // it may be the connection: the next request tries a new one
            print_warning(error.what());
            return {503, "text/plain; charset=utf-8", "the metrics cannot be read now; the exporter's log says why\n"};
        }
    });
}

} // namespace

int command_export(const Context &context) {
    const ExportOptions &options = context.options.exporting;
    const bool to_files = !options.openmetrics.empty() || !options.prometheus.empty();
    if (to_files != options.listen.empty())
        throw usage_error("either files or --listen are needed",
                          "--openmetrics FILE writes once, --listen ADDRESS serves until it is stopped");
    if (!to_files) {
        serve(context);
        return 0;
    }
    Connection results = open_results(context.target);
    const std::vector<MetricFamily> metrics = load_metrics(context, results);
    if (!options.openmetrics.empty())
        write_file(options.openmetrics, metrics_text(metrics, MetricsDialect::openmetrics));
    if (!options.prometheus.empty())
        write_file(options.prometheus, metrics_text(metrics, MetricsDialect::prometheus));
    return 0;
}

} // namespace dbperf::client
