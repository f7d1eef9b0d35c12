// Owns measuring what deadlocks cost under load: many clients repeat a scenario's transactions, beside its control.
#pragma once

#include "deadlock/deadlock_options.h"
#include "deadlock/scenario.h"
#include "postgres/connection.h"
#include "terminal/progress.h"

#include <string>
#include <vector>

namespace dbperf::client::deadlock {

struct LoadFigures {
    long long commits = 0;
    long long deadlocks = 0;
    double seconds = 0;

    double per_second() const { return seconds > 0 ? static_cast<double>(commits) / seconds : 0; }
};

struct DeadlockThroughput {
    std::string spec;
    std::string deadlock_timeout;
    int clients = 0;
    LoadFigures as_written;
    LoadFigures control;
};

// Victims try again after a pause. A transaction that cannot be repeated is a usage error.
std::vector<DeadlockThroughput> measure_throughput(const postgres::ConnectionTarget &target,
                                                   const std::vector<DeadlockSpec> &specs,
                                                   const DeadlockOptions &options, terminal::Progress &progress);

} // namespace dbperf::client::deadlock
