#include "cli/command.h"

#include "base/environment.h"
#include "base/error.h"
#include "queries/query_runner.h"

namespace dbperf::client::cli {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace queries;

Context make_context(const Options &options, const Kinds &kinds) {
    Context context = make_context_without_project(options);
    context.project = load_project_file(options.project_file, kinds);
    context.target = connection_target(options.connection, context.project.database, process_environment,
                                       context.project.is_far ? ProjectTrust::database_name_alone : ProjectTrust::all);
    return context;
}

Context make_context_without_project(const Options &options) {
    return {options, {}, {}, Style::choose(options.output.color), {}};
}

void store_project_budgets(const Context &context, Connection &results) {
    for (const auto &[query, budgets] : context.project.budgets)
        store_budgets(results, query, budgets);
}

std::vector<MonitoredQuery> monitored_queries(const Context &context, const std::string &folder) {
    const std::string path = folder.empty() ? context.project.queries : folder;
    if (path.empty())
        throw usage_error("no monitored queries are named",
                          "name their folder with --queries, or as \"queries\" in dbperf.toml");
    std::vector<MonitoredQuery> queries = load_queries(path);
    for (MonitoredQuery &query : queries) {
        const auto overrides = context.project.budgets.find(query.name);
        if (overrides == context.project.budgets.end())
            continue;
        for (const Budget &budget : overrides->second) {
            std::erase_if(query.budgets, [&](const Budget &own) { return own.metric == budget.metric; });
            query.budgets.push_back(budget);
        }
    }
    return queries;
}

} // namespace dbperf::client::cli
