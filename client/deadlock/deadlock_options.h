// Owns how scenarios are measured and predicted deadlocks are confirmed, as it was asked for.
#pragma once

#include <string>
#include <vector>

namespace dbperf::client::deadlock {

struct DeadlockOptions {
    std::vector<std::string> specs;
    bool confirm = false;                       // predicted ones, in place of specs
    std::string run;                            // whose; empty: the latest finished run that predicted any
    std::vector<std::string> migrations;        // files, to be matched with that run
    std::string from;                           // its database; empty: the one of the connection
    std::vector<std::string> deadlock_timeouts; // PostgreSQL's spelling; empty: the server's own setting
    int repeat = 10;
    int step_timeout_s = 60;
    int throughput_s = 0; // 0: no throughput is measured
    int clients = 8;
};

} // namespace dbperf::client::deadlock
