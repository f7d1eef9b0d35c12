// dbperf deadlock: scenarios in isolation-tester syntax, made to happen again and again, beside a control.
#include "command.h"
#include "drive_deadlock_measurement.h"
#include "output_deadlock.h"
#include "output_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dbperf::client {

int command_deadlock(const Context &context) {
    const DeadlockOptions &options = context.options.deadlock;
    std::vector<DeadlockSpec> specs;
    for (const std::string &file : options.specs)
        specs.push_back(load_deadlock_spec(file));
    Progress progress(context.options.output);
    const std::vector<DeadlockMeasurement> measurements = measure_deadlocks(context.target, specs, options, progress);
    if (context.json())
        print_json({{"deadlocks", deadlocks_json(measurements)}});
    else
        fmt::print("{}", render_deadlocks(measurements, context.style, 0));
    return control_deadlocks(measurements) > 0 ? static_cast<int>(ExitCode::findings) : 0;
}

} // namespace dbperf::client
