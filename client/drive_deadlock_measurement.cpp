#include "drive_deadlock_measurement.h"

#include "drive_clones.h"

#include <fmt/format.h>

namespace dbperf::client {

std::vector<std::string> checked_deadlock_timeouts(Connection &connection, const std::vector<std::string> &wanted) {
    if (wanted.empty())
        return {connection.execute("SHOW deadlock_timeout").text(0, 0)};
    for (const std::string &timeout : wanted) {
        try {
            connection.execute(fmt::format("SET deadlock_timeout = {}", connection.quote_text(timeout)));
        } catch (const DatabaseError &error) {
            if (error.sqlstate() == "42501")
                throw environment_error(
                    "this role may not set deadlock_timeout",
                    "GRANT SET ON PARAMETER deadlock_timeout TO it, or leave out --deadlock-timeout");
            throw usage_error(fmt::format("\"{}\" is no deadlock_timeout: {}", timeout, error.what()),
                              "write it as 10ms, 100ms or 1s");
        }
    }
    return wanted;
}

std::vector<DeadlockMeasurement> measure_deadlocks(const ConnectionTarget &target,
                                                   const std::vector<DeadlockSpec> &specs,
                                                   const DeadlockOptions &options, Progress &progress) {
    std::string home;
    std::vector<std::string> timeouts;
    {
        Connection connection = Connection::open(target);
        home = connection.database();
        timeouts = checked_deadlock_timeouts(connection, options.deadlock_timeouts);
    }
    const TemporaryDatabase scratch(target, home, random_name("deadlock"), "");
    std::vector<DeadlockMeasurement> measurements;
    for (const DeadlockSpec &spec : specs)
        for (const Permutation &permutation : spec.permutations) {
            if (permutation.control)
                continue;
            for (const std::string &timeout : timeouts) {
                const SimulationSettings settings{options.deadlock_timeouts.empty() ? "" : timeout,
                                                  options.step_timeout_s};
                DeadlockMeasurement measurement{spec.name, permutation.line, timeout, {}, {}, permutation.expects_deadlock,
                                                spec.labelled};
                for (int pass = 0; pass < options.repeat; ++pass) {
                    progress.show(fmt::format("{} at {}: {} of {}", spec.name, timeout, pass + 1, options.repeat));
                    measurement.passes.push_back(simulate(scratch.target(), spec, permutation, settings));
                    if (!spec.labelled)
                        measurement.control.push_back(simulate(scratch.target(), spec, spec.control(), settings));
                }
                measurements.push_back(std::move(measurement));
            }
        }
    progress.clear();
    return measurements;
}

} // namespace dbperf::client
