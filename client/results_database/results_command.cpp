#include "results_database/results_command.h"

#include "base/error.h"
#include "base/interrupt.h"
#include "postgres/installed_dbperf.h"
#include "results_database/results_database.h"
#include "results_database/send.h"
#include "terminal/figures.h"
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

std::string required_target(const Context &context) {
    std::string target = results_target(context);
    if (target.empty())
        throw usage_error("no results database is named",
                          "name it with --results-db or in DBPERF_RESULTS_DATABASE_URL, as postgresql://host/database");
    return target;
}

nlohmann::ordered_json sent_json(const SentRuns &told) {
    nlohmann::ordered_json sent = nlohmann::ordered_json::array();
    for (const SentRun &run : told.sent)
        sent.push_back({{"run", run.label}, {"run_id", run.run_id}, {"rows", run.rows}});
    return {{"sent", std::move(sent)}, {"complete_before", told.complete_before}};
}

int make_results_database(const Context &context) {
    const bool made = create_results_database(required_target(context));
    if (context.json())
        print_json({{"made", made}});
    else if (!context.options.output.quiet)
        fmt::print("{}\n", made ? "the results database is ready" : "it is a results database already");
    return 0;
}

// Whatever keeps one server from being collected, the others are; false when anything failed.
bool collect_once(const Context &context) {
    Connection target = open_results_database(required_target(context), ResultsAccess::sending);
    nlohmann::ordered_json servers = nlohmann::ordered_json::array();
    bool all = true;
    int number = 0;
    for (const std::string &from : context.options.collect.sources) {
        ++number; // a connection string may hold a password
        try {
            Connection results = open_results(connection_target(from));
            const SentRuns told = send_runs(results, target, "");
            nlohmann::ordered_json each = sent_json(told);
            each["server"] = number;
            servers.push_back(std::move(each));
            if (!context.json())
                print_sent(context, told, fmt::format(" of server {}", number));
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

} // namespace

int push_command(const Context &context) {
    const PushOptions &options = context.options.push;
    if (options.init + options.all + !options.run.empty() > 1)
        throw usage_error("only one of --run, --all and --init is possible");
    if (options.init)
        return make_results_database(context);
    const std::string target_name = required_target(context);
    Connection results = open_results(context.target);
    std::string label = options.run;
    if (label.empty() && !options.all)
        label = results.execute("SELECT label FROM dbperf.run WHERE run_id = dbperf.find_run(NULL)").text(0, 0);
    Connection target = open_results_database(target_name, ResultsAccess::sending);
    const SentRuns told = send_runs(results, target, label);
    if (context.json())
        print_json(sent_json(told));
    else
        print_sent(context, told, "");
    return 0;
}

int collect_command(const Context &context) {
    required_target(context);
    const int interval_s = context.options.collect.interval_s;
    if (interval_s == 0)
        return collect_once(context) ? 0 : static_cast<int>(ExitCode::environment);
    try {
        while (true) {
            try {
                collect_once(context);
            } catch (const Error &error) {
                if (error.code() != ExitCode::environment)
                    throw;
                print_warning(error.what());
            }
            interruptible_sleep_ms(interval_s * 1000);
        }
    } catch (const Error &error) {
        if (error.code() != ExitCode::interrupted)
            throw;
        return 0; // it has no other end
    }
}

} // namespace dbperf::client::results_database
