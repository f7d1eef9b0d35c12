// Holds the table of commands; runs the one that is named and turns whatever it throws into a message and an exit code.
#include "advise/advise_command.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/secret.h"
#include "baseline/baseline_command.h"
#include "check/check_command.h"
#include "cli/command_line.h"
#include "compare/compare_command.h"
#include "deadlock/deadlock_command.h"
#include "demo/demo_command.h"
#include "doctor/doctor_command.h"
#include "findings/kinds.h"
#include "manual/manual_commands.h"
#include "mcp/mcp_command.h"
#include "metrics/export_command.h"
#include "reports/report_command.h"
#include "results_database/results_command.h"
#include "run/run_command.h"
#include "server/server_command.h"
#include "statistics/statistics_command.h"
#include "testdb/testdb_command.h"

#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using namespace dbperf::client;
using namespace dbperf::client::base;
using namespace dbperf::client::cli;

// All there are, in the order of the help.
constexpr std::array commands = {
    &run::run_command,
    &compare::compare_command,
    &advise::advise_command,
    &baseline::baseline_command,
    &deadlock::deadlock_command,
    &check::check_command,
    &reports::report_command,
    &statistics::statistics_command,
    &metrics::export_command,
    &results_database::push_command,
    &results_database::collect_command,
    &mcp::mcp_command,
    &testdb::testdb_command,
    &server::server_command,
    &demo::demo_command,
    &doctor::doctor_command,
    &manual::completion_command,
    &manual::man_command,
};

int run_named_command(int argc, char **argv) {
    for (const char *name : {"DBPERF_DATABASE_URL", "DATABASE_URL", "DBPERF_RESULTS_DATABASE_URL"})
        conceal_passwords_of(process_environment(name).value_or(""));
    const std::vector<std::string> given(argv, argv + argc);
    const bool shows_password = conceal_arguments(argc, argv);
    std::vector<const char *> arguments;
    for (const std::string &each : given)
        arguments.push_back(each.c_str());
    arguments.push_back(nullptr);
    const auto line = parse_command_line(commands, argc, arguments.data());
    if (!line)
        return static_cast<int>(ExitCode::clean);
    if (shows_password)
        print_warning("others could see the password on the command line in the list of processes; "
                      "put it into .pgpass, PGPASSWORD or a service file");
    install_signal_handlers();
    Context context = line->reads_project ? make_context(line->options, findings::kinds_that_may_only_warn())
                                          : make_context_without_project(line->options);
    context.commands = commands;
    return line->run(context);
}

} // namespace

int main(int argc, char **argv) {
    int status = static_cast<int>(ExitCode::internal);
    try {
        status = run_named_command(argc, argv);
    } catch (const Error &error) {
        print_error(error.what(), error.hint());
        status = static_cast<int>(error.code());
    } catch (const std::exception &error) {
        print_error(error.what(), internal_error("").hint());
    }
    if (std::fflush(stdout) != 0 && status == 0)
        status = static_cast<int>(ExitCode::environment);
    return status;
}
