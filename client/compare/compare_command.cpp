#include "compare/compare_command.h"

#include "base/error.h"
#include "blocking/observed_migration_text.h"
#include "base/file_text.h"
#include "base/interrupt.h"
#include "compare/comparison_text.h"
#include "compare/migration_comparison.h"
#include "compare/plan_diff_text.h"
#include "compare/production_text.h"
#include "deadlock/migration_deadlocks.h"
#include "migration/migration_text.h"
#include "postgres/installed_dbperf.h"
#include "run/run_report_text.h"
#include "terminal/table.h"
#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace dbperf::client::compare {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace queries;
using namespace cli;
using namespace migration;
using namespace deadlock;
using namespace run;
using namespace blocking;

namespace {

constexpr std::string_view workload_prefix = "run:";
constexpr std::string_view default_lock_timeout = "10s";

struct CompareOptions {
    std::string from;          // database to copy; empty: the one of the connection
    std::string template_name; // the same, for one that is closed to connections
    std::vector<std::string> migrations;
    std::string queries;
    std::string workload; // run:LABEL
    std::string baseline;
    std::string candidate;
    int samples = 40;                        // executions of each query on each side
    std::string statement_timeout = "1min";  // PostgreSQL's spelling, as the next one
    std::optional<std::string> lock_timeout; // default_lock_timeout without
    bool during = false;                     // --while
    int sessions = 4;
    bool confirm_deadlocks = false;
    std::string statistics;           // file
    std::string parameters = "worst"; // or all
};

void compare_options(OptionList &list, CompareOptions &options) {
    const auto from = list.text("--from", "DATABASE", options.from,
                                "database to copy both sides from (default: the one of the connection)");
    list.text("--template", "NAME", options.template_name, "the same, for a template that takes no connections")
        .excludes(from);
    list.texts("--migration", "FILE", options.migrations, "file to apply to one of the two copies; may be given again");
    list.text("--queries", "PATH", options.queries, "folder or file of monitored queries");
    list.text("--workload", "run:LABEL", options.workload, "execute the statements that this run kept parameters of");
    list.count("--samples", options.samples, 100000, "least executions of each query on each side, in pairs");
    list.text("--statement-timeout", "TIME", options.statement_timeout,
              "a query that takes longer is cancelled and judged by that (default: 1min)");
    list.text("--lock-timeout", "TIME", options.lock_timeout,
              "a migration that waits longer for a lock fails (default: 10s)");
    const auto during = list.flag("--while", options.during,
                                  "apply the migration once more while the queries run, and report how long they wait "
                                  "for it; with --lock-timeout a second time with that");
    list.count("--sessions", options.sessions, 100, "sessions that execute the queries for --while").needs(during);
    list.flag("--confirm-deadlocks", options.confirm_deadlocks,
              "make deadlocks of the migration with transactions of the workload happen, in copies");
    list.text("--statistics", "FILE", options.statistics,
              "also judge by plans with these statistics of production, of dbperf statistics export");
    list.text("--parameters", "worst|all", options.parameters,
              "whose plans the JSON has with --statistics: the parameters that got worst (default), or all");
    list.text("--baseline", "LABEL", options.baseline, "label of the stored run to compare with");
    list.text("--candidate", "LABEL", options.candidate, "label of the stored run to judge");
}

struct ComparedVersions {
    std::string baseline;
    std::string candidate;
    std::vector<ComparedQuery> queries;
    std::string title;
    std::optional<MigrationEffect> migration;
    std::vector<LeftOutQuery> left_out;
    std::optional<MigrationDeadlocks> deadlocks;          // with transactions of the workload
    std::vector<std::pair<std::string, Dropped>> dropped; // by which run
    UntilAnalyze until_analyze;
    std::optional<ProductionOutcome> production;
    std::size_t not_judged = 0; // queries, when it was interrupted
    std::vector<ObservedMigration> during;
    bool during_interrupted = false;
};

// What a run could not keep is not compared.
void add_dropped(const Context &context, ComparedVersions &outcome) {
    Connection results = open_results(context.target);
    for (const std::string &label : {outcome.baseline, outcome.candidate})
        for (Dropped &each : load_dropped(results, label))
            outcome.dropped.emplace_back(label, std::move(each));
}

ComparedVersions compare_stored_runs(const Context &context, const CompareOptions &options) {
    Connection results = open_results(context.target);
    return {options.baseline,
            options.candidate,
            load_comparison(results, options.baseline, options.candidate),
            fmt::format("{} -> {}", options.baseline, options.candidate),
            std::nullopt,
            {},
            std::nullopt,
            {},
            {},
            std::nullopt,
            0,
            {},
            false};
}

// What the migration locks, against what transactions of the run locked.
std::optional<MigrationDeadlocks> deadlocks_with_workload(const Context &context, const CompareOptions &options,
                                                          const ComparisonRequest &compared, Progress &progress) {
    if (compared.workload.empty())
        return std::nullopt;
    MigrationDeadlockRequest request;
    request.from = compared.from.empty() ? Connection::open(context.target).database() : compared.from;
    request.workload = compared.workload;
    request.migrations = compared.migrations;
    request.lock_timeout = compared.lock_timeout;
    request.confirm = options.confirm_deadlocks;
    MigrationDeadlocks found = find_migration_deadlocks(context.target, request, progress);
    // Where nobody asked, a run that knows nothing of locks has nothing to report.
    if (found.run.empty() && !options.confirm_deadlocks)
        return std::nullopt;
    return found;
}

// A file that is no document is reported before anything is copied.
std::string load_statistics(const std::string &file) {
    std::string text = read_file(file);
    const nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
    if (!document.is_object() || !document.contains("schema_version") || !document.contains("relations"))
        throw usage_error(fmt::format("{} holds no statistics", file),
                          "take it whole as `dbperf statistics export` wrote it");
    return text;
}

// What it would be applied with then, is not what was asked for.
void refuse_own_lock_timeout(const std::vector<Migration> &migrations) {
    for (const Migration &migration : migrations)
        for (const MigrationStatement &statement : migration.statements)
            if (!statement.words.empty() && statement.words[0] == "SET" &&
                std::find(statement.words.begin(), statement.words.end(), "LOCK_TIMEOUT") != statement.words.end())
                throw usage_error(fmt::format("{}:{} sets lock_timeout itself, so --while cannot apply it with and "
                                              "without --lock-timeout",
                                              migration.file, statement.line),
                                  "leave out --lock-timeout to see what the migration's own does, or take it out of "
                                  "the file");
}

ComparedVersions compare_with_migrations(const Context &context, const CompareOptions &options) {
    ComparisonRequest request;
    request.from = options.template_name.empty() ? options.from : options.template_name;
    if (options.workload.empty())
        request.queries = monitored_queries(context, options.queries);
    else
        request.workload = options.workload.substr(workload_prefix.size());
    request.samples = options.samples;
    request.statement_timeout = options.statement_timeout;
    request.lock_timeout = options.lock_timeout.value_or(std::string(default_lock_timeout));
    request.threshold_ms = context.project.slow_query_threshold_ms;
    request.keep_partial = true;
    for (const std::string &file : options.migrations)
        request.migrations.push_back(load_migration(file));
    if (!options.statistics.empty())
        request.statistics = load_statistics(options.statistics);
    if (options.during) {
        request.load_sessions = options.sessions;
        request.load_lock_timeout = options.lock_timeout.value_or("");
        if (options.lock_timeout)
            refuse_own_lock_timeout(request.migrations);
    }
    Progress progress(context.options.output);
    MigrationComparison comparison = compare_migration(context.target, request, progress);
    const bool is_cut = comparison.not_judged > 0 || comparison.during_interrupted;
    std::string title =
        fmt::format("{}, applied in {}", fmt::join(options.migrations, ", "), format_ms(comparison.migration.ms));
    return {comparison.baseline,
            comparison.candidate,
            std::move(comparison.queries),
            std::move(title),
            std::move(comparison.migration),
            std::move(comparison.left_out),
            is_cut ? std::nullopt : deadlocks_with_workload(context, options, request, progress),
            {},
            std::move(comparison.until_analyze),
            std::move(comparison.production),
            comparison.not_judged,
            std::move(comparison.during),
            comparison.during_interrupted};
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
    if (outcome.deadlocks)
        fmt::print("{}\n", render_migration_deadlocks(*outcome.deadlocks, context.style));
    fmt::print("{}", render_comparison(outcome.queries, context.style, 0, show_plans));
    fmt::print("{}", render_left_out(outcome.left_out, context.style));
    if (const std::string sentence = until_analyze_sentence(outcome.until_analyze); !sentence.empty())
        fmt::print("\n{}", paragraph(context.style, 0, "right after", one_line(sentence)));
    if (outcome.production)
        fmt::print("{}", render_production(outcome.queries, *outcome.production, context.style,
                                           context.options.output.verbose));
    for (const ObservedMigration &observed : outcome.during)
        fmt::print("{}", render_observed(observed, context.style, context.options.output.verbose));
    for (const auto &[label, each] : outcome.dropped)
        fmt::print("{}", paragraph(context.style, 0, "incomplete", one_line(label + ": " + each.reason)));
    fmt::print("\n{}\n", summarize_comparison(outcome.queries, context.style));
}

void add_production(const CompareOptions &options, const ProductionOutcome &outcome, nlohmann::ordered_json &answer) {
    for (std::size_t i = 0; i < outcome.queries.size() && i < answer["queries"].size(); ++i)
        answer["queries"][i]["production"] = production_json(outcome.queries[i], options.parameters == "all");
    for (std::size_t i = 0; i < outcome.statements.size() && i < answer["migration"]["statements"].size(); ++i)
        answer["migration"]["statements"][i]["production"] = outcome.statements[i];
    answer["statistics_lost"] = outcome.lost;
    answer["statistics_missing"] = outcome.missing;
}

nlohmann::ordered_json until_analyze_json(const UntilAnalyze &state) {
    nlohmann::ordered_json queries = nlohmann::ordered_json::array();
    for (const UnanalyzedQuery &query : state.queries)
        queries.push_back({{"query", query.query}, {"difference", query.difference}});
    return {{"columns", state.columns}, {"queries", queries}};
}

int compare(const Context &context, const CompareOptions &options) {
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
    if (options.confirm_deadlocks && options.workload.empty())
        throw usage_error("--confirm-deadlocks goes with --workload",
                          "transactions of that run are what a migration can deadlock with");
    if (!stored && options.migrations.empty())
        throw usage_error("nothing to compare",
                          "name a migration with --migration, or two stored runs with --baseline and --candidate");

    if (stored && !options.statistics.empty())
        throw usage_error("--statistics goes with --migration");
    if (stored && options.during)
        throw usage_error("--while goes with --migration", "name the migration in place of --baseline and --candidate");
    if (options.parameters != "worst" && options.parameters != "all")
        throw usage_error(fmt::format("--parameters {}: neither worst nor all", options.parameters));

    ComparedVersions outcome =
        stored ? compare_stored_runs(context, options) : compare_with_migrations(context, options);
    std::optional<InterruptShield> shield; // it has been heeded
    if (outcome.not_judged > 0 || outcome.during_interrupted)
        shield.emplace();
    add_dropped(context, outcome);
    const int worse = count_worse(outcome.queries);
    if (context.json()) {
        nlohmann::ordered_json answer = {
            {"baseline", outcome.baseline}, {"candidate", outcome.candidate}, {"regressed", worse}};
        if (outcome.migration)
            answer["migration"] = migration_json(*outcome.migration);
        answer["queries"] = comparison_json(outcome.queries);
        answer["until_analyze"] = until_analyze_json(outcome.until_analyze);
        if (outcome.production)
            add_production(options, *outcome.production, answer);
        if (outcome.deadlocks)
            answer["deadlocks"] = migration_deadlocks_json(*outcome.deadlocks);
        if (options.during) {
            answer["while"] = nlohmann::ordered_json::array();
            for (const ObservedMigration &observed : outcome.during)
                answer["while"].push_back(observed_json(observed));
        }
        answer["not_judged"] = outcome.not_judged;
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
    if (outcome.not_judged > 0)
        throw Error(ExitCode::interrupted,
                    fmt::format("interrupted: {} of {} judged", outcome.queries.size(),
                                plural(static_cast<long long>(outcome.queries.size() + outcome.not_judged), "query",
                                       "queries")));
    if (outcome.during_interrupted)
        throw Error(ExitCode::interrupted, "interrupted: the queries are judged, but --while is not done");
    const int worse_there = outcome.production ? count_worse_in_production(*outcome.production) : 0;
    return worse > 0 || worse_there > 0 || (outcome.deadlocks && count_confirmed(*outcome.deadlocks) > 0)
               ? static_cast<int>(ExitCode::findings)
               : 0;
}

} // namespace

const Command compare_command = {
    "compare", "judge a migration, or two stored runs",
    "dbperf compare [OPTIONS] [--from DATABASE | --template NAME] --migration FILE...\n"
    "        [--queries DIR | --workload run:LABEL] [--statistics FILE] [--while]\n"
    "dbperf compare [OPTIONS] --baseline LABEL --candidate LABEL\n\n"
    "Exit code 1 when a query regressed, fails after the migration or returns something else, or a deadlock is\n"
    "confirmed. With --workload what the migration locks is matched with what transactions of that run locked\n"
    "(dbperf.track_locks). With --statistics plans are also judged as production would make them, by a file of\n"
    "dbperf statistics export. With --while the queries run on while the migration is applied to a copy: longest wait\n"
    "of each, the lock, and the statement that was in the way. With --verbose unchanged queries are listed, too, and\n"
    "both plans of each query are shown side by side. An interrupt shows what was judged by then.",
    with_options<CompareOptions, compare_options, compare>};

} // namespace dbperf::client::compare
