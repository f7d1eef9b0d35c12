#include "deadlock/deadlock_command.h"

#include "deadlock/cycle_confirmation.h"
#include "deadlock/deadlock_measurement.h"
#include "deadlock/deadlock_text.h"
#include "deadlock/deadlock_throughput.h"
#include "deadlock/lock_cycle_text.h"
#include "deadlock/scenario_list.h"
#include "terminal/json_answer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client::deadlock {
using namespace base;
using namespace terminal;
using namespace cli;

namespace {

int confirm(const Context &context) {
    Progress progress(context.options.output);
    const Confirmation confirmation = confirm_cycles(context.target, context.options.deadlock, progress);
    if (context.json())
        print_json({{"run", confirmation.run}, {"lock_cycles", lock_cycles_json(confirmation.cycles)}});
    else
        fmt::print("{}", render_lock_cycles(confirmation.run, confirmation.cycles, context.style));
    return count_status(confirmation.cycles, "confirmed") > 0 ? static_cast<int>(ExitCode::findings) : 0;
}

} // namespace

int deadlock_command(const Context &context) {
    const DeadlockOptions &options = context.options.deadlock;
    if (options.confirm && !options.specs.empty())
        throw usage_error("either --confirm or scenarios, not both");
    if (!options.confirm && !options.run.empty())
        throw usage_error("--run goes with --confirm");
    if (options.confirm)
        return confirm(context);
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

} // namespace dbperf::client::deadlock
