// dbperf run: observes a command, or executes the monitored queries.
#include "command.h"
#include "drive_requirements.h"
#include "drive_run.h"
#include "error.h"
#include "output_json.h"
#include "output_outcomes.h"
#include "output_run.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client {
namespace {

int run_command(const Context &context, const std::string &label) {
    Connection results = open_results(context.target);
    store_project_budgets(context, results);
    const int status = observe_command(results, label, context.options.run.command, context.command_output());
    const RunReport report = load_run_report(results, label);
    if (context.json()) {
        nlohmann::ordered_json json = run_json(report);
        json["command_status"] = status;
        print_json(json);
    } else if (!context.options.output.quiet) {
        fmt::print("\n{}", render_run(report, context.style));
    }
    if (status != 0)
        print_warning(fmt::format("the command ended with status {}", status));
    return status;
}

int run_queries(const Context &context, const std::string &label) {
    const std::vector<MonitoredQuery> queries = monitored_queries(context, context.options.run.queries);
    Connection results = open_results(context.target);
    Progress progress(context.options.output);
    run_monitored_queries(context.target, results, queries, label, context.options.run.repeat,
                          context.project.slow_query_threshold_ms, progress);
    const auto outcomes =
        query_outcomes(queries, load_named_statements(results, label), load_budget_verdicts(results, label));
    if (context.json())
        print_json({{"run", label}, {"queries", outcomes_json(outcomes)}});
    else
        fmt::print("{}\n{}", render_outcomes(outcomes, context.style, 0),
                   context.style.dim(fmt::format("stored as run \"{}\"\n", label)));
    return count_failed(outcomes) > 0 ? static_cast<int>(ExitCode::findings) : 0;
}

} // namespace

int command_run(const Context &context) {
    const RunOptions &options = context.options.run;
    const std::string label = options.label.empty() ? default_label() : options.label;
    if (!options.command.empty()) {
        if (!options.queries.empty())
            throw usage_error("either --queries or a command, not both");
        return run_command(context, label);
    }
    if (options.queries.empty() && context.project.queries.empty())
        throw usage_error("nothing to run", "give a command after \"--\", or monitored queries with --queries");
    return run_queries(context, label);
}

} // namespace dbperf::client
