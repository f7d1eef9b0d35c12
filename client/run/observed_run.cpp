#include "run/observed_run.h"

#include "base/interrupt.h"
#include "queries/query_runner.h"
#include "run/git_revision.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <random>

namespace dbperf::client::run {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace queries;

std::string default_label() {
    std::random_device source;
    return fmt::format("run-{:%Y%m%d-%H%M%S}-{:04x}", fmt::gmtime(std::time(nullptr)), source() & 0xFFFF);
}

OpenRun::OpenRun(Connection &results, const std::string &label, RunScope scope)
    : results_(results), label_(label), scope_(scope) {
    if (scope_ != RunScope::server)
        return;
    const std::string commit = current_commit();
    results_.execute("SELECT dbperf.start_run($1, jsonb_strip_nulls(jsonb_build_object('commit', $2::text)))",
                     {label_, commit.empty() ? Parameter() : Parameter(commit)});
}

void OpenRun::finish() {
    results_.execute("SELECT dbperf.finish_run($1)", {label_});
    open_ = false;
}

OpenRun::~OpenRun() {
    if (!open_)
        return;
    const InterruptShield shield;
    try {
        finish();
    } catch (const std::exception &error) {
        if (scope_ == RunScope::server) // of the other kind it may never have begun
            print_warning(fmt::format("cannot finish the run \"{}\": {}", label_, error.what()));
    }
}

int observe_command(Connection &results, const std::string &label, const std::vector<std::string> &command,
                    CommandOutput output, std::vector<std::pair<std::string, std::string>> variables) {
    variables.emplace_back("DBPERF_RUN", label);
    OpenRun run(results, label, RunScope::server);
    const int status = run_in_foreground(command, variables, output);
    throw_if_interrupted();
    run.finish();
    return status;
}

void run_monitored_queries(const ConnectionTarget &target, Connection &results,
                           const std::vector<MonitoredQuery> &queries, const std::string &label, int repeat,
                           std::optional<double> threshold_ms, Progress &progress) {
    store_budgets(results, queries, threshold_ms);
    Connection connection = Connection::open(target);
    std::vector<PreparedQuery> prepared;
    for (const MonitoredQuery &query : queries)
        prepared.push_back(prepare_query(connection, query));
    OpenRun run(results, label, RunScope::sessions);
    begin_monitored_session(connection, label);
    for (const PreparedQuery &query : prepared) {
        progress.show(fmt::format("executing {}", query.query.name));
        const double budget_ms = latency_budget_ms(query.query, threshold_ms);
        for (int execution = 0; execution < repeat; ++execution)
            execute_query(connection, query, static_cast<std::size_t>(execution), budget_ms);
    }
    set_run(connection, "");
    run.finish();
    progress.clear();
}

} // namespace dbperf::client::run
