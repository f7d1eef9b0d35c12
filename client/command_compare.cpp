// dbperf compare: judges a migration on two copies of a database, or two stored runs.
#include "command.h"
#include "drive_comparison.h"
#include "drive_requirements.h"
#include "error.h"
#include "output_comparison.h"
#include "output_figures.h"
#include "output_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client {
namespace {

constexpr std::string_view workload_prefix = "run:";

struct Outcome {
    std::string baseline;
    std::string candidate;
    std::vector<ComparedQuery> queries;
    std::string title;
    std::vector<LeftOutQuery> left_out;
};

Outcome compare_stored_runs(const Context &context) {
    const CompareOptions &options = context.options.compare;
    Connection results = open_results(context.target);
    return {options.baseline,
            options.candidate,
            load_comparison(results, options.baseline, options.candidate, ComparisonScope::every_query),
            fmt::format("{} -> {}", options.baseline, options.candidate),
            {}};
}

Outcome compare_with_migrations(const Context &context) {
    const CompareOptions &options = context.options.compare;
    ComparisonRequest request;
    request.from = options.from;
    if (options.workload.empty())
        request.queries = monitored_queries(context, options.queries);
    else
        request.workload = options.workload.substr(workload_prefix.size());
    request.samples = options.samples;
    request.threshold_ms = context.project.slow_query_threshold_ms;
    for (const std::string &file : options.migrations)
        request.migrations.push_back(load_migration(file));
    Progress progress(context.options.output);
    MigrationComparison comparison = compare_migration(context.target, request, progress);
    return {comparison.baseline, comparison.candidate, std::move(comparison.queries),
            fmt::format("{}, applied in {}", fmt::join(options.migrations, ", "), format_ms(comparison.migration_ms)),
            std::move(comparison.left_out)};
}

} // namespace

int command_compare(const Context &context) {
    const CompareOptions &options = context.options.compare;
    const bool stored = !options.baseline.empty() || !options.candidate.empty();
    if (stored && !options.migrations.empty())
        throw usage_error("either --migration or --baseline and --candidate, not both");
    if (stored && (options.baseline.empty() || options.candidate.empty()))
        throw usage_error("--baseline and --candidate go together");
    if (stored && !options.workload.empty())
        throw usage_error("either --workload, with --migration, or --baseline and --candidate, not both");
    if (!options.workload.empty() && !options.queries.empty())
        throw usage_error("either --queries or --workload, not both");
    if (!options.workload.empty() &&
        (!options.workload.starts_with(workload_prefix) || options.workload.size() == workload_prefix.size()))
        throw usage_error(fmt::format("\"{}\" names no workload", options.workload),
                          "write --workload run:LABEL, with the label of a finished run");
    if (!stored && options.migrations.empty())
        throw usage_error("nothing to compare",
                          "name a migration with --migration, or two stored runs with --baseline and --candidate");

    const Outcome outcome = stored ? compare_stored_runs(context) : compare_with_migrations(context);
    const int regressed = count_regressed(outcome.queries);
    if (context.json()) {
        print_json({{"baseline", outcome.baseline},
                    {"candidate", outcome.candidate},
                    {"regressed", regressed},
                    {"queries", comparison_json(outcome.queries)},
                    {"left_out", left_out_json(outcome.left_out)}});
    } else {
        fmt::print("{}\n\n{}", context.style.bold(outcome.title),
                   render_comparison(outcome.queries, context.style, 0, context.options.output.verbose));
        fmt::print("{}", render_left_out(outcome.left_out, context.style));
        fmt::print("\n{}\n", regressed > 0
                                 ? context.style.bad(plural(regressed, "query", "queries") + " regressed")
                                 : plural(static_cast<long long>(outcome.queries.size()), "query", "queries") +
                                       " compared, none regressed");
    }
    return regressed > 0 ? static_cast<int>(ExitCode::findings) : 0;
}

} // namespace dbperf::client
