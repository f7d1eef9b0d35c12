#include "results_database/send.h"

#include "base/environment.h"
#include "base/error.h"
#include "postgres/installed_dbperf.h"
#include "terminal/table.h"

#include <fmt/format.h>

#include <cstdio>

namespace dbperf::client::results_database {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace cli;

void send_options(OptionList &list, ResultsOptions &options) {
    list.text("--results-db", "URI", options.database,
              "results database of its own to send to (also DBPERF_RESULTS_DATABASE_URL)");
}

std::string results_target(const ResultsOptions &options) {
    return options.database.empty() ? process_environment("DBPERF_RESULTS_DATABASE_URL").value_or("")
                                    : options.database;
}

void print_sent(const Context &context, const SentRuns &sent_runs, const std::string &from) {
    if (context.options.output.quiet)
        return;
    std::FILE *const out = context.json() ? stderr : stdout;
    for (const SentRun &run : sent_runs.sent)
        fmt::print(out, "sent run {}{}: {}\n", run.label, from, plural(run.rows, "new row", "new rows"));
    if (sent_runs.sent.empty() && sent_runs.complete_before > 0)
        fmt::print(out, "nothing to send{}: {} there already\n", from,
                   sent_runs.complete_before == 1 ? "the run is"
                                                  : plural(sent_runs.complete_before, "run is", "runs are"));
    std::fflush(out);
}

int send_results(const Context &context, const ResultsOptions &options, const std::string &label, int status) {
    const std::string target_name = results_target(options);
    if (target_name.empty())
        return status;
    try {
        Connection results = open_results(context.target);
        Connection target = open_results_database(target_name, ResultsAccess::sending);
        print_sent(context, send_runs(results, target, label), "");
        return status;
    } catch (const Error &error) {
        if (error.code() == ExitCode::interrupted)
            throw;
        print_error(fmt::format("the results were not sent: {}", error.what()),
                    fmt::format("{}{}the run is stored on its server; `dbperf push --run {}` sends it", error.hint(),
                                error.hint().empty() ? "" : "; ", label));
        return status != 0 ? status : static_cast<int>(error.code());
    }
}

} // namespace dbperf::client::results_database
