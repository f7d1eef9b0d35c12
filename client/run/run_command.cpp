#include "run/run_command.h"

#include "base/error.h"
#include "postgres/installed_dbperf.h"
#include "results_database/send.h"
#include "run/budget_text.h"
#include "run/call_growth.h"
#include "run/call_growth_text.h"
#include "run/command_environment.h"
#include "run/observed_run.h"
#include "run/run_report_text.h"
#include "run/scaled_runs.h"
#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace dbperf::client::run {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace queries;
using namespace cli;
using namespace results_database;

namespace {

struct RunOptions {
    std::string label;
    std::string queries; // a folder or one file; empty: run the command
    std::vector<std::string> command;
    std::optional<std::string> scale; // sizes of the data, as 1,2,4
    std::string seed;                 // for sh, before the command at each size
    int repeat = 100;
    ResultsOptions results;
};

void run_options(OptionList &list, RunOptions &options) {
    list.text("--label", "LABEL", options.label, "name of the run (default: from the time)");
    list.text("--queries", "PATH", options.queries, "execute the monitored queries of this folder or file");
    list.count("--repeat", options.repeat, 1000000, "executions of each monitored query");
    list.text("--scale", "N,N,...", options.scale,
              "run the command once for each size of the data; report which calls grow");
    list.text("--seed", "SEED", options.seed,
              "shell command that makes the data of a size, not counted (with --scale)");
    send_options(list, options.results);
    list.command(options.command);
}

int run_given_command(const Context &context, const RunOptions &options, const std::string &label) {
    std::string database;
    Connection results = open_results(context.target, &database);
    store_project_budgets(context, results);
    const int status = observe_command(results, label, options.command, context.command_output(),
                                       command_environment(context.target, results, database, process_environment));
    const RunReport report = load_run_report(results, label, {"", std::nullopt, context.project.unit_budgets});
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

int run_queries(const Context &context, const RunOptions &options, const std::string &label) {
    const std::vector<MonitoredQuery> queries = monitored_queries(context, options.queries);
    Connection results = open_results(context.target);
    Progress progress(context.options.output);
    run_monitored_queries(context.target, results, queries, label, options.repeat,
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

// What may be wrong with the measurement itself.
void warn_of_doubts(const SizedRuns &observed, const std::vector<SizedStatement> &statements, bool seeded) {
    if (all_runs_alike(observed.counts))
        print_warning("every size gave the same calls and rows; does the data follow DBPERF_SCALE?");
    const bool inserts = std::any_of(statements.begin(), statements.end(), [](const SizedStatement &each) {
        return each.growth == Growth::grows && each.query.starts_with("INSERT");
    });
    if (inserts && !seeded)
        print_warning("an INSERT grows; if it makes the data of a size, it belongs to --seed, which is not counted");
}

int run_at_sizes(const Context &context, const RunOptions &options, const std::string &label) {
    const Sizes sizes = parse_sizes(*options.scale);
    std::string database;
    Connection results = open_results(context.target, &database);
    store_project_budgets(context, results);
    const SizedRuns observed =
        observe_at_sizes(results, label,
                         {options.command, options.seed, sizes, context.command_output(),
                          command_environment(context.target, results, database, process_environment)});
    std::vector<SizedStatement> statements;
    if (observed.status == 0) {
        statements = judge_statements(sizes, observed.counts, threshold_of_repetition(results));
        if (statements.empty())
            throw environment_error("the command executed no query at any size",
                                    "let it work on the server that dbperf is connected to");
    }
    if (context.json())
        print_json({{"run", label},
                    {"sizes", sizes},
                    {"command_status", observed.status},
                    {"statements", growth_json(sizes, statements)}});
    if (observed.status != 0) {
        print_warning(fmt::format("the command ended with status {} at size {}", observed.status,
                                  sizes[observed.counts.size() - 1]));
        return observed.status;
    }
    if (!context.json())
        fmt::print("\n{}", render_growth(label, sizes, statements, context.style, context.options.output.verbose));
    warn_of_doubts(observed, statements, !options.seed.empty());
    return statements.front().growth == Growth::grows ? static_cast<int>(ExitCode::findings) : 0;
}

int run(const Context &context, const RunOptions &options) {
    if (options.scale && options.command.empty())
        throw usage_error("--scale needs a command to run at each size", "give it after \"--\"");
    if (!options.seed.empty() && !options.scale)
        throw usage_error("--seed goes together with --scale", "name the sizes, such as --scale 1,2,4");
    const std::string label = options.label.empty() ? default_label() : options.label;
    if (!options.command.empty()) {
        if (!options.queries.empty())
            throw usage_error("either --queries or a command, not both");
        return send_results(context, options.results, label,
                            options.scale ? run_at_sizes(context, options, label)
                                          : run_given_command(context, options, label));
    }
    if (options.queries.empty() && context.project.queries.empty())
        throw usage_error("nothing to run", "give a command after \"--\", or monitored queries with --queries");
    return send_results(context, options.results, label, run_queries(context, options, label));
}

} // namespace

const Command run_command = {
    "run", "observe a command, or execute the monitored queries",
    "dbperf run [OPTIONS] -- COMMAND...\ndbperf run [OPTIONS] --queries DIR\n"
    "dbperf run [OPTIONS] --scale 1,2,4 [--seed SEED] -- COMMAND...\n\n"
    "With --scale the environment variable DBPERF_SCALE says to SEED and COMMAND which size it is: how much\n"
    "data that means is theirs to say. Each size is stored as a run of its own, LABEL@1, LABEL@2, LABEL@4.\n"
    "Exit code 1 when a statement is called more often the more data there is.",
    with_options<RunOptions, run_options, run>};

} // namespace dbperf::client::run
