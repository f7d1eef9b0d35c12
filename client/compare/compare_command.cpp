#include "compare/compare_command.h"

#include "base/error.h"
#include "compare/comparison_text.h"
#include "compare/migration_comparison.h"
#include "compare/plan_diff_text.h"
#include "migration/migration_text.h"
#include "postgres/installed_dbperf.h"
#include "run/run_report_text.h"
#include "terminal/figures.h"
#include "terminal/json_answer.h"
#include "terminal/paragraph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <optional>

namespace dbperf::client::compare {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace queries;
using namespace cli;
using namespace migration;
using namespace run;

namespace {

constexpr std::string_view workload_prefix = "run:";

struct ComparedVersions {
    std::string baseline;
    std::string candidate;
    std::vector<ComparedQuery> queries;
    std::string title;
    std::optional<MigrationEffect> migration;
    std::vector<LeftOutQuery> left_out;
    std::vector<std::pair<std::string, Dropped>> dropped; // by which run
};

// What a run could not keep is not compared.
void add_dropped(const Context &context, ComparedVersions &outcome) {
    Connection results = open_results(context.target);
    for (const std::string &label : {outcome.baseline, outcome.candidate})
        for (Dropped &each : load_dropped(results, label))
            outcome.dropped.emplace_back(label, std::move(each));
}

ComparedVersions compare_stored_runs(const Context &context) {
    const CompareOptions &options = context.options.compare;
    Connection results = open_results(context.target);
    return {options.baseline,
            options.candidate,
            load_comparison(results, options.baseline, options.candidate, ComparisonScope::every_query),
            fmt::format("{} -> {}", options.baseline, options.candidate),
            std::nullopt,
            {},
            {}};
}

ComparedVersions compare_with_migrations(const Context &context) {
    const CompareOptions &options = context.options.compare;
    ComparisonRequest request;
    request.from = options.template_name.empty() ? options.from : options.template_name;
    if (options.workload.empty())
        request.queries = monitored_queries(context, options.queries);
    else
        request.workload = options.workload.substr(workload_prefix.size());
    request.samples = options.samples;
    request.statement_timeout = options.statement_timeout;
    request.lock_timeout = options.lock_timeout;
    request.threshold_ms = context.project.slow_query_threshold_ms;
    for (const std::string &file : options.migrations)
        request.migrations.push_back(load_migration(file));
    Progress progress(context.options.output);
    MigrationComparison comparison = compare_migration(context.target, request, progress);
    std::string title =
        fmt::format("{}, applied in {}", fmt::join(options.migrations, ", "), format_ms(comparison.migration.ms));
    return {comparison.baseline,
            comparison.candidate,
            std::move(comparison.queries),
            std::move(title),
            std::move(comparison.migration),
            std::move(comparison.left_out),
            {}};
}

std::string plans_of(Connection &results, const ComparedQuery &query, const Style &style) {
    if (!query.plan_before || !query.plan_after)
        return {};
    return render_plan_diff(align_plans(plan_lines(load_plan(results, *query.plan_before)),
                                        plan_lines(load_plan(results, *query.plan_after))),
                            style, 2);
}

void print_text(const Context &context, const ComparedVersions &outcome) {
    std::optional<Connection> results;
    ShowPlans show_plans;
    if (context.options.output.verbose) {
        results.emplace(open_results(context.target));
        show_plans = [&](const ComparedQuery &query) { return plans_of(*results, query, context.style); };
    }
    fmt::print("{}\n\n", context.style.bold(outcome.title));
    if (outcome.migration && !outcome.migration->statements.empty())
        fmt::print("{}\n", render_migration(*outcome.migration, context.style, 0));
    fmt::print("{}", render_comparison(outcome.queries, context.style, 0, show_plans));
    fmt::print("{}", render_left_out(outcome.left_out, context.style));
    for (const auto &[label, each] : outcome.dropped)
        fmt::print("{}", paragraph(context.style, 0, "incomplete", one_line(label + ": " + each.reason)));
    fmt::print("\n{}\n", summarize_comparison(outcome.queries, context.style));
}

} // namespace

int compare_command(const Context &context) {
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

    ComparedVersions outcome = stored ? compare_stored_runs(context) : compare_with_migrations(context);
    add_dropped(context, outcome);
    const int worse = count_worse(outcome.queries);
    if (context.json()) {
        nlohmann::ordered_json answer = {
            {"baseline", outcome.baseline}, {"candidate", outcome.candidate}, {"regressed", worse}};
        if (outcome.migration)
            answer["migration"] = migration_json(*outcome.migration);
        answer["queries"] = comparison_json(outcome.queries);
        answer["left_out"] = left_out_json(outcome.left_out);
        answer["dropped"] = nlohmann::ordered_json::array();
        for (const auto &[label, each] : outcome.dropped) {
            answer["dropped"].push_back(dropped_json(each));
            answer["dropped"].back()["run"] = label;
        }
        print_json(answer);
    } else {
        print_text(context, outcome);
    }
    return worse > 0 ? static_cast<int>(ExitCode::findings) : 0;
}

} // namespace dbperf::client::compare
