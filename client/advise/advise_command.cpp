#include "advise/advise_command.h"

#include "advise/advice_text.h"
#include "advise/index_advice.h"
#include "base/error.h"
#include "base/file_text.h"
#include "terminal/json_answer.h"
#include "terminal/progress.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>

namespace dbperf::client::advise {
using namespace base;
using namespace cli;
using namespace terminal;

namespace {

constexpr std::string_view workload_prefix = "run:";

struct AdviseOptions {
    std::string from;
    std::string queries;
    std::string workload; // run:LABEL
    std::string statistics;
    std::vector<std::string> indexes; // to try instead
    int max_indexes = 0;              // 0: no bound
    std::string max_size;
    int samples = 40;
    std::string statement_timeout = "1min";
    std::string output;
};

void advise_options(OptionList &list, AdviseOptions &options) {
    list.text("--from", "DATABASE", options.from, "database to advise on (default: the one of the connection)");
    list.text("--queries", "PATH", options.queries, "folder or file of monitored queries");
    list.text("--workload", "run:LABEL", options.workload, "statements that this run observed, with their frequencies");
    list.text("--statistics", "FILE", options.statistics,
              "plan with another server's statistics; nothing is built or measured then");
    list.texts("--index", "DDL", options.indexes, "measure this CREATE INDEX instead; may be given again");
    list.number("--max-indexes", "N", options.max_indexes, 1000, "advise at most so many (default: no bound)");
    list.text("--max-size", "BYTES", options.max_size,
              "size of all advised indexes together, with kB, MB or GB (default: no bound)");
    list.count("--samples", options.samples, 100000, "least executions of each query on each side, in pairs");
    list.text("--statement-timeout", "TIME", options.statement_timeout,
              "a query that takes longer is cancelled and judged by that (default: 1min)");
    list.text("--output", "FILE", options.output, "write what is advised as a migration");
}

long long bytes_of(const std::string &text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit =
        trim(std::string_view(end, static_cast<std::size_t>(text.data() + text.size() - end)));
    constexpr double kilo = 1024;
    const double factor = unit.empty() || unit == "B" ? 1
                          : unit == "kB"              ? kilo
                          : unit == "MB"              ? kilo * kilo
                          : unit == "GB"              ? kilo * kilo * kilo
                                                      : 0;
    if (error != std::errc() || factor == 0 || !(number >= 0) || number * factor > 1e15)
        throw usage_error(fmt::format("--max-size {}: not a size", text), "write it as 500000, 64MB or 2GB");
    return static_cast<long long>(number * factor);
}

void check(const AdviseOptions &options) {
    if (!options.workload.empty() && !options.queries.empty())
        throw usage_error("either --queries or --workload, not both");
    if (!options.workload.empty() &&
        (!options.workload.starts_with(workload_prefix) || options.workload.size() == workload_prefix.size()))
        throw usage_error(fmt::format("\"{}\" names no workload", options.workload),
                          "write --workload run:LABEL, with the label of a finished run");
    if (!options.statistics.empty() && !options.indexes.empty())
        throw usage_error("either --statistics or --index, not both", "what is planned only can't be measured");
}

int advise(const Context &context, const AdviseOptions &options) {
    check(options);
    AdviceRequest request;
    request.from = options.from;
    if (options.workload.empty())
        request.queries = monitored_queries(context, options.queries);
    else
        request.run = options.workload.substr(workload_prefix.size());
    request.statistics = options.statistics;
    request.indexes = options.indexes;
    if (options.max_indexes > 0)
        request.bounds.max_indexes = options.max_indexes;
    if (!options.max_size.empty())
        request.bounds.max_size = bytes_of(options.max_size);
    request.samples = options.samples;
    request.statement_timeout = options.statement_timeout;
    request.threshold_ms = context.project.slow_query_threshold_ms;
    Progress progress(context.options.output);
    const AdviceReport report = advise_indexes(context.target, request, progress);
    const std::string migration = advice_migration(report);
    if (!options.output.empty() && !migration.empty())
        write_file(options.output, migration, Readers::as_umask_says);
    if (context.json())
        print_json(advice_json(report));
    else if (context.options.output.format == OutputFormat::markdown)
        fmt::print("{}", advice_markdown(report));
    else
        fmt::print("{}", render_advice(report, context.style));
    return migration.empty() ? 0 : static_cast<int>(ExitCode::findings);
}

} // namespace

const Command advise_command = {
    "advise", "indexes that a workload should have, each proved in a copy",
    "dbperf advise [OPTIONS] [--from DATABASE] [--queries DIR | --workload run:LABEL]\n"
    "        [--max-indexes N] [--max-size BYTES] [--output FILE] [--format text|json|markdown]\n\n"
    "Candidates are planned, the best are built in a copy, and the workload is executed with and without them in\n"
    "turns, its writes too. Exit code 1 when an index is advised. The database itself stays as it is.",
    with_options<AdviseOptions, advise_options, advise>, true};

} // namespace dbperf::client::advise
