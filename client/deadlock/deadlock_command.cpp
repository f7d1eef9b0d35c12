#include "deadlock/deadlock_command.h"

#include "deadlock/cycle_confirmation.h"
#include "deadlock/deadlock_measurement.h"
#include "deadlock/deadlock_text.h"
#include "deadlock/deadlock_throughput.h"
#include "deadlock/lock_cycle_text.h"
#include "deadlock/migration_deadlocks.h"
#include "deadlock/scenario_list.h"
#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::deadlock {
using namespace base;
using namespace terminal;
using namespace cli;

namespace {

void deadlock_options(OptionList &list, DeadlockOptions &options) {
    list.arguments("SPEC", options.specs, "scenario in isolation-tester syntax, or a list of labelled ones (.txt)");
    list.flag("--confirm", options.confirm, "make the deadlocks that a run predicted happen, in copies");
    list.text("--run", "LABEL", options.run, "label of that run (default: the latest that predicted any)");
    list.texts("--migration", "FILE", options.migrations,
               "with --run: what this file locks, against transactions of that run; may be given again");
    list.text("--from", "DATABASE", options.from, "database of that run (default: the one of the connection)");
    list.count("--repeat", options.repeat, 100000, "repetitions of each scenario");
    list.comma_list("--deadlock-timeout", "TIME,...", options.deadlock_timeouts,
                    "settings to try, as 10ms,100ms,1s (default: the server's)");
    list.count("--step-timeout", options.step_timeout_s, 86400,
               "seconds without any event after which a scenario is given up");
    list.count("--throughput", options.throughput_s, 86400,
               "instead, run each scenario's sessions again and again for so many seconds, beside its control");
    list.count("--clients", options.clients, 1000, "sessions of --throughput");
}

int confirm(const Context &context, const DeadlockOptions &options) {
    Progress progress(context.options.output);
    const Confirmation confirmation = confirm_cycles(context.target, options, progress);
    if (context.json())
        print_json({{"run", confirmation.run}, {"lock_cycles", lock_cycles_json(confirmation.cycles)}});
    else
        fmt::print("{}", render_lock_cycles(confirmation.run, confirmation.cycles, context.style));
    return count_status(confirmation.cycles, "confirmed") > 0 ? static_cast<int>(ExitCode::findings) : 0;
}

int match_migration(const Context &context, const DeadlockOptions &options) {
    MigrationDeadlockRequest request;
    request.from = options.from.empty() ? postgres::Connection::open(context.target).database() : options.from;
    request.workload = options.run;
    request.lock_timeout = "10s";
    request.confirm = options.confirm;
    request.step_timeout_s = options.step_timeout_s;
    for (const std::string &file : options.migrations)
        request.migrations.push_back(migration::load_migration(file));
    Progress progress(context.options.output);
    const MigrationDeadlocks found = find_migration_deadlocks(context.target, request, progress);
    if (found.run.empty())
        throw environment_error(found.reason,
                                "make the run anew; dbperf.keep_parameters, too, is needed for --confirm");
    if (context.json())
        print_json(migration_deadlocks_json(found));
    else
        fmt::print("{}", render_migration_deadlocks(found, context.style));
    return count_confirmed(found) > 0 ? static_cast<int>(ExitCode::findings) : 0;
}

int deadlock(const Context &context, const DeadlockOptions &options) {
    if (!options.migrations.empty() && (options.run.empty() || !options.specs.empty()))
        throw usage_error("--migration goes with --run, and with no SPEC",
                          "transactions of that run are what a migration can deadlock with");
    if (!options.migrations.empty())
        return match_migration(context, options);
    if (!options.from.empty())
        throw usage_error("--from goes with --migration");
    if (!options.confirm && options.specs.empty())
        throw usage_error("a SPEC is needed", "or --confirm, to try the deadlocks that a run predicted");
    if (options.confirm && !options.specs.empty())
        throw usage_error("either --confirm or scenarios, not both");
    if (!options.confirm && !options.run.empty())
        throw usage_error("--run goes with --confirm or --migration");
    if (options.confirm)
        return confirm(context, options);
    std::vector<DeadlockSpec> specs;
    for (const std::string &file : options.specs)
        for (DeadlockSpec &spec : load_deadlock_file(file))
            specs.push_back(std::move(spec));
    Progress progress(context.options.output);
    if (options.throughput_s > 0) {
        const std::vector<DeadlockThroughput> measured = measure_throughput(context.target, specs, options, progress);
        if (context.json())
            print_json({{"throughput", throughput_json(measured)}});
        else
            fmt::print("{}", render_throughput(measured, context.style, 0));
        return 0;
    }
    const std::vector<DeadlockMeasurement> measurements = measure_deadlocks(context.target, specs, options, progress);
    if (context.json())
        print_json({{"deadlocks", deadlocks_json(measurements)}});
    else
        fmt::print("{}", render_deadlocks(measurements, context.style, 0));
    const bool wrong = control_deadlocks(measurements) > 0 || unexpected_outcomes(measurements) > 0;
    return wrong ? static_cast<int>(ExitCode::findings) : 0;
}

} // namespace

const Command deadlock_command = {
    "deadlock", "simulate deadlocks and measure what they cost, or confirm predicted ones",
    "dbperf deadlock [OPTIONS] SPEC...\ndbperf deadlock [OPTIONS] --confirm [--run LABEL]\n"
    "dbperf deadlock [OPTIONS] --migration FILE... --run LABEL [--confirm]\n\n"
    "With --confirm each deadlock in dbperf.lock_cycles of a run is tried in a copy of its database, with the\n"
    "statements and parameters seen (dbperf.keep_parameters), and rolled back. With --migration deadlocks are\n"
    "predicted between the migration, tried in a copy, and transactions of the run (dbperf.track_locks). Exit\n"
    "code 1 when one is confirmed.",
    with_options<DeadlockOptions, deadlock_options, deadlock>};

} // namespace dbperf::client::deadlock
