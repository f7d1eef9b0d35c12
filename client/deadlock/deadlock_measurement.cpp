#include "deadlock/deadlock_measurement.h"

#include "deadlock/scenario_database.h"
#include "postgres/installed_dbperf.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace dbperf::client::deadlock {
using namespace base;
using namespace postgres;
using namespace terminal;

namespace {

// What the server itself reports of the deadlocks in one database, where it has dbperf.
class DeadlockRecords {
public:
    DeadlockRecords(const ConnectionTarget &target, std::string database) : database_(std::move(database)) {
        Connection connection = Connection::open(target);
        const DbperfState state = read_dbperf_state(connection);
        if (state.module_loaded && state.usable && !state.extension_version.empty())
            results_.emplace(open_results(target));
    }

    // WAL in bytes that the victims since the last call had written.
    std::vector<double> take_lost_wal() {
        std::vector<double> bytes;
        if (!results_)
            return bytes;
        results_->execute("SELECT dbperf.flush()");
        const Result rows = results_->execute(fmt::format(
            "SELECT deadlock_id, lost_wal_bytes FROM dbperf.deadlocks WHERE database = {} AND deadlock_id > {}",
            results_->quote_text(database_), last_));
        for (int row = 0; row < rows.rows(); ++row) {
            bytes.push_back(rows.number(row, "lost_wal_bytes").value_or(0));
            last_ = std::max(last_, rows.integer(row, "deadlock_id"));
        }
        return bytes;
    }

private:
    std::string database_;
    std::optional<Connection> results_;
    long long last_ = 0;
};

} // namespace

std::vector<DeadlockMeasurement> measure_deadlocks(const ConnectionTarget &target,
                                                   const std::vector<DeadlockSpec> &specs,
                                                   const DeadlockOptions &options, Progress &progress) {
    const ScenarioDatabase database(target, options);
    DeadlockRecords records(target, database.name());
    std::vector<DeadlockMeasurement> measurements;
    for (const DeadlockSpec &spec : specs)
        for (const Permutation &permutation : spec.permutations) {
            if (permutation.control)
                continue;
            for (const DeadlockTimeout &timeout : database.timeouts()) {
                const SimulationSettings settings{timeout.setting, options.step_timeout_s};
                DeadlockMeasurement measurement{
                    spec.name, permutation.line, timeout.shown, {}, {}, permutation.expects_deadlock, spec.labelled,
                    {}};
                for (int pass = 0; pass < options.repeat; ++pass) {
                    progress.show(
                        fmt::format("{} at {}: {} of {}", spec.name, timeout.shown, pass + 1, options.repeat));
                    measurement.passes.push_back(simulate(database.target(), spec, permutation, settings));
                    if (!spec.labelled)
                        measurement.control.push_back(simulate(database.target(), spec, spec.control(), settings));
                }
                measurement.lost_wal = records.take_lost_wal();
                measurements.push_back(std::move(measurement));
            }
        }
    progress.clear();
    return measurements;
}

} // namespace dbperf::client::deadlock
