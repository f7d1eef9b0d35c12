#include "results_database/results_command.h"

#include "base/error.h"
#include "base/interrupt.h"
#include "postgres/installed_dbperf.h"
#include "results_database/results_database.h"
#include "results_database/send.h"
#include "terminal/table.h"
#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace dbperf::client::results_database {
using namespace base;
using namespace postgres;
using namespace terminal;
using namespace cli;

namespace {

struct PushOptions {
    std::string run;
    bool all = false;
    bool init = false;
    ResultsOptions results;
};

void push_options(OptionList &list, PushOptions &options) {
    list.text("--run", "LABEL", options.run, "label of the run (default: the latest finished one)");
    list.flag("--all", options.all, "all finished runs that are not there yet");
    list.flag("--init", options.init, "make the results database of an existing database, as its owner");
    send_options(list, options.results);
}

struct CollectOptions {
    std::vector<std::string> sources; // connection strings
    int interval_s = 0;               // 0: once
    ResultsOptions results;
};

void collect_options(OptionList &list, CollectOptions &options) {
    list.texts("--from", "URI", options.sources, "a server with dbperf: URI or conninfo string; may be given again")
        .required();
    list.number("--interval", "SECONDS", options.interval_s, 1000000,
                "again after so many seconds, until stopped (default: once)");
    send_options(list, options.results);
}

std::string required_target(const ResultsOptions &options) {
    std::string target = results_target(options);
    if (target.empty())
        throw usage_error("no results database is named",
                          "name it with --results-db or in DBPERF_RESULTS_DATABASE_URL, as postgresql://host/database");
    return target;
}

nlohmann::ordered_json sent_json(const SentRuns &sent_runs) {
    nlohmann::ordered_json sent = nlohmann::ordered_json::array();
    for (const SentRun &run : sent_runs.sent)
        sent.push_back({{"run", run.label}, {"run_id", run.run_id}, {"rows", run.rows}});
    return {{"sent", std::move(sent)}, {"complete_before", sent_runs.complete_before}};
}

int make_results_database(const Context &context, const ResultsOptions &options) {
    const bool made = create_results_database(required_target(options));
    if (context.json())
        print_json({{"made", made}});
    else if (!context.options.output.quiet)
        fmt::print("{}\n", made ? "the results database is ready" : "it is a results database already");
    return 0;
}

// Whatever keeps one server from being collected, the others are; false when anything failed.
bool collect_once(const Context &context, const CollectOptions &options) {
    Connection target = open_results_database(required_target(options.results), ResultsAccess::sending);
    nlohmann::ordered_json servers = nlohmann::ordered_json::array();
    bool all = true;
    int number = 0;
    for (const std::string &from : options.sources) {
        ++number; // a connection string may hold a password
        try {
            Connection results = open_results(connection_target(from));
            const SentRuns sent_runs = send_runs(results, target, "");
            nlohmann::ordered_json each = sent_json(sent_runs);
            each["server"] = number;
            servers.push_back(std::move(each));
            if (!context.json())
                print_sent(context, sent_runs, fmt::format(" of server {}", number));
        } catch (const Error &error) {
            if (error.code() != ExitCode::environment)
                throw;
            print_warning(fmt::format("server {}: {}", number, error.what()));
            all = false;
        }
    }
    if (context.json()) {
        print_json({{"servers", std::move(servers)}});
        std::fflush(stdout);
    }
    return all;
}

int push(const Context &context, const PushOptions &options) {
    if (options.init + options.all + !options.run.empty() > 1)
        throw usage_error("only one of --run, --all and --init is possible");
    if (options.init)
        return make_results_database(context, options.results);
    const std::string target_name = required_target(options.results);
    Connection results = open_results(context.target);
    std::string label = options.run;
    if (label.empty() && !options.all)
        label = results.execute("SELECT label FROM dbperf.run WHERE run_id = dbperf.find_run(NULL)").text(0, 0);
    Connection target = open_results_database(target_name, ResultsAccess::sending);
    const SentRuns sent_runs = send_runs(results, target, label);
    if (context.json())
        print_json(sent_json(sent_runs));
    else
        print_sent(context, sent_runs, "");
    return 0;
}

int collect(const Context &context, const CollectOptions &options) {
    required_target(options.results);
    if (options.interval_s == 0)
        return collect_once(context, options) ? 0 : static_cast<int>(ExitCode::environment);
    try {
        while (true) {
            try {
                collect_once(context, options);
            } catch (const Error &error) {
                if (error.code() != ExitCode::environment)
                    throw;
                print_warning(error.what());
            }
            interruptible_sleep_ms(options.interval_s * 1000);
        }
    } catch (const Error &error) {
        if (error.code() != ExitCode::interrupted)
            throw;
        return 0; // it has no other end
    }
}

} // namespace

const Command push_command = {
    "push", "send stored runs to a results database of their own",
    "dbperf push [OPTIONS] [--run LABEL | --all]\ndbperf push [OPTIONS] --init\n\n"
    "A results database is a plain PostgreSQL, without the extension, for the runs of many servers and\n"
    "projects. Sending again completes what was interrupted and changes nothing else.",
    with_options<PushOptions, push_options, push>};

const Command collect_command = {"collect", "fetch the runs of several servers into a results database",
                                 "dbperf collect [OPTIONS] --from URI [--from URI...] [--interval SECONDS]",
                                 with_options<CollectOptions, collect_options, collect>};

} // namespace dbperf::client::results_database
